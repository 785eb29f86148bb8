import { describe, expect, it } from "vitest";
import { aFinding, aHealth } from "../testing/build";
import { ages } from "./ages";
import { type Data, type DataEvent, EMPTY, KEPT_CLOSED, reduce } from "./data";

const after = (...events: DataEvent[]): Data => events.reduce(reduce, EMPTY);
const state = (end: string, now: number): DataEvent => ({ kind: "state", now, state: { cycle: 1, cycle_end: end, reason: "watermark", sensors: {} } });

describe("what the page knows", () => {
  it("keeps the newest revision of a finding, whatever order they come in", () => {
    const data = after({ kind: "finding", finding: aFinding({ revision: 3 }) }, { kind: "finding", finding: aFinding({ revision: 2 }) });
    expect(data.findings.get("f-0001")?.revision).toBe(3);
  });

  it("forgets the oldest closed findings and no open one", () => {
    const open: DataEvent = { kind: "finding", finding: aFinding({ id: "open" }) };
    const closed = Array.from(
      { length: KEPT_CLOSED + 5 },
      (_, n): DataEvent => ({ kind: "finding", finding: aFinding({ id: `c-${n}`, closed: "2018-01-09T00:00:00Z" }) }),
    );
    const data = after(open, ...closed);
    expect(data.findings.size).toBe(KEPT_CLOSED + 1);
    expect(data.findings.has("open")).toBe(true);
    expect(data.findings.has("c-4")).toBe(false);
  });

  it("says since when the connection is lost, however often it fails meanwhile", () => {
    const data = after({ kind: "opened", now: 1 }, { kind: "lost", now: 5 }, { kind: "lost", now: 9 });
    expect(data.connection).toEqual({ status: "lost", since: 5 });
    expect(reduce(data, { kind: "opened", now: 12 }).connection).toEqual({ status: "open", since: 12 });
  });

  it("does not go back when an earlier cycle is revised", () => {
    expect(after(state("2018-01-09T03:00:00Z", 1), state("2018-01-09T01:00:00Z", 2)).lastEnd).toBe("2018-01-09T03:00:00Z");
  });

  it("keeps what a person said until the twin has taken it", () => {
    const deed = { finding: "f-0001", kind: "confirm", status: "sent", why: "", notes: 0 } as const;
    const said = after({ kind: "finding", finding: aFinding({}) }, { kind: "deed", deed });
    expect(reduce(said, { kind: "finding", finding: aFinding({ revision: 2 }) }).deeds).toEqual([deed]);
    expect(reduce(said, { kind: "finding", finding: aFinding({ revision: 2, verdict: "confirmed" }) }).deeds).toEqual([]);
  });

  it("holds no more than a bounded number of arrivals and durations", () => {
    let data = EMPTY;
    for (let n = 0; n < 500; n += 1) {
      data = reduce(data, state(new Date(n * 3.6e6).toISOString(), n));
      data = reduce(data, { kind: "health", health: aHealth({ cycles: n }) });
    }
    expect(data.arrivals).toHaveLength(12);
    expect(data.durations).toHaveLength(200);
  });
});

describe("ages", () => {
  const now = Date.parse("2026-01-01T00:01:00Z");
  const saved = (at: string, ahead = 0) => after({ kind: "health", health: aHealth({ saved: at }), ahead });

  it("are by the service's clock, not by ours", () => {
    expect(ages(saved("2026-01-01T00:00:56Z"), now).model).toBe(4);
    expect(ages(saved("2026-01-01T00:02:56Z", 120_000), now).model).toBe(4);
  });

  it("are too old after three usual gaps, and never within half a minute", () => {
    const fast = [0, 5000, 10_000, 15_000].map((at, n) => state(`2018-01-0${n + 1}T00:00:00Z`, at));
    const data = (at: string) => [...fast, { kind: "health", health: aHealth({ saved: at }) } as DataEvent].reduce(reduce, EMPTY);
    expect(ages(data("2026-01-01T00:00:35Z"), now).modelLate).toBe(false);
    expect(ages(data("2026-01-01T00:00:25Z"), now).modelLate).toBe(true);
    expect(ages(EMPTY, now)).toEqual({ model: null, modelLate: false, reading: null, readingLate: false });
  });
});
