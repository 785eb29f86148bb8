import { describe, expect, it } from "vitest";
import { type Pressed, shortcutOf } from "./keys";

const press = (part: Partial<Pressed>, singleKeys = true) =>
  shortcutOf({ key: "", ctrl: false, alt: false, shift: false, focus: "none", dialog: false, before: "", ...part }, singleKeys);

describe("shortcuts", () => {
  it("are what the list says", () => {
    expect(press({ key: "k", ctrl: true })).toBe("search");
    expect(press({ key: "/" })).toBe("search");
    expect(press({ key: "?", shift: true })).toBe("help");
    expect(press({ key: "w", before: "g" })).toBe("warnings");
    expect(press({ key: "ArrowLeft", shift: true })).toBe("back");
    expect(press({ key: " " })).toBe("play");
    expect(press({ key: "w" })).toBeNull();
  });

  it("are off while text is written, but for the one that no text holds", () => {
    for (const key of ["/", "n", " ", "u", "?"]) expect(press({ key, focus: "text" })).toBeNull();
    expect(press({ key: "ArrowLeft", shift: true, focus: "text" })).toBeNull();
    expect(press({ key: "k", ctrl: true, focus: "text" })).toBe("search");
  });

  it("leave space and arrows to a control that has the focus", () => {
    expect(press({ key: " ", focus: "control" })).toBeNull();
    expect(press({ key: "ArrowRight", shift: true, focus: "control" })).toBeNull();
    expect(press({ key: "n", focus: "control" })).toBe("now");
  });

  it("can be switched off when they are single keys", () => {
    for (const key of ["/", "n", " ", "u", "t"]) expect(press({ key }, false)).toBeNull();
    expect(press({ key: "w", before: "g" }, false)).toBeNull();
    expect(press({ key: "ArrowLeft", shift: true }, false)).toBe("back");
    expect(press({ key: "k", ctrl: true }, false)).toBe("search");
  });

  it("leave the browser's own alone, and dialogs to themselves", () => {
    expect(press({ key: "n", ctrl: true })).toBeNull();
    expect(press({ key: "n", alt: true })).toBeNull();
    expect(press({ key: "n", dialog: true })).toBeNull();
    expect(press({ key: "Escape", dialog: true })).toBeNull();
  });
});
