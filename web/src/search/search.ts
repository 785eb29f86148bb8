// Fuzzy search: the letters that are asked for, in that order. Pure.

export interface Entry {
  readonly sort: "node" | "link" | "sensor" | "warning" | "command";
  /** What it is found by and shown as. */
  readonly text: string;
  readonly id: string;
}

export interface Hit {
  readonly entry: Entry;
  readonly score: number;
}

const BOUNDARY = /[^\p{L}\p{N}]/u;

/** How well letters fit a text, 0: not at all. Whole beginnings count most, then words, then letters that stand together. */
export function scoreOf(asked: string, text: string): number {
  if (asked === text) return 1000;
  if (text.startsWith(asked)) return 600 - Math.min(100, text.length - asked.length);
  const inside = text.indexOf(asked);
  if (inside > 0) return (BOUNDARY.test(text[inside - 1] ?? "") ? 450 : 300) - Math.min(100, text.length - asked.length);
  let [score, place, together] = [0, 0, 0];
  for (const letter of asked) {
    const next = text.indexOf(letter, place);
    if (next < 0) return 0;
    together = next === place && place > 0 ? together + 1 : 0;
    score += 2 + 4 * together + (next === 0 || BOUNDARY.test(text[next - 1] ?? "") ? 6 : 0);
    place = next + 1;
  }
  return Math.max(1, Math.min(200, score - (text.length - asked.length) / 4));
}

/** The best hits, best first; of equals the shorter, then by name. */
export function search(asked: string, entries: Iterable<Entry>, most: number): readonly Hit[] {
  const letters = asked.trim().toLowerCase();
  if (!letters) return [];
  const hits: Hit[] = [];
  for (const entry of entries) {
    const score = scoreOf(letters, entry.text.toLowerCase());
    if (score > 0) hits.push({ entry, score });
  }
  hits.sort((a, b) => b.score - a.score || a.entry.text.length - b.entry.text.length || (a.entry.text < b.entry.text ? -1 : 1));
  return hits.slice(0, most);
}
