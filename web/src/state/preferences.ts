// What a person likes, kept in the browser. The language is here as well: for a URL that names none.
import { LANGUAGES, type Language } from "./route";

export interface Preferences {
  readonly language: Language;
  readonly theme: "dark" | "light";
  readonly pressure: "m" | "kPa" | "bar";
  readonly flow: "m3/h" | "L/s";
  readonly zone: "utc" | "browser";
  readonly singleKeys: boolean;
}

const KEY = "tweeling.preferences";

function oneOf<T extends string>(names: readonly T[], value: unknown, otherwise: T): T {
  return names.find((name) => name === value) ?? otherwise;
}

/** Preferences from what was kept, whatever that is by now. */
export function parsePreferences(text: string | null, usual: Preferences): Preferences {
  let kept: Record<string, unknown> = {};
  try {
    const found: unknown = JSON.parse(text ?? "{}");
    if (typeof found === "object" && found !== null) kept = found as Record<string, unknown>;
  } catch {
    kept = {}; // somebody else wrote it: the usual ones then
  }
  return {
    language: oneOf(LANGUAGES, kept["language"], usual.language),
    theme: oneOf(["dark", "light"], kept["theme"], usual.theme),
    pressure: oneOf(["m", "kPa", "bar"], kept["pressure"], usual.pressure),
    flow: oneOf(["m3/h", "L/s"], kept["flow"], usual.flow),
    zone: oneOf(["utc", "browser"], kept["zone"], usual.zone),
    singleKeys: typeof kept["singleKeys"] === "boolean" ? kept["singleKeys"] : usual.singleKeys,
  };
}

/** What this browser would like before anybody said anything. */
export function usualPreferences(): Preferences {
  return {
    language: navigator.language.startsWith("nl") ? "nl" : "en",
    theme: matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark",
    pressure: "m",
    flow: "m3/h",
    zone: "utc",
    singleKeys: true,
  };
}

/** A browser may forbid keeping anything; then it is kept as long as the page lives. */
export function loadPreferences(): Preferences {
  return parsePreferences(read(KEY), usualPreferences());
}

export function savePreferences(preferences: Preferences): void {
  write(KEY, JSON.stringify(preferences));
}

export function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function write(key: string, text: string): void {
  try {
    localStorage.setItem(key, text);
  } catch {
    return; // full or forbidden: nothing depends on it
  }
}
