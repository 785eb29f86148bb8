"""The picture of a day: a map of the town's pressures, and beside it how sure we are of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

INK, QUIET = "#1b2430", "#5b6675"
MARKS = ("#b3005e", "#0b6bcb", "#d95f02")
"""Colours of the nodes that are followed; they differ in lightness too, and each carries its letter."""


@dataclass(frozen=True)
class Day:
    """What is drawn; pressures in m of water.

    Args:
        network: with map coordinates.
        hours: since midnight; (time,).
        low, median, high: of the pressure at the nodes: a twentieth of the members is below low, a twentieth above high;
            (time, node).
        followed: indices of the nodes whose day is drawn.
        limit: m.
        members: how many.
    """

    network: Any
    hours: np.ndarray
    low: np.ndarray
    median: np.ndarray
    high: np.ndarray
    followed: tuple[int, ...]
    limit: float
    members: int

    def below(self, limits: np.ndarray, band: np.ndarray) -> np.ndarray:
        """How many junctions are below each limit at their worst moment of the day, by one of the bands; (limit,)."""
        worst = band[:, : self.network.nodes.n_junctions].min(axis=0)
        return (worst[:, None] < limits).sum(axis=0)


def draw(day: Day, path: Path) -> None:
    """Writes the picture as PNG."""
    mpl.rcParams.update({"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": QUIET})
    mpl.rcParams.update({"xtick.color": INK, "ytick.color": INK, "axes.titlesize": 11, "axes.titleweight": "bold"})
    figure = Figure(figsize=(12, 10), layout="constrained", facecolor="white")
    grid = figure.add_gridspec(2, 2, height_ratios=(1.75, 1))
    draw_map(figure, figure.add_subplot(grid[0, :]), day)
    draw_series(figure.add_subplot(grid[1, 0]), day)
    draw_limits(figure.add_subplot(grid[1, 1]), day)
    title = f"A day in L-Town, {day.members:,} plausible members. Simulated data"
    figure.suptitle(title, fontsize=15, fontweight="bold", x=0.01, ha="left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Title": "L-Town, one day, simulated data"})


def draw_map(figure: Figure, axes: Axes, day: Day) -> None:
    """Pipes coloured by the median pressure at their ends, at the hour when pressures are lowest."""
    network = day.network
    nodes, links = network.nodes, network.links
    moment = int(day.median[:, : nodes.n_junctions].mean(axis=1).argmin())
    pressure = day.median[moment]
    x, y = nodes.x, nodes.y
    lines = [
        np.vstack([(x[start], y[start]), links.vertices.get(link, np.empty((0, 2))), (x[end], y[end])])
        for link, (start, end) in enumerate(zip(links.start, links.end, strict=True))
    ]
    colours = (pressure[links.start] + pressure[links.end]) / 2
    pipes = LineCollection(lines, array=colours, cmap="cividis", linewidths=1.2 + 9 * links.diameter, capstyle="round")
    pipes.set_clim(*np.percentile(pressure[: nodes.n_junctions], [1, 99]))
    axes.add_collection(pipes)
    sources, tanks = network.reservoirs.node, network.tanks.node
    axes.plot(x[sources], y[sources], "s", color=INK, markersize=9, label="reservoir", linestyle="none")
    axes.plot(x[tanks], y[tanks], "^", color=INK, markersize=10, label="tank", linestyle="none")
    for letter, colour, node in zip("ABC", MARKS, day.followed, strict=False):
        axes.plot(x[node], y[node], "o", color="white", markeredgecolor=colour, markeredgewidth=2, markersize=15, zorder=3)
        axes.text(x[node], y[node], letter, color=colour, fontweight="bold", ha="center", va="center", zorder=4)
    hour = day.hours[moment]
    axes.set_title(
        f"Median pressure at {int(hour):02d}:{round(hour % 1 * 60):02d}, when the town's pressure is lowest", loc="left"
    )
    axes.set_aspect("equal")
    axes.margins(0.03)
    axes.axis("off")
    axes.legend(loc="upper right", bbox_to_anchor=(0.97, 0.8), frameon=False, ncols=2)
    scale = axes.inset_axes((0.5, 0.9, 0.46, 0.03))
    figure.colorbar(pipes, cax=scale, orientation="horizontal", extend="both", label="median pressure (m of water)")


def draw_series(axes: Axes, day: Day) -> None:
    """The day of a few nodes, with the band that holds most members."""
    for letter, colour, node in zip("ABC", MARKS, day.followed, strict=False):
        axes.fill_between(day.hours, day.low[:, node], day.high[:, node], color=colour, alpha=0.3, linewidth=0)
        axes.plot(day.hours, day.median[:, node], color=colour, linewidth=1.3)
        axes.annotate(
            f"{letter}  {day.network.nodes.ids[node]}",
            (day.hours[-1], day.median[-1, node]),
            xytext=(6, 0),
            textcoords="offset points",
            color=colour,
            fontweight="bold",
            va="center",
            annotation_clip=False,
        )
    axes.set_title("Pressure through the day: median and 90 % band", loc="left")
    axes.set(xlim=(0, 24), xticks=range(0, 25, 4), xlabel="hour of the day", ylabel="pressure (m of water)")
    finish(axes)


def draw_limits(axes: Axes, day: Day) -> None:
    """How many junctions may fall below a limit at their worst moment of the day, whatever the limit."""
    limits = np.linspace(15, 40, 251)
    counts = [day.below(limits, band) for band in (day.low, day.median, day.high)]
    axes.fill_between(limits, counts[0], counts[2], color=MARKS[1], alpha=0.25, linewidth=0)
    for count, style, probability in zip(counts, ((0, (1, 1)), "-", (0, (4, 2))), (5, 50, 95), strict=True):
        axes.plot(limits, count, color=MARKS[1], linewidth=1.3, linestyle=style, label=f"{probability} % or more")
    axes.axvline(day.limit, color=INK, linewidth=1)
    at_limit = int(day.below(np.array([day.limit]), day.low)[0])
    words = f"below {day.limit:g} m:\n{at_limit or 'no'} junction{'s' if at_limit > 1 else ''}\nwith 5 % or more"
    axes.text(day.limit + 0.3, 0.97, words, va="top", transform=axes.get_xaxis_transform())
    axes.set_title("Junctions that may fall below a limit, and how probably", loc="left")
    axes.set(xlim=(15, 40), ylim=(0, None), xlabel="limit of pressure (m of water)", ylabel="junctions, at their worst moment")
    axes.legend(loc="upper left", bbox_to_anchor=(0.2, 0.76), frameon=False, title="probability", alignment="left")
    finish(axes)


def finish(axes: Axes) -> None:
    """Only the lines that are needed."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#d9dee5", linewidth=0.7)
    axes.set_axisbelow(True)
