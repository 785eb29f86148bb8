"""A day in L-Town with a thousand plausible demands: what is the pressure, and how sure are we?

python examples/l_town_day/run.py [--members 1000] [--hours 24] [--out demo/l-town.png]
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path

from picture import Day, draw
from rich.progress import Progress

import tweeling as tw

ROOT = Path(__file__).parents[2]
SEED = 1
FOLLOWED = ("n54", "n410", "n215")
"""In the old town, on the hill behind it, and in the part behind its own pressure reducing valve."""
LIMIT = 20.0
"""m of water; a pressure below it would be called low."""


def l_town() -> Path:
    """L-Town's file, in the folder of the package that carries it."""
    found = importlib.util.find_spec("epyt")
    if found is None or found.origin is None:
        raise SystemExit("L-Town comes with the package epyt; `make example` installs it")
    return Path(found.origin).parent / "networks" / "L-TOWN.inp"


def simulate(network: tw.Network, members: int, hours: float) -> tw.Run:
    """Simulates with a bar; of every pressure the median and a 90 % band over the members are kept."""
    with Progress(transient=True) as bar:
        task = bar.add_task(f"{members:,} members", total=None)
        return tw.simulate(
            network,
            hours=hours,
            members=members,
            beliefs=tw.Beliefs(),
            rng=SEED,
            keep="bands",
            quantities=["pressure"],
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def main() -> None:
    """Reads, simulates, draws, and says so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--out", type=Path, default=ROOT / "demo" / "l-town.png")
    asked = parser.parse_args()

    network = tw.read_network(l_town())
    beliefs = tw.Beliefs()
    print(f"L-Town: {network.nodes.n_junctions} junctions, {len(network.links)} links. Simulated data, no real town.")
    print(f"Simulating {asked.hours:g} hours for {asked.members:,} members. Each member believes something else of")
    print(f"  the demand of the whole town (give or take {beliefs.zone_factor_sd:.0%}),")
    print(f"  the demand of each junction (another {beliefs.node_demand_sd:.0%}), and")
    print(f"  the roughness of each pipe ({beliefs.roughness_sd:.0%}).")
    started = time.perf_counter()
    run = simulate(network, asked.members, asked.hours)
    seconds = time.perf_counter() - started
    solved, well = int(run.info.steps.sum()), int((run.info.outcome == 0).sum())
    each = 1e6 * seconds / solved
    print(f"{solved:,} steady states in {seconds:.0f} s, {each:.0f} microseconds each; {well:,} members went well.")

    low, median, high = run.pressure
    followed = tuple(network.node(name) for name in FOLLOWED)
    draw(Day(network, run.times / 3600, low, median, high, followed, LIMIT, asked.members), asked.out)
    print(f"The picture of its pressures: {asked.out}")


if __name__ == "__main__":
    main()
