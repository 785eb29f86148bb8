// How old things are, and whether that is too old. The clock is the service's wall clock, as far as we know it.
import type { Data } from "./data";

export interface Ages {
  /** s since the last cycle was saved; null: none yet. */
  readonly model: number | null;
  readonly modelLate: boolean;
  /** s since any sensor was heard; null: none yet. */
  readonly reading: number | null;
  readonly readingLate: boolean;
}

const PATIENCE_S = 30;

function since(moment: string | null, clock: number): number | null {
  return moment === null ? null : Math.max(0, (clock - Date.parse(moment)) / 1000);
}

/** How long from one cycle to the next by the wall clock, s: as they came lately, else as they should. */
export function usualGap(data: Data): number {
  const gaps = data.arrivals.slice(1).map((time, place) => (time - (data.arrivals[place] ?? time)) / 1000);
  const middle = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)];
  return middle !== undefined && gaps.length >= 3 ? middle : (data.about?.cycle_s ?? 3600);
}

export function ages(data: Data, now: number): Ages {
  const clock = now + data.ahead;
  const heard = data.sensors.map((sensor) => sensor.last_heard ?? "").reduce((a, b) => (a > b ? a : b), "");
  const model = since(data.health?.twin.saved ?? null, clock);
  const reading = since(heard || null, clock);
  const patience = Math.max(PATIENCE_S, 3 * usualGap(data));
  return { model, modelLate: model !== null && model > patience, reading, readingLate: reading !== null && reading > patience };
}
