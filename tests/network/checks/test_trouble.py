"""One tiny file for each shape of trouble: its code, the element and the lines that are to blame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from epanet_takes import epanet_takes
from healthy_town import marked, town
from tweeling.network.checks import CHECKS, Remark, Severity, check_model, parse_model

OWN = tuple(check for check in CHECKS if check.code != "refused-by-epanet")
"""All checks but the one that starts a process."""


@dataclass(frozen=True)
class Trouble:
    """A file with something wrong, at the marked lines.

    Args:
        code: of the check that should see it.
        name: what is wrong, where a check has several cases.
        add, put, head, tail: the change to the healthy town.
        ids: the first element named at each mark; None asks nothing.
        stricter: EPANET takes the file, and we do not; why.
    """

    code: str
    name: str = ""
    add: Mapping[str, str] = field(default_factory=dict)
    put: Mapping[str, str] = field(default_factory=dict)
    head: str = ""
    tail: str = "[END]\n"
    ids: tuple[str, ...] | None = None
    stricter: str = ""

    @property
    def text(self) -> str:
        return town(self.add, self.put, self.head, self.tail)

    def __str__(self) -> str:
        return f"{self.code} {self.name}".strip()


def grid(pipe: str, roughness: str = "120", size: int = 30) -> dict[str, str]:
    """Sections of a street of `size` equal pipes of 100 m, drawn at one to ten; `pipe` gives length and diameter."""
    nodes = range(size + 1)
    return {
        "JUNCTIONS": "J1 10\nJ2 12\nJ3 11\nJ4 13\nJ5 12\n" + "\n".join(f"S{i} 10 1" for i in nodes),
        "PIPES": f"P1 J1 J2 500 {pipe} {roughness}\nP2 J2 J3 400 {pipe} {roughness}\nP3 J3 T1 300 {pipe} {roughness}\n"
        f"P4 J3 J4 250 {pipe} {roughness}\nP5 J1 S0 100 {pipe} {roughness}\n"
        + "\n".join(f"S{i} S{i} S{i + 1} 100 {pipe} {roughness}" for i in range(size)),
        "COORDINATES": "J1 0 0\nJ2 50 0\nJ3 90 0\nJ4 90 25\nJ5 90 30\nR1 0 1\nT1 120 0\n"
        + "\n".join(f"S{i} {10 * (i + 1)} 0" for i in nodes),
        "VERTICES": "",
    }


RULE = "RULE 9\nIF TANK T1 LEVEL > 3\nTHEN PIPE P2 STATUS IS CLOSED"
PRV_PAIR = {"JUNCTIONS": "J6 12 1", "PIPES": "P9 J5 J6 100 100 120", "COORDINATES": "J6 9 4"}
HIGH = {"JUNCTIONS": "J6 260 1", "PIPES": "P9 J5 J6 900 100 120", "COORDINATES": "J6 9 9"}

TROUBLES = (
    Trouble("unknown-section", add={"FOO": "a b"}, ids=()),
    Trouble("unknown-section", "cut short", tail="[PIPE] ;<--\nP9 J1 J2 5 5 5\n"),
    Trouble("section-too-early", tail="[PIPES]\nP9 J5 J6 100 100 120 ;<--\n[JUNCTIONS]\nJ6 9\n"),
    Trouble("line-too-long", add={"PATTERNS": "1 1 ;<--" + "x" * 1100}),
    Trouble("row-too-long", add={"PATTERNS": "1" + " 1" * 40 + ";<--"}, ids=("1",)),
    Trouble("text-before-sections", head="by hand ;<--\n"),
    Trouble("rows-after-end", tail="[END]\n[JUNCTIONS] ;<--\nJ9 3\n"),
    Trouble("row-too-short", add={"PIPES": "P9 J1 J2 100 ;<--"}, ids=("P9",), stricter="it makes up the rest of the row"),
    Trouble("row-too-short", "tank", add={"TANKS": "T2 40 3 1 ;<--"}, ids=("T2",)),
    Trouble("row-too-short", "pattern", add={"PATTERNS": "1 ;<--"}, ids=("1",)),
    Trouble("row-too-short", "half a point", add={"CURVES": "E1 20 ;<--"}, ids=("E1",)),
    Trouble("row-too-short", "source", add={"SOURCES": "J1 2 1\nJ2 MASS 1"}, put={"ENERGY": "GLOBAL EFFIC ;<--"}),
    Trouble("curve-row-too-long", add={"CURVES": "E1 20 70 30 60 ;<--"}, ids=("E1",)),
    Trouble("not-a-number", add={"PIPES": "P9 J1 J2 abc 100 120 ;<--"}, ids=("P9",)),
    Trouble("not-a-number", "NaN", put={"RESERVOIRS": "R1 nan ;<--"}, ids=("R1",), stricter="it spreads the NaN"),
    Trouble("not-a-number", "comma", add={"PATTERNS": "1 1,5 ;<--"}, ids=("1",)),
    Trouble("not-a-number", "Arabic digit", add={"PATTERNS": "1 \u0663 ;<--"}, ids=("1",), stricter="it takes it for 0"),
    Trouble("not-a-number", "underscore", add={"PATTERNS": "1 1_0 ;<--"}, ids=("1",)),
    Trouble("check-valve-or-gpv-set", "GPV", put={"VALVES": "V1 J4 J5 100 GPV E1", "STATUS": "V1 5 ;<--"}, ids=("V1",)),
    Trouble("not-a-number", "setting", put={"VALVES": "V1 J4 J5 100 PRV hard ;<--"}, ids=("V1",)),
    Trouble("not-a-number", "price", add={"ENERGY": "GLOBAL PRICE much ;<--"}),
    Trouble("unknown-word", "valve", put={"VALVES": "V1 J4 J5 100 XRV 20 ;<--"}, ids=("V1",)),
    Trouble("unknown-word", "pipe", add={"PIPES": "P9 J1 J2 100 100 120 0 ajar ;<--"}, ids=("P9",)),
    Trouble("unknown-word", "status", add={"STATUS": "P1 AJAR ;<--"}, ids=("P1",)),
    Trouble("unknown-word", "pump", put={"PUMPS": "U1 R1 J1 HEAD C1 COLOUR 3 ;<--"}, ids=("U1",)),
    Trouble("id-not-allowed", add={"JUNCTIONS": "J" * 32 + " 9 ;<--"}),
    Trouble("node-twice", add={"JUNCTIONS": "J1 9 ;<--"}, ids=("J1",)),
    Trouble("node-twice", "junction and tank", add={"TANKS": "J2 40 3 1 5 10 0 ;<--"}, ids=("J2",)),
    Trouble("link-twice", put={"PUMPS": "P1 R1 J1 HEAD C1 ;<--"}, ids=("P1",)),
    Trouble("pattern-or-curve-in-pieces", add={"PATTERNS": "2 1\n1 2 ;<--"}, ids=("1",)),
    Trouble("link-to-nothing", add={"PIPES": "P9 J1 J99 100 100 120 ;<--"}, ids=("P9",)),
    Trouble("row-for-absent-element", "demand", add={"DEMANDS": "J99 1 ;<--"}, ids=("J99",)),
    Trouble("row-for-absent-element", "emitter", add={"EMITTERS": "J99 1 ;<--"}, ids=("J99",)),
    Trouble("row-for-absent-element", "status", add={"STATUS": "P99 OPEN ;<--"}, ids=("P99",)),
    Trouble("row-for-absent-element", "pump", add={"ENERGY": "PUMP P1 PRICE 1 ;<--"}, ids=("P1",)),
    Trouble("row-for-absent-element", "tag", add={"TAGS": "NODE J99 old ;<--"}, ids=("J99",)),
    Trouble("row-for-absent-element", "report", add={"REPORT": "LINKS P1 P99 ;<--"}, ids=("P99",)),
    Trouble("map-row-for-absent-element", add={"COORDINATES": "J99 1 1 ;<--"}, ids=("J99",)),
    Trouble("pattern-absent", add={"DEMANDS": "J1 1 day ;<--"}, ids=("J1",)),
    Trouble("pattern-absent", "speed", put={"PUMPS": "U1 R1 J1 HEAD C1 PATTERN day ;<--"}, ids=("U1",)),
    Trouble("curve-absent", put={"PUMPS": "U1 R1 J1 HEAD C9 ;<--"}, ids=("U1",)),
    Trouble("curve-absent", "tank", put={"TANKS": "T1 40 3 1 5 10 0 C9 ;<--"}, ids=("T1",)),
    Trouble("curve-absent", "GPV", put={"VALVES": "V1 J4 J5 100 GPV C9 ;<--"}, ids=("V1",)),
    Trouble("default-pattern-absent", put={"OPTIONS": "UNITS LPS\nPATTERN day ;<--"}, ids=("day",)),
    Trouble("pattern-unused", add={"PATTERNS": "night 1 2 ;<--\nnight 3"}, ids=("night",)),
    Trouble("curve-unused", add={"CURVES": "old 1 2 ;<--"}, ids=("old",)),
    Trouble(
        "no-source", put={"RESERVOIRS": "", "TANKS": "", "PUMPS": "", "PIPES": "P1 J1 J2 9 9 9\nP2 J2 J3 9 9 9\nP3 J3 J4 9 9 9"}
    ),
    Trouble(
        "no-junction",
        put={"JUNCTIONS": "", "PIPES": "P1 R1 T1 9 9 99", "PUMPS": "", "VALVES": "", "RULES": "", "CONTROLS": "", "ENERGY": ""},
    ),
    Trouble("junction-without-link", add={"JUNCTIONS": "J9 3 ;<--"}, ids=("J9",)),
    Trouble("source-without-link", add={"TANKS": "T2 40 3 1 5 10 0 ;<--"}, ids=("T2",)),
    Trouble("link-to-itself", add={"PIPES": "P9 J1 J1 100 100 120 ;<--"}, ids=("P9",)),
    Trouble(
        "part-without-source",
        add={"JUNCTIONS": "J8 1 ;<--\nJ9 1 1", "PIPES": "P9 J8 J9 10 100 120"},
        ids=("J8",),
        stricter="warns",
    ),
    Trouble(
        "part-shut-off-at-start",
        put={"JUNCTIONS": "J1 10\nJ2 12\nJ3 11 ;<--\nJ4 13 1\nJ5 12 1"},
        add={"STATUS": "P2 CLOSED\nP3 CLOSED"},
    ),
    Trouble("length-not-positive", add={"PIPES": "P9 J1 J2 0 100 120 ;<--"}, ids=("P9",)),
    Trouble("diameter-not-positive", put={"VALVES": "V1 J4 J5 -1 PRV 20 ;<--"}, ids=("V1",)),
    Trouble("roughness-not-positive", add={"PIPES": "P9 J1 J2 100 100 0 ;<--"}, ids=("P9",)),
    Trouble("minor-loss-negative", add={"PIPES": "P9 J1 J2 100 100 120 -0.5 ;<--"}, ids=("P9",)),
    Trouble("roughness-out-of-range", add={"PIPES": "P9 J1 J2 100 100 0.1 ;<--"}, ids=("P9",)),
    Trouble(
        "roughness-out-of-range",
        "D-W in a H-W file",
        put={
            "OPTIONS": "UNITS LPS\nHEADLOSS D-W",
            "PIPES": "P1 J1 J2 500 300 0.1\nP2 J2 J3 400 200 120 ;<--\nP3 J3 T1 300 200 0.1\nP4 J3 J4 250 150 0.1",
        },
        ids=("P2",),
    ),
    Trouble("pipe-doubled", add={"PIPES": "P9 J2 J1 500 300 100 ;<--"}, ids=("P9",)),
    Trouble(
        "length-against-map",
        put=grid("300"),
        add={"JUNCTIONS": "J9 9", "PIPES": "P9 J1 J9 20 300 120 ;<--", "COORDINATES": "J9 0 -30"},
        ids=("P9",),
    ),
    Trouble(
        "pipe-rises-more-than-its-length",
        add={"JUNCTIONS": "J9 103 1", "PIPES": "P9 J3 J9 50 100 120 ;<--", "COORDINATES": "J9 9 9"},
        ids=("P9",),
    ),
    Trouble(
        "elevation-unlike-neighbours",
        add={"JUNCTIONS": "J9 60 1 ;<--", "PIPES": "P8 J2 J9 100 100 120\nP9 J3 J9 100 100 120", "COORDINATES": "J9 9 9"},
        ids=("J9",),
    ),
    Trouble("elevation-zero-among-others", put={"JUNCTIONS": "J1 31\nJ2 0 2 ;<--\nJ3 30\nJ4 25\nJ5 25"}, ids=("J2",)),
    Trouble(
        "elevation-beyond-earth",
        add={"JUNCTIONS": "J9 9000 ;<--", "PIPES": "P9 J3 J9 9999 100 120", "COORDINATES": "J9 9 9"},
        ids=("J9",),
    ),
    Trouble("elevation-above-sources", put={"JUNCTIONS": "J1 10\nJ2 260 2 ;<--\nJ3 11 3\nJ4 13 1\nJ5 12 1"}, ids=("J2",)),
    Trouble("pump-without-curve-or-power", put={"PUMPS": "U1 R1 J1 ;<--"}, ids=("U1",)),
    Trouble("pump-without-curve-or-power", "EPANET 1", put={"PUMPS": "U1 R1 J1 10 ;<--"}, ids=("U1",)),
    Trouble("pump-power-not-positive", put={"PUMPS": "U1 R1 J1 POWER 0 ;<--"}, ids=("U1",)),
    Trouble("setting-negative", "pump", put={"PUMPS": "U1 R1 J1 HEAD C1 SPEED -1 ;<--"}, ids=("U1",)),
    Trouble("setting-negative", "valve", add={"STATUS": "V1 -20 ;<--"}, ids=("V1",)),
    Trouble("pump-speed-too-high", add={"CONTROLS": "LINK U1 75 AT TIME 3 ;<--"}, ids=("U1",)),
    Trouble(
        "pump-curve-not-falling", "one bad point", add={"CURVES": "C1 20 46 ;<--\nC1 30 30\nC1 40 10"}, put={}, ids=("C1",)
    ),
    Trouble("pump-curve-not-falling", "rising", add={"CURVES": "C1 20 41 ;<--\nC1 30 42\nC1 40 43"}, ids=("C1",)),
    Trouble("pump-curve-not-falling", "no flow", put={"CURVES": "C1 0 40 ;<--\nE1 5 60\nE1 10 75"}, ids=("C1",)),
    Trouble("pump-curve-not-falling", "no power law", put={"CURVES": "C1 0 50\nC1 30 49 ;<--\nC1 31 0\nE1 5 60"}, ids=("C1",)),
    Trouble("curve-not-ascending", add={"CURVES": "E1 10 76 ;<--"}, ids=("E1",)),
    Trouble("efficiency-out-of-range", add={"CURVES": "E1 15 110 ;<--"}, ids=("E1",)),
    Trouble("efficiency-out-of-range", "fraction", put={"ENERGY": "PUMP U1 EFFIC E1\nGLOBAL EFFIC 0.75 ;<--"}),
    Trouble("valve-at-source", put={"VALVES": "V1 T1 J5 100 PRV 20 ;<--"}, ids=("V1",)),
    Trouble("valves-fight", add={"VALVES": "V2 J3 J5 100 PRV 30 ;<--"}, ids=("V2",), stricter="it does not look in files"),
    Trouble("parallel-reducing-valves", add={**PRV_PAIR, "VALVES": "V2 J3 J6 100 PRV 20.1 ;<--"}, ids=("V2",)),
    Trouble("valve-setting-out-of-range", put={"VALVES": "V1 J4 J5 100 PRV 400 ;<--"}, ids=("V1",)),
    Trouble("tank-level-out-of-range", put={"TANKS": "T1 40 6 1 5 10 0 ;<--"}, ids=("T1",)),
    Trouble("tank-without-range", put={"TANKS": "T1 40 3 3 3 10 0 ;<--"}, ids=("T1",)),
    Trouble("tank-without-area", put={"TANKS": "T1 40 3 1 5 0 0 ;<--"}, ids=("T1",), stricter="its level jumps"),
    Trouble("volume-curve-too-short", put={"TANKS": "T1 40 3 1 5 10 0 V ;<--"}, add={"CURVES": "V 2 10\nV 4 20"}, ids=("T1",)),
    Trouble(
        "volume-curve-not-rising",
        put={"TANKS": "T1 40 3 1 5 10 0 V"},
        add={"CURVES": "V 0 10\nV 3 9 ;<--\nV 6 20"},
        ids=("V",),
        stricter="its level jumps",
    ),
    Trouble("demand-on-source", add={"DEMANDS": "T1 3 ;<--"}, ids=("T1",)),
    Trouble(
        "demand-contradicted",
        put={"JUNCTIONS": "J1 10\nJ2 12 2 ;<--\nJ3 11 3\nJ4 13\nJ5 12"},
        add={"DEMANDS": "J2 1\nJ2 4\nJ3 3\nJ3 1"},
        ids=("J2",),
    ),
    Trouble("demand-negative", add={"DEMANDS": "J1 -1 ;<--"}, ids=("J1",)),
    Trouble("emitter-negative", add={"EMITTERS": "J1 -1 ;<--"}, ids=("J1",)),
    Trouble("no-demand", put={"JUNCTIONS": "J1 10\nJ2 12\nJ3 11\nJ4 13\nJ5 12"}),
    Trouble("demand-out-of-proportion", put={**grid("300"), "OPTIONS": "UNITS CMS"}),
    Trouble("control-not-readable", add={"CONTROLS": "LINK P1 CLOSED ;<--"}, ids=("P1",)),
    Trouble("control-not-readable", "time", add={"CONTROLS": "LINK P1 CLOSED AT CLOCKTIME 25 PM ;<--"}, ids=("P1",)),
    Trouble("control-not-readable", "status", add={"CONTROLS": "LINK P1 AJAR AT TIME 3 ;<--"}, ids=("P1",)),
    Trouble("control-names-absent-element", add={"CONTROLS": "LINK P99 OPEN AT TIME 3 ;<--"}, ids=("P99",)),
    Trouble("control-names-absent-element", "node", add={"CONTROLS": "LINK P1 OPEN IF NODE J99 BELOW 3 ;<--"}, ids=("P1",)),
    Trouble("check-valve-or-gpv-set", add={"STATUS": "P4 CLOSED ;<--"}, ids=("P4",)),
    Trouble("check-valve-or-gpv-set", "control", add={"CONTROLS": "LINK P4 CLOSED AT TIME 3 ;<--"}, ids=("P4",)),
    Trouble("controls-contradict", add={"CONTROLS": "LINK U1 CLOSED IF NODE T1 BELOW 2 ;<--"}, ids=("U1",)),
    Trouble(
        "control-levels-reversed",
        put={"CONTROLS": "LINK U1 OPEN IF NODE T1 BELOW 4\nLINK U1 CLOSED IF NODE T1 ABOVE 2 ;<--"},
        ids=("U1",),
    ),
    Trouble("control-level-outside-tank", add={"CONTROLS": "LINK P2 OPEN IF NODE T1 BELOW 43 ;<--"}, ids=("P2",)),
    Trouble("control-by-reservoir", add={"CONTROLS": "LINK P2 OPEN IF NODE R1 BELOW 3 ;<--"}, ids=("P2",)),
    Trouble("status-contradicted", add={"STATUS": "P1 OPEN\nP1 CLOSED ;<--"}, ids=("P1",)),
    Trouble("rule-not-readable", add={"RULES": "RULE 9\nIF TANK T1 LEVEL\u00a0> ;<--\nTHEN PIPE P2 STATUS IS CLOSED"}),
    Trouble("rule-not-readable", "stray words", add={"RULES": "by hand ;<--"}),
    Trouble("rule-not-readable", "below zero", add={"RULES": RULE.replace("STATUS IS CLOSED", "SETTING IS -1 ;<--")}),
    Trouble("rule-not-readable", "variable", add={"RULES": RULE.replace("LEVEL > 3", "COLOUR > 3 ;<--")}),
    Trouble("rule-not-readable", "value", add={"RULES": RULE.replace("LEVEL > 3", "LEVEL > full ;<--")}),
    Trouble(
        "rule-not-readable",
        "action",
        add={"RULES": RULE.replace("STATUS IS", "COLOUR IS") + " ;<--"},
        stricter="it skips the word",
    ),
    Trouble("rule-not-readable", "node in an action", add={"RULES": RULE.replace("PIPE P2", "TANK T1") + " ;<--"}),
    Trouble("rule-not-readable", "priority", add={"RULES": RULE + "\nPRIORITY high ;<--"}),
    Trouble("rule-not-readable", "misplaced", add={"RULES": "RULE 9\nTHEN PIPE P2 STATUS IS CLOSED ;<--"}),
    Trouble(
        "rule-names-absent-element",
        add={"RULES": "RULE 9\nIF TANK T9 LEVEL > 3 ;<--\nTHEN PIPE P9 STATUS IS CLOSED ;<--"},
        ids=("T9", "P9"),
    ),
    Trouble(
        "rule-moves-check-valve", add={"RULES": "RULE 9\nIF TANK T1 LEVEL > 3\nTHEN PIPE P4 STATUS IS CLOSED ;<--"}, ids=("P4",)
    ),
    Trouble(
        "rule-level-outside-tank",
        add={"RULES": "RULE 9\nIF TANK T1 LEVEL > 30 ;<--\nTHEN PIPE P2 STATUS IS CLOSED"},
        ids=("T1",),
    ),
    Trouble("rule-incomplete", add={"RULES": "RULE 9 ;<--\nIF TANK T1 LEVEL > 3"}, ids=("9",)),
    Trouble("rule-twice", add={"RULES": RULE + "\n" + RULE.replace("RULE 9", "RULE 9 ;<--")}, ids=("9",)),
    Trouble(
        "rules-contradict",
        add={"RULES": RULE + "\nRULE 10\nIF TANK T1 LEVEL > 3\nTHEN PIPE P2 STATUS IS OPEN ;<--"},
        ids=("P2",),
    ),
    Trouble("unknown-option", add={"OPTIONS": "COLOUR BLUE ;<--"}),
    Trouble("unknown-option", "time", add={"TIMES": "PATTERN 2:00 ;<--"}),
    Trouble("option-value-not-allowed", "units", put={"OPTIONS": "UNITS LPH ;<--"}, ids=("UNITS",)),
    Trouble("option-value-not-allowed", "number", add={"OPTIONS": "TRIALS 0 ;<--"}, ids=("TRIALS",)),
    Trouble("time-not-readable", put={"TIMES": "DURATION long ;<--"}),
    Trouble("time-not-readable", "statistic", add={"TIMES": "STATISTIC MEDIAN ;<--"}),
    Trouble("time-step-zero", add={"TIMES": "REPORT TIMESTEP 0 ;<--"}),
    Trouble("duration-zero", put={"TIMES": "DURATION 0 ;<--"}),
    Trouble("accuracy-loose", put={"OPTIONS": "UNITS LPS\nACCURACY 0.01 ;<--"}),
    Trouble("water-unlike-water", add={"OPTIONS": "SPECIFIC GRAVITY 1000 ;<--"}),
    Trouble("diameters-in-another-unit", put=grid("0.3")),
    Trouble("node-without-coordinates", add={"JUNCTIONS": "J6 9 ;<--", "PIPES": "P9 J5 J6 100 100 120"}, ids=("J6",)),
    Trouble("no-coordinates", put={"COORDINATES": "", "VERTICES": ""}),
    Trouble("map-row-not-readable", add={"VERTICES": "P2 3 ;<--"}, ids=("P2",)),
    Trouble("coordinates-twice", add={"COORDINATES": "J2 5 5 ;<--"}, ids=("J2",)),
)
BY_CODE = {check.code: check for check in CHECKS}


def remarks(text: str) -> list[Remark]:
    return check_model(parse_model(text), OWN)


def section_at(text: str, line: int) -> str:
    """The section that a line stands in, or opens; behind [END] all is END."""
    headers = [row.split("]")[0].strip("[") for row in text.split("\n")[:line] if row.startswith("[")]
    return "END" if "END" in headers else headers[-1]


def test_a_healthy_town_gives_no_remark_also_when_epanet_is_asked() -> None:
    assert check_model(parse_model(town())) == []


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_a_trouble_is_found_at_its_line(trouble: Trouble) -> None:
    found = [remark for remark in remarks(trouble.text) if remark.code == trouble.code]
    assert found
    assert {remark.severity for remark in found} == {BY_CODE[trouble.code].severity}
    if marked(trouble.text):
        assert [remark.line for remark in found] == marked(trouble.text)
    if trouble.ids is not None:
        assert tuple(name for remark in found for name in remark.ids[:1]) == trouble.ids
    assert all(remark.section == section_at(trouble.text, remark.line) for remark in found if remark.section and remark.line)


def test_lengths_are_said_in_the_units_of_the_file() -> None:
    trouble = next(entry for entry in TROUBLES if entry.code == "pipe-rises-more-than-its-length")
    said = [r.what for r in remarks(trouble.text.replace("UNITS LPS", "UNITS GPM")) if r.code == trouble.code]
    assert said == ["pipe P9 is 50 ft long and rises 92 ft"]


def test_every_check_has_a_case() -> None:
    elsewhere = {"not-utf8", "refused-by-epanet"}
    assert {trouble.code for trouble in TROUBLES} | elsewhere == set(BY_CODE)


def test_codes_are_given_once_and_say_why_and_what_to_do() -> None:
    assert len(BY_CODE) == len(CHECKS)
    assert all(check.why.endswith(".") and check.advice.endswith(".") for check in CHECKS)


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_errors_are_what_epanet_refuses_unless_a_reason_is_given(trouble: Trouble, tmp_path: Path) -> None:
    ours = [remark for remark in remarks(trouble.text) if remark.severity == Severity.ERROR]
    if trouble.stricter:
        assert ours
    assert epanet_takes(trouble.text, tmp_path) is (not ours or bool(trouble.stricter))
