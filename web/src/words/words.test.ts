import { describe, expect, it } from "vitest";
import { en } from "./en";
import { nl } from "./nl";

/** Every leaf by its path. */
function leaves(node: object, path = ""): [string, unknown][] {
  return Object.entries(node).flatMap(([name, value]: [string, unknown]) =>
    typeof value === "object" && value !== null ? leaves(value, `${path}${name}.`) : [[`${path}${name}`, value] as [string, unknown]],
  );
}

describe("words", () => {
  it("are the same set in both languages, tables of kinds included", () => {
    expect(leaves(nl).map(([path]) => path)).toEqual(leaves(en).map(([path]) => path));
  });

  it("are never empty where the other language says something", () => {
    const dutch = new Map(leaves(nl));
    for (const [path, text] of leaves(en)) expect([path, typeof dutch.get(path), dutch.get(path) === ""]).toEqual([path, typeof text, text === ""]);
  });
});
