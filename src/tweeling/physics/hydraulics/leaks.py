"""Leaks that members bring: at junctions or along pipes, of an area that may grow with pressure (FAVAD).

A leak of area A at no pressure that grows by m per m of pressure p passes C (A + m p) sqrt(2 g p). To the equations only
junctions leak: a pipe gives half of its leaks to each end, all of them to one where the other is a reservoir or a tank, as in
EPANET 2.3 (`leakage.c`).

Source: van Zyl and Cassa (2014), Modeling elastically deforming leaks in water distribution pipes,
10.1061/(ASCE)HY.1943-7900.0000813.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array

from tweeling.errors import InputError
from tweeling.network.network import Floats, LinkKind, Links, Network


def leaks_at_junctions(network: Network, name: str, junction: Floats | None, pipe: Floats | None) -> Floats | None:
    """Leaks at junctions and along pipes as leaks at junctions only; (member or 1, junction), None where there are none.

    Args:
        network: what lies in the ground.
        name: of the table of pipes, for messages.
        junction: area in m2 or its growth in m2 per m; (member or 1, junction).
        pipe: the same of all leaks along a pipe together; (member or 1, link).

    Raises:
        InputError: a leak along a link that is no pipe, or that has no junction.
    """
    if pipe is None:
        return junction
    links, nodes = network.links, network.nodes
    dry_ends = (links.start >= nodes.n_junctions) & (links.end >= nodes.n_junctions)
    for wrong, why in (
        (links.kind > LinkKind.PIPE, "which is no pipe; give it 0, and a leak beside it to a junction"),
        (dry_ends, "which has no junction that could leak; split the pipe by a junction"),
    ):
        found = np.argwhere((pipe > 0) & wrong)
        if len(found):
            row, link = found[0]
            raise InputError(f"{name} has {pipe[row, link]:g} at link {links.ids[link]!r}, row {row}, {why}")
    shared = shared_by_ends(links, nodes.n_junctions, pipe)
    return shared if junction is None else junction + shared


def shared_by_ends(links: Links, n_junctions: int, table: Floats) -> Floats:
    """What pipes have, given to the junctions at their ends; links that are no pipes give nothing.

    Args:
        links: of the network.
        n_junctions: nodes from this one on are reservoirs and tanks.
        table: of links; (member, link).

    Returns:
        (member, junction).
    """
    both = (links.start < n_junctions) & (links.end < n_junctions)
    share = np.where(both, 0.5, 1.0) * (links.kind <= LinkKind.PIPE)
    ends, link = np.concatenate([links.start, links.end]), np.tile(np.arange(len(links)), 2)
    here = ends < n_junctions
    matrix = coo_array((share[link[here]], (link[here], ends[here])), shape=(len(links), n_junctions)).tocsr()
    return np.asarray(table @ matrix)
