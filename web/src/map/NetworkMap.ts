// The map of a network, as the views know it: it is told what to show and tells what was chosen.
//
//   const { NetworkMap } = await import("./map/NetworkMap");   // the map library comes with it, as a part of the page of its own
//   const map = new NetworkMap(container, geometry, { pick, hover }, { dark, reducedMotion, words });
//   map.setPaint({ sort: "node", values, low, high, colours: coloursOf("value", dark) });
import "./map.css";
import { BACKGROUND } from "./colours";
import type { Geometry, Look, MapEvents, Mark, Paint, Place, View } from "./contract";
import { flatSurface } from "./flatSurface";
import { boxOf, fitScale } from "./frame";
import { mapLibreSurface } from "./mapLibreSurface";
import { Picker } from "./pick";
import { Scene } from "./scene";
import type { Surface, SurfaceEvents } from "./surface";

/** One element is shown from this much nearer than the whole network, at most. */
const NEAR = 8;

export class NetworkMap {
  private readonly scene: Scene;
  private readonly surface: Surface;
  private picker: Picker | null = null;
  private hovered: Place | null = null;
  private drawn = false;
  private readonly aborter = new AbortController();

  /** The container has its size already; it is the map's until `destroy`. */
  constructor(
    private readonly container: HTMLElement,
    private readonly geometry: Geometry,
    private readonly events: MapEvents,
    private look: Look,
  ) {
    this.scene = new Scene(geometry, look.dark);
    this.surface = this.makeSurface();
    container.classList.add("network-map");
    this.showLook();
    const { signal } = this.aborter;
    this.surface.element.addEventListener("keydown", (event) => event.key === "Enter" && this.chooseMiddle(), { signal });
  }

  /** Values and colours; an error where there is not one value for each element. */
  setPaint(paint: Paint): void {
    this.scene.setPaint(paint);
    this.surface.repaint();
  }

  setMarks(marks: readonly Mark[]): void {
    this.scene.setMarks(marks);
    this.surface.repaint();
  }

  setChosen(place: Place | null): void {
    this.scene.setChosen(place);
    this.surface.repaint();
  }

  /** The paint's colours are the caller's: `setPaint` with those of the other theme comes with it. */
  setLook(look: Look): void {
    this.look = look;
    this.scene.setDark(look.dark);
    this.showLook();
    this.surface.repaint();
  }

  /** Goes where a place, or all of some places, can be seen; those without coordinates do not count. */
  flyTo(to: Place | readonly Place[]): void {
    const { scene } = this;
    const places = "index" in to ? [to] : to; // not by "sort": every array has that
    const box = boxOf(this.geometry, scene.frame, places);
    if (!box) return;
    const camera = this.surface.camera();
    const whole = scene.fit(camera);
    const fits = fitScale(box[2] - box[0], box[3] - box[1], camera);
    // A single pipe need not fill the screen, and who is near already is not moved away.
    const scale = Math.min(fits, Math.max(NEAR * whole, places.length === 1 ? camera.scale : 0));
    this.surface.goTo((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, scale, this.flies());
  }

  /** Shows the whole network. */
  fit(): void {
    this.surface.goTo(0, 0, this.scene.fit(this.surface.camera()), this.flies());
  }

  getView(): View {
    const { frame } = this.scene;
    const camera = this.surface.camera();
    return { x: frame.x + camera.x * frame.size, y: frame.y + camera.y * frame.size, zoom: this.scene.zoom(camera) };
  }

  setView(view: View): void {
    const { frame } = this.scene;
    const scale = this.scene.fit(this.surface.camera()) * 2 ** view.zoom;
    this.surface.goTo((view.x - frame.x) / frame.size, (view.y - frame.y) / frame.size, scale, false);
  }

  /** Where a place lies on the screen, CSS pixels from the container's corner; null where it has no coordinates. */
  screenOf(place: Place): { x: number; y: number } | null {
    const spot = this.scene.spot(place);
    const camera = this.surface.camera();
    if (!spot) return null;
    return { x: camera.width / 2 + (spot.x - camera.x) * camera.scale, y: camera.height / 2 - (spot.y - camera.y) * camera.scale };
  }

  destroy(): void {
    this.aborter.abort();
    this.surface.destroy();
    this.container.classList.remove("network-map");
  }

  private makeSurface(): Surface {
    const events: SurfaceEvents = {
      click: (x, y) => this.events.pick(this.find(x, y)),
      point: (at) => this.hover(at ? this.find(at.x, at.y) : null),
      moved: () => this.events.moved?.(this.getView()),
      drawn: () => {
        // Who looks from outside (tests) can see which paint is on the screen: 1 is the empty one of the beginning.
        const paint = String(this.scene.changes.paint);
        if (this.container.dataset["paint"] !== paint) this.container.dataset["paint"] = paint;
        if (!this.drawn) this.events.drawn?.();
        this.drawn = true;
      },
    };
    const look = { label: this.look.words.label, still: !this.flies() };
    try {
      return mapLibreSurface(this.container, this.scene, events, look);
    } catch (error) {
      console.info("The map is drawn without WebGL 2, more plainly:", error instanceof Error ? error.message : error);
      this.container.replaceChildren();
      return flatSurface(this.container, this.scene, events, look);
    }
  }

  /** The dark control room has no motion. */
  private flies(): boolean {
    return !this.look.dark && !this.look.reducedMotion;
  }

  private find(x: number, y: number, reach?: number): Place | null {
    // Made when first needed: the first frame does not wait for it.
    this.picker ??= new Picker(this.geometry, this.scene.frame);
    const marked = this.scene.marks.map((sign) => ({ x: sign.x, y: sign.y, place: sign.place }));
    return this.picker.at(x, y, this.surface.camera().scale, marked, reach);
  }

  private hover(place: Place | null): void {
    if (place?.sort === this.hovered?.sort && place?.index === this.hovered?.index) return;
    this.hovered = place;
    this.surface.element.style.cursor = place ? "pointer" : "";
    this.events.hover(place);
  }

  /** With the keyboard: what lies nearest to the middle. */
  private chooseMiddle(): void {
    const { x, y, width, height } = this.surface.camera();
    const place = this.find(x, y, Math.min(width, height) / 2);
    if (place) this.events.pick(place);
  }

  private showLook(): void {
    this.container.style.backgroundColor = BACKGROUND[this.look.dark ? "dark" : "light"];
    this.container.dataset["look"] = this.look.dark ? "dark" : "light";
    this.surface.element.setAttribute("aria-label", this.look.words.label);
  }
}

