// The network's own coordinates, moved into a square of width 1 round 0: single precision there is a 16-millionth of the town
// (a town of 50 km: 3 mm), whatever large numbers a national grid has. Every part of the map below `NetworkMap` thinks in this frame.
import type { Geometry, Place } from "./contract";

export interface Frame {
  /** Middle of the network, in the coordinates of its file. */
  readonly x: number;
  readonly y: number;
  /** One unit of the frame, in the coordinates of the file. */
  readonly size: number;
  /** Width and height of what the network covers; the larger is 1. */
  readonly width: number;
  readonly height: number;
}

/** What is on the screen: the frame's point in its middle, and how many CSS pixels one unit of the frame is. */
export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
  /** Of the canvas, CSS pixels. */
  readonly width: number;
  readonly height: number;
}

/** A box in the frame: from left to right, from bottom to top. */
export type Box = readonly [left: number, bottom: number, right: number, top: number];

/** CSS pixels that stay free around a network that fits. */
const PADDING = 48;

export function frameOf(geometry: Geometry): Frame {
  let [left, bottom, right, top] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const xy of [geometry.nodes, geometry.bends]) {
    for (let i = 0; i + 1 < xy.length; i += 2) {
      const [x, y] = [xy[i]!, xy[i + 1]!];
      if (!(Number.isFinite(x) && Number.isFinite(y))) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      bottom = Math.min(bottom, y);
      top = Math.max(top, y);
    }
  }
  if (left > right) return { x: 0, y: 0, size: 1, width: 1, height: 1 };
  const size = Math.max(right - left, top - bottom) || 1;
  return { x: (left + right) / 2, y: (bottom + top) / 2, size, width: (right - left) / size, height: (top - bottom) / size };
}

/** The scale at which a box of the frame fits into so many pixels. */
export function fitScale(width: number, height: number, into: { width: number; height: number }): number {
  const room = (pixels: number) => Math.max(pixels - 2 * PADDING, pixels / 2, 1);
  return Math.min(room(into.width) / Math.max(width, 1e-9), room(into.height) / Math.max(height, 1e-9));
}

/** The points of a link from its start to its end, x and y in the frame; those without coordinates and doubles are left out. */
export function pathOf(geometry: Geometry, frame: Frame, link: number): number[] {
  const { nodes, bends, start, end, bendFrom } = geometry;
  const path: number[] = [];
  const add = (xy: Float64Array, at: number) => {
    const x = (xy[2 * at]! - frame.x) / frame.size;
    const y = (xy[2 * at + 1]! - frame.y) / frame.size;
    if (!(Number.isFinite(x) && Number.isFinite(y))) return;
    if (path.length > 0 && path[path.length - 2] === x && path[path.length - 1] === y) return;
    path.push(x, y);
  };
  add(nodes, start[link]!);
  for (let bend = bendFrom[link]!; bend < bendFrom[link + 1]!; bend++) add(bends, bend);
  add(nodes, end[link]!);
  return path;
}

/** A point on the network and the direction of the pipe there (length 1). */
export interface Spot {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
}

/** Where a place is: of a node its point, of a link the point half way along it; null where there are no coordinates. */
export function spotOf(geometry: Geometry, frame: Frame, place: Place): Spot | null {
  if (place.sort === "node") {
    const x = (geometry.nodes[2 * place.index]! - frame.x) / frame.size;
    const y = (geometry.nodes[2 * place.index + 1]! - frame.y) / frame.size;
    return Number.isFinite(x) && Number.isFinite(y) ? { x, y, dx: 1, dy: 0 } : null;
  }
  const path = pathOf(geometry, frame, place.index);
  if (path.length === 0) return null;
  if (path.length === 2) return { x: path[0]!, y: path[1]!, dx: 1, dy: 0 };
  const length = (i: number) => Math.hypot(path[i + 2]! - path[i]!, path[i + 3]! - path[i + 1]!);
  let half = 0;
  for (let i = 0; i + 3 < path.length; i += 2) half += length(i) / 2;
  let i = 0;
  while (i + 5 < path.length && length(i) < half) {
    half -= length(i);
    i += 2;
  }
  const [dx, dy] = [(path[i + 2]! - path[i]!) / length(i), (path[i + 3]! - path[i + 1]!) / length(i)];
  return { x: path[i]! + half * dx, y: path[i + 1]! + half * dy, dx, dy };
}

/** The box that holds some places; null where none has coordinates. */
export function boxOf(geometry: Geometry, frame: Frame, places: readonly Place[]): Box | null {
  let box: Box | null = null;
  for (const place of places) {
    const spot = spotOf(geometry, frame, place);
    const points = place.sort === "link" ? pathOf(geometry, frame, place.index) : spot ? [spot.x, spot.y] : [];
    for (let i = 0; i < points.length; i += 2) {
      const [x, y] = [points[i]!, points[i + 1]!];
      box = box ? [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)] : [x, y, x, y];
    }
  }
  return box;
}

/** The part of the frame that a camera sees, and a margin in CSS pixels. */
export function seen(camera: Camera, margin: number): Box {
  const [across, up] = [(camera.width / 2 + margin) / camera.scale, (camera.height / 2 + margin) / camera.scale];
  return [camera.x - across, camera.y - up, camera.x + across, camera.y + up];
}

/** Distance from a point to a path. */
export function distanceTo(path: readonly number[], x: number, y: number): number {
  let least = path.length >= 2 ? Math.hypot(path[0]! - x, path[1]! - y) : Infinity;
  for (let i = 0; i + 3 < path.length; i += 2) {
    const [ax, ay] = [path[i]!, path[i + 1]!];
    const [dx, dy] = [path[i + 2]! - ax, path[i + 3]! - ay];
    const share = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
    least = Math.min(least, Math.hypot(ax + share * dx - x, ay + share * dy - y));
  }
  return least;
}
