import { app } from "../state/app.svelte";
import { choose } from "./choose";
import { goTo } from "./goTo";
import { type Pressed, type Shortcut, shortcutOf } from "./keys";
import { openDialog } from "./openDialog";
import { nextReading } from "./setReading";
import { goNow, stepTime, togglePlay } from "./showMoment";
import { toggleTable } from "./toggleTable";

const DEEDS: Readonly<Record<Shortcut, () => void>> = {
  search: () => openDialog("search"),
  help: () => openDialog("shortcuts"),
  live: () => goTo("live"),
  warnings: () => goTo("warnings"),
  health: () => goTo("health"),
  back: () => stepTime(-1),
  on: () => stepTime(1),
  play: togglePlay,
  now: goNow,
  reading: nextReading,
  table: toggleTable,
  escape: () => choose(null),
};

/** How long `g` waits for its letter, ms. */
const PATIENCE = 1500;
let before = { key: "", at: 0 };

function focusOf(target: EventTarget | null): Pressed["focus"] {
  if (!(target instanceof HTMLElement)) return "none";
  if (target.isContentEditable || target.matches("textarea, select, input:not([type=range], [type=checkbox], [type=radio])")) return "text";
  return target.closest("button, a, input, summary, canvas, [role=tab], [role=option]") ? "control" : "none";
}

/** A key was pressed anywhere in the page. */
export function command(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || app.data.signedOut) return;
  const recent = Date.now() - before.at < PATIENCE ? before.key : "";
  const pressed: Pressed = {
    key: event.key,
    ctrl: event.ctrlKey || event.metaKey,
    alt: event.altKey,
    shift: event.shiftKey,
    focus: focusOf(event.target),
    dialog: app.dialog !== null || document.querySelector("dialog[open]") !== null,
    before: recent,
  };
  before = { key: pressed.ctrl || pressed.alt || pressed.focus === "text" ? "" : event.key, at: Date.now() };
  const meant = shortcutOf(pressed, app.preferences.singleKeys);
  if (!meant) return;
  event.preventDefault();
  DEEDS[meant]();
}
