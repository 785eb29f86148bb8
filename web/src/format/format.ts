// Numbers and times in the language of the page. 24 hours, the zone always named.
import type { Language } from "../state/route";

const LOCALE: Readonly<Record<Language, string>> = { en: "en-GB", nl: "nl-NL" };

/** How a page writes numbers and times. */
export interface Format {
  number(value: number, decimals: number): string;
  /** As many decimals as the half width deserves. */
  value(value: number, halfWidth: number): string;
  /** At most two decimals and none for show: what a person set, such as a limit. */
  plain(value: number): string;
  percent(share: number, decimals?: number): string;
  /** A probability from an ensemble: it never says quite 0 or 100 % unless it is. */
  chance(share: number): string;
  count(value: number): string;
  /** Tue 9 Jan 03:15 UTC. */
  moment(iso: string): string;
  /** 9 Jan 2018, 03:15:00 UTC. */
  exact(iso: string): string;
  /** 03:15. */
  clock(iso: string | number): string;
  /** Tue 9 Jan. */
  day(iso: string | number): string;
  readonly zone: string;
  readonly timeZone: string;
}

/** Decimals so that a half width keeps the digits that mean something: two where it begins with 1 or 2, else one. */
export function decimalsFor(halfWidth: number): number {
  if (!(halfWidth > 0) || !Number.isFinite(halfWidth)) return 2;
  const power = Math.floor(Math.log10(halfWidth) + 1e-9);
  return Math.min(4, Math.max(0, (halfWidth / 10 ** power < 2.95 ? 1 : 0) - power));
}

/** Decimals that multiples of a step need. */
export function decimalsOfStep(step: number): number {
  for (let decimals = 0; decimals < 4; decimals += 1) if (Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) < 1e-6) return decimals;
  return 4;
}

/** Narrow non-breaking space before a per cent sign, as both languages' technical style has it. */
const THIN = "\u202F";

export function makeFormat(language: Language, zone: "utc" | "browser"): Format {
  const locale = LOCALE[language];
  const timeZone = zone === "utc" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
  const times = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { ...options, timeZone, hourCycle: "h23" });
  const clock = times({ hour: "2-digit", minute: "2-digit" });
  const day = times({ weekday: "short", day: "numeric", month: "short" });
  const full = times({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const numbers = Array.from(
    { length: 5 },
    (_, decimals) => new Intl.NumberFormat(locale, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }),
  );
  const plain = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
  const number = (value: number, decimals: number): string => {
    if (!Number.isFinite(value)) return "–";
    const text = (numbers[decimals] ?? (numbers[0] as Intl.NumberFormat)).format(value);
    return /[1-9]/.test(text) ? text.replace("-", "\u2212") : text.replace("-", ""); // no minus zero
  };
  const name = zone === "utc" ? "UTC" : timeZone;
  return {
    number,
    value: (value, halfWidth) => number(value, decimalsFor(halfWidth)),
    plain: (value) => plain.format(value).replace("-", "\u2212"),
    percent: (share, decimals = 0) => Number.isNaN(share) ? "–" : `${number(100 * share, decimals)}${THIN}%`,
    chance: (share) => {
      if (Number.isNaN(share)) return "–";
      if (share > 0 && share < 0.01) return `< ${number(1, 0)}${THIN}%`;
      if (share < 1 && share > 0.99) return `> ${number(99, 0)}${THIN}%`;
      return `${number(100 * share, 0)}${THIN}%`;
    },
    count: (value) => number(value, 0),
    moment: (iso) => `${day.format(new Date(iso)).replace(",", "")} ${clock.format(new Date(iso))} ${name}`,
    exact: (iso) => `${full.format(new Date(iso))} ${name}`,
    clock: (iso) => clock.format(new Date(iso)),
    day: (iso) => day.format(new Date(iso)).replace(",", ""),
    zone: name,
    timeZone,
  };
}

/** How a span of time is best said: a number and which word. */
export function spanOf(seconds: number): { readonly count: number; readonly word: "seconds" | "minutes" | "hours" | "days" } {
  if (seconds < 100) return { count: Math.round(seconds), word: "seconds" };
  if (seconds < 100 * 60) return { count: Math.round(seconds / 60), word: "minutes" };
  if (seconds < 60 * 3600) return { count: Math.round(seconds / 3600), word: "hours" };
  return { count: Math.round(seconds / 86_400), word: "days" };
}
