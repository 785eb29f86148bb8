import { app, type Dialog } from "../state/app.svelte";

/** Opens a dialog, or (null) closes the one that is open. */
export function openDialog(dialog: Dialog): void {
  app.dialog = dialog;
}
