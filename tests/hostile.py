"""A twin full of names that would like to be more than text, served by real doors."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from fake_twin import MINUTE, START, FakeState, fake_info, pack, unpack
from running import end, free_port, start_doors
from tweeling.finding import CAUSES, Candidate, Evidence, Finding
from tweeling.live.advance import CycleInfo
from tweeling.live.batch import Batch
from tweeling.live.config import read_config
from tweeling.live.run import Loop, Steps
from tweeling.live.store.contract import Action
from tweeling.live.store.open import open_store
from tweeling.network.inp.read import read_network
from tweeling.observation.sensors import read_sensors
from tweeling.reading import iso_time

NAMES = (
    "<script>pwned(1)</script>",
    "<img src=x onerror=pwned(2)>",
    "<svg/onload=pwned(3)>",
    "<iframe srcdoc='<b>4</b>'>",
    "</td></tr></table><h1>5</h1>",
    "<!--",
    "-->",
    "<![CDATA[7]]>",
    "</script><script>pwned(8)//",
    "javascript:pwned(9)",
    "data:text/html,<b>10</b>",
    "<a href=javascript:pwned(11)>",
    '" autofocus onfocus=pwned(12) x="',
    "' onmouseover='pwned(13)",
    "`${pwned(14)}`",
    "{{7*7}}",
    "{7*8}",
    "${7*9}",
    "{@html '<b>18</b>'}",
    "<%= 7*11 %>",
    "#{7*13}",
    "&lt;b&gt;",
    "&#60;b&#62;&amp;",
    "\\u003cb\\u003e",
    "%3Cb%3E%00",
    "'; DROP TABLE findings; --",
    "1 OR 1=1",
    "../../../../etc/passwd",
    "..\\..\\windows\\system32",
    "/dev/null",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "null",
    "undefined",
    "NaN",
    "-0",
    "[object Object]",
    "\u202eesrever\u202c",
    "\u2067rechts\u2066links\u2069",
    "zero\u200bwidth\u200d\u2060",
    "e\u0301" + "\u0316\u0317\u0318\u0319" * 4,
    "\U0001f4a7\U0001f469\u200d\U0001f527\U0001f3f3\ufe0f\u200d\U0001f308",
    "\u0627\u0644\u062e\u0637 \u0627\u0644\u0631\u0626\u064a\u0633\u064a",
    "\u7ba1\u9053\u4e00\u53f7",
    "W" * 190,
    "a-b_c.d:e|f~g^h!i*j(k)l",
    '=HYPERLINK("http://x")',
    "#/live?lang=nl&chosen=node:x",
)
LONGEST_ID = 31


def as_id(name: str) -> str:
    """A name as the id of an element: as much of it as EPANET takes."""
    for taken, instead in ((" ", "\u00a0"), (";", ","), ('"', "'")):
        name = name.replace(taken, instead)
    name = name.removeprefix("[")
    while len(name.encode()) > LONGEST_ID:
        name = name[:-1]
    return name


def write_folder(folder: Path) -> Path:
    """A line of pipes, from name to name, with a sensor at each; gives the path of TWIN.toml."""
    ids = [as_id(name) for name in NAMES]
    lines = ["[RESERVOIRS]", "source 50", "[JUNCTIONS]", *(f"{one} 0 1" for one in ids), "[PIPES]"]
    lines += [f"{one} {before} {one} 500 300 100" for before, one in zip(["source", *ids], ids, strict=False)]
    lines += ["[COORDINATES]", "source 0 0", *(f"{one} {100 * (n % 10 + 1)} {100 * (n // 10)}" for n, one in enumerate(ids))]
    (folder / "network.inp").write_text("\n".join([*lines, "[OPTIONS]", "Units LPS", "[END]", ""]), encoding="utf-8")
    with (folder / "sensors.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["sensor", "quantity", "element", "unit", "std"]]
            + [[name, "pressure", one, "m", "0.01"] for name, one in zip(NAMES, ids, strict=True)]
        )
    time = 'time = { cycle = "10min", lateness = "10min", give_up = "1s" }'
    rows = [
        "name = '<b>town</b>'",
        "network.file = 'network.inp'",
        "sensors = { file = 'sensors.csv', interval = '5min' }",
        time,
    ]
    (folder / "TWIN.toml").write_text("\n".join([*rows, ""]), encoding="utf-8")
    return folder / "TWIN.toml"


def findings(at: int) -> tuple[Finding, ...]:
    """One finding a name, with the name wherever a finding has words; every fifth is closed."""
    found = []
    for place, name in enumerate(NAMES):
        kind = CAUSES[place % len(CAUSES)]
        causes = dict.fromkeys(CAUSES, 0.0) | {kind: 0.6, name: 0.4}
        element = name if kind in ("sensor", "tampering") else as_id(name)
        evidence = Evidence("surprise", name, {"standard_deviations": 4.0}, {"en": f"en {name}", "nl": f"nl {name}"})
        notes = (f"note {name}", f"nul \0 {name}", f"{name}\n{name}")
        closed = at if place % 5 == 4 else None
        found.append(
            Finding(
                f"f-{place:04}", kind, name, at, at, closed, 1, 0.9, causes, (Candidate(element, 0.7),), None, (evidence,), name
            )
        )
        found[-1] = replace(found[-1], notes=notes, verdict="confirmed" if place % 2 else "")
    return tuple(found)


def a_cycle(config_path: Path) -> None:
    """Lets a small twin take what the doors have, and find all of `findings`."""
    config = read_config(config_path)
    network = read_network(config_path.parent / "network.inp")
    sensors = read_sensors(config_path.parent / "sensors.csv", network)

    def advance(state: FakeState, batch: Batch, _actions: Sequence[Action]) -> tuple[FakeState, CycleInfo]:
        found = state.findings or findings(batch.end)
        info = fake_info(30.0, batch, found if not state.findings else (), network)
        return FakeState(state.cycle + 1, batch.end, 30.0, found), info

    steps = Steps(
        config=config,
        network=network,
        sensors=sensors,
        first=lambda start: FakeState(0, start, 30.0, ()),
        advance=advance,
        pack=lambda state: pack(state, "hostile"),
        unpack=lambda packed: unpack(packed, "hostile"),
    )
    store = open_store(config.store.url, config.folder, write=("twin",))
    try:
        loop = Loop(steps, store.readings, store.twin, lambda: START + 120 * MINUTE)
        loop.settle(loop.resume())
    finally:
        store.close()


@contextmanager
def hostile_doors(folder: Path) -> Iterator[str]:
    """The address of doors over such a twin after an hour."""
    config = write_folder(folder)
    doors = start_doors(config, port := free_port())
    address = f"http://127.0.0.1:{port}"
    try:
        rows = [
            {"sensor": name, "time": iso_time(START + minute * MINUTE), "value": 30.0 + place / 100}
            for minute in range(5, 65, 5)
            for place, name in enumerate(NAMES)
        ]
        answer = httpx.post(f"{address}/api/readings", json=rows, timeout=60).raise_for_status()
        assert answer.json()["verdicts"] == [], answer.text
        a_cycle(config)
        yield address
    finally:
        end(doors)
