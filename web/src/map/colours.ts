// Colours that carry a number, so that everybody can read them: lightness alone already orders them (colour-blind eyes, grey
// prints), and each differs from the background by at least 3 to 1 in both themes, or the lowest pressures would vanish.
//
// A table is drawn through anchors: hue and colourfulness in Oklab (B. Ottosson, 2020), lightness as CIE L*. A published map has
// its lightness moved, evenly, into the range that the background of a theme allows.

/** What a table shows. */
export type Scale = "value" | "broken" | "width" | "difference";

/** Behind the network; the page's own background around the map should be the same. */
export const BACKGROUND = { dark: "#0b1118", light: "#f6f8fa" } as const;

/** Two tones, drawn in turn, of what has no estimate: hatched, so that it is no value's colour. */
export const UNKNOWN = { dark: ["#bcc6d1", "#5f6b79"], light: ["#3f4852", "#868f9a"] } as const;

type Lab = readonly [lightness: number, greenRed: number, blueYellow: number];
interface Anchors {
  readonly dark: readonly string[];
  readonly light: readonly string[];
  /** L* of the first and the last colour; absent: the anchors are meant as they stand. */
  readonly range?: { readonly dark: readonly [number, number]; readonly light: readonly [number, number] };
  /** How much more colourful than the anchors; 1 where absent. */
  readonly vivid?: number;
}

// cividis: Nuñez, Anderton and Renslow (2018); viridis: Van der Walt and Smith (2015); both at ten equal steps.
const CIVIDIS = "00224e 123570 3b496c 575d6d 707173 8a8678 a59c74 c3b369 e1cc55 fee838".split(" ");
const VIRIDIS = "440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725".split(" ");
const SEQUENTIAL = { dark: [43, 93], light: [22, 59] } as const;

const ANCHORS: Record<Scale, Anchors> = {
  value: { dark: CIVIDIS, light: CIVIDIS, range: SEQUENTIAL, vivid: 1.35 },
  width: { dark: VIRIDIS, light: VIRIDIS, range: SEQUENTIAL },
  // From calm to alarming. On dark what glows alarms, on light what is dark and red.
  broken: {
    dark: "5b6b7f 75757c b98a52 f3a33a ffc66b fff0c4".split(" "),
    light: "7d8b9b 93806f b06a35 a8431b 86210f 4d0808".split(" "),
  },
  // 0 in the middle; both sides part from it by the same lightness.
  difference: {
    dark: "8ad0ff 4f9fdc 667384 d98538 ffc27a".split(" "),
    light: "08407a 2c6fae 7f8791 b3612a 6f2c00".split(" "),
  },
};

const made = new Map<string, Uint8Array>();

/** The 256 colours of a scale, RGBA, from its low end to its high end. */
export function coloursOf(scale: Scale, dark: boolean): Uint8Array {
  const theme = dark ? "dark" : "light";
  const known = made.get(scale + theme);
  if (known) return known;
  const { [theme]: anchors, range, vivid } = ANCHORS[scale];
  const table = through(anchors, range?.[theme], vivid);
  made.set(scale + theme, table);
  return table;
}

/** A colour of a table as CSS; `place` from 0 to 1. */
export function css(colours: Uint8Array, place: number): string {
  const at = 4 * Math.round(255 * Math.min(1, Math.max(0, place)));
  return `rgb(${colours[at]} ${colours[at + 1]} ${colours[at + 2]})`;
}

/** A table as a CSS gradient, for a legend. */
export function gradient(colours: Uint8Array, direction = "to right"): string {
  const stops = Array.from({ length: 17 }, (_, i) => css(colours, i / 16));
  return `linear-gradient(${direction}, ${stops.join(", ")})`;
}

/** Ends and step of a legend. */
export interface Domain {
  readonly low: number;
  readonly high: number;
  readonly step: number;
}

/**
 * Round numbers that hold all but the outermost of the values, so that one wild one does not take the colours of all others.
 *
 * @param values in the unit that the legend shows; NaN do not count.
 * @param least the domain is at least this wide; sameness is no reason to show noise in all colours.
 */
export function nice(values: ArrayLike<number>, least = 0, trim = 0.02): Domain {
  const sorted = Float64Array.from(values).filter(Number.isFinite).sort();
  if (sorted.length === 0) return { low: 0, high: 1, step: 0.2 };
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
  let [low, high] = [at(trim), at(1 - trim)];
  const short = Math.max(least, 1e-6 * Math.max(Math.abs(low), Math.abs(high)), 1e-12) - (high - low);
  if (short > 0) [low, high] = [low - short / 2, high + short / 2];
  const step = roundStep((high - low) / 5);
  // Multiples of the step, without the noise that the division leaves.
  const multiple = (round: (x: number) => number, x: number) => Number((round(Number((x / step).toPrecision(9))) * step).toPrecision(12));
  return { low: multiple(Math.floor, low), high: multiple(Math.ceil, high), step };
}

/** The round number at or just above a step: 1, 2, 2.5 or 5 times a power of ten. */
function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5].find((candidate) => rough <= candidate * power * (1 + 1e-9)) ?? 10;
  return Number((factor * power).toPrecision(12));
}

/** Relative luminance as WCAG 2.2 defines it, of linear red, green and blue. */
export function luminance(red: number, green: number, blue: number): number {
  const [r, g, b] = [red, green, blue].map((channel) => toLinear(channel / 255)) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Red, green and blue (0 to 255) of #rrggbb. */
export function rgb(hex: string): [number, number, number] {
  const number = Number.parseInt(hex.replace("#", ""), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

function through(anchors: readonly string[], range?: readonly [number, number], vivid = 1): Uint8Array {
  const labs = anchors.map(toLab);
  const stars = anchors.map((hex) => lightnessOf(luminance(...rgb(hex))));
  const [from, to] = [stars[0]!, stars.at(-1)!];
  const moved = (star: number) => (range ? range[0] + ((star - from) / (to - from)) * (range[1] - range[0]) : star);
  const table = new Uint8Array(4 * 256);
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * (anchors.length - 1);
    const left = Math.min(Math.floor(place), anchors.length - 2);
    const mix = (a: number, b: number) => a + (place - left) * (b - a);
    const [one, other] = [labs[left]!, labs[left + 1]!];
    table.set([...withLightness(moved(mix(stars[left]!, stars[left + 1]!)), vivid * mix(one[1], other[1]), vivid * mix(one[2], other[2])), 255], 4 * i);
  }
  return table;
}

/** The colour of this hue whose L* is asked for; found by halving, since what screens cannot show is cut off. */
function withLightness(star: number, a: number, b: number): number[] {
  let [low, high] = [0, 1];
  for (let step = 0; step < 20; step++) {
    const middle = (low + high) / 2;
    const [red, green, blue] = toRgb([middle, a, b]);
    if (lightnessOf(luminance(red!, green!, blue!)) < star) low = middle;
    else high = middle;
  }
  return toRgb([(low + high) / 2, a, b]).map(Math.round);
}

/** CIE L* of a relative luminance. */
const lightnessOf = (y: number) => (y > 216 / 24389 ? 116 * Math.cbrt(y) - 16 : (24389 / 27) * y);
const toLinear = (c: number) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const fromLinear = (c: number) => (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055);

function toLab(hex: string): Lab {
  const [r, g, b] = rgb(hex).map((c) => toLinear(c / 255)) as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function toRgb([lightness, a, b]: Lab): number[] {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((c) => 255 * fromLinear(Math.min(1, Math.max(0, c))));
}
