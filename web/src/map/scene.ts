// What there is to draw; the painters read it and forget nothing of their own but buffers.
import { coloursOf } from "./colours";
import type { Geometry, Mark, Paint, Place } from "./contract";
import { type Camera, type Frame, type Spot, fitScale, frameOf, spotOf } from "./frame";
import { buildMesh, type Mesh } from "./mesh";
import { equipment, markSigns, type Sign } from "./signs";

/** The scene, and a number for each part of it that grows when that part changes. */
export class Scene {
  readonly frame: Frame;
  readonly mesh: Mesh;
  readonly equipment: readonly Sign[];
  paint: Paint;
  marks: readonly Sign[] = [];
  chosen: Place | null = null;
  dark: boolean;
  /** `network`: all that changes what is drawn below the signs. */
  readonly changes = { paint: 1, look: 1, network: 1 };

  constructor(
    readonly geometry: Geometry,
    dark: boolean,
  ) {
    this.frame = frameOf(geometry);
    this.mesh = buildMesh(geometry, this.frame);
    this.equipment = equipment(geometry, this.frame);
    this.dark = dark;
    this.paint = { sort: "node", values: new Float32Array(geometry.nodeCount).fill(NaN), low: 0, high: 1, colours: coloursOf("value", dark) };
  }

  setPaint(paint: Paint): void {
    const count = paint.sort === "node" ? this.geometry.nodeCount : this.geometry.linkCount;
    if (paint.values.length !== count) throw new RangeError(`paint: ${paint.values.length} values for ${count} ${paint.sort}s`);
    if (paint.colours.length !== 4 * 256) throw new RangeError(`paint: ${paint.colours.length} bytes of colours, not 256 times RGBA`);
    this.paint = paint;
    this.changes.paint++;
    this.changes.network++;
  }

  setMarks(marks: readonly Mark[]): void {
    this.marks = markSigns(this.geometry, this.frame, marks);
  }

  setChosen(place: Place | null): void {
    this.chosen = place;
    this.changes.network++;
  }

  setDark(dark: boolean): void {
    this.dark = dark;
    this.changes.look++;
    this.changes.network++;
  }

  spot(place: Place): Spot | null {
    return spotOf(this.geometry, this.frame, place);
  }

  /** All signs for a camera, from below to above. */
  signs(camera: Camera): Sign[] {
    const chosen = this.chosen && this.spot(this.chosen);
    const ring: Sign[] = chosen && this.chosen ? [{ ...chosen, dx: 1, dy: 0, name: "chosen", size: 1, place: this.chosen, aside: 0 }] : [];
    const size = Math.min(1.25, Math.max(0.6, 0.4 + 0.25 * this.growth(camera)));
    const crowded = this.crowded(camera);
    const standing = this.equipment.filter((sign) => !(crowded && sign.name === "valve")).map((sign) => ({ ...sign, size: size * sign.size }));
    return [...standing, ...ring, ...this.marks];
  }

  /** Whether valves would cover the pipes: more than one for each square of 60 by 60 pixels. */
  crowded(camera: Camera): boolean {
    const area = this.frame.width * this.frame.height * camera.scale ** 2;
    return this.equipment.length * 60 * 60 > area;
  }

  /** 0 where the network just fits; each one more is twice as near. */
  zoom(camera: Camera): number {
    return Math.log2(camera.scale / this.fit(camera));
  }

  fit(into: { width: number; height: number }): number {
    return fitScale(this.frame.width, this.frame.height, into);
  }

  /** How much wider than at their narrowest pipes are drawn: the more, the longer they are on the screen. */
  growth(camera: Camera): number {
    return Math.min(7, Math.max(1, (this.pipeLength(camera) / 8) ** 0.45));
  }

  /** Whether junctions are dots of their own: once pipes are long enough to have ends. */
  dotted(camera: Camera): boolean {
    return this.pipeLength(camera) > 40;
  }

  /** Mean length of a pipe on the screen, CSS pixels. */
  private pipeLength(camera: Camera): number {
    return this.mesh.meanLength * camera.scale;
  }
}

/** Pixels; thinner would part too little from the background. */
export const LEAST_WIDTH = 1.6;
