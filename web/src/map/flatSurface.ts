// The map where there is no WebGL 2: one canvas that is moved with pointer, wheel and keyboard as MapLibre's is.
import type { Camera } from "./frame";
import { FlatPainter } from "./flatPainter";
import { FARTHEST, type MakeSurface, NEAREST } from "./surface";

/** Pixels that an arrow key moves, and how much + and - zoom; as MapLibre does. */
const STEP = 100;
const ZOOM = 2;
/** A press that moves less than this is a click. */
const STEADY = 4;

export const flatSurface: MakeSurface = (container, scene, events, look) => {
  const canvas = document.createElement("canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "region");
  canvas.setAttribute("aria-label", look.label);
  canvas.style.cssText = "display: block; width: 100%; height: 100%; touch-action: none";
  container.append(canvas);
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("this browser draws on no canvas at all");
  const painter = new FlatPainter(pen, scene);
  const size = () => ({ width: canvas.clientWidth || 1, height: canvas.clientHeight || 1 });
  let at = { x: 0, y: 0, scale: scene.fit(size()) };
  let frame = 0;

  const camera = (): Camera => ({ ...at, ...size() });
  const repaint = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      const { width, height } = size();
      const [wide, high] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
      if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
      painter.draw(camera(), devicePixelRatio);
      events.drawn();
    });
  };
  const move = (x: number, y: number, scale: number) => {
    const whole = scene.fit(size());
    at = { x, y, scale: Math.min(NEAREST * whole, Math.max(FARTHEST * whole, scale)) };
    repaint();
  };
  const moveBy = (right: number, up: number) => {
    move(at.x + right / at.scale, at.y + up / at.scale, at.scale);
    events.moved();
  };
  /** Zooms so that what is at a point stays there. */
  const zoomAt = (point: { x: number; y: number }, factor: number) => {
    const before = at.scale;
    move(at.x, at.y, before * factor);
    const share = 1 - before / at.scale;
    move(at.x + (point.x - at.x) * share, at.y + (point.y - at.y) * share, at.scale);
    events.moved();
  };
  const toFrame = (event: MouseEvent) => {
    const box = canvas.getBoundingClientRect();
    const [right, down] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
    return { x: at.x + right / at.scale, y: at.y - down / at.scale };
  };

  let pressed: { x: number; y: number; moved: boolean } | null = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pressed = { x: event.clientX, y: event.clientY, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!pressed) return events.point(toFrame(event));
    const [right, down] = [event.clientX - pressed.x, event.clientY - pressed.y];
    if (!pressed.moved && Math.hypot(right, down) < STEADY) return;
    pressed = { x: event.clientX, y: event.clientY, moved: true };
    move(at.x - right / at.scale, at.y + down / at.scale, at.scale);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (pressed?.moved) events.moved();
    else if (pressed) {
      const { x, y } = toFrame(event);
      events.click(x, y);
    }
    pressed = null;
  });
  canvas.addEventListener("pointercancel", () => (pressed = null));
  canvas.addEventListener("pointerleave", () => events.point(null));
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      zoomAt(toFrame(event), 2 ** (-event.deltaY / 300));
    },
    { passive: false },
  );
  const keys: Record<string, () => void> = {
    ArrowLeft: () => moveBy(-STEP, 0),
    ArrowRight: () => moveBy(STEP, 0),
    ArrowUp: () => moveBy(0, STEP),
    ArrowDown: () => moveBy(0, -STEP),
    "+": () => zoomAt(at, ZOOM),
    "=": () => zoomAt(at, ZOOM),
    "-": () => zoomAt(at, 1 / ZOOM),
  };
  canvas.addEventListener("keydown", (event) => {
    const act = event.shiftKey || event.ctrlKey || event.altKey || event.metaKey ? undefined : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  const resized = new ResizeObserver(repaint);
  resized.observe(canvas);
  repaint();
  return {
    element: canvas,
    camera,
    repaint,
    goTo: (x, y, scale) => {
      move(x, y, scale);
      events.moved();
    },
    destroy: () => {
      resized.disconnect();
      cancelAnimationFrame(frame);
      canvas.remove();
    },
  };
};
