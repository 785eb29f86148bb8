import { describe, expect, it } from "vitest";
import { formatRoute, HOME, parseRoute, type Route } from "./route";

const HOSTILE = ["<img src=x onerror=alert(1)>", "a:b:c", "p/1?x=y&z#w", "%E0%A4%A", "naïve ✓", "\u202Eabc", "' or 1=1 --"];

describe("the URL", () => {
  it("gives back every route that was written into it", () => {
    const routes: Route[] = [
      HOME,
      { ...HOME, view: "warnings", finding: "f-0001", language: "nl" },
      { ...HOME, quantity: "flow", reading: "width", chosen: { sort: "sensor", id: "pressure:n215" }, at: "2018-01-09T03:15:00Z", table: true },
      ...HOSTILE.map((id): Route => ({ ...HOME, view: "warnings", finding: id, chosen: { sort: "node", id } })),
    ];
    for (const route of routes) expect(parseRoute(formatRoute(route), "en")).toEqual(route);
  });

  it("takes what makes no sense for what is usual", () => {
    expect(parseRoute("#/nowhere?reading=loud&at=yesterday&chosen=moon:1&lang=xx", "nl")).toEqual({ ...HOME, language: "nl" });
    expect(parseRoute("", "en")).toEqual(HOME);
    expect(parseRoute("#/warnings/%E0%A4%A", "en")).toEqual({ ...HOME, view: "warnings" });
  });

  it("holds a moment in UTC, whole seconds", () => {
    expect(parseRoute("#/live?at=2018-01-09T04:15:00.250%2B01:00", "en").at).toBe("2018-01-09T03:15:00Z");
  });
});
