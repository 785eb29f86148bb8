// A stranger's text inside a sentence: signs that turn the direction of writing end where it ends.

const TURNS = /[\u202A-\u202E\u2066-\u2069]/;

/** The text as it is; with such signs in it, shut in (first strong isolate), so that the rest of the sentence stays in order. */
export function isolated(text: string): string {
  return TURNS.test(text) ? `\u2068${text.replaceAll("\u2069", "")}\u2069` : text;
}
