"""Random controls and rules beside EPANET."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epanet_period import epanet_period
from physics.hydraulics.periods import town, walk
from tweeling.physics.hydraulics.contract import Status

LEVELS = st.sampled_from(["2.2", "2.6", "2.9", "3.05", "3.3", "3.8"])
CLOCKS = st.sampled_from(["0:40", "1", "2:17", "3:30:30", "5", "6:05"])
DEEDS = st.sampled_from(["PU OPEN", "PU CLOSED", "PU 0.9", "P3 OPEN", "P3 CLOSED", "PU 1.1"])
CONTROLS = st.one_of(
    st.builds("LINK {} IF NODE T {} {}".format, DEEDS, st.sampled_from(["ABOVE", "BELOW"]), LEVELS),
    st.builds("LINK {} AT TIME {}".format, DEEDS, CLOCKS),
    st.builds("LINK {} AT CLOCKTIME {} AM".format, DEEDS, CLOCKS),
)
RELATIONS = st.sampled_from([">", "<", ">=", "<=", "=", "<>"])
PREMISES = st.one_of(
    st.builds("TANK T LEVEL {} {}".format, RELATIONS, LEVELS),
    st.builds("SYSTEM TIME {} {}".format, RELATIONS, CLOCKS),
    st.builds("SYSTEM CLOCKTIME {} {} AM".format, RELATIONS, CLOCKS),
    st.builds("SYSTEM DEMAND {} {}".format, RELATIONS, st.sampled_from(["12", "17", "21.4"])),
    st.builds("PUMP PU STATUS {} {}".format, st.sampled_from(["=", "<>"]), st.sampled_from(["OPEN", "CLOSED"])),
    st.builds("LINK PU SETTING {} {}".format, RELATIONS, st.sampled_from(["0.9", "1"])),
)
ACTIONS = st.sampled_from(
    [
        "PUMP PU STATUS = OPEN",
        "PUMP PU STATUS = CLOSED",
        "PUMP PU SETTING = 0.9",
        "PIPE P3 STATUS = CLOSED",
        "PIPE P3 STATUS = OPEN",
    ]
)
JOINTS = st.sampled_from(["AND", "OR"])


@st.composite
def rules(draw: st.DrawFn) -> str:
    """One rule, without its name."""
    lines = [f"IF {draw(PREMISES)}"]
    lines += [f"{draw(JOINTS)} {premise}" for premise in draw(st.lists(PREMISES, max_size=2))]
    lines += [f"THEN {draw(ACTIONS)}"]
    lines += [f"AND {action}" for action in draw(st.lists(ACTIONS, max_size=1))]
    lines += [f"ELSE {action}" for action in draw(st.lists(ACTIONS, max_size=1))]
    return "\n".join([*lines, f"PRIORITY {draw(st.integers(0, 2))}"])


@settings(max_examples=30, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(controls=st.lists(CONTROLS, max_size=4), rule_texts=st.lists(rules(), max_size=4))
def test_random_controls_and_rules_act_as_in_epanet(controls: list[str], rule_texts: list[str]) -> None:
    # Whatever is closed, a tower keeps the town supplied; the tank is wide, for full and empty have tests of their own.
    numbered = "\n".join(f"RULE {number}\n{text}" for number, text in enumerate(rule_texts))
    with tempfile.TemporaryDirectory() as folder:
        path = town(
            Path(folder),
            RESERVOIRS="R 20\nTOWER 41.5",
            TANKS="T 40 3 0.5 5.98 20 0",
            PIPES="P1 J1 J2 800 250 120\nP2 J2 J3 600 200 110\nP3 J1 J3 900 200 110\nP4 J2 T 300 250 120\n"
            "P5 J3 J4 500 150 100\nP6 TOWER J4 400 200 100 0 CV",
            CONTROLS="\n".join(controls),
            RULES=numbered,
        )
        theirs, ours = epanet_period(path, Path(folder), hours=7), walk(path, 7)
    assert len(ours.moments) == len(theirs.time)
    # A control and a rule that quarrel switch every few minutes; each time rounding may move the second.
    np.testing.assert_allclose(ours.of(0, "time"), theirs.time, rtol=0, atol=20)
    np.testing.assert_allclose(ours.of(0, "head"), theirs.head, rtol=0, atol=1e-2)
    np.testing.assert_array_equal(ours.of(0, "status") <= Status.CLOSED, theirs.closed)
