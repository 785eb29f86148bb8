import { describe, expect, it } from "vitest";
import { aFinding } from "../testing/build";
import { en } from "../words/en";
import { nl } from "../words/nl";
import { causesOf, concerning, evidenceText, grouped, loudestOf, newestFresh, perDay, phaseOf, titleOf } from "./findings";

describe("a warning", () => {
  it("is called after its likeliest place, in the page's language", () => {
    expect(titleOf(aFinding({}), en)).toBe("Leak near p232");
    expect(titleOf(aFinding({ kind: "sensor", subject: "pressure:n410", candidates: [] }), nl)).toBe("Sensor pressure:n410 meet fout");
    expect(titleOf(aFinding({ kind: "demand", subject: "zone-2" }), en)).toBe("Demand changed in zone-2");
    expect(titleOf(aFinding({ kind: "a kind of next year" }), en)).toBe("Readings differ, cause unknown");
  });

  it("is new until it was seen, in work once confirmed, closed at last", () => {
    const seen = new Map([["f-0001", 1]]);
    expect(phaseOf(aFinding({}), new Map())).toBe("fresh");
    expect(phaseOf(aFinding({}), seen)).toBe("seen");
    expect(phaseOf(aFinding({ verdict: "confirmed" }), new Map())).toBe("inWork");
    expect(phaseOf(aFinding({ verdict: "rejected" }), seen)).toBe("rejectedState");
    expect(phaseOf(aFinding({ verdict: "confirmed", closed: "2018-01-09T00:00:00Z" }), seen)).toBe("closedState");
  });

  it("shows causes likeliest first and leaves out what is next to impossible", () => {
    expect(causesOf(aFinding({})).map(([cause]) => cause)).toEqual(["leak", "valve", "sensor", "model", "unknown"]);
    expect(causesOf(aFinding({ causes: { leak: 0 } }))).toEqual([["leak", 0]]);
  });

  it("takes its evidence from the document, else from code and values", () => {
    const evidence = { code: "surprise", sensor: "pressure:n1", value: { standard_deviations: -3.4 }, text: { en: "It reads low." } };
    expect(evidenceText(evidence, "en", en)).toBe("It reads low.");
    expect(evidenceText(evidence, "nl", nl)).toBe("pressure:n1 meet lager dan verwacht.");
    expect(evidenceText({ ...evidence, code: "inflow", text: {} }, "en", en)).toContain("inflow");
  });

  it("names the sensor that parts most, whichever way", () => {
    const says = (sensor: string, standard_deviations: number) => ({ code: "surprise", sensor, value: { standard_deviations }, text: {} });
    expect(loudestOf(aFinding({ evidence: [says("", 99), says("a", 2), says("b", -3)] }))).toBe("b");
    expect(loudestOf(aFinding({}))).toBeNull();
    expect(loudestOf(aFinding({ kind: "sensor", subject: "c" }))).toBe("c");
  });

  it("concerns what it is about and its likelier places, while it is open", () => {
    const findings = [aFinding({}), aFinding({ id: "closed", closed: "2018-01-09T00:00:00Z" })];
    expect(concerning(findings, ["p232"]).map((one) => one.id)).toEqual(["f-0001"]);
    expect(concerning(findings, ["p9"])).toEqual([]);
  });
});

describe("a list of warnings", () => {
  const raised = (id: string, hour: number, subject: string) => aFinding({ id, subject, raised: `2018-01-06T${String(hour).padStart(2, "0")}:00:00Z` });

  it("has the newest first and no floods", () => {
    const many = Array.from({ length: 12 }, (_, n) => raised(`s-${n}`, n, "zone-1"));
    const groups = grouped([...many, raised("other", 3, "zone-2")]);
    expect(groups.map((group) => group.findings.length)).toEqual([12, 1]);
    expect(groups[0]?.findings[0]?.id).toBe("s-11");
  });

  it("leaves a few of a sort by themselves", () => {
    expect(grouped([raised("a", 1, "z"), raised("b", 2, "z")]).map((group) => group.key)).toEqual(["b", "a"]);
  });

  it("has one that is new to show, and says how many more", () => {
    const open = [raised("a", 1, "z"), raised("b", 5, "z"), raised("c", 3, "z")];
    expect(newestFresh(open, new Map())).toEqual({ finding: open[1], more: 2 });
    expect(newestFresh(open, new Map([["b", 1], ["c", 1]]))).toEqual({ finding: open[0], more: 0 });
    expect(newestFresh([], new Map())).toBeNull();
  });

  it("counts by day, days without any as well", () => {
    expect(perDay([raised("a", 1, "z")], "2018-01-08T12:00:00Z", 3)).toEqual([
      { day: "2018-01-06", count: 1 },
      { day: "2018-01-07", count: 0 },
      { day: "2018-01-08", count: 0 },
    ]);
  });
});
