// What lies under the pointer is what is chosen; the keyboard moves the map and chooses too; a drag shows what drawing anew shows.
import assert from "node:assert/strict";
import { drawn, map, setReading } from "./stage.mjs";

export default async (stage) => {
  const page = await stage.open();
  const whole = await drawn(page);
  const pipe = await longestPipe(stage);
  for (const [sort, id] of [["node", "T1"], ["node", "n520"], ["link", pipe]]) {
    const { x, y } = await stage.placeOf(page, id);
    await page.mouse.move(x, y);
    await page.waitForFunction(() => document.querySelector(".network-map canvas").style.cursor === "pointer");
    await page.mouse.click(x, y);
    await page.waitForFunction((said) => location.hash.includes(said), `chosen=${encodeURIComponent(`${sort}:${id}`)}`);
  }
  const chosen = await drawn(page);
  assert.notDeepEqual(chosen, whole, "what is chosen is not marked");

  const box = await map(page).boundingBox();
  const [middleX, middleY] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(middleX, middleY);
  await page.mouse.down();
  for (let step = 1; step <= 12; step++) await page.mouse.move(middleX - 12 * step, middleY + 8 * step);
  // A pause before letting go, or the map goes on by itself for a while.
  for (let frame = 0; frame < 20; frame++) await page.evaluate(() => new Promise(requestAnimationFrame));
  await page.mouse.up();
  await page.mouse.move(box.x + 5, box.y + box.height - 5);
  const dragged = await drawn(page);
  assert.ok((await stage.compare(chosen, dragged)).share > 0.02, "the map was not dragged");
  await setReading(page, "width");
  await drawn(page);
  await setReading(page, "expected");
  const anew = await drawn(page);
  const { share } = await stage.compare(dragged, anew);
  assert.ok(share < 0.01, `after a drag ${100 * share} % of the map is not as when drawn anew`);

  await map(page).focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("+");
  const moved = await drawn(page);
  assert.ok((await stage.compare(anew, moved)).share > 0.02, "the keyboard does not move the map");
  const before = page.url();
  await page.keyboard.press("Enter");
  await page.waitForFunction((old) => location.href !== old, before);
  assert.match(page.url(), /chosen=(node|link)%3A/);
};

/** The id of the longest pipe that runs straight on the map: there is much of it to point at. */
async function longestPipe(stage) {
  const { nodes, start, end, bendFrom, ids } = await stage.layout();
  const length = (i) => Math.hypot(nodes[2 * start[i]] - nodes[2 * end[i]], nodes[2 * start[i] + 1] - nodes[2 * end[i] + 1]);
  const straight = ids.links.map((_, i) => i).filter((i) => bendFrom[i] === bendFrom[i + 1]);
  return ids.links[straight.reduce((best, i) => (length(i) > length(best) ? i : best))];
}
