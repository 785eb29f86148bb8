// The scene on a plain canvas, for a browser without WebGL 2: the same colours and signs, drawn in some tens of strokes.
import { UNKNOWN } from "./colours";
import { type Camera, pathOf, seen } from "./frame";
import { NONE, placesOf, widthOf } from "./mesh";
import { LEAST_WIDTH, type Scene } from "./scene";
import { CELL, drawSheet, inkOf, type Sheet } from "./signs";

/** Colours of the table that are told apart; each is one stroke for thin pipes and one for wide ones. */
const SHADES = 32;
const WIDE = 2.5; // pixels

export class FlatPainter {
  /** Points of each link in the frame. */
  private readonly paths: Float32Array[];
  private readonly boxes: Float32Array;
  private sheet: { readonly look: number; readonly ratio: number; readonly sheet: Sheet } | null = null;
  /** Links by stroke; made again when the paint changes. */
  private strokes: { paint: number; links: Map<string, number[]> } = { paint: 0, links: new Map() };

  constructor(
    private readonly pen: CanvasRenderingContext2D,
    private readonly scene: Scene,
  ) {
    const { geometry, frame } = scene;
    this.paths = Array.from({ length: geometry.linkCount }, (_, link) => Float32Array.from(pathOf(geometry, frame, link)));
    this.boxes = new Float32Array(4 * geometry.linkCount);
    this.paths.forEach((path, link) => {
      const [xs, ys] = [path.filter((_, i) => i % 2 === 0), path.filter((_, i) => i % 2 === 1)];
      this.boxes.set([Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)], 4 * link);
    });
  }

  draw(camera: Camera, pixelRatio: number): void {
    const { pen, scene } = this;
    pen.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
    pen.clearRect(0, 0, camera.width, camera.height);
    const box = seen(camera, 20);
    const { toX, toY } = projection(camera);
    pen.lineCap = "round";
    pen.lineJoin = "round";
    const trace = (link: number) => {
      const [left, bottom, right, top] = this.boxes.subarray(4 * link, 4 * link + 4);
      if (left! > box[2] || right! < box[0] || bottom! > box[3] || top! < box[1]) return;
      const path = this.paths[link]!;
      for (let i = 0; i < path.length; i += 2) {
        if (i === 0) pen.moveTo(toX(path[0]!), toY(path[1]!));
        else pen.lineTo(toX(path[i]!), toY(path[i + 1]!));
      }
    };
    this.traceChosen(camera, trace);
    for (const [stroke, links] of this.sorted()) {
      const [wide, shade] = stroke.split(" ").map(Number) as [number, number];
      pen.beginPath();
      links.forEach(trace);
      pen.lineWidth = Math.max(LEAST_WIDTH, (wide ? 3.5 : 1.5) * scene.growth(camera));
      pen.strokeStyle = this.tone(shade);
      pen.stroke();
      if (shade !== NONE) continue;
      pen.lineCap = "butt";
      pen.setLineDash([4, 4]);
      pen.strokeStyle = UNKNOWN[scene.dark ? "dark" : "light"][1];
      pen.stroke();
      pen.setLineDash([]);
      pen.lineCap = "round";
    }
    this.drawSigns(camera, pixelRatio);
  }

  private tone(shade: number): string {
    if (shade === NONE) return UNKNOWN[this.scene.dark ? "dark" : "light"][0];
    const { colours } = this.scene.paint;
    const at = 4 * Math.round((255 * shade) / (SHADES - 1));
    return `rgb(${colours[at]} ${colours[at + 1]} ${colours[at + 2]})`;
  }

  private sorted(): Map<string, number[]> {
    const { scene } = this;
    if (this.strokes.paint === scene.changes.paint) return this.strokes.links;
    const { geometry, paint } = scene;
    const places = placesOf(paint);
    const links = new Map<string, number[]>();
    for (let link = 0; link < geometry.linkCount; link++) {
      const [a, b] = paint.sort === "link" ? [places[link]!, places[link]!] : [places[geometry.start[link]!]!, places[geometry.end[link]!]!];
      const place = a === NONE ? b : b === NONE ? a : (a + b) / 2;
      const shade = place === NONE ? NONE : Math.round((place / 254) * (SHADES - 1));
      const stroke = `${widthOf(geometry.diameter[link]!) >= WIDE ? 1 : 0} ${shade}`;
      const group = links.get(stroke);
      if (group) group.push(link);
      else links.set(stroke, [link]);
    }
    const inOrder = new Map([...links].sort(([a], [b]) => a.localeCompare(b)));
    this.strokes = { paint: scene.changes.paint, links: inOrder };
    return inOrder;
  }

  private traceChosen(camera: Camera, trace: (link: number) => void): void {
    const { pen, scene } = this;
    if (scene.chosen?.sort !== "link") return;
    const width = Math.max(LEAST_WIDTH, widthOf(scene.geometry.diameter[scene.chosen.index]!) * scene.growth(camera));
    pen.beginPath();
    trace(scene.chosen.index);
    for (const [more, tone] of [[11, inkOf(scene.dark).line], [6, inkOf(scene.dark).casing]] as const) {
      pen.lineWidth = width + more;
      pen.strokeStyle = tone;
      pen.stroke();
    }
  }

  private drawSigns(camera: Camera, pixelRatio: number): void {
    const { pen, scene } = this;
    if (this.sheet?.look !== scene.changes.look || this.sheet.ratio !== pixelRatio) {
      this.sheet = { look: scene.changes.look, ratio: pixelRatio, sheet: drawSheet(scene.dark, pixelRatio) };
    }
    const { sheet } = this.sheet;
    const { toX, toY } = projection(camera);
    for (const sign of scene.signs(camera)) {
      const { left, top, size } = sheet.cell(sign.name);
      const wide = CELL * sign.size;
      pen.save();
      pen.translate(toX(sign.x) + sign.aside, toY(sign.y) - sign.aside);
      pen.rotate(-Math.atan2(sign.dy, sign.dx));
      pen.drawImage(sheet.canvas, left, top, size, size, -wide / 2, -wide / 2, wide, wide);
      pen.restore();
    }
  }
}

function projection(camera: Camera): { toX(x: number): number; toY(y: number): number } {
  return {
    toX: (x) => camera.width / 2 + (x - camera.x) * camera.scale,
    toY: (y) => camera.height / 2 - (y - camera.y) * camera.scale,
  };
}
