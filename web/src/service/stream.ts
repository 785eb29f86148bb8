// The stream of news. The browser reconnects by itself and says what it has (Last-Event-ID); where it gives up, we begin anew.
import type { Finding, Health, StateEvent } from "./contract";

export type News =
  | { readonly kind: "opened" }
  | { readonly kind: "lost" }
  | { readonly kind: "state"; readonly state: StateEvent }
  | { readonly kind: "finding"; readonly finding: Finding }
  | { readonly kind: "health"; readonly health: Health };

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 10_000;

/** Listens until the function that it gives is called. */
export function listen(tell: (news: News) => void, make: () => EventSource = () => new EventSource("/api/stream")): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pause = FIRST_PAUSE;
  let ended = false;

  const begin = () => {
    source = make();
    source.onopen = () => {
      pause = FIRST_PAUSE;
      tell({ kind: "opened" });
    };
    source.onerror = () => {
      if (ended) return;
      tell({ kind: "lost" });
      if (source?.readyState !== 2) return; // 2: closed for good; else the browser tries again by itself
      source.close();
      clearTimeout(timer);
      timer = setTimeout(begin, pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    };
    source.addEventListener("state", (event) => tell({ kind: "state", state: JSON.parse((event as MessageEvent<string>).data) as StateEvent }));
    source.addEventListener("finding", (event) => tell({ kind: "finding", finding: JSON.parse((event as MessageEvent<string>).data) as Finding }));
    source.addEventListener("health", (event) => tell({ kind: "health", health: JSON.parse((event as MessageEvent<string>).data) as Health }));
  };
  begin();
  return () => {
    ended = true;
    clearTimeout(timer);
    source?.close();
  };
}
