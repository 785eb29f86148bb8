"""What looks like trouble and is none: not one remark, and EPANET takes the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from epanet_takes import epanet_takes
from healthy_town import SECTIONS, town
from tweeling.network.checks import CHECKS, check_model, parse_model

OWN = CHECKS[:-1]


@dataclass(frozen=True)
class Fine:
    """A change to the healthy town after which there is nothing to remark, or only `but`."""

    name: str
    add: Mapping[str, str] = field(default_factory=dict)
    put: Mapping[str, str] = field(default_factory=dict)
    head: str = ""
    tail: str = "[END]\n"
    but: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


def instead(section: str, old: str, new: str) -> dict[str, str]:
    """A section with some of its text replaced."""
    assert old in SECTIONS[section]
    return {section: SECTIONS[section].replace(old, new)}


PUMPED_UP = {"JUNCTIONS": "J6 95 1", "PIPES": "P9 J5 J6 900 100 120", "COORDINATES": "J6 9 9"}
NEXT_DOOR = {"JUNCTIONS": "J6 12 1", "PIPES": "P9 J5 J6 100 100 120", "COORDINATES": "J6 9 4"}
STREET = {
    "JUNCTIONS": SECTIONS["JUNCTIONS"] + "\n" + "\n".join(f"S{i} 10 1" for i in range(31)),
    "PIPES": SECTIONS["PIPES"] + "\nS J1 S0 50 100 120\n" + "\n".join(f"Q{i} S{i} S{i + 1} 50 100 120" for i in range(30)),
    "COORDINATES": "J1 0 0\nJ2 50 0\nJ3 90 0\nJ4 90 25\nJ5 90 30\nR1 0 1\nT1 120 0\n"
    + "\n".join(f"S{i} {5 * i + 5} 0" for i in range(31)),
    "VERTICES": "",
}

ALL_FINE = (
    Fine("no [END], no line feed at the end", tail=""),
    Fine("headers in small letters", head="[title]\nsmall\n"),
    Fine("a section in two pieces", tail="[JUNCTIONS]\nJ6 12\n[PIPES]\nP9 J5 J6 90 100 120\n[COORDINATES]\nJ6 9 4\n[END]\n"),
    Fine("a pattern of 39 multipliers in a row", put={"PATTERNS": "1" + " 1" * 39}),
    Fine("a line of 1023 characters", put={"PATTERNS": "1 1 ;" + "x" * 1018}),
    Fine(
        "an id of 31 characters",
        add={"JUNCTIONS": "J" * 31 + " 12", "PIPES": f"P9 J5 {'J' * 31} 90 100 120", "COORDINATES": "J" * 31 + " 9 4"},
    ),
    Fine("an emitter of nothing", add={"EMITTERS": "J1 0"}),
    Fine("a reservoir among the tanks", add={"TANKS": "T2 30 1", "PIPES": "P9 T2 J1 500 100 120", "COORDINATES": "T2 0 -5"}),
    Fine("a tank that starts full", put=instead("TANKS", "40 3 1 5", "40 5 1 5")),
    Fine("a tank that starts empty", put=instead("TANKS", "40 3 1 5", "40 1 1 5")),
    Fine("a tank that may overflow", put=instead("TANKS", "10 0", "10 0 * YES")),
    Fine("a volume curve that just spans the levels", put=instead("TANKS", "10 0", "0 0 V"), add={"CURVES": "V 1 0\nV 5 99"}),
    Fine(
        "controls at the ends of the range",
        put={"CONTROLS": "LINK U1 OPEN IF NODE T1 BELOW 1\nLINK U1 CLOSED IF NODE T1 ABOVE 5"},
    ),
    Fine("controls at one level", put={"CONTROLS": "LINK U1 OPEN IF NODE T1 BELOW 3\nLINK U1 CLOSED IF NODE T1 ABOVE 3"}),
    Fine("a pump that empties", put={"CONTROLS": "LINK U1 CLOSED IF NODE T1 BELOW 2\nLINK U1 OPEN IF NODE T1 ABOVE 4"}),
    Fine("a pump opened, then given a speed", add={"CONTROLS": "LINK U1 OPEN AT TIME 3\nLINK U1 1.1 AT TIME 3"}),
    Fine("one setting twice", add={"CONTROLS": "LINK V1 30 AT TIME 3\nLINK V1 30.0 AT TIME 3"}),
    Fine("a control switched off", add={"CONTROLS": "LINK U1 CLOSED IF NODE T1 BELOW 2 DISABLED"}),
    Fine(
        "a control in words of EPANET's manual",
        add={"CONTROLS": "PUMP U1 OPEN AT CLOCKTIME 10 PM\nVALVE V1 CLOSED IF JUNCTION J2 ABOVE 90"},
    ),
    Fine(
        "rules in all words",
        add={
            "RULES": (
                "RULE 2\nIF TANK T1 LEVEL >= 1\nAND JUNCTION J1 PRESSURE BELOW 30\nOR SYSTEM DEMAND > 5\n"
                "AND SYSTEM TIME = 26:30\n"
                "AND LINK P1 STATUS IS OPEN\nTHEN PUMP U1 SETTING IS 0.9\nAND VALVE V1 STATUS = OPEN\n"
                "ELSE PIPE P1 STATUS IS OPEN\nPRIORITY 3"
            )
        },
    ),
    Fine(
        "rules with other priorities",
        add={
            "RULES": (
                "RULE 2\nIF TANK T1 LEVEL > 3\nTHEN PIPE P1 STATUS IS OPEN\nPRIORITY 1\n"
                "RULE 3\nIF TANK T1 LEVEL > 3\nTHEN PIPE P1 STATUS IS CLOSED\nPRIORITY 2"
            )
        },
    ),
    Fine("a rule by a tank's head", add={"RULES": "RULE 2\nIF TANK T1 HEAD > 43\nTHEN PIPE P2 STATUS IS OPEN"}),
    Fine(
        "a rule at the ends", add={"RULES": "RULE 2\nIF TANK T1 LEVEL >= 5\nOR TANK T1 LEVEL <= 1\nTHEN PUMP U1 STATUS IS OPEN"}
    ),
    Fine(
        "a closed GPV",
        put={"VALVES": "V1 J4 J5 100 GPV G", "STATUS": "V1 CLOSED"},
        add={"CURVES": "G 0 0\nG 10 3"},
        but=("part-shut-off-at-start",),
    ),
    Fine("a curve behind a PRV", put={"VALVES": "V1 J4 J5 100 PRV 20 0 old"}),
    Fine("a PCV with a curve", put={"VALVES": "V1 J4 J5 100 PCV 40 0 K"}, add={"CURVES": "K 0 0\nK 100 100"}),
    Fine("a PRV in kPa", put={"OPTIONS": "UNITS LPS\nPRESSURE KPA", "VALVES": "V1 J4 J5 100 PRV 400"}),
    Fine("a PRV with no pressure", put={"VALVES": "V1 J4 J5 100 PRV 0"}),
    Fine("a TCV at a tank", put={"VALVES": "V1 J4 J5 100 PRV 20\nV2 T1 J2 100 TCV 20"}),
    Fine("two PRVs a metre apart", add={**NEXT_DOOR, "VALVES": "V2 J3 J6 100 PRV 21"}),
    Fine("two PRVs of which one is closed", add={**NEXT_DOOR, "VALVES": "V2 J3 J6 100 PRV 20", "STATUS": "V2 CLOSED"}),
    Fine("a part without demand that is shut off", add={**NEXT_DOOR, "JUNCTIONS": "J6 12 0", "STATUS": "P9 CLOSED"}),
    Fine(
        "a part with demand behind a closed link and an open one",
        add={**NEXT_DOOR, "PIPES": "P9 J5 J6 100 100 120 0 CLOSED\nP8 J2 J6 90 100 120"},
    ),
    Fine("two pipes of two diameters", add={"PIPES": "P9 J2 J1 500 250 110"}),
    Fine("roughness at the ends of the range", add={"PIPES": "P8 J1 J3 90 100 20\nP9 J1 J4 90 100 200"}),
    Fine(
        "Darcy-Weisbach in thousandths of a foot",
        put={
            "OPTIONS": "UNITS GPM\nHEADLOSS D-W",
            "PIPES": "P1 J1 J2 500 12 0.85\nP2 J2 J3 400 8 90\nP3 J3 T1 300 8 0.85\nP4 J3 J4 250 6 0.005 0 CV",
        },
    ),
    Fine("a well of a metre", add={"JUNCTIONS": "J6 2 0", "PIPES": "P9 J5 J6 1 100 120", "COORDINATES": "J6 9 4"}),
    Fine(
        "a hill with a gentle road",
        add={"JUNCTIONS": "J6 45 1", "PIPES": "P8 J2 J6 300 99 120\nP9 J3 J6 300 99 120", "COORDINATES": "J6 9 4"},
    ),
    Fine(
        "a tower at the end of a street", add={"JUNCTIONS": "J6 55 1", "PIPES": "P9 J5 J6 60 99 120", "COORDINATES": "J6 9 4"}
    ),
    Fine("a quay at sea level", put={"JUNCTIONS": "J1 10\nJ2 0 2\nJ3 11 3\nJ4 13 1\nJ5 12 1"}),
    Fine("a high street that a pump reaches", add=PUMPED_UP),
    Fine(
        "a reservoir of which the pattern lifts the head",
        put={"RESERVOIRS": "R1 20 tide", "PATTERNS": "1 1\ntide 1 5"},
        add=PUMPED_UP,
    ),
    Fine(
        "a short pipe that is three times shorter on the map",
        put=STREET,
        add={"JUNCTIONS": "J6 10", "PIPES": "P9 J1 J6 14 99 120", "COORDINATES": "J6 0 -0.4"},
    ),
    Fine(
        "a schematic map",
        put={
            **STREET,
            "COORDINATES": "J1 0 0\nJ2 5 0\nJ3 9 0\nJ4 9 2\nJ5 9 3\nR1 0 1\nT1 12 0\n"
            + "\n".join(f"S{i} {i * i} {i % 3}" for i in range(31)),
        },
    ),
    Fine(
        "a pump curve of three points, of four, and one named as such",
        put={"CURVES": "C1 0 50\nC1 30 40\nC1 40 30\nE1 5 60\nE1 10 100"},
    ),
    Fine("a pump curve of two points", put={"CURVES": "C1 10 40\nC1 30 20\nE1 5 60"}),
    Fine("a pump curve that does not begin at no flow", put={"CURVES": "C1 5 50\nC1 30 49\nC1 31 1\nE1 5 60"}),
    Fine("a pump of constant power with a speed", put={"PUMPS": "U1 R1 J1 POWER 5 SPEED 1.2 PATTERN 1", "CURVES": "E1 5 60"}),
    Fine("demand in [DEMANDS] as in [JUNCTIONS]", add={"DEMANDS": "J2 1.5\nJ2 0.5 ;shops\nJ3 3 1 school"}),
    Fine("a second demand that says no more than the first", add={"DEMANDS": "J2 2\nJ2 1"}),
    Fine(
        "options in two words",
        add={
            "OPTIONS": (
                "SPECIFIC GRAVITY 0.998\nVISCOSITY 1.1\nEMITTER EXPONENT 0.5\nDEMAND MULTIPLIER 1.2\nDEMAND MODEL PDA\n"
                "MINIMUM PRESSURE 0\n"
                "REQUIRED PRESSURE 20\nPRESSURE EXPONENT 0.5\nUNBALANCED CONTINUE 10\nQUALITY Chlorine mg/L\nPRESSURE METERS\n"
                "BACKFLOW ALLOWED NO\n"
                "TRIALS 40\nCHECKFREQ 2\nMAXCHECK 10\nDAMPLIMIT 0\nHEADERROR 0\nFLOWCHANGE 0\nTOLERANCE 0.01\nDIFFUSIVITY 1"
            )
        },
    ),
    Fine("a viscosity in m2/s", add={"OPTIONS": "VISCOSITY 1e-6"}),
    Fine(
        "times in all forms",
        put={
            "TIMES": (
                "DURATION 30 MINUTES\nHYDRAULIC TIMESTEP 0:00:30\nPATTERN TIMESTEP 1.5\n"
                "PATTERN START 0:00:00:00\n"
                "REPORT TIMESTEP 1 MIN\n"
                "REPORT START 30\nSTART CLOCKTIME 12 AM\nSTATISTIC Average\nRULE TIMESTEP 0:05\nQUALITY TIMESTEP 0"
            )
        },
    ),
    Fine(
        "energy and reactions in all forms",
        add={
            "ENERGY": "GLOBAL PRICE 0.1\nGLOBAL PATTERN 1\nPUMP U1 PRICE 0.2\nPUMP U1 PATTERN 1\nDEMAND CHARGE 3",
            "REACTIONS": "ORDER BULK 1\nGLOBAL BULK -0.5\nWALL P1 -1\nTANK T1 -0.1\nLIMITING POTENTIAL 1",
        },
    ),
    Fine(
        "sources and mixing in all forms",
        add={"SOURCES": "J1 MASS 1 1\nJ2 0.5", "MIXING": "T1 2COMP 0.5", "QUALITY": "J1 0.5\nJ1 J3 0.2"},
    ),
    Fine(
        "a report in all forms",
        add={"REPORT": "NODES J1 J2\nLINKS ALL\nPRESSURE PRECISION 2\nPAGE 0\nENERGY YES\nF-FACTOR PRECISION 4"},
    ),
    Fine("tags", add={"TAGS": "NODE J1 school\nLINK P1 iron"}),
)


@pytest.mark.parametrize("fine", ALL_FINE, ids=str)
def test_there_is_nothing_to_remark(fine: Fine, tmp_path: Path) -> None:
    text = town(fine.add, fine.put, fine.head, fine.tail)
    assert [(remark.code, remark.what) for remark in check_model(parse_model(text), OWN) if remark.code not in fine.but] == []
    assert epanet_takes(text, tmp_path)
