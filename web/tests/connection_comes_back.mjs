// The connection is away for a minute: the page says so and since when, and goes on by itself when it is back.
import assert from "node:assert/strict";
import { PATIENCE, until } from "./stage.mjs";

const MINUTE = 60_000;

export default async (stage) => {
  await until(async () => (await stage.json("/api/timeline")).last !== null, "the first cycle");
  const page = await stage.open({ hash: "#/live?lang=en", clock: true });
  const status = page.getByRole("region", { name: "How fresh this is" });
  const moment = status.getByText(/^demo time /);
  await moment.waitFor({ timeout: PATIENCE });
  const [before, opened] = [await moment.textContent(), page.url()];
  await page.evaluate(() => (window.sameDocument = true));

  await page.context().setOffline(true);
  const lost = status.getByText(/^⚠ connection lost \d+ s ago; reconnecting by itself\. What you see is from then\.$/);
  await lost.waitFor();
  await page.clock.runFor(MINUTE);
  await status.getByText(/connection lost (6\d|7\d) s ago/).waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0, "a lost connection stands in the way");
  const then = await moment.textContent();

  await page.context().setOffline(false);
  await lost.waitFor({ state: "hidden" });
  await page.waitForFunction(([old]) => [...document.querySelectorAll(".status span")].some((one) => one.textContent.startsWith("demo time") && one.textContent !== old), [then]);
  assert.notEqual(await moment.textContent(), before);
  await status.getByText(/^model \d s old$/).waitFor();
  assert.equal(await status.locator(".hatched, .bad").count(), 0, await status.textContent());
  assert.equal(page.url(), opened);
  assert.equal(await page.evaluate(() => window.sameDocument), true, "the page was loaded anew");
  stage.forgive(/Failed to load resource: net::ERR_INTERNET_DISCONNECTED/);
  // On a slow machine the map's helpers, which draw nothing of ours, may still have been on their way.
  stage.forgive(/Worker failed to load/);
};
