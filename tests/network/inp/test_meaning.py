"""What the words of an INP file mean for EPANET, and so for us; each learnt from EPANET by experiment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tweeling as tw
from tweeling.network.network import Control, LinkKind, LinkStatus, Network
from tweeling.units import FileUnits

NAN = float("nan")
OPEN, CLOSED, ACTIVE = LinkStatus.OPEN, LinkStatus.CLOSED, LinkStatus.ACTIVE


def town(folder: Path, link: str = "", more: str = "", options: str = "UNITS LPS", junction: str = "5") -> Network:
    """The network of a small file with one link between B and C in question; `link` begins with its section."""
    file = folder / "town.inp"
    file.write_text(
        f"[JUNCTIONS]\nA 10 {junction}\nB 10\nC 10\n[RESERVOIRS]\nR 100\n[TANKS]\nT 50 1.1 0 5 10 0\n"
        f"[PIPES]\n1 R A 100 100 100\n2 A B 100 100 100\n3 C T 100 100 100 0.5 CV\n{link}\n{more}\n"
        "[PATTERNS]\n1 1 2\nday 1 3\n[CURVES]\nloss 0 0\nloss 9 9\nhead 10 20\n"
        f"[TIMES]\nDURATION 9\n[OPTIONS]\n{options}\n[END]\n"
    )
    return tw.read_network(file)


@pytest.mark.parametrize(
    ("link", "in_status", "status", "setting"),
    [
        ("[VALVES]\nX B C 100 PRV 30 0", "", ACTIVE, 30.0),
        ("[VALVES]\nX B C 100 PRV 30 0", "12", ACTIVE, 12.0),
        ("[VALVES]\nX B C 100 PRV 30 0", "OPEN", OPEN, NAN),
        ("[VALVES]\nX B C 100 PRV 30 0", "CLOSED", CLOSED, NAN),
        ("[VALVES]\nX B C 100 PSV 30 0", "", ACTIVE, 30.0),
        ("[VALVES]\nX B C 100 FCV 30 0", "", ACTIVE, 0.03),
        ("[VALVES]\nX B C 100 FCV 30 0", "OPEN", OPEN, NAN),
        ("[VALVES]\nX B C 100 PBV 30 0", "", OPEN, 30.0),
        ("[VALVES]\nX B C 100 TCV 30 0", "", OPEN, 30.0),
        ("[VALVES]\nX B C 100 TCV 30 0", "OPEN", OPEN, NAN),
        ("[VALVES]\nX B C 100 PCV 30 0.3 loss", "", OPEN, 30.0),
        ("[VALVES]\nX B C 100 GPV loss 0", "", OPEN, NAN),
        ("[VALVES]\nX B C 100 GPV loss 0", "CLOSED", CLOSED, NAN),
        ("[PUMPS]\nX B C HEAD head", "", OPEN, 1.0),
        ("[PUMPS]\nX B C HEAD head SPEED 1.2", "", OPEN, 1.2),
        ("[PUMPS]\nX B C HEAD head SPEED 1.2 PATTERN day", "CLOSED", CLOSED, 0.0),
        ("[PUMPS]\nX B C HEAD head SPEED 0", "", OPEN, 0.0),
        ("[PIPES]\nX B C 100 100 100 CLOSED", "", CLOSED, NAN),
    ],
)
def test_status_and_setting(link: str, in_status: str, status: LinkStatus, setting: float, tmp_path: Path) -> None:
    network = town(tmp_path, link, f"[STATUS]\nX {in_status}" if in_status else "")
    index = network.link("X")
    assert network.links.status[index] == status
    np.testing.assert_equal(network.links.setting[index], setting)


def test_curves_of_links_and_the_power_of_a_pump(tmp_path: Path) -> None:
    links = "[VALVES]\nX B C 100 GPV loss 0\n[PUMPS]\nY B C POWER 10\nZ B C HEAD head"
    network = town(tmp_path, links)
    curve = dict(zip(network.links.ids, network.links.curve, strict=True))
    assert [network.curves.ids[curve[name]] for name in "XZ"] == ["loss", "head"]
    assert curve["Y"] == -1
    np.testing.assert_array_equal(network.pumps.power, (10_000.0, 0.0))
    assert list(network.links.kind) == [LinkKind.PIPE, LinkKind.PIPE, 0, LinkKind.GPV, LinkKind.PUMP, LinkKind.PUMP]


def test_a_demand_section_replaces_the_demand_of_the_junction(tmp_path: Path) -> None:
    network = town(tmp_path, more="[DEMANDS]\nA 3 day ;homes\nA 4\nB 1 ;shop", junction="5 day")
    demands = network.demands
    assert demands.junction.tolist() == [0, 0, 1, 2]
    assert demands.base.tolist() == [0.003, 0.004, 0.001, 0.0]
    assert demands.pattern.tolist() == [1, -1, -1, -1]
    assert demands.name == {0: "homes", 2: "shop"}


@pytest.mark.parametrize(("option", "pattern"), [("", 0), ("PATTERN day", 1), ("PATTERN none", -1)])
def test_the_default_pattern_is_1_unless_said_otherwise(option: str, pattern: int, tmp_path: Path) -> None:
    assert town(tmp_path, options=f"UNITS LPS\n{option}").options.pattern == pattern


@pytest.mark.parametrize("flow", ["GPM", "LPS", "CMH", "MGD"])
@pytest.mark.parametrize("pressure", ["PSI", "KPA", "METERS", "BAR", "FEET"])
def test_numbers_of_the_file_times_the_exact_factor(flow: str, pressure: str, tmp_path: Path) -> None:
    units = FileUnits(flow, pressure)
    network = town(
        tmp_path,
        "[VALVES]\nX B C 100 PRV 30 0",
        "[EMITTERS]\nA 0.7",
        f"UNITS {flow}\nPRESSURE {pressure}\nEMITTER EXPONENT 0.8\nREQUIRED PRESSURE 20\nHEADLOSS D-W",
    )
    assert network.units == units
    assert network.nodes.elevation.tolist() == [value * units.length_si for value in (10, 10, 10, 100, 50)]
    assert network.tanks.initial_level[0] == 1.1 * units.length_si
    assert network.demands.base[0] == 5 * units.flow_si
    assert network.links.diameter[0] == 100 * units.diameter_si
    assert network.links.roughness[0] == 100 * units.roughness_si
    assert network.links.setting[-1] == 30 * units.pressure_si
    assert network.options.required_pressure == 20 * units.pressure_si
    assert network.nodes.emitter[0] == pytest.approx(0.7 * units.flow_si / units.pressure_si**0.8, rel=1e-14)


def test_controls_take_levels_pressures_and_times(tmp_path: Path) -> None:
    controls = """[CONTROLS]
LINK Y OPEN IF NODE T BELOW 1.1
LINK Y 1.5 IF NODE A ABOVE 30 DISABLED
LINK 2 CLOSED AT TIME 3:30
LINK X 20 AT CLOCKTIME 3 PM
LINK X CLOSED AT TIME 143:38:47
LINK Z OPEN AT TIME 5"""
    links = "[VALVES]\nX B C 100 PRV 30 0\n[PUMPS]\nY B C HEAD head\n[VALVES]\nZ B A 100 GPV loss 0"
    network = town(tmp_path, links, controls, "UNITS LPS\nPRESSURE KPA")
    kpa = network.units.pressure_si
    assert network.controls == (
        Control(4, OPEN, 1.0, "below", 4, 1.1),
        Control(4, OPEN, 1.5, "above", 0, 30 * kpa, enabled=False),
        Control(1, CLOSED, None, "time", -1, 12_600.0),
        Control(3, ACTIVE, 20 * kpa, "clock", -1, 54_000.0),
        Control(3, CLOSED, None, "time", -1, network.controls[4].value),
        Control(5, OPEN, None, "time", -1, 18_000.0),
    )


def test_rules_take_every_variable(tmp_path: Path) -> None:
    rule = """[RULES]
RULE one
IF TANK T LEVEL < 1.5
AND SYSTEM CLOCKTIME >= 8 AM
OR SYSTEM TIME > 5:30
AND JUNCTION C PRESSURE BELOW 12
AND NODE C DEMAND <= 12
AND NODE C HEAD <= 12
AND LINK 2 FLOW >= 4
AND LINK 2 STATUS IS OPEN
AND VALVE X SETTING > 20
AND VALVE X STATUS NOT ACTIVE
AND TANK T FILLTIME < 2
AND TANK T DRAINTIME < 3.5
AND SYSTEM DEMAND > 10
THEN PIPE 2 STATUS = CLOSED
AND VALVE X SETTING = 44
ELSE PUMP Y SETTING = 1.3
PRIORITY 3.5
DISABLED"""
    links = "[VALVES]\nX B C 100 PRV 30 0\n[PUMPS]\nY B C HEAD head"
    (found,) = town(tmp_path, links, rule).rules
    said = [(p.logic, p.subject, p.index, p.variable, p.relation, p.status) for p in found.premises]
    assert said == [
        ("if", "node", 4, "level", "<", None),
        ("and", "system", -1, "clocktime", ">=", None),
        ("or", "system", -1, "time", ">", None),
        ("and", "node", 2, "pressure", "<", None),
        ("and", "node", 2, "demand", "<=", None),
        ("and", "node", 2, "head", "<=", None),
        ("and", "link", 1, "flow", ">=", None),
        ("and", "link", 1, "status", "=", OPEN),
        ("and", "link", 3, "setting", ">", None),
        ("and", "link", 3, "status", "<>", ACTIVE),
        ("and", "node", 4, "filltime", "<", None),
        ("and", "node", 4, "draintime", "<", None),
        ("and", "system", -1, "demand", ">", None),
    ]
    values = [premise.value for premise in found.premises]
    expected = [1.5, 28_800, 19_800, 12, 0.012, 12, 0.004, NAN, 20, NAN, 7200, 12_600, 0.01]
    np.testing.assert_allclose(values, expected, rtol=1e-15)
    assert [(a.link, a.status, a.setting) for a in found.then] == [(1, CLOSED, None), (3, None, 44.0)]
    assert [(a.link, a.status, a.setting) for a in found.otherwise] == [(4, None, 1.3)]
    assert (found.priority, found.enabled) == (3.5, False)


def test_water_quality_and_texts_are_kept(tmp_path: Path) -> None:
    more = """[QUALITY]
A 0.5
[SOURCES]
B FLOWPACED 2 day
[REACTIONS]
GLOBAL BULK -0.5
BULK 1 2 -1.5
TANK T -3
[MIXING]
T 2COMP 0.4
[TAGS]
NODE A old mill
LINK 1 iron
[VERTICES]
1 3 4
[COORDINATES]
A 1 2
[LABELS]
1 2 "mill"
[LEAKAGE]
1 2 0.1"""
    network = town(tmp_path, more=more, options="UNITS LPS\nQUALITY Chlorine mg/L\nRQTOL 1e-6")
    assert (network.options.chemical_name, network.options.chemical_unit) == ("Chlorine", "mg/L")
    assert network.nodes.initial_quality.tolist() == [0.5, 0, 0, 0, 0]
    assert [(s.node, s.kind, s.strength, s.pattern) for s in network.sources] == [(1, "FLOWPACED", 2.0, 1)]
    np.testing.assert_array_equal(network.links.bulk_coefficient, (-1.5, -1.5, NAN))
    assert (network.tanks.mixing_model[0], network.tanks.mixing_fraction[0], network.tanks.bulk_coefficient[0]) == (1, 0.4, -3)
    assert (network.nodes.tag, network.links.tag) == ({0: "old mill"}, {0: "iron"})
    assert network.links.vertices[0].tolist() == [[3, 4]]
    assert (network.links.leak_area[0], network.links.leak_expansion[0]) == (2.0, 0.1)
    assert network.kept == {
        "LABELS": ('1 2 "mill"',),
        "REACTIONS": ("GLOBAL BULK -0.5",),
        "OPTIONS": ("RQTOL 1e-6",),
    }
