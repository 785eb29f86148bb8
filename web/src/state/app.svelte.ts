// The one place that remembers. What the page knows changes in `reduce`; route and preferences by commands; screens only read.
import { makeFormat } from "../format/format";
import { unitOf } from "../format/units";
import type { Place } from "../map/contract";
import type { Refusal } from "../service/client";
import type { Values } from "../service/values";
import { wordsOf } from "../words";
import { ages } from "./ages";
import { type Data, type DataEvent, EMPTY, reduce } from "./data";
import { loadPreferences, type Preferences } from "./preferences";
import { parseRoute, type Route } from "./route";
import { loadSeen } from "./seen";
import { type Span, timesOf } from "./times";

export type Dialog = "search" | "settings" | "shortcuts" | null;

class App {
  data = $state.raw<Data>(EMPTY);
  preferences = $state.raw<Preferences>(loadPreferences());
  route = $state.raw<Route>(parseRoute(location.hash, this.preferences.language));
  /** What the map shows; null: nothing to show. */
  values = $state.raw<Values | null>(null);
  valuesMissing = $state(false);
  playing = $state(false);
  span = $state<Span>("day");
  /** Where the map should go next: some places, or (none) the whole network. */
  flight = $state.raw<{ readonly to: readonly Place[] } | null>(null);
  dialog = $state<Dialog>(null);
  seen = $state.raw<ReadonlyMap<string, number>>(loadSeen());
  /** Our own wall clock, ms; ticks every second. */
  now = $state(Date.now());
  /** Said aloud by screen readers. */
  announcement = $state("");

  words = $derived(wordsOf(this.route.language));
  format = $derived(makeFormat(this.route.language, this.preferences.zone));
  ages = $derived(ages(this.data, this.now));
  unit = $derived(unitOf(this.route.quantity, this.preferences));
  level = $derived(this.format.percent(this.data.about?.level ?? 0.9));
  openFindings = $derived([...this.data.findings.values()].filter((finding) => finding.closed === null));

  times = $derived(timesOf(this.data.timeline, this.data.lastEnd, this.data.about?.cycle_s ?? 3600, this.span, this.route.at));

  /** A refusal in words. */
  whyOf(refusal: Refusal): string {
    const { unreachable, status } = this.words.problems;
    return refusal.status === 0 ? unreachable : refusal.message || status(refusal.status);
  }

  tell(event: DataEvent): void {
    this.data = reduce(this.data, event);
  }
}

export const app = new App();
