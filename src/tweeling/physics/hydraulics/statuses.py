"""When valves, pumps and links of tanks open and close by themselves; EPANET 2.3's rules (`hydstatus.c`), for all members.

Pure functions from statuses, heads and flows to new statuses; arrays (member, link) unless said otherwise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tweeling.network.network import Bools, Floats, LinkKind
from tweeling.physics.hydraulics.contract import Codes, Status
from tweeling.physics.hydraulics.plan import Plan, PumpLaw


def regulating_status(plan: Plan, status: Codes, setting: Floats, head: Floats, flow: Floats, least: Floats) -> Codes:
    """New statuses of pressure reducing and sustaining valves that have a setting.

    Args:
        head: m; (member, node).
        flow: m3/s.
        least: m3/s of flow backward that closes a valve; (member,).
    """
    links, new = plan.network.links, status.copy()
    h_tol = plan.constants.head_tolerance
    elevation = plan.network.nodes.elevation
    for link in np.flatnonzero(np.isin(links.kind, (LinkKind.PRV, LinkKind.PSV))):
        h1, h2 = head[:, links.start[link]], head[:, links.end[link]]
        q, now = flow[:, link], status[:, link]
        loss = plan.minor[link] * q * q
        reverse = q < -least
        if links.kind[link] == LinkKind.PRV:
            at = elevation[links.end[link]] + setting[:, link]
            active = np.where(h1 - loss < at - h_tol, Status.OPEN, Status.ACTIVE)
            opened = np.where(h2 >= at + h_tol, Status.ACTIVE, Status.OPEN)
            closed = np.where(
                (h1 >= at + h_tol) & (h2 < at - h_tol),
                Status.ACTIVE,
                np.where((h1 < at - h_tol) & (h1 > h2 + h_tol), Status.OPEN, Status.CLOSED),
            )
        else:
            at = elevation[links.start[link]] + setting[:, link]
            active = np.where(h2 + loss > at + h_tol, Status.OPEN, Status.ACTIVE)
            opened = np.where(h1 < at - h_tol, Status.ACTIVE, Status.OPEN)
            falls = h1 > h2 + h_tol
            closed = np.where(
                (h2 > at + h_tol) & falls,
                Status.OPEN,
                np.where((h1 >= at + h_tol) & falls, Status.ACTIVE, Status.CLOSED),
            )
        choice = np.select([now == Status.ACTIVE, now == Status.OPEN, now == Status.CLOSED], [active, opened, closed], now)
        choice = np.where(reverse & (now != Status.CLOSED), Status.CLOSED, choice)
        new[:, link] = np.where(np.isnan(setting[:, link]), now, choice)
    return new


def check_valve_status(plan: Plan, status: Codes, drop: Floats, flow: Floats) -> Codes:
    """Status of a valve that lets water pass one way only; `drop` is the head difference start - end in m; any shape."""
    h_tol, q_tol = plan.constants.head_tolerance, plan.constants.flow_tolerance
    backward = flow < -q_tol
    clear = np.where((drop < -h_tol) | backward, Status.CLOSED, Status.OPEN)
    near = np.where(backward, Status.CLOSED, status)
    return np.where(np.abs(drop) > h_tol, clear, near).astype(np.int8)


def link_status(plan: Plan, status: Codes, setting: Floats, head: Floats, drop: Floats, flow: Floats) -> Codes:
    """New statuses of check valves, pumps, flow control valves and links of tanks.

    Args:
        head: m; (member, node).
        drop: head at the start less that at the end, m.
        flow: m3/s.
    """
    links, constants = plan.network.links, plan.constants
    new = np.where(status <= Status.TEMPORARILY_CLOSED, np.int8(Status.OPEN), status)

    check = links.kind == LinkKind.CHECK_VALVE_PIPE
    new[:, check] = check_valve_status(plan, new[:, check], drop[:, check], flow[:, check])

    pump = plan.network.pumps.link
    most = setting[:, pump] ** 2 * np.where(np.isinf(plan.pumps.max_gain), 1e10, plan.pumps.max_gain)
    running = (new[:, pump] >= Status.OPEN) & (setting[:, pump] > 0)
    stuck = (-drop[:, pump] > most + constants.head_tolerance) | blocked(plan, status, setting, drop, flow)[:, pump]
    new[:, pump] = np.where(running, np.where(stuck, Status.XHEAD, Status.OPEN), new[:, pump])

    control = links.kind == LinkKind.FCV
    now, q = new[:, control], flow[:, control]
    fails = (drop[:, control] < -constants.head_tolerance) | (q < -constants.flow_tolerance)
    regains = (now == Status.XFCV) & (q >= setting[:, control])
    choice = np.where(fails, Status.XFCV, np.where(regains, Status.ACTIVE, now))
    new[:, control] = np.where(np.isnan(setting[:, control]), now, choice)

    for link, end in tank_ends(plan):
        new[:, link] = tank_link_status(plan, link, end, new[:, link], head, flow[:, link])
    return new


def blocked(plan: Plan, status: Codes, setting: Floats, drop: Floats, flow: Floats) -> Bools:
    """Whether pumps of constant power stand against a closed way; False for other links.

    At no flow such a pump has no bounded gain: once its flow is next to nothing it is closed, until the head behind it falls
    below that before it. (EPANET closes it by a gain of 1e10 ft, or leaves it open without flow and without gain.)

    Args:
        drop: head difference start - end, m.
        flow: m3/s.
    """
    waits = (status == Status.XHEAD) & (drop <= plan.constants.head_tolerance)
    return np.where(status == Status.XHEAD, waits & power_pumps(plan), stalled(plan, setting, flow))


def power_pumps(plan: Plan) -> Bools:
    """Which links are pumps of constant power; (link,)."""
    found = np.zeros(plan.n_links, dtype=bool)
    found[plan.network.pumps.link[plan.pumps.law == PumpLaw.POWER]] = True
    return found


def stalled(plan: Plan, setting: Floats, flow: Floats) -> Bools:
    """Whether pumps of constant power have next to no flow, or less: then their gain is steeper than CBIG; (member, link)."""
    found = np.zeros(flow.shape, dtype=bool)
    power = plan.pumps.law == PumpLaw.POWER
    link = plan.network.pumps.link[power]
    ahead = np.maximum(flow[:, link], 0.0)
    found[:, link] = plan.pumps.r[power] * setting[:, link] ** 3 > plan.constants.high_resistance * ahead**2
    return found


def tank_ends(plan: Plan) -> list[tuple[int, int]]:
    """(link, end) of every link end that lies at a tank; end 0 is the start, 1 the end."""
    links, ends = plan.network.links, []
    is_tank = np.zeros(plan.n_nodes, dtype=bool)
    is_tank[plan.network.tanks.node] = True
    for link in np.flatnonzero(is_tank[links.start] | is_tank[links.end]):
        ends += [(int(link), side) for side, node in enumerate((links.start[link], links.end[link])) if is_tank[node]]
    return ends


def tank_link_status(plan: Plan, link: int, end: int, status: Codes, head: Floats, flow: Floats) -> Codes:
    """Closes a link that would fill a full tank or drain an empty one, for the time being; (member,)."""
    links, tanks, h_tol = plan.network.links, plan.tanks, plan.constants.head_tolerance
    node, other = (links.start[link], links.end[link])[:: 1 if end == 0 else -1]
    outflow = flow if end == 0 else -flow
    tank = plan.tank_of_fixed[node - plan.n_junctions]
    level, drop = head[:, node], head[:, node] - head[:, other]
    if links.kind[link] == LinkKind.PUMP:
        fills, drains = np.full(level.shape, end == 1), np.full(level.shape, end == 0)
    else:
        opened, closed = np.full(status.shape, Status.OPEN), np.full(status.shape, Status.CLOSED)
        fills = check_valve_status(plan, opened, drop, outflow) == Status.CLOSED
        drains = check_valve_status(plan, closed, drop, outflow) == Status.OPEN
    full = (level >= tanks.max_head[tank] - h_tol) & ~tanks.can_overflow[tank]
    empty = level <= tanks.min_head[tank] + h_tol
    shut = (status > Status.CLOSED) & ((full & fills) | (empty & drains))
    return np.where(shut, np.int8(Status.TEMPORARILY_CLOSED), status)


def pressure_switched(plan: Plan, status: Codes, setting: Floats, head: Floats) -> tuple[Codes, Floats, Bools]:
    """New statuses and settings by controls on junction pressures, and which members changed; (member,) for the last."""
    links, h_tol, switches = plan.network.links, plan.constants.head_tolerance, plan.switches
    status, setting = status.copy(), setting.copy()
    changed: npt.NDArray[np.bool_] = np.zeros(len(status), dtype=bool)
    for row, link in enumerate(switches.link):
        level = head[:, switches.node[row]]
        fires = level <= switches.head[row] + h_tol if switches.below[row] else level >= switches.head[row] - h_tol
        other_status = status[:, link] != switches.status[row]
        target = switches.setting[row]
        if links.kind[link] <= LinkKind.PIPE:
            change = fires & other_status
        else:
            same = (setting[:, link] == target) | (np.isnan(setting[:, link]) & np.isnan(target))
            change = fires & (~same | (np.isnan(target) & other_status))
            setting[:, link] = np.where(change, target, setting[:, link])
        status[:, link] = np.where(change, switches.status[row], status[:, link])
        changed |= change
    return status, setting, changed
