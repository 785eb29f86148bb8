"""An INP file as text: its sections and their lines, for what EPANET's toolkit cannot give back and for files it refuses.

The reader is tolerant: it never judges, it only splits. Encoding: UTF-8 where it is valid, else Latin-1 (EPANET itself reads
bytes).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tweeling.errors import NetworkFileError

MAX_BYTES = 64 * 1024 * 1024
"""A file larger than this is refused: reading takes some 40 times its size in memory. A network of 400,000 nodes fits."""

# EPANET matches a section by its first letters, in any case (inpfile keywords of the manual, appendix C).
_SECTIONS = (
    "TITLE JUNCTIONS RESERVOIRS TANKS PIPES PUMPS VALVES CONTROLS RULES DEMANDS SOURCES EMITTERS PATTERNS CURVES QUALITY "
    "STATUS ROUGHNESS ENERGY REACTIONS MIXING REPORT TIMES OPTIONS COORDINATES VERTICES LABELS BACKDROP TAGS LEAKAGE END"
).split()


BLANK = " \t"
"""All that separates words for EPANET, and for us."""
_TOKEN = re.compile(r'"([^"]*)"?|([^ \t"][^ \t]*)')


class Line(NamedTuple):
    """One line of a section: its number in the file (from 1), its tokens before `;`, and the comment behind it."""

    number: int
    tokens: tuple[str, ...]
    comment: str
    text: str


def read_text(path: str | Path) -> str:
    """The text of a file, with any end-of-line convention.

    Raises:
        NetworkFileError: no such file, too large, or binary (a NUL byte).
    """
    return read_encoded(path)[0]


def read_encoded(path: str | Path) -> tuple[str, str]:
    """The text of a file, its lines ended by a bare newline, and the name of its encoding.

    Raises:
        NetworkFileError: no such file, too large, or binary (a NUL byte).
    """
    path = Path(path)
    if not path.is_file():
        raise NetworkFileError(f"{path}: there is no such file")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise NetworkFileError(f"{path}: {size / 2**20:.0f} MiB is more than the {MAX_BYTES / 2**20:.0f} MiB that is read")
    data = path.read_bytes()
    if b"\0" in data:
        raise NetworkFileError(f"{path}: not a text file (byte {data.index(0)} is NUL); export the network as INP text")
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"


def section_name(header: str) -> str:
    """The full name of the section that a header like `[JUNC` opens; an unknown one comes back as it is, in capitals."""
    word = header.strip().lstrip("[").split("]")[0].strip().upper()
    for name in _SECTIONS:
        if word and ((name.startswith(word) and len(word) >= 3) or word.startswith(name[:4])):
            return name
    return word


def tokens_of(body: str) -> tuple[str, ...]:
    """The tokens of a line before its comment; EPANET takes text between double quotes as one token."""
    if '"' not in body:
        return tuple(word for word in body.replace("\t", " ").split(" ") if word)
    return tuple(quoted or plain for quoted, plain in _TOKEN.findall(body))


def split_sections(text: str) -> dict[str, list[Line]]:
    """All lines of all sections by section name, in the file's order; a section that comes twice is joined.

    Lines before the first header stand under the empty name, all lines after [END] under `END`, as EPANET stops there. Blank
    lines are left out; lines with only a comment are kept.
    """
    sections: dict[str, list[Line]] = {}
    current = ""
    for number, raw in enumerate(text.split("\n"), start=1):
        stripped = raw.strip(BLANK)
        if not stripped:
            continue
        if stripped[0] == "[" and current != "END":
            current = section_name(stripped)
            sections.setdefault(current, [])
            continue
        body, _, comment = raw.partition(";")
        sections.setdefault(current, []).append(Line(number, tokens_of(body), comment.strip(BLANK), raw.rstrip(BLANK)))
    return sections
