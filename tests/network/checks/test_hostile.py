"""Files that mean harm, or that an accident made: never anything but remarks or a `NetworkFileError`."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_town import town
from tweeling.errors import NetworkFileError
from tweeling.network.checks import CHECKS, check_file, check_model, parse_model, read_model, remark

OWN = CHECKS[:-1]
RICH = town(
    add={
        "JUNCTIONS": "J6 10 1 1\nJ7 12",
        "PIPES": "P8 J6 T2 50 100 120\nP9 J1 J6 300 150 120 0.5 CLOSED",
        "TANKS": "T2 40 3 1 5 0 0 V",
        "VALVES": "V2 J5 J7 100 GPV G\nV3 J6 J7 100 TCV 3",
        "CURVES": "V 0 0\nV 6 60\nG 0 0\nG 10 3\nC1 20 30\nC1 30 20",
        "DEMANDS": "J2 1 1\nJ2 2",
        "EMITTERS": "J7 0.1",
        "LEAKAGE": "P1 1 0.1",
        "STATUS": "P1 OPEN\nU1 1.1",
        "QUALITY": "J1 0.5",
        "SOURCES": "J1 MASS 1 1",
        "MIXING": "T1 2COMP 0.5",
        "REACTIONS": "GLOBAL BULK -0.5",
        "RULES": "RULE 2\nIF TANK T1 LEVEL > 3\nTHEN PIPE P2 STATUS IS CLOSED\nELSE PUMP U1 SETTING IS 0.9\nPRIORITY 2",
        "TAGS": "NODE J1 x",
    }
)
WORDS = (
    *("", "0", "-1", "1e308", "-1e308", "1e-320", "nan", "inf", "1_0", "0x1", "1:-:", "\u0663"),
    *("J1", "P1", "T1", "*", "[", "]", '"', ";", "IF", "CV", "PM", "\u00e9", "\t"),
)


def mutant(seed: int) -> str:
    """The rich town with some words and lines dropped, doubled, swapped or garbled."""
    rng = random.Random(seed)
    lines = RICH.split("\n")
    for _ in range(rng.choice([1, 1, 2, 5, 50])):
        i = rng.randrange(len(lines))
        words = lines[i].split()
        match rng.randrange(8):
            case 0 if len(lines) > 1:
                del lines[i]
            case 1:
                lines.insert(rng.randrange(len(lines)), lines[i])
            case 2:
                lines[i] = lines[i][: rng.randrange(len(lines[i]) + 1)]
            case 3:
                lines[i] = "".join(rng.sample(lines[i], len(lines[i])))
            case 4 if words:
                words[rng.randrange(len(words))] = rng.choice(WORDS)
            case 5 if words:
                words.insert(rng.randrange(len(words)), rng.choice(WORDS))
            case 6 if words:
                del words[rng.randrange(len(words))]
            case 7 if words:
                words[rng.randrange(len(words))] += rng.choice(string.printable)
        if words and lines[i : i + 1]:
            lines[i] = " ".join(words) if rng.random() < 0.7 else lines[i]
    return "\n".join(lines)


@given(st.integers(min_value=0))
def test_a_garbled_file_gives_remarks_with_lines_that_exist(seed: int) -> None:
    text = mutant(seed)
    try:
        found = check_model(parse_model(text), OWN)
    except NetworkFileError:
        return
    assert all(remark.line is None or 1 <= remark.line <= text.count("\n") + 1 for remark in found)


@given(st.text())
def test_any_text_under_a_header_is_read(text: str) -> None:
    check_model(parse_model("[PIPES]\n" + text), OWN)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no line opens a section"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "not a text file"),
        (b"just words", "no line opens a section"),
    ],
)
def test_what_is_no_network_file_is_refused_in_a_sentence(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "town.inp"
    path.write_bytes(content)
    with pytest.raises(NetworkFileError, match=says):
        check_file(path)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000 + "PIPES" + "]" * 100_000 + "\n",
        "[PIPES]\n" + "x" * 300 + " J1 J2\n",
        "[PIPES]\n" + "P" * 1_000_000,
        "[TITLE]" + "\n" * 1_000_000,
        "[X]\n" * 20_000,
        "[PATTERNS]\n" + "1 " * 100_000,
        "[RULES]\n" + "RULE 1\nIF\n" * 5_000,
        "[JUNCTIONS]\nJ 1\n" + "[PIPES]\n" + "".join(f"P{i} J J 1 1 1\n" for i in range(20_000)),
        "[CURVES]\n" + "".join(f"C {i % 2} {i % 3}\n" for i in range(20_000)),
    ],
    ids=lambda text: text[:12].strip(),
)
def test_a_file_that_is_too_much_of_one_thing_is_read_all_the_same(text: str) -> None:
    check_model(parse_model(text), OWN)


def test_line_ends_of_all_systems_give_the_same_remarks(tmp_path: Path) -> None:
    path = tmp_path / "town.inp"
    text = town(add={"PIPES": "P9 J1 J99 1 1 1"})
    answers = []
    for end in ("\n", "\r\n", "\r"):
        path.write_bytes(text.replace("\n", end).rstrip().encode())
        answers.append(check_model(read_model(path), OWN))
    assert answers[0] == answers[1] == answers[2] != []


def test_a_file_in_another_encoding_is_read_and_said_so(tmp_path: Path) -> None:
    path = tmp_path / "town.inp"
    path.write_bytes(town(put={"TITLE": "Café"}).encode("latin-1"))
    assert [remark.code for remark in check_model(read_model(path), OWN)] == ["not-utf8"]


def test_the_verdict_of_epanet_names_its_code_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "town.inp"
    path.write_text(town(add={"PIPES": "P9 J1 J99 1 1 1"}))
    line = path.read_text().split("\n").index("P9 J1 J99 1 1 1") + 1
    verdict = check_file(path)[-1]
    assert verdict.code == "refused-by-epanet"
    assert "error 203" in verdict.what
    assert f"line {line}:" in verdict.what


def test_a_file_that_crashes_epanet_is_survived(tmp_path: Path) -> None:
    path = tmp_path / "town.inp"
    path.write_text(town(add={"SOURCES": "J1 MASS"}))
    assert {"row-too-short", "refused-by-epanet"} <= {remark.code for remark in check_file(path)}


def test_a_check_stops_when_it_has_said_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remark, "MOST", 3)
    found = check_model(parse_model("[JUNCTIONS]\n" + "J1 1\n" * 9), OWN)
    assert [entry.code for entry in found].count("node-twice") == 3
