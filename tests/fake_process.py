"""A process of a live twin with a small twin inside, `python fake_process.py doors|twin|serve TWIN.toml`; and its folder."""

from __future__ import annotations

import sys
from pathlib import Path

from fake_twin import fake_network, fake_sensors, fake_steps

NETWORK = """\
[JUNCTIONS]
J0 0 1
J1 0 2
J2 0 1
[RESERVOIRS]
R0 50
[PIPES]
L0 R0 J0 500 300 100
L1 J0 J1 500 300 100
L2 J1 J2 500 300 100
[OPTIONS]
Units LPS
[COORDINATES]
J0 1 0
J1 2 0
J2 3 0
R0 0 0
[END]
"""
CONFIG = """\
network = { file = "network.inp" }
sensors = { file = "sensors.csv", interval = "5min" }
time = { cycle = "10min", lateness = "10min", revise = "24h", give_up = "1s" }
"""


def make_folder(folder: Path, more: str = "") -> Path:
    """A folder with TWIN.toml and all that it names; gives its path."""
    (folder / "network.inp").write_text(NETWORK)
    rows = [f"{row.id},{row.quantity},{row.element},{row.unit},{row.std}" for row in fake_sensors(fake_network()).rows]
    (folder / "sensors.csv").write_text("\n".join(["sensor,quantity,element,unit,std", *rows]))
    (folder / "TWIN.toml").write_text(CONFIG + more)
    return folder / "TWIN.toml"


def main(part: str, arguments: list[str]) -> int:
    """Runs one part."""
    if part == "serve":
        from tweeling.cli.supervise import Supervisor, note_line, say_line

        start = [sys.executable, __file__]
        commands = {
            "doors": [*start, "doors", *arguments, "--with-parent"],
            "twin": [*start, "twin", arguments[0], "--with-parent"],
        }
        return Supervisor(commands, say_line, note_line).run()
    if part == "twin":
        from tweeling.live.__main__ import main as run_twin

        return run_twin(arguments, fake_steps)
    from tweeling.service.__main__ import main as run_doors

    return run_doors(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
