import type { Place } from "../map/contract";
import { app } from "../state/app.svelte";
import { placeOfChosen } from "../state/elements";
import type { Chosen } from "../state/route";
import { navigate } from "./navigate";

/** Chooses an element or a sensor, everywhere at once; null: nothing. */
export function choose(chosen: Chosen | null): void {
  navigate({ chosen });
}

/** What was pointed at on the map. */
export function choosePlace(place: Place | null): void {
  const elements = app.data.elements;
  const id = place && elements ? (place.sort === "node" ? elements.nodes : elements.links)[place.index] : undefined;
  choose(place && id !== undefined ? { sort: place.sort, id } : null);
}

/** Chooses and shows where it is, in a view that has a map. */
export function chooseAndFly(chosen: Chosen): void {
  navigate(app.route.view === "health" ? { view: "live", chosen, table: false } : { chosen, table: false });
  const place = placeOfChosen(app.data, chosen);
  if (place) app.flight = { to: [place] };
}
