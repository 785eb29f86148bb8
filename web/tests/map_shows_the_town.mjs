// The map shows the town in colours, each theme and reading otherwise, and does nothing while nothing changes.
import assert from "node:assert/strict";
import { drawn, map, setReading } from "./stage.mjs";

export default async (stage) => {
  const page = await stage.open({ prepare: countDraws });
  const expected = await drawn(page);
  await stage.picture(page, "map-dark");
  const { colours, share } = await stage.compare(expected, await blank(page));
  assert.ok(colours[0] > 100 && share > 0.02, `the map shows ${colours[0]} colours, ${100 * share} % of it is drawn`);

  const before = await page.evaluate(() => window.draws);
  for (let frame = 0; frame < 30; frame++) await page.evaluate(() => new Promise(requestAnimationFrame));
  assert.equal(await page.evaluate(() => window.draws), before, "the map is drawn again although nothing has changed");
  assert.ok(before > 0);

  await setReading(page, "width");
  assert.ok((await stage.compare(expected, await drawn(page))).share > 0.005, "the width of the interval looks like the expected value");

  const light = await stage.open({ colorScheme: "light" });
  const day = await drawn(light);
  await stage.picture(light, "map-light");
  assert.ok((await stage.compare(expected, day)).share > 0.5, "the light theme is dark");
};

/** Counts what is drawn by WebGL. */
function countDraws() {
  window.draws = 0;
  const draw = WebGL2RenderingContext.prototype.drawElements;
  WebGL2RenderingContext.prototype.drawElements = function (...how) {
    window.draws++;
    return draw.apply(this, how);
  };
}

/** The map's picture with nothing on it. */
async function blank(page) {
  await map(page).evaluate((canvas) => (canvas.style.opacity = "0"));
  const picture = await map(page).screenshot();
  await map(page).evaluate((canvas) => (canvas.style.opacity = ""));
  return picture;
}
