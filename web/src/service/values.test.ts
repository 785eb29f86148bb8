import { describe, expect, it } from "vitest";
import { labelled } from "./values";

describe("values", () => {
  it("carry what their headers say", () => {
    const headers = new Headers({ "Tweeling-Kind": "forecast", "Tweeling-End": "2018-01-09T04:00:00Z", "Tweeling-Made": "2018-01-09T03:00:00Z" });
    const values = labelled(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer, "flow", headers);
    expect([...values.broken]).toEqual([7, 8]);
    expect([values.kind, values.end, values.made, values.quantity]).toEqual(["forecast", "2018-01-09T04:00:00Z", "2018-01-09T03:00:00Z", "flow"]);
  });

  it("are of now where nothing else is said", () => {
    expect(labelled(new ArrayBuffer(16), "flow", new Headers()).kind).toBe("now");
  });
});
