import type { Place } from "../map/contract";
import { app } from "../state/app.svelte";

/** Shows some places on the map; none: the whole network. */
export function flyTo(to: readonly Place[]): void {
  app.flight = { to };
}
