// Keeps the page open beside a running twin and says how it fares: node bench/hour.mjs ADDRESS CHROMIUM MINUTES [FLAGS...]
//
// A line of JSON each minute: the page's own memory after its garbage was collected, nodes of the document, and the memory of all
// processes of the browser. And a line, as soon as it is on the screen, for each warning that the page counts.
import { readdirSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [address, executablePath, minutes, ...flags] = process.argv.slice(2);

/** Resident bytes of a process and all that descend from it. */
function residentOf(root) {
  const found = new Map();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const status = readFileSync(`/proc/${name}/status`, "utf8");
      const number = (key) => Number(status.match(new RegExp(`^${key}:\\s+(\\d+)`, "m"))?.[1] ?? 0);
      found.set(Number(name), { parent: number("PPid"), bytes: 1024 * number("RssAnon") });
    } catch (error) {
      if (error.code !== "ENOENT" && error.code !== "ESRCH") throw error; // it ended while we looked
    }
  }
  const ours = (pid) => pid === root || (found.has(pid) && pid > 1 && ours(found.get(pid).parent));
  return [...found].filter(([pid]) => ours(pid)).reduce((sum, [, { bytes }]) => sum + bytes, 0);
}

const say = (line) => console.log(JSON.stringify({ at: Date.now(), ...line }));

const server = await chromium.launchServer({ executablePath, args: ["--no-sandbox", ...flags] });
try {
  const browser = await chromium.connect(server.wsEndpoint());
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: "en-GB" });
  page.on("console", (message) => message.type() === "error" && say({ error: message.text() }));
  page.on("pageerror", (error) => say({ error: String(error) }));
  await page.exposeFunction("tell", (count) => say({ warnings: count }));
  await page.goto(`${address}/#/live`);
  await page.evaluate(() => {
    let shown = "";
    const look = () => {
      const count = document.querySelector("header .tag.alarm")?.textContent?.trim() ?? "";
      if (count !== shown) window.tell((shown = count));
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
    look();
  });
  const tools = await page.context().newCDPSession(page);
  for (let minute = 0; minute <= Number(minutes); minute += 1) {
    await tools.send("HeapProfiler.collectGarbage");
    const { usedSize } = await tools.send("Runtime.getHeapUsage");
    const { nodes } = await tools.send("Memory.getDOMCounters");
    say({ minute, heap: usedSize, nodes, resident: residentOf(server.process().pid) });
    if (minute < Number(minutes)) await new Promise((resolve) => setTimeout(resolve, 60_000));
  }
} finally {
  await server.close();
}
