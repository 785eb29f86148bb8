import { describe, expect, it } from "vitest";
import { atEnd, kindOf, momentAt, placeOf, stepped, stepsOf, timesOf } from "./times";

const timeline = {
  first: "2018-01-01T00:00:00Z",
  last: "2018-01-09T03:00:00Z",
  forecast_made: "2018-01-09T03:00:00Z",
  forecast_until: "2018-01-09T05:00:00Z",
  cycle_s: 3600,
};

describe("the moments that can be shown", () => {
  it("reach from what is kept to the end of the forecast", () => {
    const times = timesOf(timeline, null, 300, "all");
    expect(times && stepsOf(times)).toBe(8 * 24 + 3 + 2);
    expect(times && momentAt(times, 0)).toBe("2018-01-01T00:00:00Z");
    expect(times && momentAt(times, 9999)).toBe("2018-01-09T05:00:00Z");
  });

  it("go as far back as asked", () => {
    const times = timesOf(timeline, null, 300, "day");
    expect(times && momentAt(times, 0)).toBe("2018-01-08T03:00:00Z");
    const linked = timesOf(timeline, null, 300, "day", "2018-01-04T03:00:00Z");
    expect(linked && momentAt(linked, 0)).toBe("2018-01-04T03:00:00Z");
    const before = timesOf(timeline, null, 300, "day", "2017-01-04T03:00:00Z");
    expect(before && momentAt(before, 0)).toBe("2018-01-01T00:00:00Z");
  });

  it("make now no moment but now", () => {
    const times = timesOf(timeline, null, 300, "day");
    if (!times) throw new Error("no times");
    expect(momentAt(times, placeOf(times, null))).toBeNull();
    expect(stepped(times, null, -1)).toBe("2018-01-09T02:00:00Z");
    expect(stepped(times, "2018-01-09T02:00:00Z", 1)).toBeNull();
    expect([kindOf(times, null), kindOf(times, "2018-01-09T02:00:00Z"), kindOf(times, "2018-01-09T04:00:00Z")]).toEqual(["now", "past", "forecast"]);
    expect([atEnd(times, null), atEnd(times, "2018-01-09T05:00:00Z")]).toEqual([false, true]);
  });

  it("follow the stream when it is ahead of the timeline, also without a timeline", () => {
    expect(timesOf(timeline, "2018-01-09T04:00:00Z", 300, "day")?.now).toBe(Date.parse("2018-01-09T04:00:00Z"));
    expect(timesOf(null, "2018-01-09T04:00:00Z", 300, "day")).toMatchObject({ step: 300_000, until: Date.parse("2018-01-09T04:00:00Z") });
    expect(timesOf(null, null, 300, "day")).toBeNull();
  });
});
