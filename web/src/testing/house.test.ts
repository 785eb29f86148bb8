// Rules that hold for every file of the page.
import { describe, expect, it } from "vitest";

const sources = import.meta.glob<string>(["../**/*.svelte", "../**/*.ts", "!../**/*.test.ts", "!../service/schema.ts"], { query: "?raw", eager: true, import: "default" });
const files = Object.entries(sources);
const having = (pattern: RegExp, except: RegExp = /^$/) => files.filter(([path, text]) => !except.test(path) && pattern.test(text)).map(([path]) => path);

describe("the page's code", () => {
  it("is all looked at", () => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.every(([, text]) => text.length > 0)).toBe(true);
  });

  it("shows a stranger's text as text and never as HTML", () => {
    expect(having(/\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write/)).toEqual([]);
  });

  it("has no style attribute and no code made from text, which the service's policy forbids", () => {
    expect(having(/<[a-z][^>]*\sstyle="/)).toEqual([]);
    expect(having(/\beval\(|new Function\(/)).toEqual([]);
  });

  it("asks the service in one place only", () => {
    expect(having(/\bfetch\(|new EventSource|XMLHttpRequest/, /service\/(client|stream)\.ts$/)).toEqual([]);
  });

  it("updates the map in one place only", () => {
    expect(having(/\.(setPaint|setMarks|setChosen|flyTo)\(/, /^\.\.\/map\/|parts\/MapView\.svelte$/)).toEqual([]);
  });

  it("knows no Dutch and no English outside its words", () => {
    const said = files.filter(([path]) => path.endsWith(".svelte")).map(([path, text]) => [path, text.replace(/<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<!--[\s\S]*?-->/g, "")] as const);
    const left = (text: string) => text.replace(/\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}/g, "").replace(/<[^>]*>/g, " ").replaceAll("UTC", "");
    expect(said.filter(([, text]) => /\p{L}{3,}/u.test(left(text))).map(([path, text]) => [path, left(text).match(/\p{L}{3,}/u)?.[0]])).toEqual([]);
  });
});
