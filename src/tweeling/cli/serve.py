"""`tweeling serve`: the live twin as a service."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from tweeling.cli.output import one_algebra_thread
from tweeling.cli.supervise import Supervisor, note_json, note_line, say_json, say_line


def serve(
    config: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="TWIN.toml; tweeling init makes one.")],
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Instead of service.port; 0 takes a free one.")] = None,
    host: Annotated[str | None, typer.Option(help="Instead of service.host; other than 127.0.0.1 needs a token.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say each line as JSON: its source and its text.")] = False,
) -> None:
    """Serve a twin: take readings over HTTP and MQTT, run its cycles, answer with estimates and findings.

    Starts two processes, the doors and the twin. Either is started again when it dies; an acknowledged reading is on disk. The
    first line on standard output is the address. Ctrl-C stops both.

    Example: tweeling serve TWIN.toml
    """
    one_algebra_thread()
    from tweeling.live.config import read_config

    asked = read_config(config).service
    address, number = host or asked.host, asked.port if port is None else port
    where = [str(config), "--host", address, "--port", str(number or free_port(address)), "--with-parent"]
    python = [sys.executable, "-m"]
    commands = {
        "doors": [*python, "tweeling.service", *where],
        "twin": [*python, "tweeling.live", str(config), "--with-parent"],
    }
    say = (say_json("doors"), note_json("serve")) if as_json else (say_line, note_line)
    code = Supervisor(commands, *say).run()
    if code:
        raise typer.Exit(code)


def free_port(host: str) -> int:
    """A port that nobody listens at; the same one serves again when the doors are started again."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
