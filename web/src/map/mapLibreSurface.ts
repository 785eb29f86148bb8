// MapLibre gives the moving, the keyboard, touch and, later, a base map; the network is one custom layer of it. The frame lies as a
// small square round longitude 0, latitude 0 of its Mercator world: so small that no distortion shows.
import { type CustomLayerInterface, LngLat, Map as MapLibre, MercatorCoordinate, setWorkerCount, setWorkerUrl } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import type { Camera } from "./frame";
import { GlPainter } from "./glPainter";
import type { Scene } from "./scene";
import { FARTHEST, type MakeSurface, NEAREST } from "./surface";

/** Width of the frame in the Mercator world, which is 1 wide. */
const SQUARE = 2 ** -10;
/** Pixels of the Mercator world at zoom 0. */
const WORLD = 512;

setWorkerUrl(workerUrl);
setWorkerCount(1); // there is nothing for workers to do without tiles

/** Throws where there is no WebGL 2. */
export const mapLibreSurface: MakeSurface = (container, scene, events, look) => {
  const size = { width: container.clientWidth || 1, height: container.clientHeight || 1 };
  const whole = zoomOf(scene.fit(size));
  const map = new MapLibre({
    container,
    style: { version: 8, sources: {}, layers: [] },
    center: toLngLat(0, 0),
    zoom: whole,
    minZoom: Math.max(0, whole + Math.log2(FARTHEST)),
    maxZoom: Math.min(25, whole + Math.log2(NEAREST)),
    maxPitch: 0,
    renderWorldCopies: false,
    attributionControl: false,
    dragRotate: false,
    touchPitch: false,
    pitchWithRotate: false,
    fadeDuration: 0,
    ...(look.still ? { reduceMotion: true } : {}),
    canvasContextAttributes: { antialias: false },
    locale: { "Map.Title": look.label },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  const camera = (): Camera => {
    const { x, y } = MercatorCoordinate.fromLngLat(map.getCenter());
    const canvas = map.getCanvas();
    const scale = SQUARE * WORLD * 2 ** map.getZoom();
    return { x: (x - 0.5) / SQUARE, y: (0.5 - y) / SQUARE, scale, width: canvas.clientWidth, height: canvas.clientHeight };
  };
  // After a lost context MapLibre loads the (empty) style anew, and the layer has to be put in again.
  map.on("style.load", () => map.addLayer(networkLayer(scene, camera, events.drawn)));
  const toFrame = (at: LngLat) => {
    const { x, y } = MercatorCoordinate.fromLngLat(at);
    return { x: (x - 0.5) / SQUARE, y: (0.5 - y) / SQUARE };
  };
  map.on("click", (event) => {
    const { x, y } = toFrame(event.lngLat);
    events.click(x, y);
  });
  map.on("mousemove", (event) => events.point(toFrame(event.lngLat)));
  map.on("mouseout", () => events.point(null));
  map.on("moveend", events.moved);
  return {
    element: map.getCanvas(),
    camera,
    repaint: () => map.triggerRepaint(),
    goTo: (x, y, scale, fly) => {
      const to = { center: toLngLat(x, y), zoom: zoomOf(scale) };
      if (fly) map.flyTo({ ...to, maxDuration: 1500 });
      else map.jumpTo(to);
    },
    destroy: () => map.remove(),
  };
};

const zoomOf = (scale: number) => Math.log2(scale / (SQUARE * WORLD));

function toLngLat(x: number, y: number): LngLat {
  return new MercatorCoordinate(0.5 + x * SQUARE, 0.5 - y * SQUARE).toLngLat();
}

function networkLayer(scene: Scene, camera: () => Camera, drawn: () => void): CustomLayerInterface {
  let painter: GlPainter | null = null;
  return {
    id: "network",
    type: "custom",
    onAdd: (_map, gl) => {
      painter = new GlPainter(gl, scene);
    },
    render: (gl) => {
      const now = camera();
      painter?.draw(now, gl.drawingBufferWidth / now.width);
      drawn();
    },
    onRemove: () => {
      painter?.destroy();
      painter = null;
    },
  };
}
