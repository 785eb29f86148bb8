// A series as columns over one axis of time, as the chart wants it. Pure.
import type { Series } from "../service/contract";

export const LINES = ["high", "low", "median", "aheadHigh", "aheadLow", "ahead", "measured", "flagged"] as const;
export type Line = (typeof LINES)[number];

export interface Plot {
  /** s since 1970. */
  readonly time: readonly number[];
  readonly lines: Readonly<Record<Line, readonly (number | null)[]>>;
  /** s since 1970: where the forecast begins; null: there is none. */
  readonly now: number | null;
}

interface Row {
  [line: string]: number | null;
}

/** In the unit that is shown: SI times `factor`. */
export function plotOf(series: Series, factor: number): Plot {
  const rows = new Map<number, Row>();
  const put = (time: string, part: Row) => {
    const second = Date.parse(time) / 1000;
    rows.set(second, { ...rows.get(second), ...part });
  };
  const scaled = (value: number | null) => (value === null ? null : value * factor);
  for (const { time, estimate } of series.bands) put(time, { high: scaled(estimate.high), low: scaled(estimate.low), median: scaled(estimate.median) });
  const last = series.bands.at(-1);
  // A series of long ago has nothing to do with what is to come.
  const current = last !== undefined && last.time >= (series.forecast_made ?? "");
  const ahead = current ? series.forecast : [];
  if (last && ahead.length > 0) {
    put(last.time, { aheadHigh: scaled(last.estimate.high), aheadLow: scaled(last.estimate.low), ahead: scaled(last.estimate.median) });
  }
  for (const { time, estimate } of ahead) put(time, { aheadHigh: scaled(estimate.high), aheadLow: scaled(estimate.low), ahead: scaled(estimate.median) });
  for (const { time, value, flag } of series.measured) put(time, { [flag === "good" ? "measured" : "flagged"]: scaled(value) });
  const time = [...rows.keys()].sort((a, b) => a - b);
  const lines = Object.fromEntries(LINES.map((line) => [line, time.map((second) => rows.get(second)?.[line] ?? null)])) as Record<Line, (number | null)[]>;
  return { time, lines, now: ahead.length > 0 && last ? Date.parse(last.time) / 1000 : null };
}

/** From when on the rest of a series must be asked for; null: there is nothing to go on from. */
export const goesOnFrom = (series: Series | null): string | null => series?.bands.at(-1)?.time ?? null;

/**
 * A series and what came after it, as if all had been fetched at once; what is older than `hours` is dropped.
 * The forecast is always the newer one.
 */
export function extended(series: Series, newer: Series, hours: number): Series {
  const from = goesOnFrom(series) ?? "";
  const after = <T extends { readonly time: string }>(rows: readonly T[]) => rows.filter((row) => row.time > from);
  const bands = [...series.bands, ...after(newer.bands)];
  const measured = [...series.measured.filter((row) => row.time <= from), ...after(newer.measured)];
  const last = bands.at(-1)?.time ?? from;
  const first = Number.isFinite(hours) ? Date.parse(last) - hours * 3.6e6 : -Infinity;
  const inside = <T extends { readonly time: string }>(rows: readonly T[]) => rows.filter((row) => Date.parse(row.time) > first);
  return { ...newer, bands: inside(bands), measured: inside(measured) };
}

/** The last number of a line and its place; null: it has none. */
export function lastOf(plot: Plot, line: Line): { readonly place: number; readonly value: number } | null {
  for (let place = plot.time.length - 1; place >= 0; place -= 1) {
    const value = plot.lines[line][place];
    if (typeof value === "number") return { place, value };
  }
  return null;
}
