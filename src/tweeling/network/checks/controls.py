"""Checks on simple controls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tweeling.network.checks.clock import seconds
from tweeling.network.checks.graph import is_check_valve
from tweeling.network.checks.model import RawModel
from tweeling.network.checks.remark import Place, Severity, check
from tweeling.network.checks.rows import Row, number


@dataclass(frozen=True)
class RawControl:
    """A control that can be read.

    Args:
        row: where it stands.
        action: `OPEN`, `CLOSED`, or the setting as it is written.
        condition: `BELOW` or `ABOVE` (a node), `TIME` or `CLOCKTIME`.
        node: empty for times.
        value: level or pressure in the file's unit, or seconds.
    """

    row: Row
    action: str
    condition: str
    node: str
    value: float

    @property
    def link(self) -> str:
        """The link that it moves."""
        return self.row.tokens[1]

    @property
    def opens(self) -> bool | None:
        """Whether it opens or closes the link, a setting of 0 being closed; None for ACTIVE."""
        if self.action in ("OPEN", "CLOSED"):
            return self.action == "OPEN"
        setting = number(self.action)
        return None if setting is None else setting > 0


def _parse(row: Row) -> RawControl | str:
    """The control of a row, or what is wrong with it."""
    words = [token.upper() for token in row.tokens]
    if words[-1] == "DISABLED":
        words.pop()
    if len(words) < 6:
        return "is too short"
    action = next((status for status in ("OPEN", "CLOSED", "ACTIVE") if words[2].startswith(status)), words[2])
    if action not in ("OPEN", "CLOSED", "ACTIVE") and number(action) is None:
        return f"sets {action[:40]!r}, which is no status and no number"
    if words[4] in ("TIME", "CLOCKTIME"):
        time = seconds(words[5], words[6] if len(words) > 6 else "")
        return f"has {words[5][:40]!r} as time" if time is None else RawControl(row, action, words[4], "", time)
    if len(words) < 8:
        return "names neither a node with a level nor a time as its condition"
    value = number(words[7])
    if words[6] not in ("BELOW", "ABOVE") or value is None:
        return "has no ABOVE or BELOW with a number"
    return RawControl(row, action, words[6], row.tokens[5], value)


def _readable(model: RawModel) -> list[RawControl]:
    """The controls that can be read, those switched off left out."""
    rows = [row for row in model.section("CONTROLS") if row.tokens[-1].upper() != "DISABLED"]
    return [control for control in map(_parse, rows) if isinstance(control, RawControl)]


def _place(control: RawControl, what: str, *others: str) -> Place:
    return Place(what, (control.link, *others), "CONTROLS", control.row.line)


@check(
    Severity.ERROR,
    why="EPANET refuses it, and the link is not controlled.",
    advice="Write LINK id OPEN|CLOSED|setting IF NODE id BELOW|ABOVE value, or ... AT TIME|CLOCKTIME time.",
)
def control_not_readable(model: RawModel) -> Iterator[Place]:
    """Controls that are no sentence EPANET understands."""
    for row in model.section("CONTROLS"):
        control = _parse(row)
        if isinstance(control, str):
            yield Place(f"the control {control}", row.tokens[1:2], "CONTROLS", row.line)


@check(
    Severity.ERROR,
    why="The control can do nothing; EPANET refuses it.",
    advice="Correct the id, or delete the control.",
)
def control_names_absent_element(model: RawModel) -> Iterator[Place]:
    """Controls of links, or by nodes, that are not there."""
    for row in model.section("CONTROLS"):
        control = _parse(row)
        if isinstance(control, str):
            continue
        if control.link not in model.links:
            yield _place(control, f"a control moves link {control.link[:40]}, which is not there")
        if control.node and control.node not in model.nodes:
            what = f"a control of {control.link[:40]} looks at node {control.node[:40]}, which is not there"
            yield _place(control, what, control.node)


@check(
    Severity.ERROR,
    why="A check valve moves by itself and a GPV by its curve; EPANET refuses to control or set them.",
    advice="Make it an ordinary pipe or valve, or take the control or status away.",
)
def check_valve_or_gpv_set(model: RawModel) -> Iterator[Place]:
    """Check valves that are opened, closed or set, and general-purpose valves that are given a number."""
    for row, name, action in settings_given(model):
        link = model.links.get(name)
        if link is None:
            continue  # another check speaks of it
        if is_check_valve(link):
            yield Place(f"[{row.section}] sets pipe {name}, which has a check valve", (name,), row.section, row.line)
        elif link.section == "VALVES" and link.word("type").upper() == "GPV" and number(action) is not None:
            yield Place(f"[{row.section}] sets GPV {name} to a number", (name,), row.section, row.line)


def settings_given(model: RawModel) -> Iterator[tuple[Row, str, str]]:
    """Where a link is given a status or a setting: row, link, and what it is set to."""
    for row in model.section("STATUS"):
        yield row, row.id, row.word("status")
    for control in _readable(model):
        yield control.row, control.link, control.action


@check(
    Severity.WARNING,
    why="EPANET obeys both in turn; which of them holds depends on their order in the file.",
    advice="Delete the one that is not meant.",
)
def controls_contradict(model: RawModel) -> Iterator[Place]:
    """Controls of one link under one condition with opposite actions."""
    first: dict[tuple[str, str, str, float], RawControl] = {}
    for control in _readable(model):
        key = control.link, control.condition, control.node, control.value
        other = first.setdefault(key, control)
        if _opposite(other, control):
            what = f"link {control.link} is {control.action} here and {other.action} in line {other.row.line}, on one condition"
            yield _place(control, what)


def _opposite(one: RawControl, other: RawControl) -> bool:
    """Whether one undoes the other; `OPEN` and then a speed go together."""
    if one.opens != other.opens:
        return True
    values = number(one.action), number(other.action)
    return None not in values and values[0] != values[1]


@check(
    Severity.WARNING,
    why="Between the two levels both controls hold, and the link opens and closes at every step.",
    advice="Let it open below the level at which it closes above (a pump that fills), or the other way round.",
)
def control_levels_reversed(model: RawModel) -> Iterator[Place]:
    """Pairs of controls by one node whose ranges overlap with opposite actions."""
    below: dict[tuple[str, str], RawControl] = {}
    controls = [c for c in _readable(model) if c.node and c.opens is not None]
    for control in controls:
        if control.condition == "BELOW":
            below.setdefault((control.link, control.node), control)
    for control in controls:
        other = below.get((control.link, control.node))
        if control.condition == "ABOVE" and other and other.opens != control.opens and other.value > control.value:
            deeds = ("opens", "closes") if control.opens else ("closes", "opens")
            what = (
                f"link {control.link} {deeds[0]} when {control.node} is above {control.value:g} "
                f"and {deeds[1]} when it is below {other.value:g} (line {other.row.line})"
            )
            yield _place(control, what, control.node)


@check(
    Severity.WARNING,
    why="The tank never gets there, so the control never works, or always does.",
    advice="Choose a level between the tank's lowest and highest, measured from its bottom.",
)
def control_level_outside_tank(model: RawModel) -> Iterator[Place]:
    """Controls by a level that their tank cannot have."""
    for control in _readable(model):
        if control.node in model.tanks:
            low, high = (model.tanks[control.node].number(name) for name in ("min_level", "max_level"))
            if low is not None and high is not None and not low <= control.value <= high:
                what = f"a control of {control.link} waits for level {control.value:g} in {control.node}"
                yield _place(control, f"{what}, which has {low:g} to {high:g}", control.node)


@check(
    Severity.WARNING,
    why="A reservoir's head follows the file alone, so the control never changes its mind.",
    advice="Look at a tank or a junction.",
)
def control_by_reservoir(model: RawModel) -> Iterator[Place]:
    """Controls that look at a reservoir."""
    for control in _readable(model):
        if control.node and model.is_source(control.node) and control.node not in model.tanks:
            yield _place(control, f"a control of {control.link} looks at reservoir {control.node}", control.node)


@check(
    Severity.WARNING,
    why="The last row counts; the other is stale.",
    advice="Delete one of them.",
)
def status_contradicted(model: RawModel) -> Iterator[Place]:
    """Links with two statuses in [STATUS]."""
    first: dict[str, Row] = {}
    for row in model.section("STATUS"):
        other = first.setdefault(row.id, row)
        if other.tokens[1:2] != row.tokens[1:2]:
            yield row.says(
                f"link {row.id} is {row.word('status')[:40]} here and {other.word('status')[:40]} in line {other.line}"
            )
