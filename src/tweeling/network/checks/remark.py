"""What a check says: a remark about a network file, and how a check is written.

A remark is about the *model* (a file on a desk). The twin's findings are about the *living network* and carry a probability;
hence two words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tweeling.network.checks.model import RawModel


MOST = 100_000
"""Remarks of one check about one file; whoever has more knows enough, and a hostile file has no more memory to ask for."""


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """The file cannot be computed, or says something that cannot be."""
    WARNING = "warning"
    """It computes, and is probably not what was meant."""
    NOTE = "note"
    """Worth knowing; often meant so."""


@dataclass(frozen=True)
class Place:
    """One spot where a check found something.

    Args:
        what: what is wrong, in one sentence without a full stop.
        ids: the elements concerned, the most telling first.
        section: name of the section, empty for the file as a whole.
        line: number in the file, from 1; None where no single line is to blame.
    """

    what: str
    ids: tuple[str, ...] = ()
    section: str = ""
    line: int | None = None


@dataclass(frozen=True)
class Check:
    """A check: a code that stays the same, and the function that finds the places.

    Args:
        code: kebab-case; machines and people may rely on it.
        severity: of every place that it finds.
        why: why it matters.
        advice: what to do.
        find: gives the places, in the file's order.
    """

    code: str
    severity: Severity
    why: str
    advice: str
    find: Callable[[RawModel], Iterable[Place]]


@dataclass(frozen=True)
class Remark:
    """One finding of one check, complete in itself."""

    code: str
    severity: Severity
    ids: tuple[str, ...]
    section: str
    line: int | None
    what: str
    why: str
    advice: str


def check(severity: Severity, *, why: str, advice: str) -> Callable[[Callable[[RawModel], Iterable[Place]]], Check]:
    """Makes a check of a function; the function's name, with hyphens, is the code."""

    def make(find: Callable[[RawModel], Iterable[Place]]) -> Check:
        return Check(find.__name__.replace("_", "-"), severity, why, advice, find)

    return make


def remarks_of(check: Check, model: RawModel) -> list[Remark]:
    """What one check has to say of a model, `MOST` remarks at most."""
    return [
        Remark(check.code, check.severity, place.ids, place.section, place.line, place.what, check.why, check.advice)
        for place in islice(check.find(model), MOST)
    ]
