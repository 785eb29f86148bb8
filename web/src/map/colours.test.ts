import { describe, expect, it } from "vitest";
import { BACKGROUND, UNKNOWN, coloursOf, css, gradient, luminance, nice, rgb, type Scale } from "./colours";

const THEMES = ["dark", "light"] as const;
const SCALES: Scale[] = ["value", "broken", "width", "difference"];
const EACH = THEMES.flatMap((theme) => SCALES.map((scale) => ({ theme, scale })));

const lightness = (table: Uint8Array) => Array.from({ length: 256 }, (_, i) => luminance(table[4 * i]!, table[4 * i + 1]!, table[4 * i + 2]!));
const contrast = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
/** By how much the luminance may fall from one colour to the next because a channel has only 256 values. */
const ROUNDING = 0.002;
const steps = (row: number[]) => row.slice(1).map((value, i) => value - row[i]!);

describe("the colours", () => {
  it.each(EACH)("of $scale in the $theme theme all part from the background by at least 3 to 1", ({ theme, scale }) => {
    const behind = luminance(...rgb(BACKGROUND[theme]));
    const least = Math.min(...lightness(coloursOf(scale, theme === "dark")).map((l) => contrast(l, behind)));
    expect(least).toBeGreaterThanOrEqual(3);
  });

  it.each(EACH.filter(({ scale }) => scale === "value" || scale === "width"))("of $scale in the $theme theme get lighter at each step", ({ theme, scale }) => {
    expect(Math.min(...steps(lightness(coloursOf(scale, theme === "dark"))))).toBeGreaterThanOrEqual(-ROUNDING);
  });

  it.each(THEMES)("of a broken limit in the %s theme part from the background the more, the likelier it is", (theme) => {
    const behind = luminance(...rgb(BACKGROUND[theme]));
    const row = lightness(coloursOf("broken", theme === "dark")).map((l) => contrast(l, behind));
    expect(Math.min(...steps(row))).toBeGreaterThanOrEqual(-0.05);
    expect(row.at(-1)! / row[0]!).toBeGreaterThan(3);
  });

  it.each(THEMES)("of a difference in the %s theme are plainest at 0 and alike on both sides", (theme) => {
    const behind = luminance(...rgb(BACKGROUND[theme]));
    const row = lightness(coloursOf("difference", theme === "dark")).map((l) => contrast(l, behind));
    expect(row.indexOf(Math.min(...row))).toBeGreaterThan(110);
    expect(row.indexOf(Math.min(...row))).toBeLessThan(145);
    expect(row[0]! / row.at(-1)!).toBeCloseTo(1, 0);
  });

  it.each(THEMES)("of what is unknown in the %s theme part from the background by 3 to 1 in both tones", (theme) => {
    const behind = luminance(...rgb(BACKGROUND[theme]));
    for (const tone of UNKNOWN[theme]) expect(contrast(luminance(...rgb(tone)), behind)).toBeGreaterThanOrEqual(3);
  });

  it("turn into CSS at both ends and beyond them", () => {
    const table = coloursOf("value", true);
    expect(css(table, -1)).toBe(css(table, 0));
    expect(css(table, 2)).toBe(`rgb(${table[1020]} ${table[1021]} ${table[1022]})`);
    expect(gradient(table)).toMatch(/^linear-gradient\(to right, rgb\(\d+ \d+ \d+\), .*\)$/);
  });
});

describe("the ends of a legend", () => {
  it("are round and hold nearly all values", () => {
    expect(nice(Array.from({ length: 101 }, (_, i) => 18.3 + 0.251 * i))).toEqual({ low: 15, high: 45, step: 5 });
  });

  it("are not moved by a wild value or a missing one", () => {
    const tame = Array.from({ length: 1000 }, (_, i) => 20 + i / 100);
    expect(nice([...tame, 1e6, NaN, -Infinity])).toEqual(nice(tame));
  });

  it("stand apart even when all values are the same, and as far as asked", () => {
    const same = nice([5, 5, 5]);
    expect(same.low).toBeLessThan(same.high);
    expect(nice([5, 5, 5], 2)).toEqual({ low: 4, high: 6, step: 0.5 });
  });

  it("have no noise of division in them", () => {
    expect(nice([0.1, 0.2, 0.3, 0.7])).toEqual({ low: 0, high: 0.8, step: 0.2 });
  });

  it("are 0 and 1 where there is nothing", () => {
    expect(nice([NaN])).toEqual({ low: 0, high: 1, step: 0.2 });
  });
});
