"""Extended periods step by step beside EPANET: the same moments, the same heads, the same statuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from epanet_period import epanet_period
from networks import package_network
from physics.hydraulics.periods import town, walk
from tweeling.physics.hydraulics.contract import Status

HEAD = 1e-3
"""m. Where a tank reaches a level, EPANET's closed links (they pass (h1 - h2) / 1e8) and its accuracy may move the moment by a
second, which is 6e-4 m of the town's tank."""
FLOW = 1e-4
"""Of the largest flow."""


def compare(path: Path, scratch: Path, hours: float, *, accuracy: float = 1e-7, head: float = HEAD, second: int = 1) -> None:
    """Fails unless every step of EPANET is a step of ours, at its second or the next, with the same steady state."""
    theirs = epanet_period(path, scratch, hours=hours, accuracy=accuracy)
    ours = walk(path, hours)
    assert len(ours.moments) == len(theirs.time)
    np.testing.assert_allclose(ours.of(0, "time"), theirs.time, rtol=0, atol=second)
    np.testing.assert_allclose(ours.of(0, "head"), theirs.head, rtol=0, atol=head)
    np.testing.assert_allclose(ours.of(0, "link"), theirs.flow, rtol=0, atol=FLOW * np.abs(theirs.flow).max())
    np.testing.assert_array_equal(ours.of(0, "status") <= Status.CLOSED, theirs.closed)
    power = np.array([moment.power.power[0] for moment in ours.moments])
    np.testing.assert_allclose(power / 1e3, theirs.power[:, ours.network.pumps.link], rtol=1e-4, atol=1e-6)


RULES = {
    "a_level_with_else": "RULE 1\nIF TANK T LEVEL >= 5\nTHEN PUMP PU STATUS = CLOSED\nELSE PUMP PU STATUS = OPEN",
    "levels_apart": """RULE 1
IF TANK T LEVEL ABOVE 5.5
THEN PUMP PU STATUS IS CLOSED
RULE 2
IF TANK T LEVEL BELOW 2
THEN PUMP PU STATUS IS OPEN""",
    "time_and_clock": """RULE 1
IF SYSTEM TIME = 3:07
THEN PIPE P3 STATUS IS CLOSED
RULE 2
IF SYSTEM CLOCKTIME >= 6 AM
AND SYSTEM CLOCKTIME < 8 PM
THEN PUMP PU SETTING = 0.9
ELSE PUMP PU SETTING = 1.05
RULE 3
IF SYSTEM TIME > 9
THEN PIPE P3 STATUS IS OPEN""",
    "priority_decides": """RULE 1
IF TANK T LEVEL > 1
THEN PUMP PU STATUS IS OPEN
PRIORITY 2
RULE 2
IF TANK T LEVEL > 4
THEN PUMP PU STATUS IS CLOSED
PRIORITY 5
RULE 3
IF TANK T LEVEL > 3
THEN PUMP PU SETTING IS 0.5
PRIORITY 1""",
    "equals_go_to_the_first": """RULE 1
IF TANK T LEVEL > 4
THEN PUMP PU STATUS IS CLOSED
AND PUMP PU STATUS IS OPEN
RULE 2
IF TANK T LEVEL > 3
THEN PUMP PU STATUS IS OPEN
AND PIPE P3 STATUS IS CLOSED""",
    "or_without_precedence": """RULE 1
IF SYSTEM TIME > 4
OR SYSTEM TIME < 1
AND TANK T LEVEL > 4.2
OR JUNCTION J2 PRESSURE > 34.5
THEN PIPE P1 STATUS IS CLOSED
ELSE PIPE P1 STATUS IS OPEN""",
    "what_flows_and_is_asked": """RULE 1
IF SYSTEM DEMAND > 22
AND LINK PU FLOW > 20
THEN PIPE P3 STATUS IS CLOSED
RULE 2
IF JUNCTION J4 DEMAND < 2
AND PIPE P3 STATUS IS CLOSED
THEN PIPE P3 STATUS IS OPEN
RULE 3
IF TANK T DEMAND < -4
AND PUMP PU SETTING = 1
THEN PUMP PU SETTING = 1.1""",
    "times_to_full_and_empty": """RULE 1
IF TANK T FILLTIME <= 1.5
THEN PUMP PU STATUS IS CLOSED
RULE 2
IF TANK T DRAINTIME < 2
THEN PUMP PU STATUS IS OPEN""",
    "less_is_generous_and_at_most_is_strict": """RULE 1
IF JUNCTION J3 DEMAND < 6
THEN PIPE P3 STATUS IS CLOSED
RULE 2
IF JUNCTION J3 DEMAND <= 6
THEN PUMP PU SETTING IS 0.9
RULE 3
IF JUNCTION J3 DEMAND > 6
AND SYSTEM TIME > 3
THEN PUMP PU SETTING IS 1.05
RULE 4
IF JUNCTION J3 DEMAND >= 6
THEN PUMP PU STATUS IS CLOSED""",
    "a_moment_falls_in_one_look": """RULE 1
IF SYSTEM TIME = 3:05
OR SYSTEM TIME = 4:05:01
OR SYSTEM CLOCKTIME = 5:10 AM
THEN PUMP PU STATUS IS CLOSED
ELSE PUMP PU STATUS IS OPEN""",
    "a_rule_that_sleeps": "RULE 1\nIF TANK T LEVEL > 4\nTHEN PUMP PU STATUS IS CLOSED\nDISABLED",
    "head_and_status": """RULE 1
IF RESERVOIR R HEAD >= 20
AND NODE T GRADE > 44
AND PUMP PU STATUS <> CLOSED
THEN PUMP PU STATUS IS CLOSED
RULE 2
IF TANK T HEAD < 42.5
AND PUMP PU STATUS = CLOSED
THEN PUMP PU STATUS IS OPEN""",
}

CONTROLS = {
    "three_within_a_step": "LINK P3 CLOSED AT TIME 0:20\nLINK PU 0.9 AT TIME 0:40\nLINK P3 OPEN AT TIME 0:50",
    "levels": "LINK PU CLOSED IF NODE T ABOVE 5.1\nLINK PU OPEN IF NODE T BELOW 2.05",
    "levels_the_wrong_way_round": "LINK PU CLOSED IF NODE T ABOVE 3.1\nLINK PU OPEN IF NODE T BELOW 3.25",
    "speeds_by_time": "LINK PU 0.8 AT TIME 2:30\nLINK PU CLOSED AT TIME 5\nLINK PU 1.1 AT TIME 7:00:37",
    "by_the_clock": "LINK PU CLOSED AT CLOCKTIME 2 AM\nLINK PU OPEN AT CLOCKTIME 5:30 AM\nLINK P3 CLOSED AT CLOCKTIME 11 PM",
    "the_last_one_wins": (
        "LINK PU CLOSED AT TIME 3\nLINK PU OPEN AT TIME 3\nLINK PU CLOSED IF NODE T ABOVE 5.9\nLINK PU OPEN IF NODE T BELOW 4"
    ),
    "pressure_at_a_junction": (
        "LINK P3 CLOSED IF NODE J2 ABOVE 33\nLINK PU CLOSED IF NODE T ABOVE 5.5\nLINK PU OPEN IF NODE T BELOW 3"
    ),
    "level_of_a_reservoir": "LINK P3 CLOSED IF NODE R BELOW 1",
}

TOWNS = {
    "the_tank_fills": {},
    # A slender tank, for a wide one within 0.15 mm of empty is closed at once here, and by EPANET when the next step ends.
    "the_tank_runs_empty": {"TANKS": "T 40 3 0.5 5.98 5 0", "CONTROLS": "LINK PU 0.62 AT TIME 0\nLINK PU 1 AT TIME 9"},
    "the_tank_overflows": {"TANKS": "T 40 3 0.5 5.98 8 0 * YES"},
    "a_volume_curve": {
        "TANKS": "T 40 3 0.5 5.98 8 0 V",
        "CURVES": "H 30 40\nE 10 55\nE 25 75\nE 40 70\nV 0 10\nV 2 60\nV 4 200\nV 6.5 300",
        "CONTROLS": CONTROLS["levels"],
    },
    "a_minimum_volume": {"TANKS": "T 40 3 0.5 6 8 40", "CONTROLS": CONTROLS["levels"]},
    "speed_by_pattern": {"PUMPS": "PU R J1 HEAD H PATTERN DAY", "PATTERNS": "DAY 0.5 0.8 1.2 0 0 0.7 1\nPRICE 1 0.5 2"},
    "head_by_pattern": {"RESERVOIRS": "R 20 DAY"},
    "many_demands": {
        "DEMANDS": "J2 8 DAY\nJ2 -2 PRICE\nJ2 1\nJ3 6 PRICE\nJ4 3 DAY\nJ4 1 DAY",
        "OPTIONS": "Units LPS\nDemand Multiplier 1.2\nPattern DAY",
    },
    "patterns_start_late": {
        "TIMES": (
            "Duration 12\nHydraulic Timestep 0:45\nPattern Timestep 1:10\nPattern Start 2:30\n"
            "Report Timestep 0:20\nStart ClockTime 9 PM"
        ),
        "CONTROLS": CONTROLS["by_the_clock"],
    },
    # In US units: EPANET 2.3.5 converts the power of a metric file twice.
    "a_pump_of_constant_power": {
        "OPTIONS": "Units GPM",
        "JUNCTIONS": "J1 30 0\nJ2 36 120 DAY\nJ3 24 90\nJ4 27 50 DAY",
        "RESERVOIRS": "R 60",
        "TANKS": "T 130 10 1 20 26 0",
        "PIPES": "P1 J1 J2 2600 10 120\nP2 J2 J3 2000 8 110\nP3 J1 J3 3000 8 110\nP4 J2 T 900 10 120\nP5 J3 J4 1600 6 100",
        "PUMPS": "PU R J1 POWER 12",
        "ENERGY": "Global Efficiency 65",
        "CONTROLS": "LINK PU CLOSED IF NODE T ABOVE 17\nLINK PU OPEN IF NODE T BELOW 9",
    },
    "a_valve_with_settings": {
        "JUNCTIONS": "J1 10 0\nJ2 12 8 DAY\nJ3 8 6\nJ4 9 3 DAY\nJ5 9 2 DAY",
        "VALVES": "V1 J4 J5 100 PRV 20 0",
        "CONTROLS": "LINK V1 15 AT TIME 2\nLINK V1 OPEN AT TIME 4\nLINK V1 25 AT TIME 6:12\nLINK V1 22 AT TIME 8:30",
    },
    "valves_that_throttle": {
        "JUNCTIONS": "J1 10 0\nJ2 12 8 DAY\nJ3 8 6\nJ4 9 3 DAY\nJ5 9 2 DAY\nJ6 9 2 DAY",
        "VALVES": "V1 J4 J5 100 FCV 1.5 0\nV2 J4 J6 100 TCV 10 0",
        "PIPES": (
            "P1 J1 J2 800 250 120\nP2 J2 J3 600 200 110\nP3 J1 J3 900 200 110\n"
            "P4 J2 T 300 250 120\nP5 J3 J4 500 150 100\nP6 J5 J6 200 100 100"
        ),
        "CONTROLS": (
            "LINK V1 6 AT TIME 2\nLINK V2 CLOSED AT TIME 4\nLINK V2 50 AT TIME 6\n"
            "LINK V1 CLOSED AT TIME 7\nLINK V1 1 AT TIME 7:30"
        ),
        "RULES": "RULE 1\nIF SYSTEM TIME > 9\nTHEN VALVE V1 SETTING = 5\nAND VALVE V2 STATUS = OPEN",
    },
    "demand_by_pressure_and_emitters": {
        "OPTIONS": (
            "Units LPS\nDemand Model PDA\nRequired Pressure 32\nMinimum Pressure 5\nPressure Exponent 0.5\nEmitter Exponent 0.5"
        ),
        "EMITTERS": "J3 0.4",
        "CONTROLS": CONTROLS["levels"],
        "RULES": "RULE 1\nIF JUNCTION J3 DEMAND > 8\nTHEN PIPE P3 STATUS IS CLOSED",
    },
    "us_units": {
        "OPTIONS": "Units GPM",
        "JUNCTIONS": "J1 30 0\nJ2 36 120 DAY\nJ3 24 90\nJ4 27 50 DAY",
        "RESERVOIRS": "R 60",
        "TANKS": "T 130 10 1 20 26 0",
        "PIPES": "P1 J1 J2 2600 10 120\nP2 J2 J3 2000 8 110\nP3 J1 J3 3000 8 110\nP4 J2 T 900 10 120\nP5 J3 J4 1600 6 100",
        "CURVES": "H 480 130\nE 100 55\nE 450 75\nE 700 70",
        "RULES": (
            "RULE 1\nIF TANK T LEVEL > 17\nTHEN PUMP PU STATUS = CLOSED\nRULE 2\n"
            "IF JUNCTION J2 PRESSURE < 43\nTHEN PUMP PU STATUS = OPEN"
        ),
    },
}


@pytest.mark.parametrize("name", TOWNS)
def test_a_town_goes_through_the_day_as_in_epanet(name: str, tmp_path: Path) -> None:
    compare(town(tmp_path, **TOWNS[name]), tmp_path, hours=12)


@pytest.mark.parametrize("name", CONTROLS)
def test_controls_act_when_epanet_says(name: str, tmp_path: Path) -> None:
    compare(town(tmp_path, CONTROLS=CONTROLS[name]), tmp_path, hours=24)


@pytest.mark.parametrize("name", RULES)
def test_rules_act_when_epanet_says(name: str, tmp_path: Path) -> None:
    compare(town(tmp_path, RULES=RULES[name]), tmp_path, hours=24)


@pytest.mark.parametrize("name", ["Net1", "Net2", "Net3"])
def test_published_networks_go_as_in_epanet_to_the_second(name: str, tmp_path: Path) -> None:
    # Net2 does not reach 1e-7 in EPANET; at 1e-6 its own heads are settled to some 1e-5 m.
    compare(package_network("epyt", name), tmp_path, hours=24, accuracy=1e-6, head=1e-4, second=0)
