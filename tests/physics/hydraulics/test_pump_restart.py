"""Pumps that stand still and start again in the course of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from physics.hydraulics.periods import town, walk
from tweeling.physics.hydraulics.contract import Outcome

HEAD_CURVES = {"flat_at_no_flow": "H 0 55\nH 20 50\nH 40 35", "steep_at_no_flow": "H 0 55\nH 20 44\nH 40 36"}
"""Exponents of 2 and of 0.8: no slope, and no end of slope, at no flow."""


@pytest.mark.parametrize("curve", HEAD_CURVES)
def test_a_pump_that_stood_still_starts_again(curve: str, tmp_path: Path) -> None:
    curves = HEAD_CURVES[curve] + "\nE 10 55\nE 25 75\nE 40 70"
    controls = "LINK PU CLOSED AT TIME 1\nLINK PU OPEN AT TIME 2"
    day = walk(town(tmp_path, CURVES=curves, CONTROLS=controls), 3)
    flow = day.of(0, "link")[:, day.network.link("PU")]
    time = day.of(0, "time")
    assert (day.of(0, "outcome") == Outcome.OK).all()
    assert (flow[(time >= 3600) & (time < 7200)] == 0).all()
    assert (flow[time >= 7200] > 0.01).all()
    assert np.isfinite(day.of(0, "head")).all()
