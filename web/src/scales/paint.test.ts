import { describe, expect, it } from "vitest";
import type { Values } from "../service/values";
import { domainOf, paintOf, readingOf, steady, ticksOf } from "./paint";

const values = (part: Partial<Values>): Values => ({
  quantity: "pressure",
  end: "",
  made: "",
  kind: "now",
  median: Float32Array.of(21, 38, 50, NaN),
  low: Float32Array.of(20, 37, 49, NaN),
  high: Float32Array.of(22.5, 39, 51, NaN),
  broken: Float32Array.of(0.05, 0, 0, NaN),
  ...part,
});
const metre = { factor: 1, word: "metre" } as const;
const kPa = { factor: 9.80665, word: "kPa" } as const;

describe("what the map shows", () => {
  it("is the median, the chance of a broken limit or the width, and no number where there is none", () => {
    expect([...readingOf(values({}), "expected")]).toEqual([21, 38, 50, NaN]);
    expect([...readingOf(values({}), "width")]).toEqual([2.5, 2, 2, NaN]);
    expect(readingOf(values({}), "broken")[0]).toBeCloseTo(0.05);
  });

  it("is a flow without its direction", () => {
    expect([...readingOf(values({ quantity: "flow", median: Float32Array.of(-2, 3) }), "expected")]).toEqual([2, 3]);
  });

  it("has round numbers at the ends of its legend, in the legend's unit, and SI in the paint", () => {
    const domain = domainOf(values({}), "expected", kPa);
    expect(domain.low % domain.step).toBeCloseTo(0);
    expect(domain.low).toBeLessThanOrEqual(21 * 9.80665);
    const paint = paintOf(values({}), "expected", domain, kPa, true);
    expect(paint.low * kPa.factor).toBeCloseTo(domain.low);
    expect(paint.colours).toHaveLength(1024);
  });

  it("measures probabilities from 0 to 1 whatever the unit", () => {
    const paint = paintOf(values({}), "broken", domainOf(values({}), "broken", kPa), kPa, false);
    expect([paint.low, paint.high]).toEqual([0, 1]);
  });

  it("begins widths and flows at nothing", () => {
    expect(domainOf(values({}), "width", metre).low).toBe(0);
    expect(domainOf(values({ quantity: "flow" }), "expected", metre).low).toBe(0);
  });
});

describe("a legend", () => {
  const domain = (low: number, high: number) => ({ low, high, step: (high - low) / 5 });

  it("stays as it is while it fits", () => {
    const before = domain(20, 60);
    expect(steady(before, domain(22, 58))).toBe(before);
    expect(steady(before, domain(10, 58))).not.toBe(before);
    expect(steady(before, domain(30, 40))).not.toBe(before);
    expect(steady(null, before)).toBe(before);
  });

  it("has its numbers where they belong", () => {
    expect(ticksOf(domain(0, 100)).map((tick) => [tick.place, tick.value])).toEqual([0, 20, 40, 60, 80, 100].map((value) => [value / 100, value]));
    expect(ticksOf({ low: 0, high: 100, step: 5 }).length).toBeLessThanOrEqual(7);
  });
});
