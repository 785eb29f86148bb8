"""Simple controls on tank levels and on time, and what a control or a rule does to a link.

Controls on a junction's pressure act inside a solve (`Plan.switches`) and are not looked at here. EPANET 2.3 decides what
fires (`hydraul.c`, `controls` and `controltimestep`): a level counts as reached when the tank would reach it within one
second; controls act in the file's order, so the last one wins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tweeling.network.network import Bools, Control, Floats, Ints, LinkKind, LinkStatus, freeze
from tweeling.physics.hydraulics.contract import Codes, Status
from tweeling.physics.hydraulics.drivers import Multipliers
from tweeling.physics.hydraulics.plan import Plan, PumpLaw, control_status
from tweeling.physics.hydraulics.tanks import tank_volumes
from tweeling.physics.kernels import events
from tweeling.physics.kernels.compiled import owned

KINDS = ("below", "above", "time", "clock", "always")


@dataclass(frozen=True, eq=False)
class ControlTable:
    """Enabled controls on tanks, reservoirs and time, in the file's order.

    Args:
        kind: position in `KINDS`; (control,). EPANET has no level of a reservoir: such a control always fires.
        link: index; (control,).
        tank: row in `Plan.tanks`, 0 for others; (control,).
        seconds: since the start, or since midnight; (control,).
        head, volume: of the level, m and m3; (control,).
        status: `Status` that it sets; (control,), int8.
        has_setting: whether the link has a setting that a control sets; (control,).
        setting: that it sets, NaN for "fixed open or closed"; (control,).
    """

    kind: Ints
    link: Ints
    tank: Ints
    seconds: Ints
    head: Floats
    volume: Floats
    status: Codes
    has_setting: Bools
    setting: Floats

    @staticmethod
    def of(plan: Plan) -> ControlTable:
        """The controls of a network, but those that act inside a solve."""
        network = plan.network
        controls = [c for c in network.controls if c.enabled and (c.node < 0 or c.node >= plan.n_junctions)]
        tank = [int(plan.tank_of_fixed[c.node - plan.n_junctions]) if c.node >= 0 else -1 for c in controls]
        reservoir = [c.node >= 0 and t < 0 for c, t in zip(controls, tank, strict=True)]
        kind = ["always" if r else c.kind for c, r in zip(controls, reservoir, strict=True)]
        timed = [c.kind in ("time", "clock") for c in controls]
        head = np.array([plan.tanks.bottom[t] + c.value if t >= 0 else 0.0 for c, t in zip(controls, tank, strict=True)])
        volume = [tank_volumes(plan.tanks, np.full((1, len(plan.tanks.fixed)), h))[0, t] if t >= 0 else 0.0
                  for h, t in zip(head, tank, strict=True)]  # fmt: skip
        kinds = [int(network.links.kind[c.link]) for c in controls]
        return ControlTable(
            kind=freeze([KINDS.index(k) for k in kind], np.int64),
            link=freeze([c.link for c in controls], np.int64),
            tank=freeze(np.maximum(tank, 0), np.int64),
            seconds=freeze([round(c.value) if t else 0 for c, t in zip(controls, timed, strict=True)], np.int64),
            head=freeze(head, float),
            volume=freeze(volume, float),
            status=freeze([control_status(k, c.status) for c, k in zip(controls, kinds, strict=True)], np.int8),
            has_setting=freeze([k > LinkKind.PIPE and k != LinkKind.GPV for k in kinds], bool),
            setting=freeze([_setting(c, k) for c, k in zip(controls, kinds, strict=True)], float),
        )

    def __len__(self) -> int:
        return len(self.link)

    def compiled(self, plan: Plan) -> events.Controls:
        """Controls as kernels take them."""
        pump = plan.pump_of_link[self.link]
        restarts = (pump >= 0) & (self.status > Status.CLOSED)
        restarts[restarts] = plan.pumps.law[pump[restarts]] == PumpLaw.POWER
        first_flow = np.full(len(self), np.nan)
        first_flow[restarts] = plan.pumps.first_flow[pump[restarts]]
        own = {name: owned(array, array.dtype) for name, array in vars(self).items()}
        return events.Controls(**own, first_flow=first_flow)


def _setting(control: Control, kind: int) -> float:
    """What a control sets a link to: a pump that is switched on runs at speed 1, a valve opened or closed stays so."""
    if control.setting is not None:
        return control.setting
    if kind == LinkKind.PUMP:
        return 0.0 if control.status == LinkStatus.CLOSED else 1.0
    return np.nan


def same_setting(a: Floats, b: npt.ArrayLike) -> Bools:
    """Whether settings are equal; no setting (NaN) equals no setting."""
    return np.asarray((a == b) | (np.isnan(a) & np.isnan(b)))


def restart_pump(plan: Plan, link: int, members: Ints, flow: Floats) -> None:
    """Gives a pump of constant power that starts again its first flow, in place: at no flow its gain has no bound."""
    pump = plan.pump_of_link[link]
    if pump >= 0 and plan.pumps.law[pump] == PumpLaw.POWER:
        flow[members, link] = plan.pumps.first_flow[pump]


def set_pump_speeds(plan: Plan, multiplier: Multipliers, status: Codes, setting: Floats, flow: Floats) -> None:
    """Speeds of the pumps that follow a pattern, in place; speed 0 is closed.

    Args:
        plan: the network's.
        multiplier: of all patterns at the members' times.
        status, setting, flow: of links; (member, link).
    """
    pumps = plan.network.pumps
    for pump in np.flatnonzero(pumps.speed_pattern >= 0):
        link, speed = int(pumps.link[pump]), multiplier.of(pumps.speed_pattern[[pump]])[:, 0]
        set_links(plan, link, np.arange(len(status)), np.broadcast_to(speed, len(status)), status, setting, flow)


def set_links(
    plan: Plan, link: int, members: Ints, wanted: npt.ArrayLike, status: Codes, setting: Floats, flow: Floats
) -> None:
    """Gives a link a setting in some members, in place; opens or closes it as EPANET does (`setlinksetting`)."""
    kind = plan.network.links.kind[link]
    value = np.broadcast_to(np.asarray(wanted, dtype=float), members.shape)
    before = status[members, link]
    closed = before <= Status.CLOSED
    if kind == LinkKind.PUMP:
        starts = (value > 0) & closed
        restart_pump(plan, link, members[starts], flow)
        after = np.where(starts, Status.OPEN, np.where((value == 0) & ~closed, Status.CLOSED, before))
    elif kind == LinkKind.FCV:
        after = np.full(members.shape, Status.ACTIVE)
    else:
        after = np.where(np.isnan(setting[members, link]) & closed, Status.OPEN, before)
    status[members, link] = after
    setting[members, link] = value


def switch_links(plan: Plan, link: int, members: Ints, is_open: bool, status: Codes, setting: Floats, flow: Floats) -> None:
    """Opens or closes a link in some members, in place (`setlinkstatus`): a pump at speed 1 or 0, a valve for good."""
    kind = plan.network.links.kind[link]
    if is_open:
        restart_pump(plan, link, members[status[members, link] == Status.CLOSED], flow)
    if kind == LinkKind.PUMP:
        setting[members, link] = float(is_open)
    elif kind > LinkKind.PUMP and kind != LinkKind.GPV:
        setting[members, link] = np.nan
    status[members, link] = Status.OPEN if is_open else Status.CLOSED
