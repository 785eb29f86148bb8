import { app } from "../state/app.svelte";
import { atEnd, stepped } from "../state/times";
import { navigate } from "./navigate";

/** Shows a moment of the past or the forecast; null: now. */
export function showMoment(at: string | null): void {
  navigate({ at });
}

export function stepTime(count: number): void {
  if (app.times) showMoment(stepped(app.times, app.route.at, count));
}

export function goNow(): void {
  app.playing = false;
  showMoment(null);
}

/** From the end playing begins anew. */
export function togglePlay(): void {
  if (!app.times) return;
  if (!app.playing && atEnd(app.times, app.route.at)) showMoment(stepped(app.times, null, -Infinity));
  app.playing = !app.playing;
}

/** One step of playing; at the end it stops. */
export function playOn(): void {
  if (!app.times || atEnd(app.times, app.route.at)) app.playing = false;
  else stepTime(1);
}
