"""A pipe that a demo may close carries much, and its closing cuts nobody off."""

from __future__ import annotations

from pathlib import Path

import pytest

from plant.towns import read_town
from tweeling.network.inp.read import read_network
from tweeling.plant.l_town import l_town_file
from tweeling.plant.mains import busy_mains, mains


def test_mains_of_l_town_are_its_widest_pipes_without_the_ways_from_its_reservoirs() -> None:
    network = read_network(l_town_file())
    wide, busy = mains(network), busy_mains(network)
    assert 60 < len(wide) < 95
    assert network.links.diameter[[network.link(name) for name in wide]].min() > 0.15
    assert {"p651", "p777"} <= set(wide)
    assert "p239" not in wide, "the only way from a reservoir"
    assert set(busy) < set(wide)
    assert len(busy) == pytest.approx(len(wide) / 3, abs=1)
    assert "p777" in busy, "58 m3/h"
    assert "p651" not in busy, "3 m3/h"


def test_on_a_line_there_is_no_pipe_that_may_be_closed(tmp_path: Path) -> None:
    line = "[JUNCTIONS]\n a 0 1\n b 0 1\n[RESERVOIRS]\n r 50\n[PIPES]\n x r a 100 300 100\n y a b 100 300 100\n[END]\n"
    assert busy_mains(read_town(tmp_path, line)) == []
