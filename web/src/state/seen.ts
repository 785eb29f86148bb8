// Which warnings this browser has shown in full, so that new ones can be marked. Bounded.
import { read, write } from "./preferences";

const KEY = "tweeling.seen";
export const KEPT_SEEN = 1000;

/** Revision last seen, by finding; oldest first. */
export function parseSeen(text: string | null): ReadonlyMap<string, number> {
  try {
    const found: unknown = JSON.parse(text ?? "[]");
    if (!Array.isArray(found)) return new Map();
    return new Map(found.filter((row): row is [string, number] => Array.isArray(row) && typeof row[0] === "string" && typeof row[1] === "number"));
  } catch {
    return new Map(); // somebody else wrote it
  }
}

export function withSeen(seen: ReadonlyMap<string, number>, finding: string, revision: number): ReadonlyMap<string, number> {
  const rows = [...seen].filter(([id]) => id !== finding);
  return new Map([...rows, [finding, revision] as const].slice(-KEPT_SEEN));
}

export const loadSeen = (): ReadonlyMap<string, number> => parseSeen(read(KEY));
export const saveSeen = (seen: ReadonlyMap<string, number>): void => write(KEY, JSON.stringify([...seen]));
