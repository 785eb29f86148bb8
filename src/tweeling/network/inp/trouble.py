"""What is wrong with a file, in words that name section and line: before EPANET sees it, and after EPANET refused it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from tweeling.errors import NetworkFileError
from tweeling.network.inp.judge import MAX_LINE
from tweeling.network.inp.sections import Line

Sections = Mapping[str, Sequence[Line]]

MAX_ID = 31
MAX_TOKEN = 255
MAX_PROBLEMS = 10

_NODES = ("JUNCTIONS", "RESERVOIRS", "TANKS")
_LINKS = ("PIPES", "PUMPS", "VALVES")
_DEFINES = (*_NODES, *_LINKS, "PATTERNS", "CURVES")
_FREE_TEXT = ("TITLE", "LABELS", "BACKDROP", "END", "")


def refuse_unreadable(path: str | Path, sections: Sections, encoding: str) -> None:
    """Refuses what is no INP file, and what EPANET would misread or crash on instead of complaining.

    Raises:
        NetworkFileError: with up to `MAX_PROBLEMS` problems.
    """
    if not any(name in sections for name in _DEFINES):
        raise NetworkFileError(f"{path}: no section of a network ([JUNCTIONS], [PIPES], ...); is this an EPANET INP file?")
    problems = []
    for name, lines in sections.items():
        for line in lines:
            if problem := _unreadable(name, line, encoding):
                problems.append(f"[{name}] line {line.number}: {problem}")
                if len(problems) == MAX_PROBLEMS:
                    raise _error(path, problems)
    if problems:
        raise _error(path, problems)


def _unreadable(section: str, line: Line, encoding: str) -> str | None:
    if section in _FREE_TEXT or not line.tokens:
        return None
    if len(line.text) > MAX_LINE // 4 and len(line.text.partition(";")[0].encode(encoding)) > MAX_LINE:
        return f"longer than the {MAX_LINE} bytes that EPANET reads; split it"
    if max(map(len, line.tokens)) > MAX_TOKEN // 4:
        longest = max(line.tokens, key=len)
        if len(longest.encode(encoding)) > MAX_TOKEN:
            return f"the word {longest[:20]!r}... has {len(longest)} characters, more than the {MAX_TOKEN} that EPANET bears"
    name = line.tokens[0]
    if section in _DEFINES and len(name.encode(encoding)) > MAX_ID:
        return f"the id {name[:40]!r} is longer than the {MAX_ID} bytes that EPANET keeps"
    if section == "SOURCES" and len(line.tokens) == 2:
        return f"the source at {name!r} has no strength (EPANET crashes on such a line)"
    return None


def refuse_left_out(path: str | Path, sections: Sections, node_ids: Sequence[str], link_ids: Sequence[str]) -> None:
    """Refuses a file with elements that EPANET passes over without a word, such as a valve whose row is too short.

    Raises:
        NetworkFileError: with up to `MAX_PROBLEMS` problems.
    """
    there = {name: set(node_ids) for name in _NODES} | {name: set(link_ids) for name in _LINKS}
    found = (
        f"[{name}] line {line.number}: EPANET leaves {line.tokens[0]!r} out, its row is too short: {line.text.strip()[:120]}"
        for name, ids in there.items()
        for line in sections.get(name, ())
        if line.tokens and line.tokens[0] not in ids
    )
    if problems := list(islice(found, MAX_PROBLEMS)):
        raise _error(path, problems)


def refused(path: str | Path, error: str, report: str, text: str, sections: Sections) -> NetworkFileError:
    """The error for a file that EPANET refuses, from its report.

    Args:
        error: what the toolkit raised.
        report: the text of its report file.
        text: of the file.
    """
    problems = list(islice(_problems(report, _Places(text, sections)), MAX_PROBLEMS))
    if not problems:
        return NetworkFileError(f"{path}: EPANET refuses this file: {error}; {_hint(path)}")
    return _error(path, problems)


def not_finite(path: str | Path, sections: Sections) -> NetworkFileError:
    """The error for a file that EPANET takes although a number of it is infinite, none or too large for it."""
    found = (
        f"[{name}] line {line.number}: {token!r} is no number of a network: {line.text.strip()[:120]}"
        for name, lines in sections.items()
        for line in lines
        for token in line.tokens[1:]
        if _NOT_FINITE.fullmatch(token) or (token[:1].isdigit() and _is_huge(token))
    )
    problems = list(islice(found, MAX_PROBLEMS))
    return _error(path, problems or ["a number that EPANET computed is infinite, none or too large"])


_HUGE = 1e12
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)


def _is_huge(token: str) -> bool:
    try:
        return float(token) >= _HUGE
    except ValueError:
        return False


def _error(path: str | Path, problems: Sequence[str]) -> NetworkFileError:
    more = f" (and {len(problems) - 1} more in `problems`)" if len(problems) > 1 else ""
    return NetworkFileError(f"{path}: {problems[0]}{more}; {_hint(path)}", tuple(problems))


def _hint(path: str | Path) -> str:
    return f"`tweeling check {path}` lists all that is wrong"


_COMPLAINT = re.compile(r"(?:Input )?Error (\d+): *(.*)")
_IN_SECTION = re.compile(r" in \[\w+\] section:?$|: section contents ignored\.$")


def _problems(report: str, places: _Places) -> Iterator[str]:
    lines = [line.strip() for line in report.split("\n")]
    for i, line in enumerate(lines):
        found = _COMPLAINT.match(line)
        if not found or found[1] == "200":
            continue
        code, words = found[1], " ".join(found[2].split())
        echoed = next((later for later in lines[i + 1 : i + 3] if later), "")
        what = _IN_SECTION.sub("", words).replace(" following line of Rule", " rule").rstrip(":")
        if place := places.of_line(echoed, last=code == "215") or places.of_element(words):
            section, number, text = place
            yield f"{section} line {number}: error {code}: {what}: {' '.join(text.split())[:120]}".lstrip()
        else:
            yield f"error {code}: {what}"


class _Places:
    """Where the lines that EPANET repeats in its report, and the elements that it names, stand in the file."""

    def __init__(self, text: str, sections: Sections) -> None:
        self._of_line: dict[tuple[str, ...], list[tuple[str, int, str]]] = {}
        self._of_element: dict[str, tuple[str, int, str]] = {}
        for section, lines in sections.items():
            for line in lines:
                self._of_line.setdefault(tuple(line.text.split()), []).append((f"[{section}]", line.number, line.text))
                if section in _DEFINES and line.tokens:
                    self._of_element.setdefault(line.tokens[0], (f"[{section}]", line.number, line.text))
        for number, raw in enumerate(text.split("\n"), start=1):
            if raw.lstrip().startswith("["):
                header = raw.strip()
                self._of_line.setdefault(tuple(header.split()), []).append(("", number, header))

    def of_line(self, echoed: str, last: bool) -> tuple[str, int, str] | None:
        """The first line not yet asked for that reads like this, or the last: of two definitions that one is too many."""
        found = self._of_line.get(tuple(echoed.split()), [])
        return found.pop(-1 if last else 0) if found else None

    def of_element(self, words: str) -> tuple[str, int, str] | None:
        """The definition of the element that a message ends with."""
        return self._of_element.get(words.rstrip(" :.").rsplit(" ", 1)[-1])
