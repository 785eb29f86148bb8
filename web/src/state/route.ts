// What the URL holds: `#/view/finding?quantity=...`. Only what differs from the default is written, and always the language.

export const VIEWS = ["live", "warnings", "health"] as const;
export type View = (typeof VIEWS)[number];
export const READINGS = ["expected", "broken", "width"] as const;
/** How the map shows an estimate: its median, the probability that the limit is broken, or the width of its interval. */
export type Reading = (typeof READINGS)[number];
export const LANGUAGES = ["en", "nl"] as const;
export type Language = (typeof LANGUAGES)[number];

/** What is chosen, by its id in the network's file or the table of sensors. */
export interface Chosen {
  readonly sort: "node" | "link" | "sensor";
  readonly id: string;
}

export interface Route {
  readonly view: View;
  readonly finding: string | null;
  readonly quantity: string;
  readonly reading: Reading;
  readonly chosen: Chosen | null;
  /** The moment shown, ISO 8601 UTC; null: now, whatever that becomes. */
  readonly at: string | null;
  readonly table: boolean;
  readonly language: Language;
}

export const HOME: Route = {
  view: "live",
  finding: null,
  quantity: "pressure",
  reading: "expected",
  chosen: null,
  at: null,
  table: false,
  language: "en",
};

function among<T extends string>(names: readonly T[], name: string | null | undefined, otherwise: T): T {
  return names.find((one) => one === name) ?? otherwise;
}

function chosenOf(text: string | null): Chosen | null {
  const [sort = "", ...rest] = (text ?? "").split(":");
  const id = rest.join(":");
  return id && (sort === "node" || sort === "link" || sort === "sensor") ? { sort, id } : null;
}

function momentOf(text: string | null): string | null {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? null : isoTime(time);
}

/** A moment as the service writes it, whole seconds. */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z");
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // a broken escape that somebody typed
  }
}

/** What a hash says; what makes no sense in it is left out. */
export function parseRoute(hash: string, language: Language): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [view, finding] = path.split("/", 2);
  const said = new URLSearchParams(query);
  const known = among(VIEWS, view, HOME.view);
  return {
    view: known,
    finding: known === "warnings" && finding ? decoded(finding) : null,
    quantity: said.get("quantity") || HOME.quantity,
    reading: among(READINGS, said.get("reading"), HOME.reading),
    chosen: chosenOf(said.get("chosen")),
    at: momentOf(said.get("at")),
    table: said.get("table") === "1",
    language: among(LANGUAGES, said.get("lang"), language),
  };
}

export function formatRoute(route: Route): string {
  const said = new URLSearchParams();
  if (route.quantity !== HOME.quantity) said.set("quantity", route.quantity);
  if (route.reading !== HOME.reading) said.set("reading", route.reading);
  if (route.chosen) said.set("chosen", `${route.chosen.sort}:${route.chosen.id}`);
  if (route.at) said.set("at", route.at);
  if (route.table) said.set("table", "1");
  said.set("lang", route.language);
  const finding = route.finding === null ? "" : `/${encodeURIComponent(route.finding)}`;
  return `#/${route.view}${finding}?${said}`;
}
