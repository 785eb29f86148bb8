import { app } from "../state/app.svelte";
import type { View } from "../state/route";
import { navigate } from "./navigate";

/** To a view; the same view again keeps what is open in it. */
export function goTo(view: View): void {
  if (view !== app.route.view) navigate({ view, finding: null });
}
