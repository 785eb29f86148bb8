"""A tiny healthy town, and its changes, one for each shape of trouble."""

from __future__ import annotations

from collections.abc import Mapping

SECTIONS: Mapping[str, str] = {
    "TITLE": "A healthy town",
    "JUNCTIONS": "J1 10\nJ2 12 2\nJ3 11 3\nJ4 13 1\nJ5 12 1",
    "RESERVOIRS": "R1 20",
    "TANKS": "T1 40 3 1 5 10 0",
    "PIPES": "P1 J1 J2 500 300 120\nP2 J2 J3 400 200 120 0 OPEN\nP3 J3 T1 300 200 120\nP4 J3 J4 250 150 120 0 CV",
    "PUMPS": "U1 R1 J1 HEAD C1",
    "VALVES": "V1 J4 J5 100 PRV 20",
    "DEMANDS": "",
    "EMITTERS": "",
    "LEAKAGE": "",
    "STATUS": "",
    "QUALITY": "",
    "SOURCES": "",
    "MIXING": "",
    "REACTIONS": "",
    "ENERGY": "PUMP U1 EFFIC E1\nGLOBAL EFFIC 75",
    "CONTROLS": "LINK U1 OPEN IF NODE T1 BELOW 2\nLINK U1 CLOSED IF NODE T1 ABOVE 4",
    "RULES": "RULE night\nIF SYSTEM CLOCKTIME > 10 PM\nTHEN PIPE P2 STATUS IS OPEN",
    "PATTERNS": "1 0.5 1 1.5",
    "CURVES": "C1 10 40\nE1 5 60\nE1 10 75",
    "TAGS": "",
    "REPORT": "STATUS NO",
    "OPTIONS": "UNITS LPS\nHEADLOSS H-W\nACCURACY 0.001\nPATTERN 1",
    "TIMES": "DURATION 24:00\nHYDRAULIC TIMESTEP 1:00",
    "COORDINATES": "J1 0 0\nJ2 5 0\nJ3 9 0\nJ4 9 2\nJ5 9 3\nR1 0 1\nT1 12 0",
    "VERTICES": "P3 10 1",
}

MARK = ";<--"
"""Stands behind the rows that a check should point at."""


def town(
    add: Mapping[str, str] | None = None, put: Mapping[str, str] | None = None, head: str = "", tail: str = "[END]\n"
) -> str:
    """The healthy town with rows added to sections, or other sections in their place; one that is put as '' goes."""
    sections = {**SECTIONS, **(put or {})}
    for name, rows in (add or {}).items():
        sections[name] = f"{sections.get(name, '')}\n{rows}".strip()
    return head + "".join(f"[{name}]\n{rows}\n" for name, rows in sections.items() if rows) + tail


def marked(text: str) -> list[int]:
    """Numbers of the lines that carry the mark."""
    return [number for number, line in enumerate(text.split("\n"), start=1) if MARK in line]
