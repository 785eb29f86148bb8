// Which key means what. Pure: the same keys in the list of shortcuts and in the page.

export type Shortcut =
  | "search"
  | "help"
  | "live"
  | "warnings"
  | "health"
  | "back"
  | "on"
  | "play"
  | "now"
  | "reading"
  | "table"
  | "escape";

/** Keys of each, as they are shown; two that follow each other stand in one list. */
export const KEYS: Readonly<Record<Shortcut, readonly (readonly string[])[]>> = {
  search: [["Ctrl+K"], ["/"]],
  help: [["?"]],
  live: [["g", "l"]],
  warnings: [["g", "w"]],
  health: [["g", "h"]],
  back: [["Shift+←"]],
  on: [["Shift+→"]],
  play: [["Space"]],
  now: [["n"]],
  reading: [["u"]],
  table: [["t"]],
  escape: [["Esc"]],
};

const SINGLE: Readonly<Record<string, Shortcut>> = { "/": "search", "?": "help", n: "now", u: "reading", t: "table", " ": "play" };
const AFTER_G: Readonly<Record<string, Shortcut>> = { l: "live", w: "warnings", h: "health" };
const SHIFTED: Readonly<Record<string, Shortcut>> = { ArrowLeft: "back", ArrowRight: "on" };

export interface Pressed {
  readonly key: string;
  readonly ctrl: boolean;
  readonly alt: boolean;
  readonly shift: boolean;
  /** What has the focus: text is being written, a control has uses of its own for space and arrows, or neither. */
  readonly focus: "text" | "control" | "none";
  readonly dialog: boolean;
  /** The key before, when it was just now. */
  readonly before: string;
}

/** What a key means, if anything. */
export function shortcutOf(pressed: Pressed, singleKeys: boolean): Shortcut | null {
  const { key, ctrl, alt, shift, focus, dialog, before } = pressed;
  if (ctrl && !alt && !shift && key.toLowerCase() === "k") return "search";
  if (dialog) return null; // a dialog closes itself
  if (key === "Escape") return focus === "text" ? null : "escape";
  if (ctrl || alt || focus === "text") return null;
  if (shift && SHIFTED[key]) return focus === "control" ? null : SHIFTED[key];
  if (!singleKeys || (key === " " && focus === "control")) return null;
  if (before === "g" && AFTER_G[key]) return AFTER_G[key];
  return SINGLE[key] ?? null;
}
