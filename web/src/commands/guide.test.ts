import { expect, it } from "vitest";
import guide from "../../../docs/guide/page.md?raw";
import { KEYS } from "./keys";

it("the guide lists every shortcut", () => {
  const table = guide.slice(guide.indexOf("## Keys"), guide.indexOf("## Settings"));
  const listed = new Set([...table.matchAll(/`([^`]+)`/g)].map((found) => found[1]));
  for (const keys of Object.values(KEYS).flat(2)) expect([keys, listed.has(keys)]).toEqual([keys, true]);
});
