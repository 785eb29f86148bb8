import { describe, expect, it } from "vitest";
import { type Entry, scoreOf, search } from "./search";

const entries: Entry[] = ["n1", "n10", "n215", "p215", "pressure:n215", "p232", "Go to Warnings"].map((text) => ({ sort: "node", text, id: text }));
const found = (asked: string) => search(asked, entries, 20).map((hit) => hit.entry.text);

describe("search", () => {
  it("has what is called exactly so first, then beginnings, then words", () => {
    expect(found("n215")).toEqual(["n215", "pressure:n215"]);
    expect(found("n1")[0]).toBe("n1");
    expect(found("215")).toEqual(["n215", "p215", "pressure:n215"]);
  });

  it("forgives letters that are left out, and capitals", () => {
    expect(found("prn215")).toContain("pressure:n215");
    expect(found("WARN")).toEqual(["Go to Warnings"]);
    expect(found("gtw")).toEqual(["Go to Warnings"]);
  });

  it("finds nothing for nothing, and no more than asked for", () => {
    expect(found("  ")).toEqual([]);
    expect(found("zzz")).toEqual([]);
    expect(search("n", entries, 2)).toHaveLength(2);
  });

  it("looks through a hundred thousand names", () => {
    const many = Array.from({ length: 100_000 }, (_, n): Entry => ({ sort: "link", text: `pipe-${n}`, id: `${n}` }));
    expect(search("pipe-99999", many, 5)[0]?.entry.id).toBe("99999");
  });

  it("takes a stranger's letters as letters", () => {
    expect(scoreOf("(.*", "a(.*b")).toBeGreaterThan(0);
    expect(scoreOf("[", "]")).toBe(0);
  });
});
