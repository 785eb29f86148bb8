"""`make example`, in small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from matplotlib.image import imread

SCRIPT = Path(__file__).parents[2] / "examples" / "l_town_day" / "run.py"


def test_the_demo_tells_what_it_does_and_draws_a_picture(tmp_path: Path) -> None:
    out = tmp_path / "new" / "l-town.png"
    asked = [sys.executable, SCRIPT, "--members", "2", "--hours", "0.5", "--out", out]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "2 members went well" in done.stdout
    assert "Simulated data" in done.stdout
    assert str(out) in done.stdout
    picture = imread(out)
    assert picture.shape[1] > picture.shape[0] > 500
    assert picture.std() > 0.05
    assert list(tmp_path.iterdir()) == [out.parent]
