"""Agreement with EPANET over time: heads at every report time of every network, copies left out.

Own duration (at most 7 days), 24 h where it is 0. Not scored where EPANET itself moves by more than 0.5 mm between accuracies
1e-5 and 1e-6, and at nodes that its open links do not join to a source. A network agrees when every head scored is within 1 mm.

    python benchmarks/period_agreement.py [--quick] [PART OF A NAME ...]
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import reference
import tweeling as tw
from common import write_result
from reference import DAY, WEEK, File
from tweeling.network.network import Network

HEAD, MOVES, ROUNDING = 1e-3, 5e-4, 1e-11
QUICK_LARGEST = 300_000
CASES = Path(__file__).parent / "cases"
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "agreement_in_time.md"
PREAMBLE = """\
# Agreement with EPANET over time, network by network

Made by `make bench ONLY=period_agreement`; not edited by hand. Every network once, its own duration (at most 7 days),
24 h where it is 0. *Scored* are heads that EPANET itself moves by at most 0.5 mm between accuracies 1e-5 and 1e-6, at
nodes that it joins to a source; the difference is the largest of those, and must stay below 1 mm. Networks with EPANET's
warnings 1 to 5 at any time do not count. *Explained* networks differ too: why is told in a file of their own in
benchmarks/cases.

| network | verdict | warnings | report times | scored | head, m | where |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Row:
    """What came of one network: verdict, EPANET's warnings, report times, share of heads scored, largest difference in m."""

    name: str
    verdict: str
    warnings: tuple[int, ...] = ()
    times: int = 0
    scored: float = 0.0
    head: float = 0.0
    where: str = ""


def judge(file: File) -> Row:
    """Simulates one network and compares it with EPANET at every report time."""
    both = reference.period(file)
    if isinstance(both, str):
        return Row(file.name, "EPANET refuses", where=both[:80])
    loose, tight = both
    network = tw.read_network(file.path)
    hours = min(network.times.duration or DAY, WEEK) / 3600
    run = tw.simulate(network, hours=hours, quantities=["head"], keep=list(network.nodes.ids))
    shared, ours, theirs = np.intersect1d(run.times, tight.seconds, return_indices=True)
    if loose.head.shape != tight.head.shape or not len(shared):
        return Row(file.name, "EPANET stops early", tight.warnings, len(shared))
    head = tight.head[theirs]
    apart = np.abs(np.where(np.isnan(run.head[0, ours]), np.inf, run.head[0, ours]) - head) - ROUNDING * np.abs(head)
    counts = (np.abs(loose.head[theirs] - head) <= MOVES) & supplied(network, tight.open[theirs])
    apart = np.where(counts, np.maximum(apart, 0.0), 0.0)
    time, node = np.unravel_index(int(apart.argmax()), apart.shape)
    agrees = float(apart.max()) <= HEAD
    verdict = "agrees" if agrees else "explained" if (CASES / file.name.replace("/", "-") / "why.md").exists() else "differs"
    if {1, 2, 3, 4, 5} & set(tight.warnings):
        verdict = f"warning ({verdict})"
    where = (
        ""
        if agrees
        else f"node {network.nodes.ids[node]} at {shared[time] / 3600:.2f} h, first at {first(shared, apart):.2f} h"
    )
    return Row(file.name, verdict, tight.warnings, len(shared), float(counts.mean()), float(apart.max()), where)


def first(times: npt.NDArray[np.int64], apart: npt.NDArray[np.float64]) -> float:
    """Hour of the first report time at which a head is off."""
    return float(times[int((apart > HEAD).any(axis=1).argmax())]) / 3600


def supplied(network: Network, is_open: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Nodes that open links join to a reservoir or tank; (time, node)."""
    links = network.links
    fixed = np.arange(len(network.nodes)) >= network.nodes.n_junctions
    patterns, which = np.unique(is_open, axis=0, return_inverse=True)
    joined = np.array([reference.joined_to_source(links.start, links.end, row, fixed) for row in patterns])
    return np.asarray(joined[which.ravel()])


def page(rows: list[Row]) -> str:
    """The list as Markdown."""
    return PREAMBLE + "".join(
        f"| {row.name} | {row.verdict} | {' '.join(map(str, row.warnings))} | {row.times} | {100 * row.scored:.1f} % "
        f"| {row.head:.1e} | {row.where} |\n"
        for row in rows
    )


def main() -> None:
    """Compares every network and writes the result."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("parts", nargs="*", help="only networks whose name contains one of these; then nothing is written")
    parser.add_argument("--quick", action="store_true", help="small files only; then nothing is written")
    asked = parser.parse_args()
    rows = []
    for file in reference.without_copies(reference.files(asked.parts)):
        if asked.quick and file.path.stat().st_size > QUICK_LARGEST:
            continue
        rows.append(row := judge(file))
        print(
            f"{row.name[:40]:40} {row.verdict:20} {row.times:5d} times, {100 * row.scored:5.1f} % scored, head {row.head:.1e} "
            f"{row.where}",
            flush=True,
        )
    scored = [row for row in rows if row.verdict in ("agrees", "explained", "differs")]
    agree = sum(row.verdict == "agrees" for row in scored)
    share = agree / max(len(scored), 1)
    print(f"{agree} of {len(scored)} scored networks agree ({100 * share:.1f} %); {dict(Counter(row.verdict for row in rows))}")
    if asked.parts or asked.quick:
        return
    PAGE.write_text(page(rows), encoding="utf-8")
    write_result(
        "period_agreement",
        [
            {
                "row": "agreement, extended period",
                "what": "networks whose heads agree at every report time",
                "at_least": "95 %",
                "aim": "all",
                "measured": f"{agree} of {len(scored)} ({100 * share:.1f} %)",
                "verdict": "met" if share >= 0.95 else "short",
            }
        ],
        notes=[
            "Networks with EPANET's warnings 1 to 5 at any time are run and do not count: "
            + ", ".join(
                f"{row.name} {row.verdict.removeprefix('warning ')}" for row in rows if row.verdict.startswith("warning")
            ),
            "That differ: "
            + "; ".join(f"{row.name} by {row.head:.1e} m, {row.where}" for row in scored if row.verdict != "agrees"),
        ],
        details=[asdict(row) | {"head": f"{row.head:.3e}"} for row in rows],
    )


if __name__ == "__main__":
    main()
