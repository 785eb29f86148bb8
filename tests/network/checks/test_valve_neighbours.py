"""The table of valves that fight is EPANET's."""

from __future__ import annotations

from itertools import product

import pytest
from epanet import toolkit as en

from tweeling.network.checks import parse_model
from tweeling.network.checks.valves import valves_fight

KINDS = ("PRV", "PSV", "FCV")
SHAPES = {
    "one end node": ("J1 J2", "J3 J2"),
    "one start node": ("J1 J2", "J1 J3"),
    "in series": ("J1 J2", "J2 J3"),
    "in series, written backwards": ("J2 J3", "J1 J2"),
    "in a ring": ("J1 J2", "J2 J1"),
    "apart": ("J1 J2", "J3 J4"),
}


def epanet_forbids(one: str, other: str, ends: tuple[str, str]) -> bool:
    """Whether EPANET's toolkit refuses to add the second valve (error 220)."""
    project = en.createproject()
    try:
        en.init(project, "", "", en.LPS, en.HW)
        for node in ("J1", "J2", "J3", "J4"):
            en.addnode(project, node, en.JUNCTION)
        en.addlink(project, "V1", getattr(en, one), *ends[0].split())
        return refuses(project, "V2", getattr(en, other), *ends[1].split())
    finally:
        en.deleteproject(project)


def refuses(project: object, name: str, kind: int, start: str, end: str) -> bool:
    """Whether the toolkit gives error 220 for a link; any other error is raised."""
    try:
        en.addlink(project, name, kind, start, end)
    except Exception as error:
        if "220" not in str(error):
            raise
        return True
    return False


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("one", "other"), list(product(KINDS, KINDS)))
def test_valves_fight_where_epanet_forbids_them(one: str, other: str, shape: str, capfd: pytest.CaptureFixture[str]) -> None:
    first, second = SHAPES[shape]
    text = f"[JUNCTIONS]\nJ1 1\nJ2 1\nJ3 1\nJ4 1\n[VALVES]\nV1 {first} 100 {one} 3\nV2 {second} 100 {other} 3\n"
    assert bool(list(valves_fight.find(parse_model(text)))) is epanet_forbids(one, other, SHAPES[shape])


def test_a_thousand_valves_at_one_node_are_not_a_million_remarks() -> None:
    junctions = "\n".join(f"J{i} 1" for i in range(1001))
    valves = "\n".join(f"V{i} J{i} J0 100 PRV 3" for i in range(1, 1001))
    found = list(valves_fight.find(parse_model(f"[JUNCTIONS]\n{junctions}\n[VALVES]\n{valves}\n")))
    assert len(found) == 999
