// The doors are killed while an operator writes a note; they come back, and the page goes on as if nothing had been.
import assert from "node:assert/strict";
import { PATIENCE, drawnOnce, until } from "./stage.mjs";

export default async (stage) => {
  const [doors] = stage.args;
  await until(async () => (await stage.json("/api/findings")).findings.length > 0, "a finding");
  const { findings } = await stage.json("/api/findings");
  const page = await stage.open({ hash: `#/warnings/${findings[0].id}?lang=en` });
  const status = page.getByRole("region", { name: "How fresh this is" });
  const moment = status.getByText(/^demo time /);
  await moment.waitFor({ timeout: PATIENCE });
  await drawnOnce(page);
  await page.evaluate(() => (window.sameDocument = true));
  const note = page.getByRole("article").getByLabel(/^Note/);
  await note.fill("half a sen");

  process.kill(Number(doors), "SIGKILL");
  await status.getByText(/connection lost \d+ s ago/).waitFor();
  const then = await moment.textContent();
  await status.getByText(/connection lost/).waitFor({ state: "hidden", timeout: PATIENCE });
  await page.waitForFunction(([old]) => [...document.querySelectorAll(".status span")].some((one) => one.textContent.startsWith("demo time") && one.textContent !== old), [then]);
  assert.equal(await page.evaluate(() => window.sameDocument), true, "the page was loaded anew");
  assert.equal(await note.inputValue(), "half a sen", "what was being written is lost");

  await note.fill("half a sentence, and the rest of it");
  await page.getByRole("button", { name: "Add note" }).click();
  await page.getByRole("listitem").filter({ hasText: "half a sentence, and the rest of it" }).waitFor();
  // A browser has a dozen names for a server that is gone; which one it says depends on what was under way. The map goes on
  // without its worker, for it has no tiles.
  stage.forgive(/Failed to load resource: net::ERR_[A-Z_]+|Worker failed to load/);
};
