// Made-up towns for tests and benchmarks of the map, and the bytes that the service would send of them.
import type { Geometry } from "./contract";

/** A square: a bent pipe from node 0 to 1, a pipe with one bend, a pump and a valve; node 2 is a reservoir, node 3 a tank. */
export function smallTown(): Geometry {
  return {
    nodeCount: 4,
    linkCount: 4,
    nodes: Float64Array.of(0, 0, 100, 0, 100, 100, 0, 100),
    bends: Float64Array.of(50, 10, 60, 20, 110, 50),
    start: Uint32Array.of(0, 1, 2, 3),
    end: Uint32Array.of(1, 2, 3, 0),
    bendFrom: Uint32Array.of(0, 2, 3, 3, 3),
    diameter: Float32Array.of(0.1, 0.3, NaN, NaN),
    nodeKind: Uint8Array.of(0, 0, 1, 2),
    linkKind: Uint8Array.of(0, 0, 1, 2),
  };
}

/** The bytes of `GET /api/geometry`. */
export function bytesOf(town: Geometry): ArrayBuffer {
  const { nodes, bends, start, end, bendFrom, diameter, nodeKind, linkKind } = town;
  const parts = [nodes, bends, start, end, bendFrom, diameter, nodeKind, linkKind];
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 16));
  bytes.set(new TextEncoder().encode("TWG1"));
  const head = new DataView(bytes.buffer);
  [town.nodeCount, town.linkCount, bends.length / 2].forEach((count, place) => head.setUint32(4 + 4 * place, count, true));
  let at = 16;
  for (const part of parts) {
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  return bytes.buffer;
}
