import { app } from "../state/app.svelte";
import { navigate } from "./navigate";

/** The table instead of the map, or back. */
export function toggleTable(): void {
  navigate({ table: !app.route.table });
}
