// A plain map on a 2D canvas, until the one of MapLibre and WebGL takes its place; same interface.
import { BACKGROUND } from "./colours";
import type { Geometry, MapEvents, Mark, Paint, Place } from "./contract";

const NEAR = 14;

export class NetworkMap {
  private readonly canvas = document.createElement("canvas");
  private readonly observer: ResizeObserver;
  private paint: Paint | null = null;
  private marks: readonly Mark[] = [];
  private chosen: Place | null = null;
  private view = { x: 0, y: 0, scale: 1 };
  private due = 0;

  constructor(
    container: HTMLElement,
    private readonly geometry: Geometry,
    private readonly events: MapEvents,
    private look: { dark: boolean; reducedMotion: boolean },
  ) {
    container.append(this.canvas);
    this.canvas.addEventListener("click", (event) => this.events.pick(this.at(event)));
    this.canvas.addEventListener("mousemove", (event) => this.events.hover(this.at(event)));
    this.canvas.addEventListener("mouseleave", () => this.events.hover(null));
    this.observer = new ResizeObserver(() => {
      const ratio = devicePixelRatio;
      this.canvas.width = container.clientWidth * ratio;
      this.canvas.height = container.clientHeight * ratio;
      Object.assign(this.canvas.style, { width: "100%", height: "100%", display: "block" });
      this.fit();
    });
    this.observer.observe(container);
  }

  setPaint(paint: Paint | null): void {
    this.paint = paint;
    this.redraw();
  }

  setMarks(marks: readonly Mark[]): void {
    this.marks = marks;
    this.redraw();
  }

  setChosen(place: Place | null): void {
    this.chosen = place;
    this.redraw();
  }

  setLook(dark: boolean): void {
    this.look = { ...this.look, dark };
    this.redraw();
  }

  flyTo(target: Place | readonly Place[]): void {
    const places = Array.isArray(target) ? (target as readonly Place[]) : [target as Place];
    const points = places.map((place) => this.middle(place)).filter(([x]) => Number.isFinite(x));
    if (points.length > 0) this.show(points, 0.25);
  }

  fit(): void {
    const { nodes, nodeCount } = this.geometry;
    const points = Array.from({ length: nodeCount }, (_, node): [number, number] => [nodes[2 * node] ?? NaN, nodes[2 * node + 1] ?? NaN]);
    this.show(points.filter(([x]) => Number.isFinite(x)), 0);
  }

  destroy(): void {
    this.observer.disconnect();
    cancelAnimationFrame(this.due);
    this.canvas.remove();
  }

  private show(points: readonly [number, number][], room: number): void {
    if (points.length === 0) return;
    const [xs, ys] = [points.map((point) => point[0]), points.map((point) => point[1])];
    const [left, right] = [Math.min(...xs), Math.max(...xs)];
    const [low, high] = [Math.min(...ys), Math.max(...ys)];
    const least = room ? 600 : 1;
    const [width, height] = [Math.max(right - left, least) * (1.1 + room), Math.max(high - low, least) * (1.1 + room)];
    this.view = { x: (left + right) / 2, y: (low + high) / 2, scale: Math.min(this.canvas.width / width, this.canvas.height / height) };
    this.redraw();
  }

  private middle(place: Place): [number, number] {
    const node = (index: number): [number, number] => [this.geometry.nodes[2 * index] ?? NaN, this.geometry.nodes[2 * index + 1] ?? NaN];
    if (place.sort === "node") return node(place.index);
    const [a, b] = [node(this.geometry.start[place.index] ?? 0), node(this.geometry.end[place.index] ?? 0)];
    return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  }

  private screen([x, y]: readonly [number, number]): [number, number] {
    const { width, height } = this.canvas;
    return [width / 2 + (x - this.view.x) * this.view.scale, height / 2 - (y - this.view.y) * this.view.scale];
  }

  private at(event: MouseEvent): Place | null {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) * devicePixelRatio, (event.clientY - box.top) * devicePixelRatio];
    let [found, nearest]: [Place | null, number] = [null, NEAR * devicePixelRatio];
    const sort = this.paint?.sort ?? "node";
    const count = sort === "node" ? this.geometry.nodeCount : this.geometry.linkCount;
    for (let index = 0; index < count; index += 1) {
      const [px, py] = this.screen(this.middle({ sort, index }));
      const distance = Math.hypot(px - x, py - y);
      if (distance < nearest) [found, nearest] = [{ sort, index }, distance];
    }
    return found;
  }

  private redraw(): void {
    cancelAnimationFrame(this.due);
    this.due = requestAnimationFrame(() => this.draw());
  }

  private colour(place: Place): string {
    const paint = this.paint;
    const value = paint?.sort === place.sort ? paint.values[place.index] : undefined;
    if (!paint || value === undefined || Number.isNaN(value)) return "#7b8794";
    const at = 4 * Math.round(255 * Math.min(1, Math.max(0, (value - paint.low) / (paint.high - paint.low))));
    return `rgb(${paint.colours[at]} ${paint.colours[at + 1]} ${paint.colours[at + 2]})`;
  }

  private draw(): void {
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const ratio = devicePixelRatio;
    const ink = this.look.dark ? "#ffffff" : "#101820";
    context.fillStyle = BACKGROUND[this.look.dark ? "dark" : "light"];
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    for (let link = 0; link < this.geometry.linkCount; link += 1) {
      const [start, end] = [this.geometry.start[link] ?? 0, this.geometry.end[link] ?? 0];
      const bold = this.chosen?.sort === "link" && this.chosen.index === link;
      const byNode = this.paint?.sort === "node";
      context.strokeStyle = bold ? ink : this.colour(byNode ? { sort: "node", index: start } : { sort: "link", index: link });
      context.lineWidth = (bold ? 5 : 2) * ratio;
      context.beginPath();
      context.moveTo(...this.screen(this.middle({ sort: "node", index: start })));
      context.lineTo(...this.screen(this.middle({ sort: "node", index: end })));
      context.stroke();
    }
    for (const mark of this.marks) this.sign(context, mark, ink);
    if (this.chosen?.sort === "node") this.sign(context, { at: this.chosen, shape: "first", weight: 1 }, ink);
  }

  private sign(context: CanvasRenderingContext2D, mark: Mark, ink: string): void {
    const [x, y] = this.screen(this.middle(mark.at));
    const size = (mark.shape === "candidate" ? 4 + 10 * mark.weight : 6) * devicePixelRatio;
    context.fillStyle = mark.shape === "candidate" || mark.shape === "first" ? "#f39c1f" : this.look.dark ? "#101820" : "#ffffff";
    context.strokeStyle = ink;
    context.lineWidth = 2 * devicePixelRatio;
    context.beginPath();
    if (mark.shape === "sensor") context.rect(x - size / 2, y - size / 2, size, size);
    else context.arc(x, y, size, 0, 7);
    context.fill();
    context.stroke();
  }
}
