import { describe, expect, it } from "vitest";
import { parsePreferences, type Preferences } from "./preferences";
import { KEPT_SEEN, parseSeen, withSeen } from "./seen";

describe("what the browser keeps", () => {
  it("is bounded, the newest kept", () => {
    let seen: ReadonlyMap<string, number> = new Map();
    for (let n = 0; n < KEPT_SEEN + 3; n += 1) seen = withSeen(seen, `f-${n}`, 1);
    expect(seen.size).toBe(KEPT_SEEN);
    expect([seen.has("f-2"), seen.has("f-3")]).toEqual([false, true]);
    expect(parseSeen(JSON.stringify([...seen]))).toEqual(seen);
  });

  it("is read whatever somebody else made of it", () => {
    for (const text of [null, "", "{", "7", '{"a":1}', '[["a"],[1,2],["b","c"]]']) expect(parseSeen(text).size).toBe(0);
    const usual: Preferences = { language: "en", theme: "dark", pressure: "m", flow: "m3/h", zone: "utc", singleKeys: true };
    for (const text of [null, "", "[", "null", '"x"', '{"theme":"pink","pressure":7,"singleKeys":"no"}']) expect(parsePreferences(text, usual)).toEqual(usual);
    expect(parsePreferences('{"theme":"light","flow":"L/s","singleKeys":false}', usual)).toEqual({ ...usual, theme: "light", flow: "L/s", singleKeys: false });
  });
});
