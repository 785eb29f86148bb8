// What stories share: pages that are listened to, the network as the service sends it, and pictures that can be compared.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import typescript from "typescript";

/** What takes longer than this has failed, ms; only a demo that still learns needs as much. */
export const PATIENCE = 240_000;

/** CSS pixels that the map keeps free round a network that fits (see src/map/frame.ts). */
const PADDING = 48;

export class Stage {
  /** What no page may say: errors, broken policy, questions to strangers. */
  complaints = [];

  constructor(browser, address, pictures, args) {
    Object.assign(this, { browser, address, pictures, args });
  }

  /** A new page of a new visitor; `prepare` runs in it before the page's own code; with `clock` the story can let time pass. */
  async open({ hash = "", width = 1400, height = 860, prepare, clock = false, locale = "en-GB", colorScheme = "dark", ...context } = {}) {
    const visitor = await this.browser.newContext({ viewport: { width, height }, locale, colorScheme, timezoneId: "Europe/Amsterdam", ...context });
    const page = await visitor.newPage();
    if (clock) await page.clock.install();
    page.on("console", (message) => message.type() === "error" && this.complain(`console: ${message.text()}`));
    page.on("pageerror", (error) => this.complain(`error: ${error.stack ?? error}`));
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (!["data:", "blob:"].includes(protocol) && origin !== this.address) this.complain(`asked a stranger: ${request.url()}`);
    });
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
    if (prepare) await page.addInitScript(prepare);
    await page.goto(`${this.address}/${hash}`);
    return page;
  }

  complain(text) {
    this.complaints.push(text);
  }

  /** Fails when a page had something to complain of; a story that expects complaints takes them out before. */
  judge() {
    assert.deepEqual(this.complaints, []);
  }

  /** Takes out what a story expects: what a browser itself says of a service that is away. */
  forgive(pattern) {
    this.complaints = this.complaints.filter((complaint) => !pattern.test(complaint));
  }

  async json(path) {
    const answer = await fetch(this.address + path);
    assert.equal(answer.status, 200, path);
    return answer.json();
  }

  /** Where nodes lie, and what they are called. */
  async layout() {
    const bytes = await (await fetch(`${this.address}/api/geometry`)).arrayBuffer();
    const [nodes, links, bends] = new Uint32Array(bytes, 4, 3);
    const starts = 16 + 16 * nodes + 16 * bends;
    const ids = await this.json("/api/ids");
    return {
      nodes: new Float64Array(bytes, 16, 2 * nodes),
      bends: new Float64Array(bytes.slice(16 + 16 * nodes, starts)),
      start: new Uint32Array(bytes, starts, links),
      end: new Uint32Array(bytes, starts + 4 * links, links),
      bendFrom: new Uint32Array(bytes, starts + 8 * links, links + 1),
      ids,
    };
  }

  /** Where a node or a pipe without bends lies on the screen, on a map that shows the whole network. */
  async placeOf(page, id) {
    const { nodes, bends, start, end, ids } = await this.layout();
    const box = await map(page).boundingBox();
    const axis = (from) => [...nodes, ...bends].filter((value, i) => i % 2 === from && Number.isFinite(value));
    const [[left, right], [bottom, top]] = [axis(0), axis(1)].map((values) => [Math.min(...values), Math.max(...values)]);
    const scale = Math.min((box.width - 2 * PADDING) / (right - left), (box.height - 2 * PADDING) / (top - bottom));
    const at = (node) => ({
      x: box.x + box.width / 2 + (nodes[2 * node] - (left + right) / 2) * scale,
      y: box.y + box.height / 2 - (nodes[2 * node + 1] - (bottom + top) / 2) * scale,
    });
    const node = ids.nodes.indexOf(id);
    if (node >= 0) return at(node);
    const link = ids.links.indexOf(id);
    assert.ok(link >= 0, `the network has no ${id}`);
    const [a, b] = [at(start[link]), at(end[link])];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  }

  /** Keeps a screenshot among the pictures of this run; gives it as an image for `compare`. */
  async picture(page, name, of = page) {
    mkdirSync(this.pictures, { recursive: true });
    return of.screenshot({ path: join(this.pictures, `${name}.png`), animations: "disabled" });
  }

  /** How many pixels of a picture have a colour, [red, green, blue]. */
  async count(picture, colour) {
    const page = await this.browser.newPage();
    const found = await page.evaluate(
      async ([image, [red, green, blue]]) => {
        const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${image}`)).blob());
        const pen = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
        pen.drawImage(bitmap, 0, 0);
        const { data } = pen.getImageData(0, 0, bitmap.width, bitmap.height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4) if (Math.abs(data[i] - red) + Math.abs(data[i + 1] - green) + Math.abs(data[i + 2] - blue) < 9) count++;
        return count;
      },
      [picture.toString("base64"), colour],
    );
    await page.close();
    return found;
  }

  /** How two pictures differ: the share of pixels that differ visibly, and how many different colours each has. */
  async compare(one, other) {
    const page = await this.browser.newPage();
    const result = await page.evaluate(
      async (images) => {
        const [a, b] = await Promise.all(
          images.map(async (image) => {
            const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${image}`)).blob());
            const pen = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
            pen.drawImage(bitmap, 0, 0);
            return { size: [bitmap.width, bitmap.height], data: pen.getImageData(0, 0, bitmap.width, bitmap.height).data };
          }),
        );
        if (String(a.size) !== String(b.size)) return { share: 1, colours: [0, 0] };
        let differ = 0;
        const colours = [new Set(), new Set()];
        for (let i = 0; i < a.data.length; i += 4) {
          const off = Math.abs(a.data[i] - b.data[i]) + Math.abs(a.data[i + 1] - b.data[i + 1]) + Math.abs(a.data[i + 2] - b.data[i + 2]);
          if (off > 48) differ++;
          [a, b].forEach(({ data }, which) => colours[which].add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]));
        }
        return { share: (4 * differ) / a.data.length, colours: colours.map((set) => set.size) };
      },
      [one, other].map((image) => image.toString("base64")),
    );
    await page.close();
    return result;
  }
}

/** The canvas of the map. */
export const map = (page) => page.locator(".network-map canvas");

/** Waits until the map shows values, and nothing on it changes any more; gives its picture. */
export async function drawn(page) {
  await map(page).waitFor();
  await page.waitForFunction(() => Number(document.querySelector(".network-map")?.dataset.paint) > 1);
  let before = await map(page).screenshot();
  for (let tries = 0; tries < 100; tries++) {
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const now = await map(page).screenshot();
    if (now.equals(before)) return now;
    before = now;
  }
  throw new Error("the map never comes to rest");
}

/** Waits until the map shows values; on a map of a demo there is soon other news. */
export const drawnOnce = (page) => page.waitForFunction(() => Number(document.querySelector(".network-map")?.dataset.paint) > 1);

/** The open leak of a demo, as the service tells it, as soon as there is one. */
export async function openLeak(stage) {
  let leak;
  await until(async () => {
    const { findings } = await stage.json("/api/findings");
    leak = findings.find((one) => one.kind === "leak" && one.closed === null);
    return leak !== undefined;
  }, "a leak is found");
  return leak;
}

/** The page's words by language. */
export const words = Object.fromEntries(
  await Promise.all(
    ["en", "nl"].map(async (language) => {
      const source = readFileSync(new URL(`../src/words/${language}.ts`, import.meta.url), "utf-8");
      const { outputText } = typescript.transpileModule(source, { compilerOptions: { module: "ESNext", target: "ES2022" } });
      return [language, (await import(`data:text/javascript,${encodeURIComponent(outputText)}`))[language]];
    }),
  ),
);

/** Shows another reading of the estimates, and waits until the map has its colours. */
export async function setReading(page, reading) {
  const paint = await page.evaluate(() => document.querySelector(".network-map").dataset.paint);
  await page.evaluate((name) => {
    const said = new URLSearchParams(location.hash.split("?")[1]);
    said.set("reading", name);
    location.hash = `${location.hash.split("?")[0]}?${said}`;
  }, reading);
  await page.waitForFunction((old) => document.querySelector(".network-map").dataset.paint !== old, paint);
}

/** Waits until something is so that is known outside the page; `ask` says whether. */
export async function until(ask, why) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) if (await ask()) return;
  throw new Error(`it did not come true: ${why}`);
}
