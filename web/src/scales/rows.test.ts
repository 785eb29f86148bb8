import { describe, expect, it } from "vitest";
import { makeFormat } from "../format/format";
import type { Values } from "../service/values";
import type { Reading } from "../state/route";
import { en } from "../words/en";
import { nl } from "../words/nl";
import { halfOf, rowsOf, summaryOf } from "./rows";

const names = ["n1", "n10", "n2", "x"];
const values: Values = {
  quantity: "pressure",
  end: "",
  made: "",
  kind: "now",
  median: Float32Array.of(38, 21, 50, NaN),
  low: Float32Array.of(37, 19, 49, NaN),
  high: Float32Array.of(39, 23, 51.5, NaN),
  broken: Float32Array.of(0, 0.25, 0, NaN),
};
const named = (...sorting: Parameters<typeof rowsOf> extends [Values, readonly string[], ...infer Rest] ? Rest : never) =>
  rowsOf(values, names, ...sorting).map((place) => names[place]);
const said = (reading: Reading, words = en, limit: number | null = 20) =>
  summaryOf(values, names, { reading, quantity: "pressure", unit: { factor: 1, word: "metre" }, limit, words, format: makeFormat(words === en ? "en" : "nl", "utc") });

describe("the table", () => {
  it("sorts names as people count, numbers as numbers, and what has none last, both ways", () => {
    expect(named("", "element", false)).toEqual(["n1", "n2", "n10", "x"]);
    expect(named("", "median", false)).toEqual(["n10", "n1", "n2", "x"]);
    expect(named("", "median", true)).toEqual(["n2", "n1", "n10", "x"]);
    expect(named("", "half", true)).toEqual(["n10", "n2", "n1", "x"]);
    expect(named("", "chance", true)[0]).toBe("n10");
    expect(halfOf(values, 1)).toBe(2);
  });

  it("keeps what holds the letters asked for", () => {
    expect(named(" N1 ", "element", false)).toEqual(["n1", "n10"]);
    expect(named("zzz", "element", false)).toEqual([]);
  });
});

describe("the summary", () => {
  it("leaves out what does not count, such as reservoirs", () => {
    const context = { reading: "expected", quantity: "pressure", unit: { factor: 1, word: "metre" }, limit: 20, words: en, format: makeFormat("en", "utc") } as const;
    const text = summaryOf(values, names, { ...context, counted: (place) => place !== 1 && place !== 3 });
    expect(text).toBe("Pressure, expected value: 2 nodes, median 38 m, lowest 38 m at n1, 0 with more than 5\u202F% chance of being below 20 m.");
  });

  it("says what the map shows", () => {
    expect(said("expected")).toBe(
      "Pressure, expected value: 3 nodes, median 38 m, lowest 21 m at n10, 1 with more than 5\u202F% chance of being below 20 m, 1 without an estimate.",
    );
    expect(said("broken")).toBe("Pressure, probability of being below 20 m: 1 above 5\u202F%, highest 25\u202F% at n10, 1 without an estimate.");
    expect(said("width", nl)).toContain("breedte van het interval: 3 knopen, mediaan 2,5 mwk, breedste 4,0 mwk bij n10");
  });

  it("leaves the limit out where there is none, and says when there is nothing", () => {
    expect(said("expected", en, null)).not.toContain("chance");
    const context = { reading: "expected", quantity: "pressure", unit: { factor: 1, word: "metre" }, limit: 20, words: en, format: makeFormat("en", "utc") } as const;
    expect(summaryOf(null, names, context)).toBe("Pressure: no estimate yet.");
  });
});
