import { app } from "../state/app.svelte";
import { saveSeen, withSeen } from "../state/seen";
import { navigate } from "./navigate";

/** Opens a warning; from then on it is no longer new. */
export function openFinding(id: string | null): void {
  navigate({ view: "warnings", finding: id });
}

/** Opens a warning by itself, where there is room for it beside the list. */
export function openFirst(id: string): void {
  if (matchMedia("(min-width: 45.01rem)").matches) navigate({ finding: id }, true);
}

/** A warning is on the screen. */
export function markSeen(id: string, revision: number): void {
  if (app.seen.has(id)) return;
  app.seen = withSeen(app.seen, id, revision);
  saveSeen(app.seen);
}
