"""`tweeling check`: exit codes, what a person reads, what a machine reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from healthy_town import town
from tweeling.cli.check import SHOWN
from tweeling.cli.main import run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "town.inp"


def test_a_healthy_file_is_one_line_and_exit_code_0(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(town())
    assert run(["check", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: nothing to remark\n"


def test_notes_and_warnings_are_exit_code_0(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(town(add={"DEMANDS": "J1 -1\nT1 3"}))
    assert run(["check", str(file)]) == 0
    shown = capsys.readouterr().out
    assert shown.index("Warnings") < shown.index("demand-on-source") < shown.index("Notes") < shown.index("demand-negative")
    assert shown.endswith(f"{file}: 0 errors, 1 warning, 1 note\n")
    assert "--all" not in shown


def test_errors_are_exit_code_1_and_name_the_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(town(add={"PIPES": "P9 J1 J2 0 100 120"}))
    line = file.read_text().split("\n").index("P9 J1 J2 0 100 120") + 1
    assert run(["check", str(file)]) == 1
    assert f"    [PIPES] line {line}: pipe P9 has a length of 0\n" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, b"\0\0", b"no sections"])
def test_what_cannot_be_read_at_all_is_exit_code_2(
    content: bytes | None, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        file.write_bytes(content)
    assert run(["check", str(file), "--json"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert str(file) in shown.err


def test_many_remarks_of_a_kind_are_cut_short_unless_all_are_asked_for(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(town(add={"DEMANDS": "\n".join(["J1 -1"] * (SHOWN + 381))}))
    run(["check", str(file)])
    short = capsys.readouterr().out
    assert short.count("has a demand of -1") == SHOWN
    assert "and 381 more (--all shows them)" in short
    run(["check", str(file), "--all"])
    assert capsys.readouterr().out.count("has a demand of -1") == SHOWN + 381


def test_json_holds_every_remark_whole_and_counts_them(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(town(add={"PIPES": "P9 J1 J99 100 100 120", "DEMANDS": "J1 -1"}))
    assert run(["check", str(file), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["file"] == str(file)
    assert answer["summary"] == {"error": 2, "warning": 0, "note": 1}
    assert [remark["code"] for remark in answer["remarks"]] == ["link-to-nothing", "demand-negative", "refused-by-epanet"]
    first = answer["remarks"][0]
    assert set(first) == {"code", "severity", "ids", "section", "line", "what", "why", "advice"}
    assert (first["severity"], first["ids"], first["section"]) == ("error", ["P9", "J99"], "PIPES")


def test_a_file_cannot_steer_the_terminal(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(town(add={"PIPES": "P\x1b[31m J1 J99 100 100 120"}))
    run(["check", str(file)])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "P?[31m" in shown
