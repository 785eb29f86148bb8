"""How the command line behaves whatever the command: help, exit codes, errors, Ctrl-C."""

from __future__ import annotations

from importlib.metadata import version

import pytest
import typer

from tweeling.cli import main
from tweeling.cli.main import COMMANDS, run
from tweeling.errors import InputError, NetworkFileError


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch):
    """Makes `tweeling act` do what a test wants."""

    def install(act) -> None:
        app = typer.Typer(pretty_exceptions_enable=False)
        app.callback()(main.take_options)
        app.command("act")(act)
        monkeypatch.setattr(main, "app", app)

    return install


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    listing = capsys.readouterr().out
    assert all(command.__name__ in listing for command in COMMANDS)


@pytest.mark.parametrize("name", [command.__name__ for command in COMMANDS])
def test_every_command_helps_with_an_example_and_speaks_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert f"Example: tweeling {name} " in page
    assert "--json" in page


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"tweeling {version('tweeling')}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["simulate"], ["--nonsense"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert "Usage: tweeling" in capsys.readouterr().err


def test_an_error_on_purpose_is_one_calm_line(command, capsys: pytest.CaptureFixture[str]) -> None:
    def act() -> None:
        raise InputError("there is no pipe 'p9'; near it: p90")

    command(act)
    assert run(["act"]) == 2
    shown = capsys.readouterr()
    assert shown.err == "error: there is no pipe 'p9'; near it: p90\n"
    assert shown.out == ""


def test_the_problems_of_a_file_follow_but_not_a_thousand(command, capsys: pytest.CaptureFixture[str]) -> None:
    def act() -> None:
        raise NetworkFileError("town.inp cannot be read", tuple(f"[PIPES] line {line}" for line in range(1000)))

    command(act)
    assert run(["act"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["error: town.inp cannot be read", "  [PIPES] line 0"]
    assert lines[-1] == f"  and {1000 - main.PROBLEMS_SHOWN} more"


def test_ctrl_c_is_exit_code_1_and_no_traceback(command, capsys: pytest.CaptureFixture[str]) -> None:
    def act() -> None:
        raise KeyboardInterrupt

    command(act)
    assert run(["act"]) == 1
    assert capsys.readouterr().err == "stopped: nothing was changed\n"


def test_a_command_chooses_its_own_exit_code(command) -> None:
    def act() -> None:
        raise typer.Exit(1)

    command(act)
    assert run(["act"]) == 1


def test_a_bug_is_left_to_raise(command) -> None:
    def act() -> None:
        raise ZeroDivisionError

    command(act)
    with pytest.raises(ZeroDivisionError):
        run(["act"])
