// Names that would like to be more than text, as ids, notes, causes and evidence: all of them show as text, and nothing comes of them.
import assert from "node:assert/strict";

/** What no name may bring onto the page. */
const STRANGE = "script:not([src^='/assets/']), img, iframe, object, embed, base, form:not(dialog form), b, article h1, aside h1, table h1, [onload], [onerror], [onclick], [onfocus], [onmouseover], [srcdoc], [autofocus]:not(dialog *), a[href^='javascript'], a[href^='data']";

export default async (stage) => {
  const names = JSON.parse(stage.args[0]);
  assert.equal(names.length, 50);
  const { nodes, links } = await stage.json("/api/ids");
  const page = await stage.open({ hash: "#/live?lang=en&table=1", prepare: () => (window.pwned = (which) => console.error(`ran ${which}`)) });
  page.on("dialog", (dialog) => stage.complain(`a dialog: ${dialog.message()}`));

  const seen = new Set();
  for (;;) {
    const buttons = page.getByRole("main").locator("tbody th");
    await buttons.first().waitFor();
    for (const text of await buttons.allTextContents()) seen.add(plain(text));
    const next = page.getByRole("button", { name: "Next page" });
    if ((await next.count()) === 0 || (await next.isDisabled())) break;
    await next.click();
  }
  for (const id of nodes) assert.ok(seen.has(plain(id)), `the table does not show ${JSON.stringify(id)}`);

  for (const [place, name] of names.entries()) {
    const [sort, id] = [["node", nodes[place]], ["link", links[place]], ["sensor", name]][place % 3];
    await go(page, `#/live?lang=en&chosen=${encodeURIComponent(`${sort}:${id}`)}`);
    await shows(page.getByRole("complementary").getByRole("heading", { level: 2 }), id);
  }
  await calm(page, "Live");

  for (const [place, name] of names.entries()) {
    const language = place % 2 ? "nl" : "en";
    await go(page, `#/warnings/f-${String(place).padStart(4, "0")}?lang=${language}`);
    const article = page.getByRole("article");
    await shows(article, `note ${name}`);
    for (const text of [`nul \u0000 ${name}`, `${name}\n${name}`, `${language} ${name}`]) await shows(article, text);
    assert.ok((await article.locator("section table tbody th").allTextContents()).some((text) => plain(text) === plain(name)), `no cause ${name}`);
    await calm(page, `warning ${place}`);
  }
  await go(page, "#/warnings?lang=en");
  await page.getByRole("button", { name: /^Show \d+ more$/ }).first().click();
  await calm(page, "Warnings");

  await go(page, "#/health?lang=en");
  await page.getByRole("button", { name: "Show all 50" }).click();
  for (const name of names) await shows(page.getByRole("main"), name);
  await calm(page, "Model health");

  for (const name of names.filter((_, place) => place % 5 === 0)) {
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill(name.slice(0, 12));
    await shows(page.getByRole("listbox"), name);
    await page.keyboard.press("Escape");
  }
  await shows(page.getByRole("banner"), "<b>town</b>");
  await calm(page, "search");
  await stage.picture(page, "names");
};

/** As it is read: without the signs that only order a text, and with single spaces. */
const plain = (text) => text.replace(/[\u2066-\u2069\u202a-\u202e]/g, "").replace(/\s+/g, " ").trim();

async function go(page, hash) {
  await page.evaluate((to) => (location.hash = to), hash);
}

async function shows(where, text) {
  let found = "";
  for (let tries = 0; tries < 100; tries++) {
    found = (await where.allTextContents()).join("\n");
    if (plain(found).includes(plain(text))) return;
    await where.page().evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }
  assert.fail(`${JSON.stringify(text)} does not show; what shows is ${found.slice(0, 600)}`);
}

/** Nothing has come of a name. */
async function calm(page, where) {
  const strange = await page.evaluate((selector) => [...document.querySelectorAll(selector)].map((one) => one.outerHTML.slice(0, 200)), STRANGE);
  assert.deepEqual(strange, [], where);
  assert.match(page.url(), /\/#\/(live|warnings|health)/);
  assert.equal(await page.evaluate(() => document.querySelectorAll("main").length), 1, where);
}
