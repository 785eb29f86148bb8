// What the map is told and what it tells: the views know this file and `NetworkMap`, and nothing of WebGL.

/** Of which sort an element is: values lie at nodes (pressure, head) or along links (flow). */
export type Sort = "node" | "link";

/** An element by its place in the network's order. */
export interface Place {
  readonly sort: Sort;
  readonly index: number;
}

/** Where everything lies, as `GET /api/geometry` gives it; see docs/reference/service.md. */
export interface Geometry {
  readonly nodeCount: number;
  readonly linkCount: number;
  /** x, y of each node in the coordinates of the network's file; NaN where it has none. */
  readonly nodes: Float64Array;
  /** x, y of the bends of all links, from start to end. */
  readonly bends: Float64Array;
  readonly start: Uint32Array;
  readonly end: Uint32Array;
  /** Link i has bends bendFrom[i] up to bendFrom[i + 1]. */
  readonly bendFrom: Uint32Array;
  /** m; NaN where a link has none. */
  readonly diameter: Float32Array;
  /** 0 junction, 1 reservoir, 2 tank. */
  readonly nodeKind: Uint8Array;
  /** 0 pipe, 1 pump, 2 valve. */
  readonly linkKind: Uint8Array;
}

/** What colours the network. */
export interface Paint {
  readonly sort: Sort;
  /** One for each element of that sort, in SI; NaN: no estimate, drawn hatched or grey, never invisible. */
  readonly values: Float32Array;
  /** Values at the ends of the colour table; what lies beyond gets the end's colour. */
  readonly low: number;
  readonly high: number;
  /** 256 colours, RGBA. */
  readonly colours: Uint8Array;
}

/** A sign on the map. Its shape tells what it is, never its colour alone. */
export interface Mark {
  readonly at: Place;
  readonly shape: "sensor" | "stale" | "candidate" | "first" | "truth";
  /** 0 to 1: how likely; of a candidate its size. */
  readonly weight: number;
}

/** What the map tells. */
export interface MapEvents {
  /** Somebody chose an element, or (null) nothing. */
  pick(place: Place | null): void;
  /** The pointer is over an element; null once it no longer is. */
  hover(place: Place | null): void;
  /** The view has come to rest somewhere else. */
  moved?(view: View): void;
  /** The first frame with the whole network is on the screen. */
  drawn?(): void;
}

/** Where the map looks: for the URL, and for maps that move together. */
export interface View {
  /** The middle, in the coordinates of the network's file. */
  readonly x: number;
  readonly y: number;
  /** 0: the network just fits; each one more is twice as near. */
  readonly zoom: number;
}

/** How the map looks. */
export interface Look {
  readonly dark: boolean;
  /** Nothing flies; the view jumps. The dark control room never has motion. */
  readonly reducedMotion: boolean;
  readonly words: MapWords;
}

/** What a screen reader says of the map. */
export interface MapWords {
  /** Name of the canvas, e.g. "Map of the network; arrows move, + and - zoom, Enter chooses". */
  readonly label: string;
}
