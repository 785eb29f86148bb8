// Names and places of what can be chosen. Pure.
import type { Place } from "../map/contract";
import type { Sensor } from "../service/contract";
import type { Data } from "./data";
import type { Chosen } from "./route";

/** Where a sensor hangs: flows at links, all else at nodes. */
export function placeOfSensor(data: Pick<Data, "elements">, sensor: Sensor): Place | null {
  return placeOfChosen(data, { sort: sensor.quantity === "flow" ? "link" : "node", id: sensor.element });
}

export function placeOfChosen(data: Pick<Data, "elements"> & Partial<Pick<Data, "sensors">>, chosen: Chosen | null): Place | null {
  if (!chosen || !data.elements) return null;
  if (chosen.sort === "sensor") {
    const sensor = data.sensors?.find((one) => one.sensor === chosen.id);
    return sensor ? placeOfSensor(data, sensor) : null;
  }
  const index = data.elements[chosen.sort].get(chosen.id);
  return index === undefined ? null : { sort: chosen.sort, index };
}

/** What a finding names (a pipe, a valve, a sensor, a customer) as something that can be chosen; null where it is none, as a zone. */
export function chosenOf(data: Pick<Data, "elements" | "sensors">, name: string): Chosen | null {
  if (data.sensors.some((sensor) => sensor.sensor === name)) return { sort: "sensor", id: name };
  if (data.elements?.link.has(name)) return { sort: "link", id: name };
  return data.elements?.node.has(name) ? { sort: "node", id: name } : null;
}

/** Node where a link begins or ends, by name. */
export function endsOf(data: Pick<Data, "elements" | "geometry">, link: number): readonly [string, string] | null {
  const { geometry, elements } = data;
  if (!geometry || !elements) return null;
  const [start, end] = [geometry.start[link], geometry.end[link]].map((node) => (node === undefined ? undefined : elements.nodes[node]));
  return start !== undefined && end !== undefined ? [start, end] : null;
}
