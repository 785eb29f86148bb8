"""What is read, written and read again is the same network, to us and to EPANET."""

from __future__ import annotations

import dataclasses
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from epanet import toolkit as en
from hypothesis import Phase, given, settings

import tweeling as tw
from alike import differences
from network.inp.random_network import networks
from networks import package_network
from tweeling.network.network import Network

HEAD_TOLERANCE = 1e-6
"""m, both files at ACCURACY 1e-7; the files differ by what 17 digits lose."""


def published() -> list[Path]:
    """All networks of two packages but those that EPANET refuses."""
    refused = ("Net1broken.inp", "bad_syntax.inp", "bad_values.inp")
    files = []
    for package in ("epyt", "wntr"):
        found = find_spec(package)
        assert found is not None
        assert found.origin is not None
        files += sorted(Path(found.origin).parent.rglob("*.inp"))
    return [file for file in files if file.name not in refused]


def written_and_read(network: Network) -> Network:
    """The network after a file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "network.inp")
        network.write(file)
        return tw.read_network(file)


@pytest.mark.parametrize("file", published(), ids=lambda file: file.stem)
def test_a_published_network_survives_writing_and_reading(file: Path) -> None:
    network = tw.read_network(file)
    assert list(differences(network, written_and_read(network))) == []


@settings(max_examples=60, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(network=networks())
def test_any_network_survives_writing_and_reading(network: Network) -> None:
    assert list(differences(network, written_and_read(network))) == []


@pytest.mark.parametrize("name", ["Net1", "Net3", "L-TOWN", "ky10", "Richmond_skeleton"])
def test_epanet_finds_the_same_heads_from_our_file(name: str, tmp_path: Path) -> None:
    original = package_network("epyt", name)
    tw.read_network(original).write(tmp_path / "ours.inp")
    times, heads = run_of(original, tmp_path)
    our_times, our_heads = run_of(tmp_path / "ours.inp", tmp_path)
    assert our_times == times
    np.testing.assert_allclose(our_heads, heads, rtol=0, atol=HEAD_TOLERANCE)


def run_of(file: Path, scratch: Path) -> tuple[list[int], list[list[float]]]:
    """EPANET's times and heads of at most six hours; file units."""
    project = en.createproject()
    en.open(project, str(file), str(scratch / "report.txt"), "")
    en.setoption(project, en.ACCURACY, 1e-7)
    en.settimeparam(project, en.DURATION, 6 * 3600)
    count = en.getcount(project, en.NODECOUNT)
    values = en.doubleArray(count)
    times, heads = [], []
    en.openH(project)
    en.initH(project, en.NOSAVE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a pump that runs beyond its curve is no news here
        while not times or en.nextH(project) > 0:
            times.append(en.runH(project))
            en.getnodevalues(project, en.HEAD, values)
            heads.append([values[i] for i in range(count)])
    en.deleteproject(project)
    return times, heads


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "town.inp"
    network = tw.read_network(package_network("epyt", "Net1"))
    network.write(file)
    before = file.read_bytes()
    broken = dataclasses.replace(network, options=dataclasses.replace(network.options, viscosity=np.inf))
    with pytest.raises(tw.TweelingError, match="inf is no number"):
        broken.write(file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
