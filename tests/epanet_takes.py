"""Whether EPANET takes a file: for files of which this is known to end well, since it runs in the process of the tests."""

from __future__ import annotations

from pathlib import Path

from epanet import toolkit as en


def epanet_takes(text: str, folder: Path) -> bool:
    """Whether EPANET opens a file and starts its hydraulics."""
    path = folder / "town.inp"
    path.write_text(text, encoding="utf-8")
    project = en.createproject()
    try:
        en.open(project, str(path), str(folder / "town.rpt"), str(folder / "town.bin"))
        en.openH(project)
        en.initH(project, en.NOSAVE)
    except Exception:
        return False
    finally:
        en.deleteproject(project)
    return True
