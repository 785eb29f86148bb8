"""`sensors.csv`: every row becomes a sensor in SI, or the file is refused with its line and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from healthy_town import town
from tweeling.errors import InputError
from tweeling.network.inp.read import read_network
from tweeling.network.network import Network
from tweeling.observation.sensors import LONGEST_ID, read_sensors

HEAD = "sensor,quantity,element,unit,std\n"
GOOD = "p1,pressure,J1,m,0.02\n"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    path = tmp_path_factory.mktemp("town") / "town.inp"
    path.write_text(town())
    return read_network(path)


def file_of(folder: Path, text: str | bytes) -> Path:
    path = folder / "sensors.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_sensors_are_in_the_files_order_and_in_si(tmp_path: Path, network: Network) -> None:
    rows = (
        "a,pressure,J2,kPa,9.80665\nb,pressure,J1,bar,0.0980665\nc,head,R1,m,0.5\nd,level,T1,m,0.01\n"
        "e,flow,U1,m3/h,3.6\nf,flow,P1,L/s,2\ng,demand,J3,L/h,36\nh,demand,J1,m3/s,0.5\n"
    )
    sensors = read_sensors(file_of(tmp_path, HEAD + rows), network)
    assert sensors.ids == tuple("abcdefgh")
    np.testing.assert_allclose(sensors.std, [1.0, 1.0, 0.5, 0.01, 1e-3, 2e-3, 1e-5, 0.5], rtol=1e-12)
    nodes, links = network.nodes.index, network.links.index
    wanted = [nodes["J2"], nodes["J1"], nodes["R1"], nodes["T1"], links["U1"], links["P1"], nodes["J3"], nodes["J1"]]
    assert sensors.element.tolist() == wanted
    assert sensors.of("flow").tolist() == [4, 5]
    assert sensors.index["g"] == 6


def test_columns_may_come_in_any_order_with_others_beside_them(tmp_path: Path, network: Network) -> None:
    text = "\ufeffstd,unit,remark,element,quantity,sensor\n 0.02 , m ,by the mill, J1 , pressure , p1 \n"
    (row,) = read_sensors(file_of(tmp_path, text), network).rows
    assert (row.id, row.quantity, row.element, row.unit, row.std) == ("p1", "pressure", "J1", "m", 0.02)


REFUSED = {
    "no id": (",pressure,J1,m,0.02", "an id of 1 to"),
    "an id without end": (f"{'p' * (LONGEST_ID + 1)},pressure,J1,m,0.02", "an id of 1 to"),
    "an unknown quantity": ("p2,warmth,J1,m,0.02", "'warmth' is not one of pressure"),
    "an unknown unit": ("p2,pressure,J1,psi,0.02", "'psi' is not one of"),
    "a unit of another quantity": ("p2,pressure,J1,m3/h,0.02", "pressure cannot be in m3/h"),
    "a level in a flow's unit": ("p2,level,T1,L/s,0.02", "level cannot be in L/s"),
    "no std": ("p2,pressure,J1,m,", "std '' is no number above 0"),
    "a std of 0": ("p2,pressure,J1,m,0", "std '0' is no number above 0"),
    "a negative std": ("p2,pressure,J1,m,-1", "std '-1' is no number above 0"),
    "a std that is no number": ("p2,pressure,J1,m,good", "std 'good' is no number above 0"),
    "an infinite std": ("p2,pressure,J1,m,inf", "std 'inf' is no number above 0"),
    "a std of nan": ("p2,pressure,J1,m,nan", "std 'nan' is no number above 0"),
    "a row that ends early": ("p2,pressure,J1", "unit '' is not one of"),
}


@pytest.mark.parametrize("row", REFUSED, ids=[name.replace(" ", "_") for name in REFUSED])
def test_a_row_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, network: Network, row: str) -> None:
    text, why = REFUSED[row]
    path = file_of(tmp_path, HEAD + GOOD + text + "\n")
    with pytest.raises(InputError) as refused:
        read_sensors(path, network)
    assert str(refused.value).startswith(f"{path}, line 3: ")
    assert why in str(refused.value)


MISPLACED = {
    "p2,pressure,J9,m,0.02": "'p2' is at 'J9', which is no node",
    "p2,pressure,P1,m,0.02": "'p2' is at 'P1', which is no node",
    "p2,flow,J1,m3/h,0.02": "'p2' is at 'J1', which is no link",
    "p2,flow,,m3/h,0.02": "'p2' is at '', which is no link",
    "p2,level,J1,m,0.02": "'p2' measures a level at 'J1', which is no tank",
    "p2,level,R1,m,0.02": "'p2' measures a level at 'R1', which is no tank",
    "p2,demand,T1,L/h,1": "'p2' measures a demand at 'T1', which is no junction",
    "p1,head,J1,m,0.02": "'p1' is there twice",
}


@pytest.mark.parametrize("row", MISPLACED)
def test_a_sensor_that_hangs_nowhere_is_refused_with_its_id(tmp_path: Path, network: Network, row: str) -> None:
    path = file_of(tmp_path, HEAD + GOOD + row + "\n")
    with pytest.raises(InputError) as refused:
        read_sensors(path, network)
    assert str(refused.value).startswith(f"{path}: ") or str(refused.value).startswith(f"{path}, line 3: ")
    assert MISPLACED[row] in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no column sensor, quantity, element, unit, std"),
        ("sensor,quantity,element,std\np1,pressure,J1,0.02\n", "no column unit"),
        (HEAD, "names no sensor"),
        (HEAD.encode() + b"\xff,pressure,J1,m,0.02\n", "cannot be read"),
        (HEAD + "p" * 200_000 + ",pressure,J1,m,0.02\n", "cannot be read"),
    ],
    ids=["empty", "no_unit", "no_rows", "no_text", "endless"],
)
def test_a_file_that_is_no_table_of_sensors_is_refused(tmp_path: Path, network: Network, text: str | bytes, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_sensors(file_of(tmp_path, text), network)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, network: Network) -> None:
    with pytest.raises(InputError, match=r"none\.csv cannot be read"):
        read_sensors(tmp_path / "none.csv", network)
