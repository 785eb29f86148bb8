// What the service sends as bytes, turned into arrays; refused, with the reason, where it does not fit.
import type { Geometry } from "./contract";

const MAGIC = "TWG1";
const HEADER = 16;

/** Values of one quantity at one time, one for each node (pressure, head) or link (flow); SI; NaN: none. */
export interface Values {
  readonly median: Float32Array;
  /** Ends of the interval. */
  readonly low: Float32Array;
  readonly high: Float32Array;
  /** How probable it is that the limit is broken; NaN where the quantity has no limit. */
  readonly broken: Float32Array;
}

/** The bytes are not what the service promises. */
export class DecodeError extends Error {
  override name = "DecodeError";
}

/** Where everything lies, from the bytes of `GET /api/geometry` (layout: docs/reference/service.md). */
export function decodeGeometry(bytes: ArrayBuffer): Geometry {
  if (bytes.byteLength < HEADER) throw new DecodeError(`geometry: ${bytes.byteLength} bytes, shorter than its header`);
  const magic = String.fromCharCode(...new Uint8Array(bytes, 0, 4));
  if (magic !== MAGIC) throw new DecodeError(`geometry: begins with ${JSON.stringify(magic)}, not with ${MAGIC}`);
  const head = new DataView(bytes);
  const nodeCount = head.getUint32(4, true);
  const linkCount = head.getUint32(8, true);
  const bendCount = head.getUint32(12, true);
  const expected = HEADER + 17 * nodeCount + 16 * bendCount + 17 * linkCount + 4;
  if (bytes.byteLength !== expected) {
    throw new DecodeError(
      `geometry: ${bytes.byteLength} bytes; ${nodeCount} nodes, ${linkCount} links and ${bendCount} bends need ${expected}`,
    );
  }
  const reader = new Reader(bytes, HEADER);
  const geometry: Geometry = {
    nodeCount,
    linkCount,
    nodes: reader.take(Float64Array, 2 * nodeCount),
    bends: reader.take(Float64Array, 2 * bendCount),
    start: reader.take(Uint32Array, linkCount),
    end: reader.take(Uint32Array, linkCount),
    bendFrom: reader.take(Uint32Array, linkCount + 1),
    diameter: reader.take(Float32Array, linkCount),
    nodeKind: reader.take(Uint8Array, nodeCount),
    linkKind: reader.take(Uint8Array, linkCount),
  };
  checkIndices(geometry, bendCount);
  return geometry;
}

/** Values of `count` elements, from the bytes of `GET /api/values`. */
export function decodeValues(bytes: ArrayBuffer, count: number): Values {
  if (bytes.byteLength !== 16 * count) {
    throw new DecodeError(`values: ${bytes.byteLength} bytes; ${count} elements need ${16 * count}`);
  }
  const reader = new Reader(bytes, 0);
  const next = () => reader.take(Float32Array, count);
  return { median: next(), low: next(), high: next(), broken: next() };
}

type ArrayType<T> = { new (bytes: ArrayBuffer, from: number, length: number): T; readonly BYTES_PER_ELEMENT: number };

/** Takes one array after the other. All computers with a browser are little endian, as the bytes are. */
class Reader {
  constructor(
    private readonly bytes: ArrayBuffer,
    private at: number,
  ) {}

  take<T>(type: ArrayType<T>, length: number): T {
    const size = length * type.BYTES_PER_ELEMENT;
    // A view must begin at a multiple of its element's size; where it does not, the bytes are copied.
    const aligned = this.at % type.BYTES_PER_ELEMENT === 0;
    const array = aligned ? new type(this.bytes, this.at, length) : new type(this.bytes.slice(this.at, this.at + size), 0, length);
    this.at += size;
    return array;
  }
}

function checkIndices(geometry: Geometry, bendCount: number): void {
  const { nodeCount, linkCount, start, end, bendFrom } = geometry;
  for (let link = 0; link < linkCount; link++) {
    for (const node of [start[link]!, end[link]!]) {
      if (node >= nodeCount) throw new DecodeError(`geometry: link ${link} ends at node ${node}; there are ${nodeCount} nodes`);
    }
    if (bendFrom[link]! > bendFrom[link + 1]!) throw new DecodeError(`geometry: the bends of link ${link} end before they begin`);
  }
  if (bendFrom[0] !== 0 || bendFrom[linkCount] !== bendCount) {
    throw new DecodeError(`geometry: the links have bends ${bendFrom[0]} to ${bendFrom[linkCount]}; there are ${bendCount}`);
  }
}
