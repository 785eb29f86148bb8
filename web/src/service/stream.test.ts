import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { listen, type News } from "./stream";

/** Stands in for the browser's EventSource. */
class FakeSource extends EventTarget {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readyState = 0;
  closed = 0;
  close(): void {
    this.closed += 1;
  }
  say(kind: string, data: unknown): void {
    this.dispatchEvent(Object.assign(new Event(kind), { data: JSON.stringify(data) }));
  }
}

describe("the stream", () => {
  let sources: FakeSource[] = [];
  let heard: News[] = [];
  const make = () => {
    const source = new FakeSource();
    sources.push(source);
    return source as unknown as EventSource;
  };
  const last = () => sources.at(-1) as FakeSource;

  beforeEach(() => {
    vi.useFakeTimers();
    [sources, heard] = [[], []];
  });
  afterEach(() => void vi.useRealTimers());

  it("tells what comes, as it comes", () => {
    listen((news) => heard.push(news), make);
    last().onopen?.();
    last().say("state", { cycle_end: "2018-01-09T00:00:00Z" });
    last().say("finding", { id: "f-1" });
    last().say("health", { status: "ok" });
    expect(heard.map((news) => news.kind)).toEqual(["opened", "state", "finding", "health"]);
  });

  it("leaves it to the browser to come back while it can, since it knows what it has", () => {
    listen((news) => heard.push(news), make);
    last().onerror?.();
    vi.advanceTimersByTime(60_000);
    expect(sources).toHaveLength(1);
    expect(heard).toEqual([{ kind: "lost" }]);
  });

  it("begins anew where the browser gives up, with longer and longer pauses", () => {
    listen((news) => heard.push(news), make);
    const at: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      last().readyState = 2;
      last().onerror?.();
      const [before, count] = [Date.now(), sources.length];
      while (sources.length === count) vi.advanceTimersByTime(500);
      at.push(Date.now() - before);
    }
    expect(at).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000]);
    expect(sources.slice(0, -1).every((source) => source.closed > 0)).toBe(true);
  });

  it("is quick again after it was open", () => {
    listen(() => undefined, make);
    for (const step of [0, 1, 2]) {
      last().readyState = 2;
      last().onerror?.();
      vi.advanceTimersByTime(10_000);
      if (step === 1) last().onopen?.();
    }
    last().readyState = 2;
    const count = sources.length;
    last().onopen?.();
    last().onerror?.();
    vi.advanceTimersByTime(1000);
    expect(sources).toHaveLength(count + 1);
  });

  it("ends when asked, and stays ended", () => {
    const end = listen((news) => heard.push(news), make);
    last().readyState = 2;
    last().onerror?.();
    end();
    vi.advanceTimersByTime(60_000);
    last().onerror?.();
    expect([sources.length, heard.length]).toEqual([1, 1]);
  });
});
