// An operator sees that something is wrong, finds the leak of the demo, confirms it, looks whether it was true, and closes it.
import assert from "node:assert/strict";
import { PATIENCE } from "./stage.mjs";

/** The sign of a candidate on the dark map (src/map/signs.ts). */
const ALARM = [0xff, 0xa4, 0x1f];
const TRUE_WITHIN = 300;

export default async (stage) => {
  const page = await stage.open({ hash: "#/live?lang=en", width: 1440, height: 900 });
  const warnings = page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: /Warnings/ });
  await warnings.getByText(/^\d+ open warnings?$/).waitFor({ state: "attached", timeout: PATIENCE });
  await page.getByRole("region", { name: "How fresh this is" }).getByText(/New warning: .+\s%\./).waitFor();
  assert.equal(await stage.count(await drawnNow(page), ALARM), 0, "the map of Live shows candidates");

  await page.keyboard.press("g");
  await page.keyboard.press("w");
  const list = page.getByRole("navigation", { name: "List of warnings" });
  const leak = list.getByRole("link", { name: /^Leak near/ }).first();
  await leak.waitFor({ timeout: PATIENCE });
  await leak.click();
  await page.waitForFunction(() => /^#\/warnings\/f-\d+/.test(location.hash));
  const id = new URL(page.url()).hash.match(/f-\d+/)[0];

  const detail = page.getByRole("article");
  await detail.getByRole("heading", { name: /^Leak near/ }).waitFor();
  const shares = await detail.locator("section", { hasText: "Probable cause" }).locator("td.number").allTextContents();
  const sum = shares.map((text) => Number(/[\d.]+/.exec(text)[0])).reduce((a, b) => a + b, 0);
  assert.ok(Math.abs(sum - 100) <= 3, `the causes add up to ${sum} %: ${shares}`);
  const candidates = detail.locator("section", { hasText: "Where it may be" }).locator("tbody tr");
  assert.ok((await candidates.count()) > 1, "no candidates are listed");
  assert.ok((await stage.count(await drawnNow(page), ALARM)) > 20, "no candidate is marked on the map");

  await detail.getByLabel(/^Note/).fill("Heard it with the rod at the corner.");
  await detail.getByLabel(/^Your name/).fill("Anna de Vries");
  await listen(page);
  await detail.getByRole("button", { name: "Confirm" }).click();
  await detail.getByText(/Verdict:\s*confirmed/).waitFor();
  await detail.getByText("Heard it with the rod at the corner.").waitFor();
  const told = await page.evaluate(() => window.told);
  assert.ok(told.includes("Confirmed; taken with the next cycle."), `before the twin took it the page said ${told}`);
  assert.equal(await detail.getByText("taken with the next cycle").count(), 0, "the twin has taken it, and the page does not know");
  assert.equal(await detail.getByRole("button", { name: "Confirm" }).isDisabled(), true);

  assert.equal(await detail.getByRole("heading", { name: "What really happened" }).count(), 0, "the truth is told before anybody asks");
  await detail.getByRole("button", { name: "Was it true?" }).click();
  await detail.getByText("Yes, this was true.").waitFor();
  const said = await detail.getByText(/^The first candidate lies/).textContent();
  const { findings, events } = await stage.json("/api/truth");
  const { metres } = findings.find((one) => one.id === id);
  assert.ok(metres <= TRUE_WITHIN, `the leak is ${metres} m from where the twin thinks`);
  assert.ok(said.includes(`${Math.round(metres)} m of pipe`), said);
  await detail.getByText(`Leak at ${events[0].element}, from`).waitFor();
  await stage.picture(page, "leak");

  await detail.getByRole("button", { name: "Close …" }).click();
  const dialog = page.getByRole("dialog", { name: "Close this warning" });
  await dialog.getByText("What was really the matter?").waitFor();
  await dialog.getByRole("button", { name: "Close the warning" }).click();
  assert.equal(await dialog.locator("input:invalid").count() > 0, true, "it can be closed without a cause");
  assert.equal((await stage.json(`/api/findings`)).findings.find((one) => one.id === id).closed, null);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
};

/** The map's picture, as soon as it shows values; in a demo it changes with each cycle. */
async function drawnNow(page) {
  await page.waitForFunction(() => Number(document.querySelector(".network-map")?.dataset.paint) > 1);
  return page.locator(".network-map canvas").screenshot();
}

/** Keeps what the page says beside the buttons: a cycle of a quick demo is over before anybody could read it. */
async function listen(page) {
  await page.evaluate(() => {
    const status = document.querySelector("article [role=status]");
    window.told = [];
    new MutationObserver(() => window.told.push(status.textContent.trim())).observe(status, { childList: true, characterData: true, subtree: true });
  });
}
