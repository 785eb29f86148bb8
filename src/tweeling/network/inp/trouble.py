"""What is wrong with a file, in words that name section and line: before EPANET sees it, and after EPANET refused it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tweeling.errors import NetworkFileError
from tweeling.network.inp.judge import MAX_LINE
from tweeling.network.inp.sections import Line

Sections = Mapping[str, Sequence[Line]]

MAX_ID = 31
MAX_TOKEN = 255
MAX_PROBLEMS = 10

_DEFINES = "JUNCTIONS RESERVOIRS TANKS PIPES PUMPS VALVES PATTERNS CURVES".split()
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
    return None


def refused(path: str | Path, error: str, report: str, sections: Sections) -> NetworkFileError:
    """The error for a file that EPANET refuses, from its report.

    Args:
        error: what the toolkit raised.
        report: the text of its report file.
    """
    problems = list(_problems(report, sections))
    if not problems:
        return NetworkFileError(f"{path}: EPANET refuses this file: {error}; {_hint(path)}")
    return _error(path, problems)


def _error(path: str | Path, problems: Sequence[str]) -> NetworkFileError:
    more = f" ({len(problems) - 1} more in `problems`)" if len(problems) > 1 else ""
    return NetworkFileError(f"{path}: {problems[0]}{more}; {_hint(path)}", tuple(problems[:MAX_PROBLEMS]))


def _hint(path: str | Path) -> str:
    return f"`tweeling check {path}` lists all that is wrong"


_COMPLAINT = re.compile(r"(?:Input )?Error (\d+): *(.*)")
_IN_SECTION = re.compile(r"(.*) in \[(\w+)\] section:$")


def _problems(report: str, sections: Sections) -> Iterator[str]:
    lines = [line.strip() for line in report.split("\n")]
    for i, text in enumerate(lines):
        found = _COMPLAINT.match(text)
        if not found or found[1] == "200":
            continue
        code, words = found[1], " ".join(found[2].split())
        echoed = next((line for line in lines[i + 1 : i + 3] if line), "")
        place = _find_line(echoed, sections) or _find_element(words, sections)
        where = f"[{place[0]}] line {place[1].number}" if place else "EPANET"
        what = _IN_SECTION.sub(r"\1", words).rstrip(":")
        yield f"{where}: error {code}: {what}" + (f": {place[1].text.strip()}" if place else "")


def _find_line(echoed: str, sections: Sections) -> tuple[str, Line] | None:
    """The line that EPANET repeats in its report."""
    wanted = echoed.split()
    for name, lines in sections.items():
        for line in lines:
            if line.tokens and wanted and line.text.split() == wanted:
                return name, line
    return None


def _find_element(words: str, sections: Sections) -> tuple[str, Line] | None:
    """The line that defines the element a message ends with."""
    name = words.rstrip(" :.").rsplit(" ", 1)[-1]
    for section in _DEFINES:
        for line in sections.get(section, ()):
            if line.tokens and line.tokens[0] == name:
                return section, line
    return None
