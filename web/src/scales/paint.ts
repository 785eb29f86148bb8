// From an estimate and the way to read it: what the map draws and what the legend says. Pure.
import { coloursOf, type Domain, nice, type Scale } from "../map/colours";
import type { Geometry, Paint, Sort } from "../map/contract";
import type { Unit } from "../format/units";
import type { Values } from "../service/values";
import type { Reading } from "../state/route";

/** A quantity's elements. */
export function sortOf(quantity: string): Sort {
  return quantity === "flow" ? "link" : "node";
}

/** One number for each element, SI (a probability where the limit is read). Flows without their direction: it is no colour. */
export function readingOf(values: Values, reading: Reading): Float32Array {
  if (reading === "broken") return values.broken;
  if (reading === "width") return values.high.map((high, place) => high - (values.low[place] ?? NaN));
  return values.quantity === "flow" ? values.median.map(Math.abs) : values.median;
}

const SCALE: Readonly<Record<Reading, Scale>> = { expected: "value", broken: "broken", width: "width" };
/** A domain is at least this wide, in SI: less is no reason for all colours. */
const LEAST: Readonly<Record<string, number>> = { pressure: 5, head: 5, flow: 1e-3 };
const LEAST_WIDTH: Readonly<Record<string, number>> = { pressure: 0.5, head: 0.5, flow: 1e-4 };

/** Whether an element counts where the whole is summed up: no reservoir has a pressure that anybody drinks at. */
export function counts(geometry: Pick<Geometry, "nodeKind"> | null, quantity: string): (place: number) => boolean {
  const kinds = sortOf(quantity) === "node" ? geometry?.nodeKind : undefined;
  return (place) => !kinds || kinds[place] === 0;
}

/** Ends of the colours in the unit of the legend. */
export function domainOf(values: Values, reading: Reading, unit: Unit, counted: (place: number) => boolean = () => true): Domain {
  if (reading === "broken") return { low: 0, high: 1, step: 0.2 };
  const least = (reading === "width" ? LEAST_WIDTH : LEAST)[values.quantity] ?? 0;
  const shown = readingOf(values, reading).map((value, place) => (counted(place) ? value * unit.factor : NaN));
  const found = nice(shown, least * unit.factor);
  return reading === "width" || values.quantity === "flow" ? { ...found, low: 0 } : found;
}

/**
 * The domain to go on with: the one before as long as the new one lies in it and fills half of it. A colour that means
 * something else every few seconds means nothing.
 */
export function steady(before: Domain | null, now: Domain): Domain {
  if (!before) return now;
  const held = now.low >= before.low && now.high <= before.high;
  return held && now.high - now.low >= (before.high - before.low) / 2 ? before : now;
}

export function paintOf(values: Values, reading: Reading, domain: Domain, unit: Unit, dark: boolean): Paint {
  const factor = reading === "broken" ? 1 : unit.factor;
  return {
    sort: sortOf(values.quantity),
    values: readingOf(values, reading),
    low: domain.low / factor,
    high: domain.high / factor,
    colours: coloursOf(SCALE[reading], dark),
  };
}

export const coloursFor = (reading: Reading, dark: boolean): Uint8Array => coloursOf(SCALE[reading], dark);

/** Where the numbers of a legend stand, from 0 to 1, and the numbers. */
export function ticksOf(domain: Domain): readonly { readonly place: number; readonly value: number }[] {
  const count = Math.round((domain.high - domain.low) / domain.step);
  const every = Math.max(1, Math.ceil(count / 6));
  return Array.from({ length: Math.floor(count / every) + 1 }, (_, n) => {
    const value = domain.low + n * every * domain.step;
    return { place: (value - domain.low) / (domain.high - domain.low), value };
  });
}
