// Builds what tests need, each with only what the test is about.
import type { Finding, Health, Sensor } from "../service/contract";

export function aFinding(part: Partial<Finding>): Finding {
  return {
    id: "f-0001",
    kind: "leak",
    subject: "zone-1",
    since: "2018-01-06T08:00:00Z",
    raised: "2018-01-06T10:00:00Z",
    closed: null,
    revision: 1,
    probability: 0.99,
    causes: { leak: 0.71, valve: 0.14, sensor: 0.09, tampering: 0, demand: 0, model: 0.04, unknown: 0.02 },
    candidates: [{ element: "p232", probability: 0.4 }],
    size: { median: 0.0055, low: 0.005, high: 0.006, level: 0.9, unit: "m3/s" },
    evidence: [],
    action: "",
    verdict: "",
    notes: [],
    real_cause: "",
    ...part,
  };
}

export function aHealth(twin: Partial<Health["twin"]>): Health {
  return {
    status: "ok",
    why: [],
    name: "town",
    twin: { alive: true, cycles: 1, last_end: null, saved: null, seconds_per_cycle: 0.2, figures: {}, ...twin },
    doors: { started: "2026-01-01T00:00:00Z", last_sequence: 0, by_flag: {} },
    sensors: { count: 0, stale: [], last_time: null },
    inputs: [],
    catching_up: null,
    gaps: { count: 0, open: [], closed: [] },
  };
}

export function aSensor(part: Partial<Sensor>): Sensor {
  return {
    sensor: "pressure:n1",
    quantity: "pressure",
    element: "n1",
    unit: "m",
    std: 0.02,
    withheld: false,
    last_time: null,
    last_heard: null,
    behind_s: null,
    stale: false,
    ...part,
  };
}
