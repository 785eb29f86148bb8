// axe finds nothing to object to: in every view and dialog, in both languages and both themes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { drawnOnce, openLeak, words } from "./stage.mjs";

/** Runs before the page's own code, as a file of the browser's: the page's policy stays as strict as it is. */
const AXE = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf-8");

export default async (stage) => {
  const leak = await openLeak(stage);
  const found = [];
  for (const [language, colorScheme] of [["en", "dark"], ["nl", "light"], ["en", "light"], ["nl", "dark"]]) {
    const said = words[language];
    const page = await stage.open({ hash: `#/live?lang=${language}`, colorScheme, prepare: { content: AXE } });
    const look = async (where) => found.push(...(await judged(page)).map((text) => `${where}, ${language}, ${colorScheme}: ${text}`));
    const go = (hash) => page.evaluate((to) => (location.hash = to), `${hash}${hash.includes("?") ? "&" : "?"}lang=${language}`);

    await drawnOnce(page);
    await look("Live");
    await go(`#/live?chosen=${encodeURIComponent(`link:${leak.candidates[0].element}`)}`);
    await page.locator("aside .value").waitFor();
    await look("Live with a pipe chosen");
    await go("#/live?table=1");
    await page.locator("main tbody tr").first().waitFor();
    await look("the table");

    await page.locator("body").press("?");
    await page.locator("dialog kbd").first().waitFor();
    await look("shortcuts");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: said.settings.open, exact: true }).click();
    await page.locator("dialog select").first().waitFor();
    await look("settings");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.locator("dialog input").fill("p1");
    await page.locator("dialog [role=option]").first().waitFor();
    await look("search");
    await page.keyboard.press("Escape");

    await go("#/warnings");
    await page.locator("nav.list a").first().waitFor();
    await look("the list of warnings");
    await go(`#/warnings/${leak.id}`);
    await page.getByRole("article").waitFor();
    await page.getByRole("button", { name: said.truth.ask, exact: true }).click();
    await page.locator(".answer").waitFor();
    await drawnOnce(page);
    await look("a warning");
    await page.getByRole("button", { name: said.deeds.close, exact: true }).click();
    await page.locator("dialog fieldset").waitFor();
    await look("closing a warning");
    await page.keyboard.press("Escape");

    await go("#/health");
    await page.locator("main tbody th button").first().waitFor();
    await look("Model health");

    await page.route("**/api/**", (route) => route.fulfill({ status: 401, json: { error: "a token is needed" } }));
    await page.reload();
    await page.locator("#token").fill("not this one");
    await page.keyboard.press("Enter");
    await page.locator("#token-why").filter({ hasText: /\S/ }).waitFor();
    await look("signing in");
    await page.context().close();
  }
  stage.forgive(/Failed to load resource: the server responded with a status of 401/);
  assert.deepEqual(found, []);
};

/** What axe objects to, a line each. */
async function judged(page) {
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document);
    return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id} (${help}): ${node.target} ${node.html.slice(0, 160)} ${node.failureSummary}`));
  });
}
