"""Checks on rule-based controls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tweeling.network.checks.clock import seconds
from tweeling.network.checks.graph import is_check_valve
from tweeling.network.checks.model import RawModel
from tweeling.network.checks.remark import Place, Severity, check
from tweeling.network.checks.rows import Row, number

NODE_WORDS = ("NODE", "JUNC", "RESE", "TANK")
LINK_WORDS = ("LINK", "PIPE", "PUMP", "VALV")
_BEFORE = {"IF": ("",), "AND": ("IF", "THEN", "ELSE"), "OR": ("IF",), "THEN": ("IF",), "ELSE": ("THEN",)}
"""In which part of a rule a line may begin with this word."""
CLAUSES = ("IF", "AND", "OR", "THEN", "ELSE", "PRIORITY")
VARIABLES = ("DEMA", "HEAD", "GRAD", "LEVE", "PRES", "FLOW", "STAT", "SETT", "POWE", "TIME", "CLOC", "FILL", "DRAI")
RELATIONS = ("=", "<>", "<", "<=", "=<", ">", ">=", "=>", "IS", "NOT", "BELOW", "ABOVE")


@dataclass(frozen=True)
class Clause:
    """A line of a rule: the part it belongs to (`IF`, `THEN`, `ELSE`) and its words without the first."""

    part: str
    row: Row
    words: tuple[str, ...]


@dataclass(frozen=True)
class RawRule:
    """A rule's lines."""

    row: Row
    clauses: list[Clause] = field(default_factory=list)
    priority: float = 0.0

    @property
    def name(self) -> str:
        """The word behind RULE."""
        return self.row.tokens[1] if len(self.row.tokens) > 1 else ""


def _rules(model: RawModel) -> tuple[list[RawRule], list[tuple[Row, str]]]:
    """The rules, and the rows that are no part of one with the reason."""
    rules: list[RawRule] = []
    stray: list[tuple[Row, str]] = []
    part = ""
    for row in model.section("RULES"):
        word = row.id.upper()
        if word == "RULE":
            rules.append(RawRule(row))
            part = ""
            if len(row.tokens) != 2:
                stray.append((row, "has RULE without a name of one word"))
        elif not rules or word not in CLAUSES:
            stray.append((row, f"begins with {row.id[:40]!r}, not with RULE, IF, AND, OR, THEN, ELSE or PRIORITY"))
        elif word == "PRIORITY":
            value = number("".join(row.tokens[1:2]))
            if value is None or part not in ("THEN", "ELSE"):
                stray.append((row, "has PRIORITY without a number, or not behind THEN or ELSE"))
            else:
                part = word
                rules[-1] = RawRule(rules[-1].row, rules[-1].clauses, value)
        else:
            before, part = part, word if word in ("IF", "THEN", "ELSE") else part
            trouble = _clause_trouble(part, row) if before in _BEFORE[word] else f"has {word} where it does not belong"
            if trouble:
                stray.append((row, trouble))
            else:
                rules[-1].clauses.append(Clause(part, row, row.tokens[1:]))
    return rules, stray


def _clause_trouble(part: str, row: Row) -> str:
    """What keeps a clause from being read, empty for nothing."""
    words = [token.upper() for token in row.tokens[1:]]
    kind = words[0][:4] if words else ""
    if part != "IF":
        if kind not in LINK_WORDS:
            return "names no LINK, PIPE, PUMP or VALVE"
        if len(words) < 5 or words[2][:4] not in ("STAT", "SETT") or words[3] not in ("IS", "="):
            return "is no action: LINK id STATUS|SETTING IS value"
        return _value_trouble(words[4]) or ("sets a number below zero" if (number(words[4]) or 0) < 0 else "")
    where = 1 if kind == "SYST" else 2
    if kind not in (*NODE_WORDS, *LINK_WORDS, "SYST"):
        return "names no NODE, LINK or SYSTEM"
    if len(words) < where + 3 or words[where][:4] not in VARIABLES or words[where + 1] not in RELATIONS:
        return "is no condition: NODE|LINK id variable relation value"
    if words[where][:4] in ("TIME", "CLOC"):
        known = seconds(words[where + 2], "".join(words[where + 3 : where + 4])) is not None
        return "" if known else f"has {words[where + 2][:40]!r} as time"
    return _value_trouble(words[where + 2])


def _value_trouble(word: str) -> str:
    return "" if word in ("OPEN", "CLOSED", "ACTIVE") or number(word) is not None else f"has {word[:40]!r} as value"


@check(
    Severity.ERROR,
    why="EPANET refuses the rule, and nothing is controlled by it.",
    advice="Correct the line that the message names.",
)
def rule_not_readable(model: RawModel) -> Iterator[Place]:
    """Lines of rules that EPANET does not understand."""
    for row, what in _rules(model)[1]:
        yield Place(f"a line of [RULES] {what}", (), "RULES", row.line)


@check(
    Severity.ERROR,
    why="The rule can do nothing; EPANET refuses it.",
    advice="Correct the id, or delete the line.",
)
def rule_names_absent_element(model: RawModel) -> Iterator[Place]:
    """Rules about nodes or links that are not there."""
    for rule in _rules(model)[0]:
        for clause in rule.clauses:
            kind = clause.words[0].upper()[:4]
            known = model.nodes if kind in NODE_WORDS else model.links if kind in LINK_WORDS else None
            if known is not None and clause.words[1] not in known:
                what = f"rule {rule.name[:40]} names {kind.lower()} {clause.words[1][:40]}, which is not there"
                yield Place(what, (clause.words[1], rule.name), "RULES", clause.row.line)


@check(
    Severity.ERROR,
    why="A check valve moves by itself; EPANET refuses to control it.",
    advice="Take the action out of the rule.",
)
def rule_moves_check_valve(model: RawModel) -> Iterator[Place]:
    """Rules that act on check valves."""
    for rule in _rules(model)[0]:
        for clause in rule.clauses:
            row = model.links.get(clause.words[1])
            if clause.part != "IF" and row is not None and is_check_valve(row):
                what = f"rule {rule.name[:40]} moves pipe {row.id}, which has a check valve"
                yield Place(what, (row.id, rule.name), "RULES", clause.row.line)


@check(
    Severity.WARNING,
    why="The tank never gets there, so the condition never holds, or always does.",
    advice="Choose a level between the tank's lowest and highest, measured from its bottom.",
)
def rule_level_outside_tank(model: RawModel) -> Iterator[Place]:
    """Rules by a level that their tank cannot have."""
    for rule in _rules(model)[0]:
        for clause in rule.clauses:
            tank = model.tanks.get(clause.words[1]) if clause.part == "IF" else None
            level = number(clause.words[4]) if tank is not None else None
            if tank is None or level is None or not clause.words[2].upper().startswith("LEVE"):
                continue
            low, high = (tank.number(name) for name in ("min_level", "max_level"))
            if low is not None and high is not None and not low <= level <= high:
                what = f"rule {rule.name[:40]} waits for level {level:g} in {tank.id}, which has {low:g} to {high:g}"
                yield Place(what, (tank.id, rule.name), "RULES", clause.row.line)


@check(
    Severity.WARNING,
    why="Such a rule never does anything.",
    advice="Complete it, or delete it.",
)
def rule_incomplete(model: RawModel) -> Iterator[Place]:
    """Rules without a condition or an action."""
    for rule in _rules(model)[0]:
        parts = {clause.part for clause in rule.clauses}
        if not {"IF", "THEN"} <= parts:
            missing = "action" if "IF" in parts else "condition"
            yield Place(f"rule {rule.name[:40]} has no {missing} that can be read", (rule.name,), "RULES", rule.row.line)


@check(
    Severity.WARNING,
    why="Two rules of one name are hard to tell apart in a report.",
    advice="Rename one of them.",
)
def rule_twice(model: RawModel) -> Iterator[Place]:
    """Rules whose name was given before."""
    first: dict[str, int] = {}
    for rule in _rules(model)[0]:
        line = first.setdefault(rule.name, rule.row.line)
        if line != rule.row.line:
            yield Place(f"rule {rule.name[:40]} was given before, in line {line}", (rule.name,), "RULES", rule.row.line)


@check(
    Severity.WARNING,
    why="On one condition they want opposite things with the same priority; EPANET obeys the earlier.",
    advice="Delete one, or give them different priorities.",
)
def rules_contradict(model: RawModel) -> Iterator[Place]:
    """Rules with equal conditions and opposite actions."""
    first: dict[tuple[object, ...], tuple[str, str]] = {}
    for rule in _rules(model)[0]:
        premises = frozenset((c.row.id.upper(), *(word.upper() for word in c.words)) for c in rule.clauses if c.part == "IF")
        for clause in rule.clauses:
            if clause.part != "THEN" or not premises:
                continue
            key = premises, rule.priority, clause.words[1], clause.words[2].upper()
            value = clause.words[4].upper()
            other, earlier = first.setdefault(key, (value, rule.name))
            if other != value:
                what = (
                    f"on one condition, rule {earlier[:40]} sets {clause.words[1]} to {other}, rule {rule.name[:40]} to {value}"
                )
                yield Place(what, (clause.words[1], earlier, rule.name), "RULES", clause.row.line)
