import { describe, expect, it } from "vitest";
import { decodeGeometry, decodeValues } from "./decode";
import { bytesOf, smallTown } from "./towns";

describe("the bytes of the geometry", () => {
  it("come back as the arrays that went in", () => {
    const town = smallTown();
    expect(decodeGeometry(bytesOf(town))).toEqual(town);
  });

  it("come back whatever the counts do to alignment", () => {
    const town = { ...smallTown(), nodeCount: 0, linkCount: 0, nodes: new Float64Array(0), bends: new Float64Array(0) };
    const none = { start: new Uint32Array(0), end: new Uint32Array(0), bendFrom: new Uint32Array(1) };
    const kinds = { diameter: new Float32Array(0), nodeKind: new Uint8Array(0), linkKind: new Uint8Array(0) };
    expect(decodeGeometry(bytesOf({ ...town, ...none, ...kinds }))).toEqual({ ...town, ...none, ...kinds });
  });

  it.each([
    ["too short for a header", (bytes: ArrayBuffer) => bytes.slice(0, 10), /10 bytes, shorter than its header/],
    ["of another kind", (bytes: ArrayBuffer) => with8(bytes, 0, 88), /begins with "XWG1", not with TWG1/],
    ["cut off", (bytes: ArrayBuffer) => bytes.slice(0, -1), /4 nodes, 4 links and 3 bends need/],
    ["too long", joined, /bytes; 4 nodes/],
    ["with a node that is not there", (bytes: ArrayBuffer) => with32(bytes, firstStart(), 9), /link 0 ends at node 9; there are 4 nodes/],
    ["with bends that run backwards", (bytes: ArrayBuffer) => with32(bytes, firstBend() + 4, 4), /bends of link 1 end before they begin/],
    ["with bends that nobody has", (bytes: ArrayBuffer) => with32(bytes, firstBend(), 1), /bends 1 to 3; there are 3/],
  ])("are refused when %s", (_what, spoil, message) => {
    expect(() => decodeGeometry(spoil(bytesOf(smallTown())))).toThrow(message);
  });
});

describe("the bytes of values", () => {
  it("are four arrays, one after the other", () => {
    const bytes = new Float32Array([1, 2, 3, 4, 5, 6, 7, NaN]).buffer;
    const values = decodeValues(bytes, 2);
    expect([...values.median, ...values.low, ...values.high, ...values.broken]).toEqual([1, 2, 3, 4, 5, 6, 7, NaN]);
  });

  it("are refused when they are of another network", () => {
    expect(() => decodeValues(new ArrayBuffer(16), 2)).toThrow("values: 16 bytes; 2 elements need 32");
  });
});

const firstStart = () => 16 + 16 * 4 + 16 * 3;
const firstBend = () => firstStart() + 8 * 4;

function with8(bytes: ArrayBuffer, at: number, value: number): ArrayBuffer {
  new DataView(bytes).setUint8(at, value);
  return bytes;
}

function with32(bytes: ArrayBuffer, at: number, value: number): ArrayBuffer {
  new DataView(bytes).setUint32(at, value, true);
  return bytes;
}

function joined(bytes: ArrayBuffer): ArrayBuffer {
  const longer = new Uint8Array(bytes.byteLength + 1);
  longer.set(new Uint8Array(bytes));
  return longer.buffer;
}
