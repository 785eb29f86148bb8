// The moments that can be shown: ends of cycles that are kept, now, and the forecast. All in ms since 1970.
import type { Timeline } from "../service/contract";
import { isoTime } from "./route";

export const SPANS = ["day", "week", "all"] as const;
export type Span = (typeof SPANS)[number];
const LENGTH: Readonly<Record<Span, number>> = { day: 86.4e6, week: 7 * 86.4e6, all: Infinity };

export interface Times {
  readonly first: number;
  readonly now: number;
  readonly until: number;
  readonly step: number;
}

/** null while no cycle has closed. The stream may know a later end than the timeline that was fetched before it. */
export function timesOf(timeline: Timeline | null, lastEnd: string | null, cycle: number, span: Span, at: string | null = null): Times | null {
  const last = [timeline?.last, lastEnd].filter((end) => typeof end === "string").map((end) => Date.parse(end));
  if (last.length === 0) return null;
  const now = Math.max(...last);
  const step = 1000 * (timeline?.cycle_s ?? cycle);
  const asked = at === null ? now : Date.parse(at); // a moment from before the span that somebody sent a link to
  const first = Math.max(timeline?.first ? Date.parse(timeline.first) : now, Math.min(asked, now - LENGTH[span]));
  const until = Math.max(now, timeline?.forecast_until ? Date.parse(timeline.forecast_until) : now);
  return { first: now - step * Math.floor((now - first) / step), now, until, step };
}

/** How many steps the slider has, and where a moment is on it. */
export const stepsOf = (times: Times): number => Math.floor((times.until - times.first) / times.step);
export const placeOf = (times: Times, at: string | null): number =>
  Math.min(stepsOf(times), Math.max(0, Math.round(((at === null ? times.now : Date.parse(at)) - times.first) / times.step)));

/** The moment at a place of the slider; null where that is now, so that now goes on being now. */
export function momentAt(times: Times, place: number): string | null {
  const time = times.first + times.step * Math.min(stepsOf(times), Math.max(0, place));
  return time === times.now ? null : isoTime(time);
}

export const stepped = (times: Times, at: string | null, count: number): string | null => momentAt(times, placeOf(times, at) + count);
export const atEnd = (times: Times, at: string | null): boolean => placeOf(times, at) >= stepsOf(times);
export const kindOf = (times: Times, at: string | null): "past" | "now" | "forecast" =>
  at === null || Date.parse(at) === times.now ? "now" : Date.parse(at) < times.now ? "past" : "forecast";
