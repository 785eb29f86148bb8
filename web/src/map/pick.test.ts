import { describe, expect, it } from "vitest";
import { frameOf } from "./frame";
import { Picker } from "./pick";
import { smallTown } from "./towns";

const town = smallTown();
const frame = frameOf(town);
const picker = new Picker(town, frame);
const SCALE = 1100; // 10 pixels for each unit of the file

/** What is chosen at a point given in the file's coordinates. */
const at = (x: number, y: number, marked: Parameters<Picker["at"]>[3] = []) =>
  picker.at((x - frame.x) / frame.size, (y - frame.y) / frame.size, SCALE, marked);

describe("picking", () => {
  it("finds the pipe under the pointer, along its bends too", () => {
    expect(at(105, 26)).toEqual({ sort: "link", index: 1 });
    expect(at(105, 74)).toEqual({ sort: "link", index: 1 });
  });

  it("finds nothing farther off than its reach", () => {
    expect(at(50, 50)).toBeNull();
    expect(at(0, 50)).toEqual({ sort: "link", index: 3 });
    expect(at(1.3, 50)).toBeNull();
  });

  it("takes the node before the pipe that it ends", () => {
    expect(at(0.3, 0.4)).toEqual({ sort: "node", index: 0 });
  });

  it("takes the nearer pipe when the node is not really meant", () => {
    expect(at(100.8, 0.9)).toEqual({ sort: "link", index: 1 });
  });

  it("reaches farther for a tank, whose sign is larger than a dot", () => {
    expect(at(-0.6, 101.1)).toEqual({ sort: "node", index: 3 });
  });

  it("takes a marked place before all else", () => {
    const place = { sort: "link", index: 2 } as const;
    const mark = { x: (0.5 - frame.x) / frame.size, y: (0.5 - frame.y) / frame.size, place };
    expect(at(0, 0, [mark])).toEqual(place);
  });
});
