"""What is missing, stale or contradictory in a network file? Works on files that EPANET refuses.

From text to remarks: `read_model` (rows with their line numbers) -> `CHECKS` (each gives places) -> `Remark`s.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tweeling.network.checks.catalogue import CHECKS
from tweeling.network.checks.model import RawModel, parse_model, read_model
from tweeling.network.checks.remark import Check, Remark, Severity, remarks_of

__all__ = ["CHECKS", "Check", "RawModel", "Remark", "Severity", "check_file", "check_model", "parse_model", "read_model"]


def check_file(path: str | Path) -> list[Remark]:
    """All remarks about an INP file, in the order of `CHECKS` and then of the file.

    Raises:
        NetworkFileError: the file cannot be read at all.
    """
    return check_model(read_model(path))


def check_model(model: RawModel, checks: Sequence[Check] = CHECKS) -> list[Remark]:
    """All remarks about a model, by all checks or some."""
    import numpy as np

    with np.errstate(all="ignore"):  # absurd numbers overflow; what comes out compares as false
        return [remark for check in checks for remark in remarks_of(check, model)]
