"""What is said of a demo: once, in few words, the same for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tweeling.cli.demo_told import Finding, Lines, Run, View, rows
from tweeling.plant.demo import Story

STORY = Story("L-Town", "incidents", "a leak", 3, 100, ())
RUN = Run(Path("/data/demo"), Path("/data/demo/TWIN.toml"), STORY, 60.0, "", 8080, False, False)
START = View("http://127.0.0.1:8080")
LIVE = View(START.address, 168, 168, True, "2026-01-12T05:55:00Z", 240, 0.041, 250_000, 0)
LEAK = Finding("f-0001", "leak", 0.714, "p232", False)


def said(capsys: pytest.CaptureFixture[str], run: Run, *views: View) -> list[str]:
    lines = Lines(run)
    for view in views:
        lines.show(view)
    return capsys.readouterr().out.splitlines()


def with_(view: View, **changes: object) -> View:
    return View(**{**view.__dict__, **changes})  # type: ignore[arg-type]


def test_the_address_comes_first_then_what_the_demo_is_of_and_where_it_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = said(capsys, RUN, View(), START, START)
    assert first == "L-Town, simulated data: http://127.0.0.1:8080"
    assert second == "scenario incidents, seed 3: a leak"
    assert "/data/demo" in third


def test_a_healthy_week_is_told_in_quarters(capsys: pytest.CaptureFixture[str]) -> None:
    views = [with_(START, done=float(done), of=168.0) for done in range(168)]
    lines = said(capsys, RUN, START, *views, LIVE)[3:]
    assert len(lines) == 5
    assert "learns" in lines[0]
    assert lines[1:] == [
        "healthy week: 42 of 168 hours",
        "healthy week: 84 of 168 hours",
        "healthy week: 126 of 168 hours",
        "Mon 12 Jan 05:55  the town is live, 60 times faster than life",
    ]


def test_a_finding_is_told_when_it_comes_when_it_is_called_something_else_and_when_it_is_closed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    surer, other = Finding("f-0001", "leak", 0.95, "p7", False), Finding("f-0001", "valve", 0.9, "p7", False)
    closed = Finding("f-0001", "valve", 0.9, "p7", True)
    views = [with_(LIVE, findings=(one,)) for one in (LEAK, LEAK, surer, other, closed)]
    assert said(capsys, RUN, LIVE, *views)[4:] == [
        "Mon 12 Jan 05:55  f-0001 leak 71%, first candidate p232",
        "Mon 12 Jan 05:55  f-0001 valve 90%, first candidate p7",
        "Mon 12 Jan 05:55  f-0001 valve: closed",
    ]


def test_what_was_over_before_a_demo_went_on_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    over = Finding("f-0001", "leak", 0.9, "p7", True)
    assert len(said(capsys, RUN, START, with_(LIVE, findings=(over,)))) == 4


def test_a_sign_of_life_comes_every_six_hours_of_the_town(capsys: pytest.CaptureFixture[str]) -> None:
    at_six = with_(LIVE, end="2026-01-12T06:00:00Z", findings=(LEAK,))
    later = with_(at_six, end="2026-01-12T11:55:00Z")
    assert said(capsys, RUN, with_(LIVE, findings=(LEAK,)), at_six, later)[5:] == [
        "Mon 12 Jan 06:00  cycle 240 took 0.04 s, 250,000 readings, 0 sensors stale, 1 warning open"
    ]


def test_a_program_is_told_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(**{**RUN.__dict__, "as_json": True})
    lines = Lines(run)
    lines.note("twin started, process 7")
    lines.show(START)
    lines.show(with_(LIVE, findings=(LEAK,)))
    lines.end(True)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in told] == ["process", "address", "live", "finding", "stopped"]
    assert told[1] == {
        **{"event": "address", "url": START.address, "scenario": "incidents", "seed": 3, "speed": 60.0},
        "folder": "/data/demo",
    }
    assert (told[3]["kind"], told[3]["first"], told[3]["probability"]) == ("leak", "p232", 0.714)


def test_people_hear_of_processes_only_when_one_dies(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(RUN)
    for text in ("twin started, process 7", "stopping: what was acknowledged is on disk", "twin was killed by signal 9"):
        lines.note(text)
    assert capsys.readouterr().out == "twin was killed by signal 9\n"


def test_a_table_says_what_there_is_to_know() -> None:
    assert rows(with_(START, done=40.0, of=168.0, readings=9), RUN)[1:] == [
        ("healthy week", "40 of 168 hours"),
        ("readings", "9 acknowledged"),
    ]
    shown = rows(with_(LIVE, stale=2, findings=(LEAK, Finding("f-0002", "valve", 0.5, "", False))), RUN)
    assert shown[1:] == [
        ("town's time", "Mon 12 Jan 05:55 UTC"),
        ("cycle", "240, took 0.04 s"),
        ("readings", "250,000 acknowledged"),
        ("sensors", "2 stale"),
        ("warnings", "f-0001 leak 71%, first candidate p232"),
        ("", "f-0002 valve 50%"),
    ]
    assert rows(LIVE, RUN)[-1] == ("warnings", "none")
