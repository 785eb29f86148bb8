// What the map is drawn on: MapLibre with WebGL 2, or a plain canvas where there is none. Both move, zoom, and hear the same.
import type { Camera } from "./frame";
import type { Scene } from "./scene";

export interface SurfaceEvents {
  click(x: number, y: number): void;
  /** The pointer is at a point of the frame; null: it has left. */
  point(at: { x: number; y: number } | null): void;
  moved(): void;
  /** A frame with the network is drawn. */
  drawn(): void;
}

export interface Surface {
  /** What has the keyboard's focus. */
  readonly element: HTMLElement;
  camera(): Camera;
  /** Something in the scene has changed. */
  repaint(): void;
  goTo(x: number, y: number, scale: number, fly: boolean): void;
  destroy(): void;
}

export type MakeSurface = (container: HTMLElement, scene: Scene, events: SurfaceEvents, look: { label: string; still: boolean }) => Surface;

/** How near one may come: so many times nearer than where the whole network fits. */
export const NEAREST = 2 ** 11;
export const FARTHEST = 0.25;
