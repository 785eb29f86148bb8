// A lost WebGL context comes back with all that was drawn; without WebGL 2 a plain canvas shows and picks the same.
import assert from "node:assert/strict";
import { drawn, map } from "./stage.mjs";

export default async (stage) => {
  const page = await stage.open();
  const before = await drawn(page);
  await page.evaluate(async () => {
    const canvas = document.querySelector(".network-map canvas");
    const loss = canvas.getContext("webgl2").getExtension("WEBGL_lose_context");
    const heard = (name) => new Promise((resolve) => canvas.addEventListener(name, resolve, { once: true }));
    const lost = heard("webglcontextlost");
    loss.loseContext();
    await lost;
    // Only once the event has gone its way may a context come back.
    await new Promise((resolve) => setTimeout(resolve));
    const restored = heard("webglcontextrestored");
    loss.restoreContext();
    await restored;
  });
  const after = await same(stage, page, before);
  assert.ok(after < 0.001, `after a lost context ${100 * after} % of the map is not as it was`);

  const plain = await stage.open({ prepare: forgetWebGl });
  const flat = await drawn(plain);
  await stage.picture(plain, "map-without-webgl");
  assert.ok((await stage.compare(before, flat)).share < 0.08, "the plain canvas shows something else");
  const { x, y } = await stage.placeOf(plain, "n520");
  await plain.mouse.click(x, y);
  await plain.waitForFunction(() => location.hash.includes("chosen=node%3An520"));
  await map(plain).focus();
  await plain.keyboard.press("ArrowRight");
  assert.ok((await stage.compare(flat, await drawn(plain))).share > 0.02, "the keyboard does not move the plain canvas");
};

/** The share of the map that differs, once it is drawn again. */
async function same(stage, page, before) {
  let share = 1;
  for (let tries = 0; tries < 20 && share > 0.001; tries++) ({ share } = await stage.compare(before, await drawn(page)));
  return share;
}

function forgetWebGl() {
  const getContext = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...how) {
    return kind === "webgl2" ? null : getContext.call(this, kind, ...how);
  };
}
