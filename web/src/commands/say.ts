import { postDeed, Refusal } from "../service/client";
import type { DeedKind, Finding, SaidOfFinding } from "../service/contract";
import { app } from "../state/app.svelte";

/** Says something of a warning; true when the service keeps it. */
export async function say(finding: Finding, kind: DeedKind, said: SaidOfFinding): Promise<boolean> {
  const deed = { finding: finding.id, kind, why: "", notes: finding.notes.length };
  app.tell({ kind: "deed", deed: { ...deed, status: "sending" } });
  try {
    await postDeed(finding.id, kind, said);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    app.tell({ kind: "deed", deed: { ...deed, status: "refused", why: app.whyOf(error) } });
    return false;
  }
  app.tell({ kind: "deed", deed: { ...deed, status: "sent" } });
  return true;
}
