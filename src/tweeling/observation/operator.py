"""What the sensors would read in a state, and how that changes with the state.

Readings play one of two roles. Some **drive** the twin, as its boundary: tank levels, whether a metered pump runs, what metered
customers take. The others are **compared** with it: pressures, heads, flows, and the balance of each tank whose level is read
(how much more it filled than the twin thought). A row that is compared is a sum of heads of nodes and flows of links.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tweeling.network.network import Floats, Ints, LinkKind, Network
from tweeling.observation.sensors import Sensors
from tweeling.physics.hydraulics.adjoint import Place
from tweeling.physics.hydraulics.contract import Solution
from tweeling.physics.hydraulics.sensitivity import Sensitivities


def observe(network: Network, sensors: Sensors, solution: Solution) -> Floats:
    """What every sensor reads in a steady state, without error, SI; (member, sensor)."""
    read = np.empty((len(solution.head), len(sensors)))
    elevation = network.nodes.elevation
    for quantity in {row.quantity for row in sensors.rows}:
        places = sensors.of(quantity)
        element = sensors.element[places]
        if quantity == "flow":
            read[:, places] = solution.flows.link[:, element]
        elif quantity == "demand":
            read[:, places] = solution.flows.demand[:, element]
        else:
            read[:, places] = solution.head[:, element] - (0 if quantity == "head" else elevation[element])
    return read


ROWS = ("demand", "log_roughness", "setting")
"""The tables of derivatives that `Comparison.rows_of` takes."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """The rows in which twin and reality are compared.

    Args:
        sensor: whose readings a row compares; of a tank's balance: its level sensor; (row,).
        balance: row in `Tanks` where a row is a tank's balance, else -1; (row,).
        area: of that tank, m2; (row,).
        std: of the instrument: m, or m3/s; of a balance: of its level, m; (row,).
        outputs: the heads and flows that rows are sums of; by index, for a node and a link may have the same id.
        weight: of an output in a row; (row, output).
        offset: whether the sensor of a row may be off by a constant; (row,).
    """

    sensor: Ints
    balance: Ints
    area: Floats
    std: Floats
    outputs: tuple[Place, ...]
    weight: Floats
    offset: np.ndarray

    def __len__(self) -> int:
        return len(self.sensor)

    def derivative(self, by_output: Floats) -> Floats:
        """Derivatives of rows from those of outputs; (row, parameter) from (output, parameter). No supply counts as none."""
        return np.asarray(self.weight @ np.nan_to_num(by_output))

    def rows_of(self, sensitivities: Sensitivities) -> tuple[Floats, Floats, Floats]:
        """Derivatives of rows to demands, ln roughness and settings of one member; (row, junction or link)."""
        parts = (sensitivities.demand[0], sensitivities.log_roughness[0], sensitivities.setting[0])
        demand, roughness, setting = (self.derivative(part) for part in parts)
        return demand, roughness, setting


def make_comparison(network: Network, sensors: Sensors, withheld: Ints) -> Comparison:
    """The rows that the sensors of a network are compared in; those withheld are in none.

    Args:
        network: that the sensors hang in.
        sensors: all of them.
        withheld: indices of sensors that must not be used.
    """
    terms: list[list[tuple[Place, float]]] = []
    sensor, balance, area = [], [], []
    links, tanks = network.links, network.tanks
    for place, row in enumerate(sensors.rows):
        element = int(sensors.element[place])
        if place in withheld or row.quantity == "demand":
            continue
        tank = -1
        if row.quantity == "level":
            tank = int(np.flatnonzero(tanks.node == element)[0])
            incoming = [(("link", int(link)), 1.0) for link in np.flatnonzero(links.end == element)]
            terms.append(incoming + [(("link", int(link)), -1.0) for link in np.flatnonzero(links.start == element)])
        elif row.quantity == "flow":
            link, sign = _flow(network, element)
            terms.append([(("link", link), sign)])
        else:
            terms.append([(("node", element), 1.0)])
        sensor.append(place)
        balance.append(tank)
        area.append(np.pi / 4 * float(tanks.diameter[tank]) ** 2 if tank >= 0 else 0.0)
    outputs = tuple(dict.fromkeys(place for row_terms in terms for place, _ in row_terms))
    weight = np.zeros((len(terms), len(outputs)))
    for index, row_terms in enumerate(terms):
        for output, factor in row_terms:
            weight[index, outputs.index(output)] += factor
    places = np.array(sensor, dtype=np.int64)
    quantity = np.array([sensors.rows[place].quantity for place in sensor], dtype=object)
    return Comparison(
        sensor=places,
        balance=np.array(balance, dtype=np.int64),
        area=np.array(area),
        std=sensors.std[places],
        outputs=outputs,
        weight=weight,
        offset=np.isin(quantity, ("pressure", "head")),
    )


def _flow(network: Network, link: int) -> tuple[int, float]:
    """The link whose flow changes as this one's does, and its sign.

    A valve that holds a pressure has no equation for its own flow; the pipe before or behind it carries the same water.
    """
    links = network.links
    if links.kind[link] not in (LinkKind.PRV, LinkKind.PSV):
        return link, 1.0
    pipes = links.kind <= LinkKind.PIPE
    for node, inward in ((links.start[link], True), (links.end[link], False)):
        touching = np.flatnonzero(((links.start == node) | (links.end == node)) & (np.arange(len(links)) != link))
        if len(touching) == 1 and pipes[touching[0]]:
            same = (links.end if inward else links.start)[touching[0]] == node
            return int(touching[0]), 1.0 if same else -1.0
    return link, 1.0
