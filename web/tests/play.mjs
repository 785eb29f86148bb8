// Plays a story in a browser: node tests/play.mjs STORY ADDRESS CHROMIUM PICTURES [ARGUMENTS...]; exits with 1 when it fails.
//
// A story is a file of this folder whose default export takes a `Stage`. Whatever it is about, it fails too when the page breaks the
// service's content-security policy, says an error, or asks anybody but the service.
import { chromium } from "playwright-core";
import { Stage } from "./stage.mjs";

const [story, address, executablePath, pictures, ...args] = process.argv.slice(2);
const { default: play } = await import(`./${story}.mjs`);

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"] });
try {
  const stage = new Stage(browser, address, pictures, args);
  await play(stage);
  stage.judge();
} finally {
  await browser.close();
}
