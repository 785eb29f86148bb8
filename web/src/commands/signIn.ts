import { deleteSession, postSession, Refusal } from "../service/client";
import { begin, stop } from "../service/follow";
import { app } from "../state/app.svelte";

/** Signs in with the service's token; gives why not, or "" when it worked. */
export async function signIn(token: string): Promise<string> {
  try {
    await postSession(token);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.status === 401 || error.status === 400 ? app.words.signIn.wrong : app.words.signIn.failed(app.whyOf(error));
  }
  app.tell({ kind: "signed", out: false });
  begin();
  return "";
}

export async function signOut(): Promise<void> {
  stop();
  await deleteSession().catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
  });
  app.tell({ kind: "signed", out: true });
}
