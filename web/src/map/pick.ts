// What lies under the pointer. An index of boxes (flatbush) finds what is near; the distance decides.
import Flatbush from "flatbush";
import type { Geometry, Place } from "./contract";
import { distanceTo, type Frame, pathOf } from "./frame";

/** CSS pixels round the pointer within which something is meant. */
export const REACH = 12;
/** A node is chosen before the pipe it ends within this many pixels; farther off, whatever is nearest. */
const NODE_FIRST = 7;

export class Picker {
  private readonly links: Flatbush | null;
  private readonly nodes: Flatbush | null;
  private readonly nodeAt: number[] = [];

  constructor(
    private readonly geometry: Geometry,
    private readonly frame: Frame,
  ) {
    const { nodes, nodeCount, linkCount } = geometry;
    const points: [number, number][] = [];
    for (let node = 0; node < nodeCount; node++) {
      const [x, y] = [(nodes[2 * node]! - frame.x) / frame.size, (nodes[2 * node + 1]! - frame.y) / frame.size];
      if (!(Number.isFinite(x) && Number.isFinite(y))) continue;
      this.nodeAt.push(node);
      points.push([x, y]);
    }
    this.nodes = points.length > 0 ? new Flatbush(points.length) : null;
    for (const [x, y] of points) this.nodes?.add(x, y, x, y);
    this.nodes?.finish();
    this.links = linkCount > 0 ? new Flatbush(linkCount) : null;
    for (let link = 0; link < linkCount; link++) {
      const path = pathOf(geometry, frame, link);
      let [left, bottom, right, top] = path.length > 0 ? [Infinity, Infinity, -Infinity, -Infinity] : [9, 9, 9, 9];
      for (let i = 0; i < path.length; i += 2) {
        left = Math.min(left, path[i]!);
        right = Math.max(right, path[i]!);
        bottom = Math.min(bottom, path[i + 1]!);
        top = Math.max(top, path[i + 1]!);
      }
      this.links?.add(left, bottom, right, top);
    }
    this.links?.finish();
  }

  /**
   * The element that somebody means who points at a spot of the frame.
   *
   * @param scale CSS pixels of one unit of the frame.
   * @param marked places with a sign on them: those come first, for they are what people point at.
   */
  at(x: number, y: number, scale: number, marked: readonly { x: number; y: number; place: Place }[] = [], reach = REACH): Place | null {
    const sign = nearest(marked.map((mark) => ({ place: mark.place, distance: scale * Math.hypot(mark.x - x, mark.y - y) })));
    if (sign && sign.distance <= reach) return sign.place;
    const node = this.nearNode(x, y, scale, reach);
    if (node && node.distance <= Math.min(NODE_FIRST, reach)) return node.place;
    const link = this.nearLink(x, y, scale, reach);
    return nearest([node, link].filter((found) => found !== null))?.place ?? null;
  }

  private nearNode(x: number, y: number, scale: number, reach: number): Found | null {
    const radius = reach / scale;
    const special = (node: number) => this.geometry.nodeKind[node] !== 0;
    const found = (this.nodes?.search(x - radius, y - radius, x + radius, y + radius) ?? []).map((i) => {
      const node = this.nodeAt[i]!;
      const dx = (this.geometry.nodes[2 * node]! - this.frame.x) / this.frame.size - x;
      const dy = (this.geometry.nodes[2 * node + 1]! - this.frame.y) / this.frame.size - y;
      // A tank is a sign on the map, larger than a junction: what is near it means it.
      const distance = Math.max(0, scale * Math.hypot(dx, dy) - (special(node) ? NODE_FIRST : 0));
      return { place: { sort: "node", index: node } as Place, distance };
    });
    return within(nearest(found), reach);
  }

  private nearLink(x: number, y: number, scale: number, reach: number): Found | null {
    const radius = reach / scale;
    const found = (this.links?.search(x - radius, y - radius, x + radius, y + radius) ?? []).map((link) => ({
      place: { sort: "link", index: link } as Place,
      distance: scale * distanceTo(pathOf(this.geometry, this.frame, link), x, y),
    }));
    return within(nearest(found), reach);
  }
}

interface Found {
  readonly place: Place;
  readonly distance: number;
}

const within = (found: Found | null, reach: number) => (found && found.distance <= reach ? found : null);

function nearest(found: readonly Found[]): Found | null {
  return found.reduce<Found | null>((best, next) => (best && best.distance <= next.distance ? best : next), null);
}
