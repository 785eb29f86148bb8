"""The process of a demo's hidden town: `python -m tweeling.plant FOLDER --send URL --service URL --speed 60`.

Started by `tweeling demo`, which starts it again when it dies.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import structlog

from tweeling.errors import TweelingError
from tweeling.live.process import WITH_PARENT, log_as_lines, stop_when_told
from tweeling.plant.feed import run


def main(arguments: list[str]) -> int:
    """Runs the town; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tweeling.plant", description="The process of a demo's hidden town.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--send", required=True)
    parser.add_argument("--service", required=True)
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument(WITH_PARENT, action="store_true")
    asked = parser.parse_args(arguments)
    log_as_lines()
    stop = stop_when_told(asked.with_parent)
    try:
        run(asked.folder, asked.send, asked.service, asked.speed, stop, structlog.get_logger().info)
    except TweelingError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
