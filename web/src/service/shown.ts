// Fetches the values that the map shows. Those of the past are kept a while, so that a slider can go back and forth.
import { app } from "../state/app.svelte";
import { getValues, Refusal } from "./client";
import type { Values } from "./values";

const KEPT_BYTES = 32 << 20;

const kept = new Map<string, Values>();
let keptBytes = 0;
let asked: AbortController | null = null;

const sizeOf = (values: Values): number => 16 * values.median.length;

/** Shows a quantity at a moment (null: now), from what is kept or from the service. */
export async function showValues(quantity: string, at: string | null): Promise<void> {
  asked?.abort();
  const known = at === null ? undefined : kept.get(`${quantity} ${at}`);
  if (known) {
    asked = null;
    [app.values, app.valuesMissing] = [known, false];
    return;
  }
  const mine = (asked = new AbortController());
  try {
    const values = await getValues(quantity, at, mine.signal);
    if (asked !== mine) return;
    if (at !== null && values.kind === "past") keep(`${quantity} ${at}`, values);
    [app.values, app.valuesMissing] = [values, false];
  } catch (error) {
    if (asked !== mine) return; // another question was asked meanwhile
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 404 || app.values?.quantity !== quantity) app.values = null;
    app.valuesMissing = error.status === 404;
  }
}

/** A cycle was revised: what was believed then is another. */
export function forgetValues(): void {
  kept.clear();
  keptBytes = 0;
}

function keep(key: string, values: Values): void {
  kept.set(key, values);
  keptBytes += sizeOf(values);
  for (const [oldest, dropped] of kept) {
    if (keptBytes <= KEPT_BYTES) return;
    kept.delete(oldest);
    keptBytes -= sizeOf(dropped);
  }
}
