"""The process of the twin: `python -m tweeling.live TWIN.toml`.

Started by `tweeling serve`, which starts it again when it dies.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tweeling.errors import TweelingError
from tweeling.live.config import TwinConfig, read_config
from tweeling.live.process import WITH_PARENT, hold_lock, live, lock_path, log_as_lines, stop_when_told
from tweeling.live.run import Loop, Steps
from tweeling.live.steps import make_steps
from tweeling.live.store.open import Part, open_store

NICENESS = 5
"""The doors go first where both want a core: an acknowledgement is waited for, a cycle is not."""
PART: tuple[Part, ...] = ("twin",)


def main(arguments: list[str], steps_of: Callable[[TwinConfig], Steps[Any]] | None = None) -> int:
    """Runs the twin; gives the exit code.

    Args:
        arguments: of the command line.
        steps_of: makes the twin; by default the one of `live/advance.py`.
    """
    parser = argparse.ArgumentParser(prog="python -m tweeling.live", description="The process of a live twin.")
    parser.add_argument("config", type=Path)
    parser.add_argument(WITH_PARENT, action="store_true")
    asked = parser.parse_args(arguments)
    log_as_lines()
    os.nice(NICENESS)
    stop = stop_when_told(asked.with_parent)
    try:
        config = read_config(asked.config)
        with hold_lock(lock_path(config, "twin")):
            steps = (steps_of or make_steps)(config)
            store = open_store(config.store.url, config.folder, write=PART)
            try:
                live(Loop(steps, store.readings, store.twin), stop)
            finally:
                store.close()
    except TweelingError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
