// From SI to what a person reads.
import type { Preferences } from "../state/preferences";

/** A number of ours times `factor` is one of theirs; `word` is a key of the words. */
export interface Unit {
  readonly factor: number;
  readonly word: "metre" | "kPa" | "bar" | "m3h" | "ls" | "metres" | "none";
}

const PRESSURE: Readonly<Record<Preferences["pressure"], Unit>> = {
  m: { factor: 1, word: "metre" },
  kPa: { factor: 9.80665, word: "kPa" },
  bar: { factor: 0.0980665, word: "bar" },
};
const FLOW: Readonly<Record<Preferences["flow"], Unit>> = { "m3/h": { factor: 3600, word: "m3h" }, "L/s": { factor: 1000, word: "ls" } };

/** In which unit a person wants a quantity. Heads and levels are heights and stay metres. */
export function unitOf(quantity: string, preferences: Pick<Preferences, "pressure" | "flow">): Unit {
  if (quantity === "pressure") return PRESSURE[preferences.pressure];
  if (quantity === "flow" || quantity === "demand") return FLOW[preferences.flow];
  return quantity === "head" || quantity === "level" ? { factor: 1, word: "metres" } : { factor: 1, word: "none" };
}
