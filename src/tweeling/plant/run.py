"""Runs the hidden town and reads its instruments, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tweeling.errors import TooLargeError
from tweeling.network.network import Bools, Floats, Ints, Network
from tweeling.observation.sensors import Sensors
from tweeling.plant import drivers, instruments
from tweeling.plant.config import PlantWorld, plant_world
from tweeling.plant.epanet import Pace, Wanted, running
from tweeling.plant.record import Record, truth_document
from tweeling.plant.truth import Hidden, acts, hide, leaks, runnable, step_seconds
from tweeling.reading import SECOND, microseconds

PIECE = 96
"""Intervals that are run at once."""
VACUUM = -10.33
"""m; no gauge reads less. EPANET's pressures know no limit where a town asks for more than reaches it."""
MOST_MEMORY = 4 * 2**30
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Piece:
    """Some intervals of the hidden town.

    Args:
        times: microseconds since 1970 UTC; (step,), int64.
        readings: what instruments say, in each sensor's unit, NaN where nothing comes; (step, sensor).
        exact: what there is to measure, SI; (step, sensor).
        leak: mean flow of each leak, m3/s; (step, leak).
        level: of the town's demand, no unit; (step,).
        unsettled: steady states on which EPANET did not settle; (step,).
    """

    times: Ints
    readings: Floats
    exact: Floats
    leak: Floats
    level: Floats
    unsettled: Floats


@dataclass(frozen=True, eq=False)
class PlantRun:
    """A whole run.

    Args:
        times: microseconds since 1970 UTC; (step,), int64.
        readings: what instruments say, in each sensor's unit, NaN where nothing comes; (step, sensor).
        values: the same in SI; (step, sensor).
        exact: what there is to measure: without offset, noise and faults, SI; (step, sensor).
        truth: what a twin must not see, as `FILE.truth.json` holds it.
    """

    times: Ints
    readings: Floats
    values: Floats
    exact: Floats
    truth: dict[str, Any]


def simulate_plant(
    network: Network, sensors: Sensors, world: PlantWorld | Mapping[str, Any], progress: Progress | None = None
) -> PlantRun:
    """Runs a hidden truth from beginning to end.

    Args:
        network: the model, from which the truth differs.
        sensors: of the model.
        world: the keys of `PLANT.toml`, without `network` and `sensors`.
        progress: called with the intervals done and in all.

    Raises:
        InputError: a world that makes no sense, or that EPANET cannot run.
        TooLargeError: more readings than fit in memory.
    """
    hidden = hide(network, sensors, plant_world(world))
    refuse_too_large(hidden)
    record = Record.of(hidden)
    pieces = []
    for piece in run_plant(hidden, progress):
        record.add(piece.leak, piece.level, piece.unsettled)
        pieces.append(piece)
    readings = np.concatenate([piece.readings for piece in pieces])
    return PlantRun(
        times=np.concatenate([piece.times for piece in pieces]),
        readings=readings,
        values=readings * sensors.si_per_unit,
        exact=np.concatenate([piece.exact for piece in pieces]),
        truth=truth_document(hidden, record),
    )


def refuse_too_large(hidden: Hidden) -> None:
    """Refuses a run whose readings would not fit in memory together.

    Raises:
        TooLargeError: names the size.
    """
    size = 2 * 8 * hidden.world.n_intervals * len(hidden.sensors)
    if size > MOST_MEMORY:
        raise TooLargeError(
            f"{hidden.world.n_intervals} readings of {len(hidden.sensors)} sensors take {size / 2**30:.1f} GiB; "
            "ask for fewer days, a longer interval or fewer sensors, or only send them"
        )


def run_plant(hidden: Hidden, progress: Progress | None = None) -> Iterator[Piece]:
    """Runs a hidden truth, piece by piece; closing the iterator ends EPANET.

    Args:
        hidden: from `hide`.
        progress: called with the intervals done and in all.

    Raises:
        InputError: EPANET cannot run it.
    """
    world, interval = hidden.world, int(hidden.world.interval)
    pace = Pace(interval, step_seconds(hidden), min(PIECE, world.n_intervals))
    state, instrument_state = drivers.first_drive(hidden), instruments.first_state(hidden)
    wanted = _wanted(hidden)
    first = microseconds(world.start)
    with running(runnable(hidden, pace.step), wanted, acts(hidden), pace, world.n_intervals) as epanet:
        for begin in range(0, world.n_intervals, pace.piece):
            count = min(pace.piece, world.n_intervals - begin)
            state, driven = drivers.drive(hidden, state, count, pace.step)
            found, unsettled = epanet.pass_intervals(driven.patterns)
            exact, leak = _measured(hidden, wanted, found)
            leak = np.where(_leaking(hidden, begin, count), leak, 0.0)
            instrument_state, readings = instruments.read(hidden, instrument_state, exact)
            times = first + interval * SECOND * np.arange(begin, begin + count, dtype=np.int64)
            yield Piece(times, readings, exact, leak, driven.level, unsettled)
            if progress is not None:
                progress(begin + count, world.n_intervals)


def _leaking(hidden: Hidden, begin: int, count: int) -> Bools:
    """When leaks run; EPANET keeps an emitter's last flow when it has gone; (step, leak)."""
    interval = np.arange(begin, begin + count)[:, None]
    started = np.array([happening.start for _, happening in leaks(hidden)], dtype=np.int64)
    ended = np.array([happening.end for _, happening in leaks(hidden)], dtype=np.int64)
    running: Bools = (interval >= started) & (interval < ended)
    return running


def _wanted(hidden: Hidden) -> Wanted:
    """What sensors measure, by index in the true network, and the leaks."""
    network, rows = hidden.network, hidden.sensors.rows
    of_head = ("pressure", "head", "level")
    return Wanted(
        heads=[network.node(row.element) for row in rows if row.quantity in of_head],
        flows=[network.link(row.element) for row in rows if row.quantity == "flow"],
        demands=[network.node(row.element) for row in rows if row.quantity == "demand"],
        emitters=[node for node, _ in leaks(hidden)],
    )


def _measured(hidden: Hidden, wanted: Wanted, found: Floats) -> tuple[Floats, Floats]:
    """What there is to measure, by sensor, and the flow of each leak; SI."""
    quantity = np.array([row.quantity for row in hidden.sensors.rows])
    exact = np.empty((len(found), len(quantity)))
    is_head = np.isin(quantity, ("pressure", "head", "level"))
    n_heads, n_flows, n_sensors = len(wanted.heads), len(wanted.flows), len(quantity)
    # A reservoir's elevation is its head in the file, so a pressure there is what its pattern adds.
    ground = np.where(quantity == "head", 0.0, hidden.model.nodes.elevation[np.where(is_head, hidden.sensors.element, 0)])
    exact[:, is_head] = found[:, :n_heads] - ground[is_head]
    exact[:, quantity == "pressure"] = np.maximum(exact[:, quantity == "pressure"], VACUUM)
    exact[:, quantity == "flow"] = found[:, n_heads : n_heads + n_flows]
    exact[:, quantity == "demand"] = found[:, n_heads + n_flows : n_sensors]
    return exact, found[:, n_sensors:]
