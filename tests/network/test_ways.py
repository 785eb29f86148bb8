"""Distances along pipes, on a line of three pipes with a side and a valve."""

from __future__ import annotations

import math

from networks import Link, make_network
from tweeling.network.network import LinkKind
from tweeling.network.ways import Ways

LINE = make_network(
    demand=(0.0,) * 6,
    heads=(50.0,),
    links=(
        Link(6, 0, length=100.0),
        Link(0, 1, length=200.0),
        Link(1, 2, length=400.0),
        Link(1, 3, kind=LinkKind.TCV, setting=0.0, length=math.nan),
        Link(3, 2, length=300.0),
        Link(4, 5, length=10.0),
    ),
)


def test_a_distance_goes_from_middle_to_middle_the_shortest_way() -> None:
    others = ["L0", "L1", "L2", "L4"]
    assert [round(metres, 1) for metres in Ways(LINE).metres("L0", others)] == [0.0, 150.0, 450.0, 400.0]


def test_a_valve_has_no_length_and_can_be_an_end_itself() -> None:
    assert [round(metres, 1) for metres in Ways(LINE).metres("L3", ["L1", "L4", "L3"])] == [100.0, 150.0, 0.0]
    assert round(Ways(LINE).metres("L1", ["L3"])[0], 1) == 100.0


def test_where_there_is_no_way_or_no_such_pipe_it_is_infinite() -> None:
    assert Ways(LINE).metres("L0", ["L5", "nowhere"]) == [math.inf, math.inf]
