// The network as triangles, made once. Two vertices stand at each point of a link, one at either side; the shader moves them apart
// by the width in pixels. Not instanced, because software WebGL pays for each instance, and neighbours share their vertices.
//
// From afar (`COARSE`) the bends of most links show nothing: there each is one piece from end to end, of the same vertices.
//
// Links are sorted: thin ones first, then mains, so that mains lie on top; within each by tile, so that what is far from the
// screen is left out a tile at a time.
import type { Geometry, Paint } from "./contract";
import { type Box, distanceTo, type Frame, pathOf } from "./frame";

/** Bytes of a vertex: x, y (float32), normal (2 int16, half of it), width in 1/256 pixel (uint16), nothing (uint16). */
export const STRIDE = 16;
/** A value's place in the colour table is one byte: 0 to 254; this one is "no estimate". */
export const NONE = 255;

const MITER_LIMIT = 2;
const MAIN = 0.25; // m; from this diameter on a link is drawn on top
const LINKS_A_TILE = 400;
/** A bend that lies less than this off the straight line (in the frame) is left out from afar. */
const FLAT = 0.5 / 1000;
/** Unless the ends of the link point elsewhere (cosine): its width is seen there. */
const ALIKE = 0.75;
/** Up to so many pixels of the frame the network is drawn from afar: what is left out is then half a pixel. */
export const COARSE = 1300;

export interface Tile {
  readonly box: Box;
  /** Its part of the indices, and of those from afar. */
  readonly near: Run;
  readonly far: Run;
}

type Run = readonly [from: number, to: number];

export interface Mesh {
  readonly vertices: ArrayBuffer;
  readonly vertexCount: number;
  /** Triangles from near and from afar. */
  readonly near: Uint32Array;
  readonly far: Uint32Array;
  readonly tiles: readonly Tile[];
  /** Link i has points pointFrom[i] up to pointFrom[i] + points[i], two vertices each. */
  readonly pointFrom: Uint32Array;
  readonly points: Uint32Array;
  readonly indexFrom: Uint32Array;
  /** How far along its link each point is, 0 to 1. */
  readonly along: Float32Array;
  /** Mean length of a link, in the frame. */
  readonly meanLength: number;
}

/** Width in pixels of a link at its narrowest (see `growth` in scene.ts), before the least width is seen to. */
export function widthOf(diameter: number): number {
  if (!(diameter > 0)) return 1.5;
  return Math.min(5.5, 0.7 + 6.5 * diameter);
}

export function buildMesh(geometry: Geometry, frame: Frame): Mesh {
  const { linkCount, bends, start, end, nodes } = geometry;
  const most = 2 * linkCount + bends.length / 2;
  const order = sortedLinks(geometry, frame);
  const vertices = new ArrayBuffer(2 * most * STRIDE);
  const writer = new VertexWriter(vertices);
  const [near, far] = [new IndexWriter(most - linkCount), new IndexWriter(most - linkCount)];
  const [pointFrom, points, indexFrom] = [new Uint32Array(linkCount), new Uint32Array(linkCount), new Uint32Array(linkCount)];
  const along = new Float32Array(most);
  const tiles: Tile[] = [];
  let [point, box, total, drawn] = [0, EMPTY, 0, 0];
  let [nearFrom, farFrom] = [0, 0];
  for (let rank = 0; rank < linkCount; rank++) {
    const link = order.links[rank]!;
    const known = Number.isFinite(nodes[2 * start[link]!]) && Number.isFinite(nodes[2 * end[link]!]);
    const path = known ? pathOf(geometry, frame, link) : [];
    const count = path.length >= 4 ? path.length / 2 : 0;
    pointFrom[link] = point;
    points[link] = count;
    indexFrom[link] = near.count;
    if (count > 0) {
      total += measure(path, along, point);
      drawn++;
      writer.write(path, widthOf(geometry.diameter[link]!));
      for (let i = 0; i + 1 < count; i++) near.piece(point + i, point + i + 1);
      if (isFlat(path)) far.piece(point, point + count - 1);
      else for (let i = 0; i + 1 < count; i++) far.piece(point + i, point + i + 1);
      box = widened(box, path);
      point += count;
    }
    if (rank + 1 === linkCount || order.tile[link] !== order.tile[order.links[rank + 1]!]) {
      if (near.count > nearFrom) tiles.push({ box, near: [nearFrom, near.count], far: [farFrom, far.count] });
      [nearFrom, farFrom, box] = [near.count, far.count, EMPTY];
    }
  }
  return {
    vertices: vertices.slice(0, 2 * point * STRIDE),
    vertexCount: 2 * point,
    near: near.written(),
    far: far.written(),
    tiles,
    pointFrom,
    points,
    indexFrom,
    along: along.subarray(0, point),
    meanLength: drawn > 0 ? total / drawn : 1,
  };
}

/** The runs of indices of all tiles that a box meets; neighbours are one run. */
export function runsIn(tiles: readonly Tile[], seen: Box, indices: "near" | "far"): Run[] {
  const runs: [number, number][] = [];
  for (const tile of tiles) {
    const { box } = tile;
    if (box[0] > seen[2] || box[2] < seen[0] || box[1] > seen[3] || box[3] < seen[1]) continue;
    const [from, to] = tile[indices];
    const last = runs.at(-1);
    if (last && last[1] === from) last[1] = to;
    else runs.push([from, to]);
  }
  return runs;
}

/** The byte of a value: its place between low and high. */
export function byteOf(value: number, low: number, high: number): number {
  if (Number.isNaN(value)) return NONE;
  return high > low ? Math.round(254 * Math.min(1, Math.max(0, (value - low) / (high - low)))) : 127;
}

/** A byte for each vertex of the mesh; values at nodes run evenly from one end of a link to the other. */
export function linkBytes(mesh: Mesh, geometry: Geometry, paint: Paint, into?: Uint8Array): Uint8Array {
  const bytes = into ?? new Uint8Array(mesh.vertexCount);
  const pairs = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2); // both vertices of a point at once
  const places = placesOf(paint);
  const { pointFrom, points, along } = mesh;
  const { start, end, linkCount } = geometry;
  const atNodes = paint.sort === "node";
  for (let link = 0; link < linkCount; link++) {
    const from = pointFrom[link]!;
    const to = from + points[link]!;
    let a = places[atNodes ? start[link]! : link]!;
    let b = atNodes ? places[end[link]!]! : a;
    if (a === NONE) a = b;
    if (b === NONE) b = a;
    if (a === b) {
      pairs.fill(a * 257, from, to);
      continue;
    }
    for (let point = from; point < to; point++) pairs[point] = ((a + (b - a) * along[point]! + 0.5) | 0) * 257;
  }
  return bytes;
}

/** The byte of each element that is painted. */
export function placesOf(paint: Paint): Uint8Array {
  const { values, low, high } = paint;
  const places = new Uint8Array(values.length);
  const scale = high > low ? 254 / (high - low) : 0;
  const shift = high > low ? 0.5 : 127;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const place = (value - low) * scale + shift;
    places[i] = value !== value ? NONE : place < 0 ? 0 : place > 254 ? 254 : place;
  }
  return places;
}

/** A byte for each node: of a quantity at nodes its own, of one along links that of the widest link there. */
export function nodeBytes(geometry: Geometry, paint: Paint): Uint8Array {
  if (paint.sort === "node") return placesOf(paint);
  const places = placesOf(paint);
  const bytes = new Uint8Array(geometry.nodeCount).fill(NONE);
  const widest = new Float32Array(geometry.nodeCount);
  for (let link = 0; link < geometry.linkCount; link++) {
    const width = widthOf(geometry.diameter[link]!);
    for (const node of [geometry.start[link]!, geometry.end[link]!]) {
      if (width <= widest[node]!) continue;
      widest[node] = width;
      bytes[node] = places[link]!;
    }
  }
  return bytes;
}

/** Of each node the width of the widest link there. */
export function nodeWidths(geometry: Geometry): Float32Array {
  const widths = new Float32Array(geometry.nodeCount);
  for (let link = 0; link < geometry.linkCount; link++) {
    const width = widthOf(geometry.diameter[link]!);
    for (const node of [geometry.start[link]!, geometry.end[link]!]) widths[node] = Math.max(widths[node]!, width);
  }
  return widths;
}

const EMPTY: Box = [Infinity, Infinity, -Infinity, -Infinity];

function widened([left, bottom, right, top]: Box, path: number[]): Box {
  for (let i = 0; i < path.length; i += 2) {
    left = Math.min(left, path[i]!);
    right = Math.max(right, path[i]!);
    bottom = Math.min(bottom, path[i + 1]!);
    top = Math.max(top, path[i + 1]!);
  }
  return [left, bottom, right, top];
}

/** Writes how far along each point is; gives the length. */
function measure(path: number[], along: Float32Array, at: number): number {
  let length = 0;
  along[at] = 0;
  for (let i = 2; i < path.length; i += 2) {
    length += Math.hypot(path[i]! - path[i - 2]!, path[i + 1]! - path[i - 1]!);
    along[at + i / 2] = length;
  }
  for (let i = 1; i < path.length / 2; i++) along[at + i]! /= length;
  return length;
}

/** Whether a straight line from end to end looks the same from afar. */
function isFlat(path: number[]): boolean {
  const last = path.length - 2;
  if (last === 2) return true;
  const chord = [path[0]!, path[1]!, path[last]!, path[last + 1]!];
  for (let i = 2; i < last; i += 2) if (distanceTo(chord, path[i]!, path[i + 1]!) > FLAT) return false;
  const alike = (i: number) => {
    const [ax, ay] = [chord[2]! - chord[0]!, chord[3]! - chord[1]!];
    const [bx, by] = [path[i + 2]! - path[i]!, path[i + 3]! - path[i + 1]!];
    return ax * bx + ay * by > ALIKE * Math.hypot(ax, ay) * Math.hypot(bx, by);
  };
  return alike(0) && alike(last - 2);
}

/** Links by class (thin, main) and tile, by counting; and the tile of each. */
function sortedLinks(geometry: Geometry, frame: Frame): { links: Uint32Array; tile: Uint32Array } {
  const { linkCount, nodes, start, end, diameter } = geometry;
  const side = Math.max(1, Math.ceil(Math.sqrt(linkCount / LINKS_A_TILE)));
  const cell = (a: number, b: number, middle: number) => {
    const place = ((a + b) / 2 - middle) / frame.size + 0.5;
    return place >= 0 ? Math.min(side - 1, Math.floor(place * side)) : 0;
  };
  const tile = new Uint32Array(linkCount);
  const from = new Uint32Array(2 * side * side + 1);
  for (let link = 0; link < linkCount; link++) {
    const [a, b] = [2 * start[link]!, 2 * end[link]!];
    const column = cell(nodes[a]!, nodes[b]!, frame.x);
    const row = cell(nodes[a + 1]!, nodes[b + 1]!, frame.y);
    tile[link] = ((diameter[link]! >= MAIN ? side : 0) + row) * side + column;
    from[tile[link]! + 1]!++;
  }
  for (let i = 1; i < from.length; i++) from[i]! += from[i - 1]!;
  const links = new Uint32Array(linkCount);
  for (let link = 0; link < linkCount; link++) links[from[tile[link]!]!++] = link;
  return { links, tile };
}

/** Two triangles for each straight piece between two points. */
class IndexWriter {
  private readonly indices: Uint32Array;
  count = 0;

  constructor(pieces: number) {
    this.indices = new Uint32Array(6 * Math.max(0, pieces));
  }

  piece(from: number, to: number): void {
    const [a, b, at] = [2 * from, 2 * to, this.count];
    this.indices[at] = a;
    this.indices[at + 1] = a + 1;
    this.indices[at + 2] = b;
    this.indices[at + 3] = b;
    this.indices[at + 4] = a + 1;
    this.indices[at + 5] = b + 1;
    this.count += 6;
  }

  written(): Uint32Array {
    return this.indices.subarray(0, this.count);
  }
}

class VertexWriter {
  private readonly floats: Float32Array;
  private readonly shorts: Int16Array;
  private readonly words: Uint16Array;
  private vertex = 0;

  constructor(vertices: ArrayBuffer) {
    this.floats = new Float32Array(vertices);
    this.shorts = new Int16Array(vertices);
    this.words = new Uint16Array(vertices);
  }

  /** Two vertices for each point, their normals along the bisector of a corner and long enough to keep the width. */
  write(path: number[], width: number): void {
    const last = path.length - 2;
    let [beforeX, beforeY] = [0, 0];
    for (let i = 0; i <= last; i += 2) {
      const [x, y] = [path[i]!, path[i + 1]!];
      let [afterX, afterY] = [beforeX, beforeY];
      if (i < last) {
        const [dx, dy] = [path[i + 2]! - x, path[i + 3]! - y];
        const length = Math.sqrt(dx * dx + dy * dy);
        afterX = -dy / length;
        afterY = dx / length;
      }
      if (i === 0) [beforeX, beforeY] = [afterX, afterY];
      let [normalX, normalY] = [beforeX + afterX, beforeY + afterY];
      // |before + after|² / 2 is 1 + cos of the turn: dividing by it gives the miter; nearly back on itself, there is none.
      const size = (normalX * normalX + normalY * normalY) / 2;
      if (size > 0.02) {
        const stretch = Math.min(1 / size, MITER_LIMIT / Math.sqrt(2 * size));
        normalX *= stretch;
        normalY *= stretch;
      } else [normalX, normalY] = [beforeX, beforeY];
      this.put(x, y, normalX, normalY, width);
      this.put(x, y, -normalX, -normalY, width);
      [beforeX, beforeY] = [afterX, afterY];
    }
  }

  private put(x: number, y: number, normalX: number, normalY: number, width: number): void {
    const at = this.vertex++ * STRIDE;
    this.floats[at / 4] = x;
    this.floats[at / 4 + 1] = y;
    this.shorts[at / 2 + 4] = (normalX / MITER_LIMIT) * 32767;
    this.shorts[at / 2 + 5] = (normalY / MITER_LIMIT) * 32767;
    this.words[at / 2 + 6] = width * 256;
  }
}
