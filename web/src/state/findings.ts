// What a warning is called, how far it is, and how a list of them is kept readable. Pure.
import type { Finding } from "../service/contract";
import type { Words } from "../words";
import { isolated } from "../format/isolated";

/** What it is about: the likeliest place, else its subject. */
export const whereOf = (finding: Finding): string => finding.candidates[0]?.element ?? finding.subject;

export function titleOf(finding: Finding, words: Words): string {
  const title = words.finding.titles[finding.kind] ?? words.finding.titles["unknown"];
  return title ? title(isolated(finding.kind === "demand" || finding.kind === "model" ? finding.subject : whereOf(finding))) : finding.kind;
}

export type Phase = "fresh" | "seen" | "inWork" | "rejectedState" | "closedState";

export function phaseOf(finding: Finding, seen: ReadonlyMap<string, number>): Phase {
  if (finding.closed !== null) return "closedState";
  if (finding.verdict === "confirmed") return "inWork";
  if (finding.verdict === "rejected") return "rejectedState";
  return seen.has(finding.id) ? "seen" : "fresh";
}

/** The open warning that was raised last and that nobody has looked at here, and how many more there are. */
export function newestFresh(open: readonly Finding[], seen: ReadonlyMap<string, number>): { readonly finding: Finding; readonly more: number } | null {
  const fresh = open.filter((finding) => phaseOf(finding, seen) === "fresh");
  const newest = fresh.reduce<Finding | null>((last, finding) => (last && last.raised > finding.raised ? last : finding), null);
  return newest && { finding: newest, more: fresh.length - 1 };
}

/** Warnings that say the same of the same thing, newest first. */
export interface Group {
  readonly key: string;
  readonly findings: readonly Finding[];
}

/** So many of one sort stand by themselves; more are a group, or one cause would flood the list. */
export const ALONE = 3;

export function grouped(findings: readonly Finding[]): readonly Group[] {
  const newest = [...findings].sort((a, b) => (a.raised < b.raised ? 1 : a.raised > b.raised ? -1 : a.id < b.id ? 1 : -1));
  const sorts = new Map<string, Finding[]>();
  for (const finding of newest) {
    const key = `${finding.kind} ${finding.subject}`;
    sorts.set(key, [...(sorts.get(key) ?? []), finding]);
  }
  const done = new Set<string>();
  return newest.flatMap((finding): Group[] => {
    const key = `${finding.kind} ${finding.subject}`;
    const same = sorts.get(key) ?? [];
    if (same.length <= ALONE) return [{ key: finding.id, findings: [finding] }];
    if (done.has(key)) return [];
    done.add(key);
    return [{ key, findings: same }];
  });
}

/** Causes with their probability, likeliest first; what is next to impossible is left out, but never all. */
export function causesOf(finding: Finding): readonly (readonly [string, number])[] {
  const rows = Object.entries(finding.causes).sort((a, b) => b[1] - a[1]);
  return rows.filter(([, share], place) => place === 0 || share >= 0.0005);
}

/** The sensor that speaks loudest for a finding; null where none does. */
export function loudestOf(finding: Finding): string | null {
  const strength = (value: Finding["evidence"][number]["value"]) => Math.abs(Number(value["standard_deviations"] ?? 0));
  const named = finding.evidence.filter((one) => one.sensor !== "");
  const loudest = [...named].sort((a, b) => strength(b.value) - strength(a.value))[0];
  return loudest?.sensor ?? (finding.kind === "sensor" ? finding.subject : null);
}

export function evidenceText(evidence: Finding["evidence"][number], language: string, words: Words): string {
  const text = evidence.text[language];
  if (text) return text;
  const deviations = Number(evidence.value["standard_deviations"]);
  return evidence.code === "surprise" ? words.finding.codes.surprise(isolated(evidence.sensor), deviations < 0) : words.finding.codes.other(evidence.code);
}

/** Findings that name an element or a sensor. */
export function concerning(findings: Iterable<Finding>, names: readonly string[]): readonly Finding[] {
  const asked = new Set(names);
  return [...findings].filter(
    (finding) => finding.closed === null && (asked.has(finding.subject) || finding.candidates.some((one) => asked.has(one.element) && one.probability >= 0.01)),
  );
}

/** How many were raised on each of the last days, the newest last; days by UTC. */
export function perDay(findings: Iterable<Finding>, last: string | null, days: number): readonly { readonly day: string; readonly count: number }[] {
  const raised = new Map<string, number>();
  for (const finding of findings) raised.set(finding.raised.slice(0, 10), (raised.get(finding.raised.slice(0, 10)) ?? 0) + 1);
  if (last === null) return [];
  const end = Date.parse(last.slice(0, 10));
  return Array.from({ length: days }, (_, n) => {
    const day = new Date(end - (days - 1 - n) * 86.4e6).toISOString().slice(0, 10);
    return { day, count: raised.get(day) ?? 0 };
  });
}
