// What the service answers, by the names the page uses. Routes that answer in JSON have their types from the schema.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Estimate = Schemas["Estimate"];
export type Finding = Schemas["FindingAnswer"] & { readonly real_cause?: string };
export type Evidence = Schemas["EvidenceAnswer"];
export type Sensor = Schemas["SensorAnswer"];
export type Health = Schemas["HealthAnswer"] & { readonly catching_up?: { readonly done: number; readonly of: number } | null };
export type Series = Schemas["SeriesAnswer"] & { readonly forecast?: readonly Schemas["Band"][]; readonly forecast_made?: string | null };
export type Scorecard = Schemas["ScorecardAnswer"];

/** Server-sent `state`: a cycle closed or was revised. */
export interface StateEvent {
  readonly cycle: number;
  readonly cycle_end: string;
  readonly reason: string;
  readonly sensors: Readonly<Record<string, Estimate>>;
}

export interface About {
  readonly name: string;
  readonly version: string;
  readonly demo: boolean;
  readonly network: { readonly hash: string; readonly nodes: number; readonly links: number; readonly placed: boolean };
  readonly members: number;
  readonly level: number;
  readonly cycle_s: number;
  readonly interval_s: number;
  readonly quantities: readonly string[];
  readonly units: Readonly<Record<string, string>>;
  readonly limits: Readonly<Record<string, number>>;
}

export interface Timeline {
  readonly first: string | null;
  readonly last: string | null;
  readonly forecast_made: string | null;
  readonly forecast_until: string | null;
  readonly cycle_s: number;
}

export interface Residual {
  readonly sensor: string;
  readonly quantity: string;
  readonly element: string;
  readonly unit: string;
  readonly withheld: boolean;
  readonly n: number;
  readonly coverage: number | null;
  readonly bias: number | null;
  readonly rmse: number | null;
  readonly half_width: number | null;
}

export interface Residuals {
  readonly from: string | null;
  readonly to: string | null;
  readonly sensors: readonly Residual[];
}

export interface TruthEvent {
  readonly kind: string;
  readonly subject: string;
  readonly element: string | null;
  readonly sensor: string | null;
  readonly at: string;
  readonly until: string | null;
  readonly size: { readonly value: number; readonly unit: string } | null;
}

export interface TruthFinding {
  readonly id: string;
  readonly right: boolean | null;
  readonly cause_right: boolean | null;
  readonly metres: number | null;
  readonly hours_late: number | null;
  readonly event: number | null;
}

export interface Truth {
  readonly ended: boolean;
  readonly events: readonly TruthEvent[];
  readonly findings: readonly TruthFinding[];
  readonly calibration: { readonly n: number; readonly bins: readonly CalibrationBin[] } | null;
}

export interface CalibrationBin {
  readonly from: number;
  readonly to: number;
  readonly n: number;
  readonly right: number;
}

export const DEEDS = ["confirm", "reject", "note", "close"] as const;
export type DeedKind = (typeof DEEDS)[number];

/** What may really have been the matter; asked when a warning is closed. */
export const REAL_CAUSES = ["leak", "valve", "sensor", "tampering", "demand", "model", "unknown", "nothing"] as const;
