// What the service answers, by the names the page uses. Routes that answer in JSON have their types from the schema.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type About = Schemas["AboutAnswer"];
export type Timeline = Schemas["TimelineAnswer"];
export type Ids = Schemas["IdsAnswer"];
export type Estimate = Schemas["Estimate"];
export type Finding = Schemas["FindingAnswer"];
export type Evidence = Schemas["EvidenceAnswer"];
export type Sensor = Schemas["SensorAnswer"];
export type Health = Schemas["HealthAnswer"];
export type Series = Schemas["SeriesAnswer"];
export type Scorecard = Schemas["ScorecardAnswer"];
export type Residuals = Schemas["ResidualsAnswer"];
export type Residual = Schemas["Residual"];
export type Truth = Schemas["TruthAnswer"];
export type TruthEvent = Schemas["TrueEvent"];
export type TruthFinding = Schemas["ComparedFinding"];
export type CalibrationBin = Schemas["CalibrationBin"];
export type SaidOfFinding = Partial<Schemas["Deed"]>;

/** Server-sent `state`: a cycle closed or was revised. */
export interface StateEvent {
  readonly cycle: number;
  readonly cycle_end: string;
  readonly reason: string;
  readonly sensors: Readonly<Record<string, Estimate>>;
}

export const DEEDS = ["confirm", "reject", "note", "close"] as const;
export type DeedKind = (typeof DEEDS)[number];

/** What may really have been the matter; asked when a warning is closed. */
export const REAL_CAUSES = ["leak", "valve", "sensor", "tampering", "demand", "model", "unknown", "nothing"] as const;
