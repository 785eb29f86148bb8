// Each view in both languages and themes: a picture to look at, nothing of the other language, no other country's clock or comma,
// and nothing that does not fit, on a wide screen, a small one and a phone.
import assert from "node:assert/strict";
import { drawnOnce, openLeak, words } from "./stage.mjs";

const SIZES = [[1440, 900], [1024, 768], [390, 844]];
const US_CLOCK = /\b\d{1,2}:\d{2}(:\d{2})?\s*[AaPp]\.?[Mm]\b|\b[AP]M\b/;
const COMMA = /\d,\d(?!\d\d(?!\d))/;
const POINT = /\d\.\d(?!\d\d(?!\d))/;

export default async (stage) => {
  const leak = await openLeak(stage);
  const said = [];
  for (const [language, colorScheme] of [["en", "dark"], ["nl", "light"], ["en", "light"], ["nl", "dark"]]) {
    const page = await stage.open({ hash: `#/live?lang=${language}`, colorScheme });
    for (const [view, ready] of [["live", "aside .value"], ["warnings", ".uplot, .chart"], ["health", "main tbody th button"]]) {
      for (const [width, height] of SIZES) {
        await page.setViewportSize({ width, height });
        const place = view === "warnings" && (width === 390 || colorScheme === "dark") ? `/${leak.id}` : "";
        const chosen = view === "live" ? `&chosen=${encodeURIComponent(`link:${leak.candidates[0].element}`)}` : "";
        await page.evaluate((to) => (location.hash = to), `#/${view}${place}?lang=${language}${chosen}`);
        await page.locator(ready).first().waitFor();
        if (view !== "health") await drawnOnce(page);
        const where = `${view}, ${language}, ${colorScheme}, ${width} px`;
        said.push(...(await wider(page)).map((what) => `${where}: wider than the screen: ${what}`));
        said.push(...misspoken(await read(page), language).map((what) => `${where}: ${what}`));
        await stage.picture(page, `${view}-${language}-${colorScheme}-${width}`);
      }
    }
    await page.context().close();
  }
  assert.deepEqual([...new Set(said)], []);
};

/** All that can be read on a page, but names, ids and notes, which are nobody's language. */
async function read(page) {
  return page.evaluate(() => {
    const texts = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) if (!node.parentElement.closest("script, style, body [lang], .note") && node.data.trim()) texts.push(node.data.trim());
    for (const one of document.querySelectorAll("[aria-label], [title], [placeholder]")) if (!one.closest("[lang]:not(html)")) texts.push(...["aria-label", "title", "placeholder"].map((name) => one.getAttribute(name)).filter(Boolean));
    return texts;
  });
}

/** What does not belong in a language: the other's words, commas and clocks. */
function misspoken(texts, language) {
  const other = sentences(words[language === "en" ? "nl" : "en"]);
  for (const own of sentences(words[language])) other.delete(own);
  return texts.flatMap((text) => [
    ...(other.has(text) ? [`the other language: ${text}`] : []),
    ...(US_CLOCK.test(text) ? [`a clock of twelve hours: ${text}`] : []),
    ...((language === "en" ? COMMA : POINT).test(text) && !/[a-z]\S*\d\.\d|\d\.\d\S*[a-z]/i.test(text) ? [`a number of elsewhere: ${text}`] : []),
  ]);
}

/** Each text of a words file that is one as it is. */
function sentences(part) {
  if (typeof part === "string") return new Set(part.length > 2 ? [part] : []);
  if (typeof part !== "object") return new Set();
  return new Set(Object.values(part).flatMap((one) => [...sentences(one)]));
}

/** What makes a page scroll to the side. */
async function wider(page) {
  return page.evaluate(() => {
    const [wide, seen] = [document.documentElement.clientWidth, document.scrollingElement.scrollWidth];
    const main = document.querySelector("main");
    if (seen <= wide && main.scrollWidth <= main.clientWidth) return [];
    const past = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > wide + 1 && !one.closest(".unseen"));
    return [`${seen} > ${wide}, main ${main.scrollWidth} > ${main.clientWidth}: ${past.slice(0, 4).map((one) => one.outerHTML.slice(0, 90)).join(" | ")}`];
  });
}
