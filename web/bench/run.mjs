// Measures the map in a browser: node bench/run.mjs ADDRESS CHROMIUM TOWN [BROWSER FLAGS...]; prints one line of JSON.
//
// CPU time is that of all processes of the browser together, from /proc: software WebGL works in a process of its own.
import { readdirSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [address, executablePath, town, ...flags] = process.argv.slice(2);
const FRAMES = 60;
const REPEATS = 7;
const TICK = 10; // ms; USER_HZ is 100 on Linux

/** CPU milliseconds so far of a process and all that descend from it. */
function cpuOf(root) {
  const found = new Map();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      found.set(Number(name), { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) });
    } catch (error) {
      if (error.code !== "ENOENT" && error.code !== "ESRCH") throw error; // it ended while we looked
    }
  }
  const ours = (pid) => pid === root || (found.has(pid) && pid > 1 && ours(found.get(pid).parent));
  return TICK * [...found].filter(([pid]) => ours(pid)).reduce((sum, [, { ticks }]) => sum + ticks, 0);
}

const median = (row) => [...row].sort((a, b) => a - b)[Math.floor(row.length / 2)];

async function withBrowser(measure) {
  const server = await chromium.launchServer({ executablePath, args: ["--no-sandbox", ...flags] });
  try {
    const browser = await chromium.connect(server.wsEndpoint());
    const page = await browser.newPage({ viewport: { width: 1400, height: 820 } });
    const said = [];
    page.on("console", (message) => message.type() === "error" && said.push(message.text()));
    page.on("pageerror", (error) => said.push(String(error)));
    await page.goto(address);
    const counts = await page.evaluate((url) => bench.load(url), town);
    const result = await measure(page, () => cpuOf(server.process().pid));
    if (said.length > 0) throw new Error(said.join("\n"));
    return { counts, ...result };
  } finally {
    await server.close();
  }
}

async function firstFrame(page, cpu) {
  const before = cpu();
  const { ms, webgl2, renderer } = await page.evaluate(() => bench.open(true));
  return { ms, webgl2, renderer, cpu: cpu() - before };
}

/** CPU of a frame while the view is dragged, or zoomed too; `nearer` times nearer than the whole. */
async function moving(page, cpu, nearer, zooming) {
  const move = (frames) => page.evaluate((asked) => bench.move(...asked), [frames, Math.log2(nearer), zooming]);
  await move(4); // what is made once is made here
  const [before, start] = [cpu(), Date.now()];
  await move(FRAMES);
  return { cpu: (cpu() - before) / FRAMES, wall: (Date.now() - start) / FRAMES };
}

async function recolour(page, cpu) {
  const [before, times] = [cpu(), []];
  for (let i = 0; i < REPEATS; i++) times.push(await page.evaluate((phase) => bench.recolour(phase), i));
  return { ms: median(times), cpu: (cpu() - before) / REPEATS };
}

const firsts = [];
for (let i = 0; i < 3; i++) firsts.push(await withBrowser(firstFrame));
const rest = await withBrowser(async (page, cpu) => {
  await firstFrame(page, cpu);
  const pan = await moving(page, cpu, 1, false);
  const zoom = await moving(page, cpu, 1, true);
  const near = await moving(page, cpu, 8, true);
  await page.evaluate(() => bench.move(1, 0, false));
  return { pan, zoom, near, recolour: await recolour(page, cpu) };
});
const [first] = firsts;
console.log(JSON.stringify({
  counts: first.counts,
  webgl2: first.webgl2,
  renderer: first.renderer,
  first: { ms: median(firsts.map(({ ms }) => ms)), cpu: median(firsts.map(({ cpu }) => cpu)) },
  pan: rest.pan,
  zoom: rest.zoom,
  near: rest.near,
  recolour: rest.recolour,
}));
