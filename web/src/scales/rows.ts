// The table twin of the map, and the same in a sentence. Pure.
import type { Unit } from "../format/units";
import type { Format } from "../format/format";
import type { Values } from "../service/values";
import type { Reading } from "../state/route";
import type { Words } from "../words";
import { readingOf, sortOf } from "./paint";

export const COLUMNS = ["element", "median", "half", "chance"] as const;
export type Column = (typeof COLUMNS)[number];

/** Half the width of the interval of an element, SI. */
export const halfOf = (values: Values, place: number): number => ((values.high[place] ?? NaN) - (values.low[place] ?? NaN)) / 2;

/** Places of the elements whose name holds `filter`, in the order asked for; those without an estimate come last. */
export function rowsOf(values: Values, names: readonly string[], filter: string, by: Column, descending: boolean): readonly number[] {
  const asked = filter.trim().toLowerCase();
  const rows: number[] = [];
  for (let place = 0; place < names.length; place += 1) if (!asked || (names[place] ?? "").toLowerCase().includes(asked)) rows.push(place);
  const sign = descending ? -1 : 1;
  if (by === "element") {
    const order = new Intl.Collator("en", { numeric: true });
    return rows.sort((a, b) => sign * order.compare(names[a] ?? "", names[b] ?? ""));
  }
  const key = { median: (row: number) => values.median[row] ?? NaN, half: (row: number) => halfOf(values, row), chance: (row: number) => values.broken[row] ?? NaN }[by];
  return rows.sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return sign * (x - y) || a - b;
  });
}

/** More than this chance of a broken limit is worth counting. */
export const WORTH_COUNTING = 0.05;

/** What the map shows, in a sentence. */
export function summaryOf(
  values: Values | null,
  names: readonly string[],
  context: { readonly reading: Reading; readonly quantity: string; readonly unit: Unit; readonly limit: number | null; readonly words: Words; readonly format: Format; readonly counted?: (place: number) => boolean },
): string {
  const { reading, quantity, unit, limit, words, format } = context;
  const what = words.quantities[quantity] ?? quantity;
  if (!values) return words.summary.nothing(what);
  const counted = context.counted ?? (() => true);
  const shown = readingOf(values, reading).map((value, place) => (counted(place) ? value : NaN));
  const order = [...shown.keys()].filter((place) => !Number.isNaN(shown[place])).sort((a, b) => (shown[a] ?? 0) - (shown[b] ?? 0));
  const first = order[0];
  const last = order.at(-1);
  if (first === undefined || last === undefined) return words.summary.nothing(what);
  // A pressure to the metre is enough to hear; what may be small needs two digits.
  const fine = (value: number) => (reading === "expected" && quantity !== "flow" ? 5 * unit.factor : Math.abs(value * unit.factor) / 2);
  const number = (value: number) => `${format.value(value * unit.factor, fine(value))} ${words.units[unit.word]}`;
  const at = (place: number) => number(shown[place] ?? NaN);
  const count = (sortOf(quantity) === "node" ? words.summary.nodes : words.summary.links)(format.count(order.length));
  const middle = order[Math.floor((order.length - 1) / 2)] ?? first;
  const name = (place: number) => names[place] ?? "";
  const risky = [...values.broken].filter((share, place) => share > WORTH_COUNTING && counted(place)).length;
  const limitText = limit === null ? "" : `${format.plain(limit * unit.factor)} ${words.units[unit.word]}`;
  const share = format.percent(WORTH_COUNTING);
  const parts: string[] = [];
  if (reading === "expected" && quantity === "flow") {
    parts.push(words.summary.highest({ what, count, median: at(middle), highest: at(last), at: name(last) }));
  } else if (reading === "expected") {
    parts.push(words.summary.expected({ what, count, median: at(middle), lowest: at(first), at: name(first) }));
    if (limit !== null) parts.push(words.summary.broken(format.count(risky), share, limitText));
  } else if (reading === "broken") {
    const most = format.chance(shown[last] ?? NaN);
    parts.push(words.summary.brokenMost({ what, count: format.count(risky), share, limit: limitText, most, at: name(last) }));
  } else {
    parts.push(words.summary.width({ what, count, median: at(middle), widest: at(last), at: name(last) }));
  }
  const missing = [...values.median].filter((median, place) => Number.isNaN(median) && counted(place)).length;
  if (missing > 0) parts.push(words.summary.missing(format.count(missing)));
  return `${parts.join(", ")}.`;
}
