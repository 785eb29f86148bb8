import { describe, expect, it } from "vitest";
import type { Series } from "../service/contract";
import { extended, goesOnFrom, lastOf, plotOf } from "./series";

const band = (time: string, median: number | null) => ({
  time,
  estimate: { median, low: median === null ? null : median - 1, high: median === null ? null : median + 1, level: 0.9, unit: "m" },
});
const series: Series = {
  quantity: "pressure",
  unit: "m",
  sensor: "pressure:n1",
  element: "n1",
  measured: [
    { time: "2018-01-09T00:05:00Z", sensor: "pressure:n1", value: 30, flag: "good" },
    { time: "2018-01-09T01:00:00Z", sensor: "pressure:n1", value: 90, flag: "spike" },
  ],
  bands: [band("2018-01-09T00:00:00Z", 31), band("2018-01-09T01:00:00Z", 32)],
  forecast: [band("2018-01-09T02:00:00Z", 33)],
  forecast_made: "2018-01-09T01:00:00Z",
};

describe("a series", () => {
  it("becomes columns over one axis of time, in the unit shown", () => {
    const plot = plotOf(series, 10);
    expect(plot.time.map((second) => new Date(1000 * second).toISOString().slice(11, 16))).toEqual(["00:00", "00:05", "01:00", "02:00"]);
    expect(plot.lines.median).toEqual([310, null, 320, null]);
    expect(plot.lines.high).toEqual([320, null, 330, null]);
    expect(plot.lines.measured).toEqual([null, 300, null, null]);
    expect(plot.lines.flagged).toEqual([null, null, 900, null]);
  });

  it("has the forecast begin where the past ends", () => {
    const plot = plotOf(series, 1);
    expect(plot.lines.ahead).toEqual([null, null, 32, 33]);
    expect(plot.now).toBe(Date.parse("2018-01-09T01:00:00Z") / 1000);
    expect(plotOf({ ...series, forecast: [] }, 1).now).toBeNull();
  });

  it("of long ago has no forecast", () => {
    const plot = plotOf({ ...series, forecast_made: "2018-02-01T00:00:00Z" }, 1);
    expect([plot.now, plot.time.length, plot.lines.ahead.every((value) => value === null)]).toEqual([null, 3, true]);
  });

  it("goes on where it ended, as if it had been fetched at once", () => {
    const reading = (time: string) => ({ time, sensor: "pressure:n1", value: 30, flag: "good" });
    const newer = { ...series, bands: [band("2018-01-09T02:00:00Z", 40)], measured: [reading("2018-01-09T01:30:00Z")], forecast: [] };
    expect(goesOnFrom(series)).toBe("2018-01-09T01:00:00Z");
    const day = extended(series, newer, 24);
    expect(day.bands.map((row) => row.estimate.median)).toEqual([31, 32, 40]);
    expect(day.measured.map((row) => row.time.slice(11, 16))).toEqual(["00:05", "01:00", "01:30"]);
    expect(day.forecast).toEqual([]);
    expect(extended(day, newer, 24)).toEqual(day);
    expect(extended(series, newer, 1).bands.map((row) => row.time.slice(11, 16))).toEqual(["02:00"]);
    expect(goesOnFrom(null)).toBeNull();
  });

  it("has holes where there is no number", () => {
    const plot = plotOf({ ...series, bands: [band("2018-01-09T00:00:00Z", null)], forecast: [], measured: [] }, 1);
    expect(plot.lines.median).toEqual([null]);
    expect(lastOf(plot, "median")).toBeNull();
    expect(lastOf(plotOf(series, 1), "measured")).toEqual({ place: 1, value: 30 });
  });
});
