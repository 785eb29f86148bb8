import { describe, expect, it } from "vitest";
import type { Truth, TruthFinding } from "../service/contract";
import { aFinding } from "../testing/build";
import { answerOf, binOf, saidOf } from "./truth";

const row = (part: Partial<TruthFinding>): TruthFinding => ({ id: "f-0001", right: null, cause_right: null, metres: null, hours_late: null, event: null, ...part });
const truth = (bins: NonNullable<Truth["calibration"]>["bins"]): Truth => ({ ended: false, events: [], findings: [], calibration: { made: "", n: 40, bins } });

describe("was it true?", () => {
  it("is answered by whether something was wrong, and whether it was that", () => {
    expect(answerOf(undefined)).toBe("unknown");
    expect(answerOf(row({}))).toBe("unknown");
    expect(answerOf(row({ right: false }))).toBe("no");
    expect(answerOf(row({ right: false, cause_right: false, event: 0 }))).toBe("causeWrong");
    expect(answerOf(row({ right: false, cause_right: true, event: 0 }))).toBe("placeWrong");
    expect(answerOf(row({ right: true, cause_right: true }))).toBe("yes");
  });

  it("says how often such a probability was right, if that was measured", () => {
    const bins = [
      { from: 0.5, to: 0.8, n: 40, right: 27 },
      { from: 0.8, to: 1, n: 0, right: 0 },
    ];
    expect(saidOf(aFinding({}))).toBe(0.71);
    expect(binOf(truth(bins), 0.71)?.right).toBe(27);
    expect(binOf(truth(bins), 0.8)).toBeNull();
    expect(binOf(truth([{ from: 0.8, to: 1, n: 5, right: 5 }]), 1)?.n).toBe(5);
    expect(binOf({ ...truth([]), calibration: null }, 0.7)).toBeNull();
  });
});
