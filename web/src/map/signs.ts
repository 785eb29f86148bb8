// Signs on the map: what stands in the network (tanks, reservoirs, pumps, valves) and the marks that the page asks for. Each is
// told by its shape. They are drawn once onto a sheet; WebGL and the canvas without WebGL both take them from there.
import { BACKGROUND } from "./colours";
import type { Geometry, Mark, Place } from "./contract";
import { type Frame, type Spot, spotOf } from "./frame";

/** How many sizes of ring there are for candidates. */
const RINGS = 8;

type Draw = (pen: CanvasRenderingContext2D, ink: Ink) => void;
interface Ink {
  /** Of things that stand in the network. */
  readonly line: string;
  /** Round each sign, so that it parts from the pipes below it. */
  readonly casing: string;
  readonly fill: string;
  readonly alarm: string;
  readonly truth: string;
}

const INKS: Record<"dark" | "light", Ink> = {
  dark: { line: "#dfe7ef", casing: BACKGROUND.dark, fill: "#ffffff", alarm: "#ffa41f", truth: "#7fe3ff" },
  light: { line: "#1b2530", casing: "#ffffff", fill: "#ffffff", alarm: "#b8450a", truth: "#0a5f8a" },
};

export type SignName = "tank" | "reservoir" | "pump" | "valve" | "sensor" | "stale" | "first" | "truth" | "chosen" | `ring${number}`;

/** The drawing of each sign, round (0, 0), y down, in CSS pixels. A new sign is a new row. */
const SIGNS: Record<SignName, Draw> = {
  tank: (pen, ink) => {
    pen.beginPath();
    pen.roundRect(-8, -8, 16, 16, 3);
    cased(pen, ink, ink.line, ink.casing);
    pen.fillStyle = ink.line;
    pen.fillRect(-6, 0, 12, 6);
  },
  reservoir: (pen, ink) => {
    polygon(pen, [-10, -7, 10, -7, 5, 8, -5, 8]);
    cased(pen, ink, ink.line, ink.line);
  },
  pump: (pen, ink) => {
    circle(pen, 8);
    cased(pen, ink, ink.line, ink.casing);
    polygon(pen, [-4, -5, 7, 0, -4, 5]);
    pen.fillStyle = ink.line;
    pen.fill();
  },
  valve: (pen, ink) => {
    polygon(pen, [-8, -6, 8, 6, 8, -6, -8, 6]);
    cased(pen, ink, ink.line, ink.casing);
  },
  sensor: (pen, ink) => {
    pen.beginPath();
    pen.rect(-5.5, -5.5, 11, 11);
    outlined(pen, ink.fill, ink.casing === ink.fill ? ink.line : ink.casing, 2);
  },
  stale: (pen, ink) => {
    pen.beginPath();
    pen.rect(-6, -6, 12, 12);
    cased(pen, ink, ink.line, ink.casing);
    pen.beginPath();
    pen.moveTo(-6, -6);
    pen.lineTo(6, 6);
    pen.moveTo(6, -6);
    pen.lineTo(-6, 6);
    pen.stroke();
  },
  first: (pen, ink) => {
    circle(pen, 19);
    pen.globalAlpha = 0.3;
    pen.fillStyle = ink.alarm;
    pen.fill();
    pen.globalAlpha = 1;
    cased(pen, ink, ink.alarm);
    circle(pen, 5);
    outlined(pen, ink.alarm, ink.casing, 2);
  },
  truth: (pen, ink) => {
    polygon(pen, Array.from({ length: 10 }, (_, i) => [Math.sin((i * Math.PI) / 5), -Math.cos((i * Math.PI) / 5)].map((c) => c * (i % 2 ? 5 : 12))).flat());
    outlined(pen, ink.truth, ink.casing, 2);
  },
  chosen: (pen, ink) => {
    circle(pen, 13);
    cased(pen, ink, ink.line);
  },
  ...Object.fromEntries(Array.from({ length: RINGS }, (_, i) => [`ring${i}`, ring(6 + 1.5 * i)])),
};

const NAMES = Object.keys(SIGNS) as SignName[];

/** CSS pixels of a cell of the sheet; signs lie in its middle. */
export const CELL = 48;
const COLUMNS = 5;

/** All signs on one sheet. */
export interface Sheet {
  readonly canvas: HTMLCanvasElement;
  /** Left and top of a sign's cell, and its size, in pixels of the canvas. */
  cell(name: SignName): { left: number; top: number; size: number };
}

export function drawSheet(dark: boolean, pixelRatio: number): Sheet {
  const size = Math.ceil(CELL * pixelRatio);
  const canvas = document.createElement("canvas");
  canvas.width = COLUMNS * size;
  canvas.height = Math.ceil(NAMES.length / COLUMNS) * size;
  const cell = (name: SignName) => {
    const place = NAMES.indexOf(name);
    return { left: (place % COLUMNS) * size, top: Math.floor(place / COLUMNS) * size, size };
  };
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("this browser draws on no canvas at all");
  for (const name of NAMES) {
    const { left, top } = cell(name);
    pen.setTransform(size / CELL, 0, 0, size / CELL, left + size / 2, top + size / 2);
    pen.lineJoin = "round";
    SIGNS[name]!(pen, INKS[dark ? "dark" : "light"]);
  }
  return { canvas, cell };
}

/** Colours that the painters need beside the table. */
export const inkOf = (dark: boolean): Ink => INKS[dark ? "dark" : "light"];

/** A sign at a point of the frame; `dx`, `dy`: which way its right side looks. */
export interface Sign extends Spot {
  readonly name: SignName;
  /** 1: as drawn. */
  readonly size: number;
  readonly place: Place;
  /** CSS pixels to the right and up of the point, so that it does not cover another sign there. */
  readonly aside: number;
}

const NODE_SIGNS: readonly (SignName | null)[] = [null, "reservoir", "tank"];
const LINK_SIGNS: readonly (SignName | null)[] = [null, "pump", "valve"];

/** Signs of what stands in the network; valves first, so that the rarer lie on top. */
export function equipment(geometry: Geometry, frame: Frame): Sign[] {
  const signs: Sign[] = [];
  const add = (place: Place, name: SignName | null | undefined) => {
    const spot = name ? spotOf(geometry, frame, place) : null;
    if (name && spot) signs.push({ ...spot, name, size: 1, place, aside: 0 });
  };
  geometry.linkKind.forEach((kind, index) => kind !== 0 && add({ sort: "link", index }, LINK_SIGNS[kind]));
  geometry.nodeKind.forEach((kind, index) => kind !== 0 && add({ sort: "node", index }, NODE_SIGNS[kind]));
  return signs.sort((a, b) => Number(a.name !== "valve") - Number(b.name !== "valve"));
}

const RANK = ["candidate", "sensor", "stale", "first", "truth"];

/** How far a sensor stands aside of what it is in: a tank, a pump. */
const ASIDE = 10;

/** Signs of marks, in the order in which they are drawn; marks at places without coordinates have none. */
export function markSigns(geometry: Geometry, frame: Frame, marks: readonly Mark[]): Sign[] {
  const signs = marks.flatMap((mark): (Sign & { rank: number })[] => {
    const spot = spotOf(geometry, frame, mark.at);
    if (!spot) return [];
    const name: SignName = mark.shape === "candidate" ? `ring${ringOf(mark.weight)}` : mark.shape;
    const kinds = mark.at.sort === "node" ? geometry.nodeKind : geometry.linkKind;
    const aside = (mark.shape === "sensor" || mark.shape === "stale") && kinds[mark.at.index] !== 0 ? ASIDE : 0;
    return [{ x: spot.x, y: spot.y, dx: 1, dy: 0, name, size: 1, place: mark.at, aside, rank: RANK.indexOf(mark.shape) }];
  });
  return signs.sort((a, b) => a.rank - b.rank);
}

/** The area of a ring, not its radius, follows the weight. */
const ringOf = (weight: number) => Math.round(Math.sqrt(Math.min(1, Math.max(0, weight || 0))) * (RINGS - 1));

function ring(radius: number): Draw {
  return (pen, ink) => {
    circle(pen, radius);
    cased(pen, ink, ink.alarm);
  };
}

function circle(pen: CanvasRenderingContext2D, radius: number): void {
  pen.beginPath();
  pen.arc(0, 0, radius, 0, 2 * Math.PI);
}

function polygon(pen: CanvasRenderingContext2D, points: readonly number[]): void {
  pen.beginPath();
  for (let i = 0; i < points.length; i += 2) pen.lineTo(points[i]!, points[i + 1]!);
  pen.closePath();
}

/** A line with a casing round it, over a filling. */
function cased(pen: CanvasRenderingContext2D, ink: Ink, line: string, fill?: string): void {
  pen.strokeStyle = ink.casing;
  pen.lineWidth = 5;
  pen.stroke();
  if (fill) {
    pen.fillStyle = fill;
    pen.fill();
  }
  pen.strokeStyle = line;
  pen.lineWidth = 2;
  pen.stroke();
}

function outlined(pen: CanvasRenderingContext2D, fill: string, line: string, width: number): void {
  pen.strokeStyle = line;
  pen.lineWidth = 2 * width;
  pen.stroke();
  pen.fillStyle = fill;
  pen.fill();
}
