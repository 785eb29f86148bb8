import { describe, expect, it } from "vitest";
import { decimalsFor, decimalsOfStep, makeFormat, spanOf } from "./format";
import { unitOf } from "./units";

const en = makeFormat("en", "utc");
const nl = makeFormat("nl", "utc");

describe("numbers", () => {
  it("have the comma of the page's language, and no other", () => {
    expect(en.number(1234.56, 1)).toBe("1,234.6");
    expect(nl.number(1234.56, 1)).toBe("1.234,6");
    expect(en.value(41.234, 0.62)).toBe("41.2");
    expect(nl.value(41.234, 0.62)).toBe("41,2");
    expect(en.percent(0.714)).toBe("71\u202F%");
  });

  it("show as many decimals as their half width deserves", () => {
    expect([30, 6, 0.6, 0.06, 0.006, 0, NaN].map(decimalsFor)).toEqual([0, 0, 1, 2, 3, 2, 2]);
    expect([15, 1.5, 0.15, 0.042, 0.29, 0.3, 0.1, 1].map(decimalsFor)).toEqual([0, 1, 2, 2, 2, 1, 2, 1]);
    expect([10, 0.5, 0.25, 0.2, 0.001].map(decimalsOfStep)).toEqual([0, 1, 2, 1, 3]);
  });

  it("call nothing certain that is not", () => {
    expect([0, 0.002, 0.05, 0.994, 1, NaN].map(en.chance)).toEqual(["0\u202F%", "< 1\u202F%", "5\u202F%", "> 99\u202F%", "100\u202F%", "–"]);
  });

  it("never are minus nothing, and say when there is none", () => {
    expect(en.number(-0.001, 1)).toBe("0.0");
    expect(en.number(-1.5, 1)).toBe("\u22121.5");
    expect(en.number(NaN, 1)).toBe("–");
  });
});

describe("times", () => {
  it("have 24 hours and name their zone", () => {
    expect(en.moment("2018-01-09T03:15:00Z")).toBe("Tue 9 Jan 03:15 UTC");
    expect(en.moment("2018-01-09T00:05:00Z")).toBe("Tue 9 Jan 00:05 UTC");
    expect(nl.moment("2018-01-09T15:15:00Z")).toBe("di 9 jan 15:15 UTC");
    expect(en.exact("2018-01-09T15:15:30Z")).toContain("15:15:30 UTC");
    for (const language of [en, nl]) expect(language.exact("2018-01-09T23:59:30Z")).not.toMatch(/[AaPp]\.?[Mm]/);
  });

  it("are said in the largest unit that still tells something", () => {
    expect([4, 99, 150, 5999, 7200, 86_400 * 2, 86_400 * 9].map((seconds) => Object.values(spanOf(seconds)).join(" "))).toEqual([
      "4 seconds",
      "99 seconds",
      "3 minutes",
      "100 minutes",
      "2 hours",
      "48 hours",
      "9 days",
    ]);
  });
});

describe("units", () => {
  it("are the person's for pressures and flows, and metres for heights", () => {
    const likes = { pressure: "kPa", flow: "L/s" } as const;
    expect(unitOf("pressure", likes)).toEqual({ factor: 9.80665, word: "kPa" });
    expect(unitOf("flow", likes).factor * 0.0055).toBeCloseTo(5.5);
    expect(unitOf("demand", { ...likes, flow: "m3/h" }).factor * 0.0055).toBeCloseTo(19.8);
    expect(unitOf("head", likes).word).toBe("metres");
  });
});
