import { expect, it } from "vitest";
import { isolated } from "./isolated";

it("a stranger's text turns nothing but itself", () => {
  expect(isolated("p232")).toBe("p232");
  expect(isolated("\u202Ecba")).toBe("\u2068\u202Ecba\u2069");
  expect(isolated("a\u2069\u202Eb")).toBe("\u2068a\u202Eb\u2069");
});
