// How good the twin is, from residuals. Pure.
import type { Residual } from "../service/contract";

/** Coverage between these is good, of intervals that should hold 90 %. */
export const GOOD = { low: 0.8, high: 0.97 } as const;

export type Judgement = "good" | "tooSure" | "tooWide" | "noData";

export function judged(coverage: number | null): Judgement {
  if (coverage === null) return "noData";
  return coverage < GOOD.low ? "tooSure" : coverage > GOOD.high ? "tooWide" : "good";
}

/** Share of all readings of some sensors that lay inside; null without any. */
export function pooled(rows: readonly Residual[]): { readonly coverage: number | null; readonly n: number } {
  const known = rows.filter((row) => row.coverage !== null && row.n > 0);
  const n = known.reduce((sum, row) => sum + row.n, 0);
  return { n, coverage: n > 0 ? known.reduce((sum, row) => sum + row.n * (row.coverage ?? 0), 0) / n : null };
}

/** Bias in half widths; null where there is none. */
export const relativeOf = (row: Residual): number | null => (row.bias === null || !row.half_width ? null : Math.abs(row.bias) / row.half_width);

/** Largest bias first; sensors without one last. */
export function worstFirst(rows: readonly Residual[]): readonly Residual[] {
  return [...rows].sort((a, b) => (relativeOf(b) ?? -1) - (relativeOf(a) ?? -1) || (a.sensor < b.sensor ? -1 : 1));
}

export function middleOf(numbers: readonly number[]): number | null {
  return [...numbers].sort((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)] ?? null;
}
