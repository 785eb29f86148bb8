// Asks the service. Every refusal is a `Refusal`; who asks decides how calmly to say it.
import createClient from "openapi-fetch";
import type { Geometry } from "../map/contract";
import { decodeGeometry } from "../map/decode";
import type { About, DeedKind, Health, Ids, Residuals, SaidOfFinding, Scorecard, Sensor, Series, Timeline, Truth } from "./contract";
import type { paths } from "./schema";
import { labelled, type Values } from "./values";

/** The service said no, or nothing at all (status 0). */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const client = createClient<paths>({ baseUrl: "" });

function told(error: unknown): string {
  return typeof error === "object" && error !== null && "error" in error ? String(error.error) : "";
}

async function settled<T>(request: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await request.catch((cause: unknown) => {
    throw new Refusal(0, String(cause));
  });
  if (data === undefined) throw new Refusal(response.status, told(error));
  return data;
}

async function ask(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(path, init).catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new Refusal(0, String(cause));
  });
  if (!response.ok) throw new Refusal(response.status, told(await response.json().catch(() => null)));
  return response;
}

/** The wall clock of the service minus ours, ms, as far as the answer's Date tells. */
export interface Asked<T> {
  readonly answer: T;
  readonly ahead: number;
}

export async function getHealth(): Promise<Asked<Health>> {
  const response = await ask("/health");
  const date = Date.parse(response.headers.get("Date") ?? "");
  return { answer: (await response.json()) as Health, ahead: Number.isNaN(date) ? 0 : date + 500 - Date.now() };
}

export const getAbout = (): Promise<About> => settled(client.GET("/api/about"));
export const getTimeline = (): Promise<Timeline> => settled(client.GET("/api/timeline"));
export const getIds = (): Promise<Ids> => settled(client.GET("/api/ids"));
export const getTruth = (): Promise<Truth> => settled(client.GET("/api/truth"));
export const getResiduals = (hours: number): Promise<Residuals> => settled(client.GET("/api/residuals", { params: { query: { hours } } }));
export const getScorecard = (): Promise<Scorecard> => settled(client.GET("/api/scorecard"));

export async function getSensors(): Promise<readonly Sensor[]> {
  return (await settled(client.GET("/api/sensors"))).sensors;
}

export async function getGeometry(): Promise<Geometry> {
  return decodeGeometry(await (await ask("/api/geometry")).arrayBuffer());
}

export async function getValues(quantity: string, at: string | null, signal: AbortSignal): Promise<Values> {
  const query = new URLSearchParams(at === null ? { quantity } : { quantity, at });
  const response = await ask(`/api/values?${query}`, { signal });
  return labelled(await response.arrayBuffer(), quantity, response.headers);
}

/** Of a sensor, or of a quantity of an element. */
export interface SeriesOf {
  readonly sensor?: string;
  readonly quantity?: string;
  readonly element?: string;
  readonly from?: string;
  readonly to?: string;
}

export const getSeries = (of: SeriesOf): Promise<Series> => settled(client.GET("/api/series", { params: { query: { ...of } } }));

export async function postDeed(name: string, kind: DeedKind, body: SaidOfFinding): Promise<number> {
  const full = { text: "", who: "", cause: "" as const, ...body };
  return (await settled(client.POST("/api/findings/{name}/{kind}", { params: { path: { name, kind } }, body: full }))).sequence;
}

export async function postSession(token: string): Promise<void> {
  await settled(client.POST("/api/session", { body: { token } }));
}

export async function deleteSession(): Promise<void> {
  await ask("/api/session", { method: "DELETE", headers: { "Content-Type": "application/json" } });
}
