// Signs on the map. Pure.
import type { Mark } from "../map/contract";
import type { Finding, TruthEvent } from "../service/contract";
import type { Data } from "./data";
import { chosenOf, placeOfChosen, placeOfSensor } from "./elements";

/** More customers' meters than this are no signs any more but a rash; those that are silent stay. */
const METERS_SHOWN = 30;

export function sensorMarks(data: Pick<Data, "sensors" | "elements">): readonly Mark[] {
  const meters = data.sensors.filter((sensor) => sensor.quantity === "demand").length;
  return data.sensors.flatMap((sensor): Mark[] => {
    const at = placeOfSensor(data, sensor);
    const shown = at !== null && (sensor.quantity !== "demand" || sensor.stale || meters <= METERS_SHOWN);
    return shown ? [{ at, shape: sensor.stale ? "stale" : "sensor", weight: 1 }] : [];
  });
}

/** Where the cause may be; the first candidate has a sign of its own. */
export function candidateMarks(data: Pick<Data, "sensors" | "elements">, finding: Finding): readonly Mark[] {
  const most = finding.candidates[0]?.probability ?? 1;
  return finding.candidates.flatMap((candidate, place): Mark[] => {
    const at = placeOfChosen(data, chosenOf(data, candidate.element));
    return at && candidate.probability >= 0.001 ? [{ at, shape: place === 0 ? "first" : "candidate", weight: candidate.probability / Math.max(most, 1e-9) }] : [];
  });
}

export function truthMarks(data: Pick<Data, "sensors" | "elements">, events: readonly TruthEvent[]): readonly Mark[] {
  return events.flatMap((event): Mark[] => {
    const at = placeOfChosen(data, chosenOf(data, event.sensor ?? event.element ?? ""));
    return at ? [{ at, shape: "truth", weight: 1 }] : [];
  });
}
