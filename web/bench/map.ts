// The map alone, for measuring it and for looking at it: `bench` is called from outside, by benchmarks/page_map.py.
import type { NetworkMap } from "../src/map/NetworkMap";
import { coloursOf, nice, type Scale } from "../src/map/colours";
import type { Geometry, Mark, Place, View } from "../src/map/contract";
import { decodeGeometry } from "../src/map/decode";

let geometry: Geometry | null = null;
let map: NetworkMap | null = null;
let middle: View | null = null;
const told: { picked: (Place | null)[]; hovered: (Place | null)[] } = { picked: [], hovered: [] };

/** Two frames later everything asked before is on its way to the screen. */
const frames = () => new Promise<void>((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));

/** Software WebGL draws in another process; reading a pixel waits for it. */
function settle(): WebGL2RenderingContext | null {
  const gl = document.querySelector<HTMLCanvasElement>("#map canvas")!.getContext("webgl2");
  gl?.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  return gl;
}

/** The least coordinate and how far they reach. */
function extent(): [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (const c of geometry!.nodes) {
    if (c < least) least = c;
    if (c > most) most = c;
  }
  return [least, most - least];
}

/** A value for each element, made up of waves over the town. */
function made(sort: "node" | "link", phase: number): Float32Array {
  const { nodes, nodeCount, linkCount, start } = geometry!;
  const [least, across] = extent();
  const wave = (node: number) => {
    const [x, y] = [2 * node, 2 * node + 1].map((at) => (nodes[at]! - least) / across);
    return 32 + 9 * Math.cos(4 * x! + phase) * Math.cos(5 * y! + 0.7 * phase) + 3 * x!;
  };
  const count = sort === "node" ? nodeCount : linkCount;
  return Float32Array.from({ length: count }, (_, i) => wave(sort === "node" ? i : start[i]!));
}

/** A place that has coordinates. */
function anchor(): Place {
  return { sort: "node", index: geometry!.nodes.findIndex(Number.isFinite) >> 1 };
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
    const gl = settle();
    middle = map!.getView();
    const ms = performance.now() - before;
    const named = gl?.getExtension("WEBGL_debug_renderer_info");
    return { ms, webgl2: gl !== null, renderer: named ? String(gl!.getParameter(named.UNMASKED_RENDERER_WEBGL)) : "" };
  },
  /** Drags the view across the town and back, 12 pixels a frame; `zoom` as in `View`, changing it a little each frame if asked. */
  async move(steps: number, zoom: number, zooming: boolean) {
    map!.setView({ ...middle!, zoom });
    await frames();
    const here = map!.screenOf(anchor())!;
    const scale = (() => {
      map!.setView({ ...middle!, x: middle!.x + 1, zoom });
      return here.x - map!.screenOf(anchor())!.x;
    })();
    const slowest: number[] = [];
    for (let step = 0; step < steps; step++) {
      const before = performance.now();
      const along = step < steps / 2 ? step : steps - step;
      map!.setView({ x: middle!.x + (12 * along) / scale, y: middle!.y, zoom: zoom + (zooming ? 0.001 * step : 0) });
      await new Promise(requestAnimationFrame);
      slowest.push(performance.now() - before);
    }
    await frames();
    settle();
    return Math.max(...slowest);
  },
  /** Milliseconds from new values in hand to the frame with their colours. */
  async recolour(phase: number) {
    const values = made("node", phase);
    const domain = nice(values);
    const before = performance.now();
    map!.setPaint({ sort: "node", values, ...domain, colours: coloursOf("value", true) });
    await new Promise(requestAnimationFrame);
    settle();
    return performance.now() - before;
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
