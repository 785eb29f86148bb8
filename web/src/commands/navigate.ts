import { app } from "../state/app.svelte";
import { formatRoute, parseRoute, type Route } from "../state/route";

/**
 * Another route, in the URL as well. What a person goes back to with the browser is a view, a warning or a chosen thing; `instead`
 * is for what the page does by itself, which nobody wants to go back to.
 */
export function navigate(part: Partial<Route>, instead = false): void {
  const route = { ...app.route, ...part };
  const hash = formatRoute(route);
  const step = route.view !== app.route.view || route.finding !== app.route.finding || route.chosen?.id !== app.route.chosen?.id;
  app.route = route;
  if (hash !== location.hash) history[step && !instead ? "pushState" : "replaceState"](null, "", hash);
}

/** The URL changed without us: a link, the browser's buttons, or somebody typed. */
export function followUrl(): void {
  app.route = parseRoute(location.hash, app.preferences.language);
}
