// What the page knows of the service, and the one pure step that changes it.
import type { About, DeedKind, Estimate, Finding, Health, Sensor, StateEvent, Timeline } from "../service/contract";
import type { Geometry } from "../map/contract";

/** The network's elements by name and by place. */
export interface Elements {
  readonly nodes: readonly string[];
  readonly links: readonly string[];
  readonly node: ReadonlyMap<string, number>;
  readonly link: ReadonlyMap<string, number>;
}

/** What a person said of a finding, until the twin has taken it. */
export interface Deed {
  readonly finding: string;
  readonly kind: DeedKind;
  readonly status: "sending" | "sent" | "refused";
  /** Why it was refused. */
  readonly why: string;
  /** Notes that the finding had before. */
  readonly notes: number;
}

export interface Data {
  readonly connection: { readonly status: "connecting" | "open" | "lost"; readonly since: number };
  readonly signedOut: boolean;
  readonly about: About | null;
  readonly timeline: Timeline | null;
  readonly elements: Elements | null;
  readonly geometry: Geometry | null;
  readonly sensors: readonly Sensor[];
  /** In the order in which they were raised. */
  readonly findings: ReadonlyMap<string, Finding>;
  readonly health: Health | null;
  /** What each sensor should have read at the end of the last cycle. */
  readonly told: Readonly<Record<string, Estimate>>;
  readonly lastEnd: string | null;
  /** How often the past was revised. */
  readonly revised: number;
  /** Wall clock of the last cycles' arrivals, ms. */
  readonly arrivals: readonly number[];
  /** What the last cycles took, s. */
  readonly durations: readonly number[];
  readonly deeds: readonly Deed[];
  /** The service's wall clock minus ours, ms. */
  readonly ahead: number;
}

export const EMPTY: Data = {
  connection: { status: "connecting", since: 0 },
  signedOut: false,
  about: null,
  timeline: null,
  elements: null,
  geometry: null,
  sensors: [],
  findings: new Map(),
  health: null,
  told: {},
  lastEnd: null,
  revised: 0,
  arrivals: [],
  durations: [],
  deeds: [],
  ahead: 0,
};

const KEPT_ARRIVALS = 12;
const KEPT_DURATIONS = 200;
/** Findings in the browser: all open ones, and as many closed ones, the newest. */
export const KEPT_CLOSED = 2000;

export type DataEvent =
  | { readonly kind: "opened"; readonly now: number }
  | { readonly kind: "lost"; readonly now: number }
  | { readonly kind: "signed"; readonly out: boolean }
  | { readonly kind: "about"; readonly about: About }
  | { readonly kind: "timeline"; readonly timeline: Timeline }
  | { readonly kind: "elements"; readonly nodes: readonly string[]; readonly links: readonly string[] }
  | { readonly kind: "geometry"; readonly geometry: Geometry }
  | { readonly kind: "sensors"; readonly sensors: readonly Sensor[] }
  | { readonly kind: "state"; readonly state: StateEvent; readonly now: number }
  | { readonly kind: "finding"; readonly finding: Finding }
  | { readonly kind: "health"; readonly health: Health; readonly ahead?: number }
  | { readonly kind: "deed"; readonly deed: Deed }
  | { readonly kind: "deedSeen"; readonly finding: string };

export function reduce(data: Data, event: DataEvent): Data {
  switch (event.kind) {
    case "opened":
      return { ...data, connection: { status: "open", since: event.now } };
    case "lost": // told again and again while it lasts; what counts is since when
      return data.connection.status === "lost" ? data : { ...data, connection: { status: "lost", since: event.now } };
    case "signed":
      return data.signedOut === event.out ? data : { ...data, signedOut: event.out };
    case "about":
      return { ...data, about: event.about };
    case "timeline":
      return { ...data, timeline: event.timeline };
    case "elements":
      return { ...data, elements: { nodes: event.nodes, links: event.links, node: places(event.nodes), link: places(event.links) } };
    case "geometry":
      return { ...data, geometry: event.geometry };
    case "sensors":
      return { ...data, sensors: event.sensors };
    case "state":
      return withState(data, event.state, event.now);
    case "finding":
      return withFinding(data, event.finding);
    case "health":
      return withHealth(data, event.health, event.ahead ?? data.ahead);
    case "deed":
      return { ...data, deeds: [...data.deeds.filter((one) => one.finding !== event.deed.finding), event.deed] };
    case "deedSeen":
      return { ...data, deeds: data.deeds.filter((one) => one.finding !== event.finding) };
  }
}

function places(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map(names.map((name, place) => [name, place]));
}

function withState(data: Data, state: StateEvent, now: number): Data {
  const fresh = data.lastEnd === null || state.cycle_end > data.lastEnd;
  return {
    ...data,
    lastEnd: fresh ? state.cycle_end : data.lastEnd,
    told: fresh || state.cycle_end === data.lastEnd ? state.sensors : data.told,
    revised: data.revised + (state.reason === "revised" ? 1 : 0),
    arrivals: fresh ? [...data.arrivals, now].slice(-KEPT_ARRIVALS) : data.arrivals,
  };
}

function withFinding(data: Data, finding: Finding): Data {
  const known = data.findings.get(finding.id);
  if (known && known.revision > finding.revision) return data; // an older one that was sent twice
  const findings = new Map(data.findings).set(finding.id, finding);
  const closed = [...findings.values()].filter((one) => one.closed !== null);
  for (const one of closed.slice(0, Math.max(0, closed.length - KEPT_CLOSED))) findings.delete(one.id);
  return { ...data, findings, deeds: data.deeds.filter((deed) => deed.finding !== finding.id || !taken(deed, finding)) };
}

/** Whether the twin has taken what a person said. */
export function taken(deed: Deed, finding: Finding): boolean {
  if (deed.kind === "confirm") return finding.verdict === "confirmed";
  if (deed.kind === "reject") return finding.verdict === "rejected";
  if (deed.kind === "close") return finding.closed !== null;
  return finding.notes.length > deed.notes;
}

function withHealth(data: Data, health: Health, ahead: number): Data {
  const took = health.twin.seconds_per_cycle;
  const another = took !== null && health.twin.cycles !== data.health?.twin.cycles;
  return { ...data, health, ahead, durations: another ? [...data.durations, took].slice(-KEPT_DURATIONS) : data.durations };
}
