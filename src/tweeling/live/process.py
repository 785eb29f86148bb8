"""What the processes of a live twin have in common, and the twin's own.

Two processes serve a twin: the doors (the only writer of readings) and the twin (the only writer of cycles and findings). Each
holds a lock beside the store as long as it lives, so that two never write the same part and each can see whether the other is
alive, without a clock: the system lets go of a lock the moment its holder dies.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from tweeling.errors import InputError
from tweeling.live.config import TwinConfig

if TYPE_CHECKING:  # the doors use this file too, and start sooner without the physics
    from tweeling.live.run import Loop, State

POLL_SECONDS = 0.1
"""How long the twin rests when there is nothing to do."""
TROUBLE_SECONDS = 2.0
WITH_PARENT = "--with-parent"
"""Argument of a process that is to end when its standard input ends, which is when its parent dies."""

log = structlog.get_logger()


def lock_path(config: TwinConfig, part: str) -> Path:
    """The file that the process of a part (`doors` or `twin`) locks."""
    _, _, place = config.store.url.partition(":///")
    store = config.path(place or "twin.db")
    return store.with_name(f"{store.name}.{part}.lock")


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Holds a lock as long as the block runs.

    Raises:
        InputError: another process holds it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"another process serves this twin already (it holds {path}); stop it first") from error
        yield
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether a living process holds a lock."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def stop_when_told(with_parent: bool) -> threading.Event:
    """An event that SIGTERM and Ctrl-C set, and with a parent its death (which closes its end of standard input)."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    if with_parent:
        threading.Thread(target=_wait_for_end, args=(stop,), name="parent", daemon=True).start()
    return stop


def _wait_for_end(stop: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()


def log_as_lines() -> None:
    """Logs go to standard error, one line each."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def live(loop: Loop[State], stop: threading.Event) -> None:
    """Runs a twin until it is told to stop; a cycle that has begun is ended and saved.

    Args:
        loop: over open logs.
        stop: set from outside.
    """
    position = loop.resume()
    last = position.last
    log.info("twin started", cycles=last.cycle + 1 if last else 0, state="rebuilt" if position.remark else "as it was")
    while not stop.is_set():
        after = loop.turn(position)
        if after is position:
            stop.wait(POLL_SECONDS)
        position = after
    log.info("twin stopped", cycles=position.last.cycle + 1 if position.last else 0)
