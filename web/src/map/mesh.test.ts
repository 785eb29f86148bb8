import { describe, expect, it } from "vitest";
import type { Geometry } from "./contract";
import { boxOf, fitScale, frameOf, pathOf, spotOf } from "./frame";
import { buildMesh, byteOf, linkBytes, type Mesh, NONE, nodeBytes, runsIn, STRIDE } from "./mesh";
import { smallTown } from "./towns";

const town = smallTown();
const frame = frameOf(town);
const mesh = buildMesh(town, frame);
const colours = new Uint8Array(1024);
const WHOLE = [-1, -1, 1, 1] as const;

/** x and y of a vertex moved along its normal by half a width. */
function corner(made: Mesh, vertex: number, half: number): [number, number] {
  const floats = new Float32Array(made.vertices, vertex * STRIDE, 2);
  const normal = new Int16Array(made.vertices, vertex * STRIDE + 8, 2);
  return [floats[0]! + (normal[0]! / 32767) * 2 * half, floats[1]! + (normal[1]! / 32767) * 2 * half];
}

/** A straight row of nodes with one pipe between neighbours, or one bent pipe. */
function lineOf(points: readonly number[], bent: boolean): Geometry {
  const count = points.length / 2;
  const nodes = bent ? [...points.slice(0, 2), ...points.slice(-2)] : points;
  const links = bent ? 1 : count - 1;
  return {
    nodeCount: nodes.length / 2,
    linkCount: links,
    nodes: Float64Array.from(nodes),
    bends: bent ? Float64Array.from(points.slice(2, -2)) : new Float64Array(0),
    start: Uint32Array.from({ length: links }, (_, i) => i),
    end: Uint32Array.from({ length: links }, (_, i) => i + 1),
    bendFrom: Uint32Array.from({ length: links + 1 }, (_, i) => (bent ? i * (count - 2) : 0)),
    diameter: new Float32Array(links).fill(0.1),
    nodeKind: new Uint8Array(nodes.length / 2),
    linkKind: new Uint8Array(links),
  };
}

describe("the frame", () => {
  it("holds the network in a square of width 1 round 0", () => {
    expect(frame).toEqual({ x: 55, y: 50, size: 110, width: 1, height: 100 / 110 });
    expect(fitScale(frame.width, frame.height, { width: 1096, height: 5000 })).toBe(1000);
  });

  it("keeps centimetres in the coordinates of a national grid", () => {
    const grid = frameOf(lineOf([155_000, 463_000, 205_000, 463_000], false));
    const x = Math.fround((155_012.34 - grid.x) / grid.size);
    expect(x * grid.size + grid.x).toBeCloseTo(155_012.34, 2);
  });

  it("is a plain square where nothing has coordinates", () => {
    expect(frameOf(lineOf([NaN, NaN, NaN, NaN], false))).toEqual({ x: 0, y: 0, size: 1, width: 1, height: 1 });
  });

  it("knows the middle of a bent pipe and its direction there", () => {
    const bent = lineOf([0, 0, 10, 0, 10, 30], true);
    const spot = spotOf(bent, frameOf(bent), { sort: "link", index: 0 })!;
    expect([spot.x * 30 + 5, spot.y * 30 + 15]).toEqual([expect.closeTo(10), expect.closeTo(10)]);
    expect([spot.dx, spot.dy]).toEqual([0, 1]);
  });

  it("boxes places and leaves out what has no coordinates", () => {
    const row = lineOf([0, 0, 10, 0, NaN, NaN], false);
    const places = [0, 1, 2].map((index) => ({ sort: "node" as const, index }));
    expect(boxOf(row, frameOf(row), places)).toEqual([-0.5, 0, 0.5, 0]);
    expect(boxOf(row, frameOf(row), places.slice(2))).toBeNull();
  });
});

describe("the mesh", () => {
  it("has two vertices for each point and two triangles for each piece of pipe", () => {
    expect(mesh.vertexCount).toBe(2 * (4 + 3 + 2 + 2));
    expect(mesh.near.length).toBe(6 * (3 + 2 + 1 + 1));
    expect(Math.max(...mesh.near)).toBe(mesh.vertexCount - 1);
  });

  it("keeps the width of a pipe on both sides of a corner", () => {
    const bent = lineOf([0, 0, 100, 0, 100, 100], true);
    const made = buildMesh(bent, frameOf(bent));
    // The outer corner of a right angle lies half a width beyond in both directions.
    const [x, y] = corner(made, 3, 0.1);
    expect([x, y]).toEqual([expect.closeTo(0.5 + 0.1, 3), expect.closeTo(-0.5 - 0.1, 3)]);
  });

  it("has no spikes where a pipe turns back on itself", () => {
    const back = lineOf([0, 0, 100, 0, 0, 1], true);
    const made = buildMesh(back, frameOf(back));
    for (let vertex = 0; vertex < made.vertexCount; vertex++) {
      const [[x, y], [atX, atY]] = [corner(made, vertex, 0.1), corner(made, vertex, 0)];
      expect(Math.hypot(x - atX, y - atY)).toBeLessThanOrEqual(0.2001);
    }
  });

  it("leaves out links without coordinates or length, and keeps the others in their place", () => {
    const row = lineOf([0, 0, 10, 0, NaN, NaN, 20, 0, 20, 0], false);
    const made = buildMesh(row, frameOf(row));
    expect([...made.points]).toEqual([2, 0, 0, 0]);
    expect(made.near.length).toBe(6);
  });

  it("leaves out from afar only the bends that do not show there", () => {
    const pieces = (points: number[]) => {
      const bent = lineOf(points, true);
      return buildMesh(bent, frameOf(bent)).far.length / 6;
    };
    expect(pieces([0, 0, 500, 0.4, 1000, 0])).toBe(1);
    expect(pieces([0, 0, 500, 0.6, 1000, 0])).toBe(2);
    // A hook at the end lies near the line, but the end would be drawn across it and have no width.
    expect(pieces([0, 0, 0, 0.4, 1000, 0.4])).toBe(2);
  });

  it("says how far along its pipe each point is", () => {
    const bent = lineOf([0, 0, 30, 0, 30, 10], true);
    expect([...buildMesh(bent, frameOf(bent)).along]).toEqual([0, 0.75, 1]);
  });

  it("draws each link once in the whole view and only near ones in a small one", () => {
    const many = lineOf(Array.from({ length: 4000 }, (_, i) => (i % 2 ? 40 * Math.sin(i / 50) : i)), false);
    const made = buildMesh(many, frameOf(many));
    const drawn = (runs: ReturnType<typeof runsIn>) => runs.reduce((sum, [from, to]) => sum + to - from, 0);
    expect(drawn(runsIn(made.tiles, WHOLE, "near"))).toBe(6 * many.linkCount);
    const few = runsIn(made.tiles, [-0.01, -1, 0.01, 1], "near");
    expect(drawn(few)).toBeLessThan(6 * many.linkCount * 0.6);
    // What lies in the small view is among what is drawn.
    const middle = made.indexFrom[Math.floor(many.linkCount / 2)]!;
    expect(few.some(([from, to]) => from <= middle && middle < to)).toBe(true);
  });
});

describe("the bytes of colours", () => {
  it.each([
    [-5, 0], [0, 0], [5, 127], [10, 254], [99, 254], [NaN, NONE],
  ])("give the value %d its place in the table: %d", (value, byte) => {
    expect(byteOf(value, 0, 10)).toBe(byte);
    const bytes = nodeBytes(town, { sort: "node", values: new Float32Array(4).fill(value), low: 0, high: 10, colours });
    expect([...bytes]).toEqual([byte, byte, byte, byte]);
  });

  it("run from one end of a link to the other for values at nodes", () => {
    const bytes = linkBytes(mesh, town, { sort: "node", values: Float32Array.of(0, 254, 254, NaN), low: 0, high: 254, colours });
    const of = (link: number) => [...bytes.slice(2 * mesh.pointFrom[link]!, 2 * (mesh.pointFrom[link]! + mesh.points[link]!))];
    const first = of(0);
    expect([first[0], first[1], first.at(-2), first.at(-1)]).toEqual([0, 0, 254, 254]);
    expect(first[2]).toBe(Math.round(254 * mesh.along[mesh.pointFrom[0]! + 1]!));
    // Where one end is unknown the other speaks for the link.
    expect(of(2)).toEqual([254, 254, 254, 254]);
  });

  it("are the same all along a link for values of links, and of the widest one at a node", () => {
    const paint = { sort: "link" as const, values: Float32Array.of(0, 100, 200, NaN), low: 0, high: 254, colours };
    const bytes = linkBytes(mesh, town, paint);
    expect(new Set(bytes.slice(2 * mesh.pointFrom[1]!, 2 * (mesh.pointFrom[1]! + 3)))).toEqual(new Set([100]));
    expect(nodeBytes(town, paint)[1]).toBe(100);
  });
});

it("a path has no double points", () => {
  const bent = lineOf([0, 0, 0, 0, 5, 5, 5, 5], true);
  expect(pathOf(bent, frameOf(bent), 0)).toEqual([-0.5, -0.5, 0.5, 0.5]);
});
