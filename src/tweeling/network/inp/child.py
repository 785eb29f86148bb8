"""EPANET's reading of one INP file, in a process of its own: `python child.py INP OUT SOURCES MEMORY CPU_SECONDS FILE_SIZE`.

A stranger's file may crash, hang or fill the toolkit; then only this process ends. It imports nothing of Tweeling, so that it
starts fast, and it is run by its path. SOURCES is the word `sources` where the file has such a section. What it found goes to
OUT as a JSON header with an array section behind it:

    8 bytes     length of the header, little-endian
    header      JSON in the bytes of the file's own encoding (ids and comments are not decoded here)
    arrays      float64, one after another, with names and lengths as `arrays` in the header says

Numbers are those of the toolkit's getters, in the units of the file. A file that EPANET refuses gives `error` and `report`.
"""

from __future__ import annotations

import ctypes
import json
import sys
from array import array
from pathlib import Path
from typing import Any

Header = dict[str, Any]
Arrays = dict[str, bytes]


def limit(memory: int, cpu_seconds: int, file_size: int) -> None:
    """Bounds this process; memory only on Linux, nothing on Windows (the parent's clock bounds it there)."""
    try:
        import resource
    except ImportError:
        return
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # At the first bound comes a signal that says why, at the second one that says nothing.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def read_nodes(en: Any, project: Any) -> tuple[Header, Arrays]:
    """Nodes, demand categories and tanks."""
    count = en.getcount(project, en.NODECOUNT)
    indices = range(1, count + 1)
    bulk = {
        "elevation": en.ELEVATION,
        "emitter": en.EMITTER,
        "initial_quality": en.INITQUAL,
        "node_pattern": en.PATTERN,
        "tank_level": en.TANKLEVEL,
        "tank_min_level": en.MINLEVEL,
        "tank_max_level": en.MAXLEVEL,
        "tank_diameter": en.TANKDIAM,
        "tank_min_volume": en.MINVOLUME,
        "tank_curve": en.VOLCURVE,
        "tank_overflow": en.CANOVERFLOW,
        "tank_mixing": en.MIXMODEL,
        "tank_mixing_fraction": en.MIXFRACTION,
        "tank_bulk": en.TANK_KBULK,
    }
    arrays = {name: _bulk(en, en.getnodevalues, project, code, count) for name, code in bulk.items()}
    kinds = [en.getnodetype(project, i) for i in indices]
    arrays["node_kind"] = array("d", kinds).tobytes()
    junction, base, pattern = array("d"), array("d"), array("d")
    for i in range(1, kinds.count(en.JUNCTION) + 1):
        for category in range(1, en.getnumdemands(project, i) + 1):
            junction.append(i)
            base.append(en.getbasedemand(project, i, category))
            pattern.append(en.getdemandpattern(project, i, category))
    arrays |= {"demand_junction": junction.tobytes(), "demand_base": base.tobytes(), "demand_pattern": pattern.tobytes()}
    return {"node_ids": [en.getnodeid(project, i) for i in indices]}, arrays


def read_links(en: Any, project: Any) -> tuple[Header, Arrays]:
    """Links and what only pumps have."""
    count = en.getcount(project, en.LINKCOUNT)
    indices = range(1, count + 1)
    bulk = {
        "length": en.LENGTH,
        "diameter": en.DIAMETER,
        "roughness": en.ROUGHNESS,
        "minor_loss": en.MINORLOSS,
        "status": en.INITSTATUS,
        "setting": en.INITSETTING,
        "bulk": en.KBULK,
        "wall": en.KWALL,
        "leak_area": en.LEAK_AREA,
        "leak_expansion": en.LEAK_EXPAN,
    }
    arrays = {name: _bulk(en, en.getlinkvalues, project, code, count) for name, code in bulk.items()}
    kinds = [en.getlinktype(project, i) for i in indices]
    ends = [en.getlinknodes(project, i) for i in indices]
    curve_code = {en.PUMP: en.PUMP_HCURVE, en.GPV: en.GPV_CURVE, en.PCV: en.PCV_CURVE}
    curves = [en.getlinkvalue(project, i, curve_code[kind]) if kind in curve_code else 0 for i, kind in enumerate(kinds, 1)]
    pumps = [i for i, kind in enumerate(kinds, 1) if kind == en.PUMP]
    pump_codes = {
        "pump_power": en.PUMP_POWER,
        "pump_speed_pattern": en.LINKPATTERN,
        "pump_efficiency_curve": en.PUMP_ECURVE,
        "pump_price": en.PUMP_ECOST,
        "pump_price_pattern": en.PUMP_EPAT,
    }
    arrays["link_kind"] = array("d", kinds).tobytes()
    arrays["start"] = array("d", [start for start, _ in ends]).tobytes()
    arrays["end"] = array("d", [end for _, end in ends]).tobytes()
    arrays["curve"] = array("d", curves).tobytes()
    arrays["pump_link"] = array("d", pumps).tobytes()
    arrays["pump_type"] = array("d", [en.getpumptype(project, i) for i in pumps]).tobytes()
    for name, code in pump_codes.items():
        arrays[name] = array("d", [en.getlinkvalue(project, i, code) for i in pumps]).tobytes()
    return {"link_ids": [en.getlinkid(project, i) for i in indices]}, arrays


def read_series(en: Any, project: Any) -> Header:
    """Patterns and curves."""
    patterns = []
    for i in range(1, en.getcount(project, en.PATCOUNT) + 1):
        values = [en.getpatternvalue(project, i, k) for k in range(1, en.getpatternlen(project, i) + 1)]
        patterns.append([en.getpatternid(project, i), values, en.getcomment(project, en.TIMEPAT, i)])
    curves = []
    for i in range(1, en.getcount(project, en.CURVECOUNT) + 1):
        points = [en.getcurvevalue(project, i, k) for k in range(1, en.getcurvelen(project, i) + 1)]
        curves.append([en.getcurveid(project, i), en.getcurvetype(project, i), points, en.getcomment(project, en.CURVE, i)])
    return {"patterns": patterns, "curves": curves}


def read_operation(en: Any, project: Any) -> Header:
    """Options, times, controls and rules."""
    options = {name: en.getoption(project, code) for name, code in _option_codes(en).items()}
    times = {name: en.gettimeparam(project, code) for name, code in _time_codes(en).items()}
    enabled = en.intArray(1)
    controls = []
    for i in range(1, en.getcount(project, en.CONTROLCOUNT) + 1):
        en.getcontrolenabled(project, i, enabled)
        controls.append([*en.getcontrol(project, i), enabled[0]])
    rules = []
    for i in range(1, en.getcount(project, en.RULECOUNT) + 1):
        n_premises, n_then, n_else, priority = en.getrule(project, i)
        en.getruleenabled(project, i, enabled)
        rules.append(
            {
                "id": en.getruleID(project, i),
                "premises": [en.getpremise(project, i, k) for k in range(1, n_premises + 1)],
                "then": [en.getthenaction(project, i, k) for k in range(1, n_then + 1)],
                "otherwise": [en.getelseaction(project, i, k) for k in range(1, n_else + 1)],
                "priority": priority,
                "enabled": enabled[0],
            }
        )
    return {
        "flow_units": en.getflowunits(project),
        "demand_model": en.getdemandmodel(project),
        "options": options,
        "times": times,
        "controls": controls,
        "rules": rules,
    }


def read_sources(en: Any, project: Any) -> Header:
    """Water-quality sources; the toolkit raises for each node that has none, so this is asked only of files with sources."""
    codes = (en.SOURCETYPE, en.SOURCEQUAL, en.SOURCEPAT)
    found = []
    for node in range(1, en.getcount(project, en.NODECOUNT) + 1):
        try:
            found.append([node, *(en.getnodevalue(project, node, code) for code in codes)])
        except Exception as complaint:
            if "240" not in str(complaint):
                raise
    return {"sources": found}


def _option_codes(en: Any) -> dict[str, int]:
    return {
        "pressure_units": en.PRESS_UNITS,
        "headloss": en.HEADLOSSFORM,
        "trials": en.TRIALS,
        "accuracy": en.ACCURACY,
        "tolerance": en.TOLERANCE,
        "emitter_exponent": en.EMITEXPON,
        "demand_multiplier": en.DEMANDMULT,
        "head_error": en.HEADERROR,
        "flow_change": en.FLOWCHANGE,
        "efficiency": en.GLOBALEFFIC,
        "price": en.GLOBALPRICE,
        "price_pattern": en.GLOBALPATTERN,
        "demand_charge": en.DEMANDCHARGE,
        "specific_gravity": en.SP_GRAVITY,
        "viscosity": en.SP_VISCOS,
        "extra_trials": en.UNBALANCED,
        "check_frequency": en.CHECKFREQ,
        "max_check": en.MAXCHECK,
        "damp_limit": en.DAMPLIMIT,
        "diffusivity": en.SP_DIFFUS,
        "pattern": en.DEMANDPATTERN,
        "emitter_backflow": en.EMITBACKFLOW,
    }


def _time_codes(en: Any) -> dict[str, int]:
    return {
        "duration": en.DURATION,
        "hydraulic_step": en.HYDSTEP,
        "quality_step": en.QUALSTEP,
        "rule_step": en.RULESTEP,
        "pattern_step": en.PATTERNSTEP,
        "pattern_start": en.PATTERNSTART,
        "report_step": en.REPORTSTEP,
        "report_start": en.REPORTSTART,
        "start_clock": en.STARTTIME,
        "statistic": en.STATISTIC,
    }


def _bulk(en: Any, getter: Any, project: Any, code: int, count: int) -> bytes:
    values = en.doubleArray(count)
    getter(project, code, values)
    return ctypes.string_at(int(values.cast()), 8 * count)


def read(inp: Path, with_sources: bool) -> tuple[Header, Arrays]:
    """All of a file, or EPANET's complaint about it."""
    from epanet import toolkit as en

    report = inp.with_suffix(".rpt")
    project = en.createproject()
    try:
        en.open(project, str(inp), str(report), "")
    except Exception as complaint:
        # The binding raises plain Exception for every error code; only `close` writes the report out.
        _close(en, project)
        return {"error": str(complaint), "report": report.read_bytes().decode("utf-8", "surrogateescape")}, {}
    nodes, node_arrays = read_nodes(en, project)
    links, link_arrays = read_links(en, project)
    header = nodes | links | read_series(en, project) | read_operation(en, project)
    header |= read_sources(en, project) if with_sources else {"sources": []}
    return header, node_arrays | link_arrays


def _close(en: Any, project: Any) -> None:
    try:
        en.close(project)
    except Exception as complaint:
        print(complaint, file=sys.stderr)


def main(arguments: list[str]) -> None:
    """Reads, and writes what was found."""
    inp, out, with_sources, *bounds = arguments
    limit(*(int(bound) for bound in bounds))
    header, arrays = read(Path(inp), with_sources == "sources")
    header["arrays"] = {name: len(data) // 8 for name, data in arrays.items()}
    text = json.dumps(header, ensure_ascii=False).encode("utf-8", "surrogateescape")
    with Path(out).open("wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        file.writelines(arrays.values())


if __name__ == "__main__":
    main(sys.argv[1:])
