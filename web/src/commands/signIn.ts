import { deleteSession, postSession, Refusal } from "../service/client";
import { begin, stop } from "../service/follow";
import { app } from "../state/app.svelte";
import { read, write } from "../state/preferences";

const SIGNED_IN = "tweeling.signedIn";

/** Whether this browser signed in here: only then is there something to sign out of. */
export const signedIn = (): boolean => read(SIGNED_IN) === "1";

/** Signs in with the service's token; gives why not, or "" when it worked. */
export async function signIn(token: string): Promise<string> {
  try {
    await postSession(token);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.status === 401 || error.status === 400 ? app.words.signIn.wrong : app.words.signIn.failed(app.whyOf(error));
  }
  write(SIGNED_IN, "1");
  app.tell({ kind: "signed", out: false });
  begin();
  return "";
}

export async function signOut(): Promise<void> {
  stop();
  await deleteSession().catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
  });
  write(SIGNED_IN, "");
  begin(); // who may still come in after that needs no token here
}
