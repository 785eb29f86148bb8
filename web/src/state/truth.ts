// How a finding compares with the hidden truth, and how often such a probability has been right. Pure.
import type { CalibrationBin, Finding, Truth, TruthFinding } from "../service/contract";

export type Answer = "yes" | "causeWrong" | "placeWrong" | "no" | "unknown";

export function answerOf(row: TruthFinding | undefined): Answer {
  if (!row || row.right === null) return "unknown";
  if (row.right) return "yes";
  if (row.event === null) return "no";
  return row.cause_right ? "placeWrong" : "causeWrong";
}

/** The probability that the finding is judged by: of its likeliest cause. */
export const saidOf = (finding: Finding): number => Math.max(0, ...Object.values(finding.causes));

/** The bin of the calibration that a probability falls into, with anything in it; null where that has not been measured. */
export function binOf(truth: Truth, share: number): CalibrationBin | null {
  const bins = truth.calibration?.bins ?? [];
  const found = bins.find((bin) => share >= bin.from && (share < bin.to || (share === bin.to && bin.to === 1)));
  return found && found.n > 0 ? found : null;
}
