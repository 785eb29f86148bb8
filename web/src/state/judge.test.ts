import { describe, expect, it } from "vitest";
import type { Residual } from "../service/contract";
import { judged, middleOf, pooled, relativeOf, worstFirst } from "./judge";

const row = (part: Partial<Residual>): Residual => ({
  sensor: "a",
  quantity: "pressure",
  element: "n1",
  unit: "m",
  withheld: false,
  n: 10,
  coverage: 0.9,
  bias: 0.1,
  rmse: 0.2,
  half_width: 0.5,
  ...part,
});

describe("how good the twin is", () => {
  it("is good in a range, too sure below, too careful above", () => {
    expect([0.5, 0.8, 0.9, 0.97, 0.99, null].map(judged)).toEqual(["tooSure", "good", "good", "good", "tooWide", "noData"]);
  });

  it("counts readings, not sensors", () => {
    expect(pooled([row({ n: 90, coverage: 1 }), row({ n: 10, coverage: 0 })])).toEqual({ n: 100, coverage: 0.9 });
    expect(pooled([row({ n: 0, coverage: null })])).toEqual({ n: 0, coverage: null });
  });

  it("has the largest bias in half widths first, whichever way, and what has none last", () => {
    const rows = [row({ sensor: "none", bias: null }), row({ sensor: "small" }), row({ sensor: "large", bias: -0.6 })];
    expect(worstFirst(rows).map((one) => one.sensor)).toEqual(["large", "small", "none"]);
    expect(relativeOf(row({ half_width: 0 }))).toBeNull();
  });

  it("has a middle", () => {
    expect([middleOf([3, 1, 2]), middleOf([4, 1]), middleOf([])]).toEqual([2, 1, null]);
  });
});
