"""The pattern of the factor against elimination on a dense matrix."""

from __future__ import annotations

import numpy as np
import pytest

from networks import package_network
from tweeling.network.inp.read import read_network
from tweeling.physics.hydraulics import balance
from tweeling.physics.hydraulics.contract import StoppingRule
from tweeling.physics.hydraulics.plan import Plan, make_plan
from tweeling.physics.kernels import structure as structure_of
from tweeling.physics.kernels.cpu import solve
from tweeling.physics.kernels.structure import Structure, make_structure, pressure_valves


@pytest.fixture(params=[("Net3", 1000), ("L-TOWN", 1000), ("L-TOWN", 30)], ids=str)
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A network whose parts of elimination have so many junctions at most."""
    name, most = request.param
    monkeypatch.setattr(structure_of, "PART", most)
    return make_plan(read_network(package_network("epyt", name)))


def test_the_pattern_holds_every_entry_that_elimination_fills(plan: Plan) -> None:
    structure, n, links = make_structure(plan), plan.n_junctions, plan.network.links
    full = np.zeros((n, n), dtype=bool)
    start, end = structure.position[links.start], structure.position[links.end]
    inner = (start < n) & (end < n)
    full[start[inner], end[inner]] = full[end[inner], start[inner]] = True
    for _, holds, passes in pressure_valves(plan):
        row = full[structure.position[holds]].copy()
        row[structure.position[passes]] = False
        full[structure.position[passes]] |= row
        full[:, structure.position[passes]] |= row
    for k in range(n):
        below = np.flatnonzero(full[k + 1 :, k]) + k + 1
        full[np.ix_(below, below)] = True
    columns = [set((np.flatnonzero(full[k + 1 :, k]) + k + 1).tolist()) for k in range(n)]
    ours = [set(structure.row[structure.first[k] : structure.first[k + 1]].tolist()) for k in range(n)]
    assert ours == columns


def test_pairs_name_the_entries_that_a_column_changes(plan: Plan) -> None:
    structure = make_structure(plan)
    column = np.repeat(np.arange(plan.n_junctions), np.diff(structure.first))
    at = 0
    for k in range(plan.n_junctions):
        rows = structure.row[structure.first[k] : structure.first[k + 1]]
        for a in range(len(rows)):
            for b in range(a + 1, len(rows)):
                entry = structure.pair[at]
                assert (structure.row[entry], column[entry]) == (rows[b], rows[a])
                at += 1
    assert at == len(structure.pair)


def test_only_columns_that_a_valve_reaches_may_be_lopsided(plan: Plan) -> None:
    structure = make_structure(plan)
    assert structure.lopsided.any() == bool(pressure_valves(plan))
    # What a lopsided column changes is lopsided too, or its values above the diagonal would be lost.
    for k in structure.lopsided_columns:
        assert structure.lopsided[structure.row[structure.first[k] : structure.first[k + 1]]].all()


def made(name: str, most: int, monkeypatch: pytest.MonkeyPatch) -> Structure:
    monkeypatch.setattr(structure_of, "PART", most)
    return make_structure(make_plan(read_network(package_network("epyt", name))))


def test_parts_fill_in_no_more_and_bring_what_belongs_together_near(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, parted = made("L-TOWN", 1000, monkeypatch), made("L-TOWN", 30, monkeypatch)
    assert (len(parted.row), len(parted.pair)) == (len(whole.row), len(whole.pair))
    far, near = (np.abs(one.start - one.end) for one in (whole, parted))
    assert np.median(near) <= 30 < np.median(far)


def test_a_network_that_no_cache_holds_is_solved_part_by_part() -> None:
    plan = make_plan(read_network(package_network("epyt", "BWSN_Network_2")))
    assert plan.n_junctions > 10 * structure_of.PART
    conditions = plan.conditions()
    solution = solve(plan, conditions, plan.cold_flows(conditions), StoppingRule(head=1e-9))
    left = balance.residuals(plan, conditions, solution)
    assert left.mass[0] < 1e-9
    assert left.energy[0] < 1e-6
