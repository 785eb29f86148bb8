// The map alone, for measuring it and for looking at it: `bench` is called from outside, by benchmarks/page_map.py.
import type { NetworkMap } from "../src/map/NetworkMap";
import { coloursOf, nice, type Scale } from "../src/map/colours";
import type { Geometry, Mark, Place } from "../src/map/contract";
import { decodeGeometry } from "../src/map/decode";

let geometry: Geometry | null = null;
let map: NetworkMap | null = null;
const told: { picked: (Place | null)[]; hovered: (Place | null)[] } = { picked: [], hovered: [] };

/** Two frames later everything asked before is on its way to the screen. */
const frames = () => new Promise<void>((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));

/** A value for each element, made up of waves over the town. */
function made(sort: "node" | "link", phase: number): Float32Array {
  const { nodes, nodeCount, linkCount, start } = geometry!;
  let [least, most] = [Infinity, -Infinity];
  for (const c of nodes) if (c === c) [least, most] = [Math.min(least, c), Math.max(most, c)];
  const wave = (node: number) => {
    const [x, y] = [2 * node, 2 * node + 1].map((at) => (nodes[at]! - least) / (most - least));
    return 32 + 9 * Math.cos(4 * x! + phase) * Math.cos(5 * y! + 0.7 * phase) + 3 * x!;
  };
  const count = sort === "node" ? nodeCount : linkCount;
  return Float32Array.from({ length: count }, (_, i) => wave(sort === "node" ? i : start[i]!));
}

const bench = {
  told,
  frames,
  async load(url: string) {
    geometry = decodeGeometry(await (await fetch(url)).arrayBuffer());
    return [geometry.nodeCount, geometry.linkCount, geometry.bends.length / 2];
  },
  /** Milliseconds from geometry in hand to the first frame with the painted network, the library already there. */
  async open(dark: boolean) {
    const { NetworkMap } = await import("../src/map/NetworkMap");
    const values = made("node", 0);
    const before = performance.now();
    await new Promise<void>((resolve) => {
      const events = {
        pick: (place: Place | null) => told.picked.push(place),
        hover: (place: Place | null) => told.hovered.push(place),
        drawn: resolve,
      };
      map = new NetworkMap(document.getElementById("map")!, geometry!, events, { dark, reducedMotion: true, words: { label: "Map" } });
      map.setPaint({ sort: "node", values, ...nice(values), colours: coloursOf("value", dark) });
    });
    // Software WebGL draws in another process; reading a pixel waits for it.
    const canvas = document.querySelector<HTMLCanvasElement>("#map canvas")!;
    const gl = canvas.getContext("webgl2");
    gl?.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    return { ms: performance.now() - before, webgl2: gl !== null };
  },
  map: () => map!,
  paint(sort: "node" | "link", scale: Scale, dark: boolean, phase: number, missing = 0) {
    const values = made(sort, phase);
    for (let i = 0; i < missing * values.length; i++) values[i] = NaN;
    map!.setPaint({ sort, values, ...nice(values), colours: coloursOf(scale, dark) });
  },
  marks: (marks: Mark[]) => map!.setMarks(marks),
  look: (dark: boolean) => map!.setLook({ dark, reducedMotion: true, words: { label: "Map" } }),
};

declare global {
  interface Window {
    bench: typeof bench;
  }
}
window.bench = bench;
