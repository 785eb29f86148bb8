"""What the checks say of published networks: nothing that is not so."""

from __future__ import annotations

import pytest

from networks import package_network
from tweeling.network.checks import CHECKS, Remark, Severity, check_model, read_model

OWN = CHECKS[:-1]
"""All checks but EPANET's verdict."""
HEALTHY = (
    *"Net1 Net2 Net3 L-TOWN BWSN_Network_1 BWSN_Network_2 Anytown Balerma Hanoi".split(),
    *"ZJ KL exnet-3 MICROPOLIS_v1 RuralNetwork".split(),
    *(f"ky{i}" for i in range(1, 16)),
)


def remarks(name: str, code: str = "") -> list[Remark]:
    found = check_model(read_model(package_network("epyt", name)), OWN)
    return [remark for remark in found if code in ("", remark.code)]


@pytest.mark.parametrize("name", HEALTHY)
def test_a_published_network_has_no_errors(name: str) -> None:
    assert [remark for remark in remarks(name) if remark.severity == Severity.ERROR] == []


@pytest.mark.parametrize("name", ["Net1", "Net2", "Balerma", "Hanoi"])
def test_a_textbook_network_gives_no_warning(name: str) -> None:
    assert [remark for remark in remarks(name) if remark.severity != Severity.NOTE] == []


@pytest.mark.parametrize(
    ("name", "code", "element"),
    [
        ("ky10", "elevation-zero-among-others", "J-16"),
        ("ky13", "pump-speed-too-high", "~@Pump-2"),
        ("ky12", "control-level-outside-tank", "~@Pump-6"),
        ("ky9", "elevation-zero-among-others", "J-74"),
        ("Net1broken", "node-twice", "2"),
        ("foss_poly_1", "default-pattern-absent", "time"),
        ("BWSN_Network_1", "elevation-zero-among-others", "JUNCTION-128"),
    ],
)
def test_a_slip_in_a_published_network_is_found(name: str, code: str, element: str) -> None:
    assert element in {remark.ids[0] for remark in remarks(name, code)}
