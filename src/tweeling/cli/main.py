"""The command `tweeling`: its commands, and how each of them ends.

A new command is one file with one function, and one line in `COMMANDS`. These files are imported at every start, so they import
what is heavy (numpy and all that stands on it) inside their function.

Exit codes: 0 done; 1 something is wrong with what was looked at, or the user stopped it; 2 wrong usage or unusable input.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tweeling.cli.check import check
from tweeling.cli.demo import demo
from tweeling.cli.init import init
from tweeling.cli.plant import plant
from tweeling.cli.replay import replay
from tweeling.cli.serve import serve
from tweeling.cli.simulate import simulate
from tweeling.errors import NetworkFileError, TweelingError

COMMANDS = (demo, check, simulate, init, serve, replay, plant)

STOPPED_BY_USER = 130
"""What typer makes of Ctrl-C."""
PROBLEMS_SHOWN = 20

app = typer.Typer(
    help="A probabilistic digital twin for drinking-water networks.",
    epilog="Help with one command, and an example: tweeling COMMAND --help",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(command)


def print_version(wanted: bool) -> None:
    """Answers `--version` and ends."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tweeling {version('tweeling')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=print_version, is_eager=True, help="Say which version this is.")]


@app.callback()
def take_options(version: Version = False) -> None:
    """Takes the options that stand before a command."""


def main() -> None:
    """Runs one command and ends the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs one command.

    Args:
        arguments: what follows `tweeling` on the command line.

    Returns:
        The exit code: 0, 1 or 2.
    """
    try:
        app(arguments, prog_name="tweeling")
    except TweelingError as error:
        return refuse(error)
    except SystemExit as end:
        if end.code == STOPPED_BY_USER:
            typer.echo("stopped: nothing was changed", err=True)
            return 1
        return end.code if isinstance(end.code, int) else 0
    return 0


def refuse(error: TweelingError) -> int:
    """Says in a line what cannot be used, and below it the problems that a file's reader found."""
    typer.echo(f"error: {error}", err=True)
    problems = error.problems if isinstance(error, NetworkFileError) else ()
    for problem in problems[:PROBLEMS_SHOWN]:
        typer.echo(f"  {problem}", err=True)
    if len(problems) > PROBLEMS_SHOWN:
        typer.echo(f"  and {len(problems) - PROBLEMS_SHOWN} more", err=True)
    return 2
