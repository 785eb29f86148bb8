import { app } from "../state/app.svelte";
import { READINGS, type Reading } from "../state/route";
import { navigate } from "./navigate";

/** How an estimate is read: expected value, chance of a broken limit, width. */
export function setReading(reading: Reading): void {
  navigate({ reading });
}

/** The next way to read it. */
export function nextReading(): void {
  setReading(READINGS[(READINGS.indexOf(app.route.reading) + 1) % READINGS.length] ?? "expected");
}
