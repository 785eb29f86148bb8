"""The page's map with 100,000 links in a browser without a graphics card: first frame, CPU of a frame, recolouring; its script.

python benchmarks/page_map.py [--links N] [--flags "..."]

Needs Chromium, Node, and `web/node_modules` (`make page` installs them). The map alone (`web/bench/`) is built as the page is,
and served with the page's content-security policy.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from common import write_result
from made_town import made_town
from tweeling.service.static import HEADERS

WEB = Path(__file__).parent.parent / "web"
SOFTWARE = "--disable-gpu"
ANGLE = "--use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader"
NOTES = [
    "Headless Chromium, window of 1400 by 820, one pixel a CSS pixel. CPU is that of all processes of the browser together, "
    "software WebGL among them, over 60 frames.",
    "The town is made up (`benchmarks/made_town.py`, seed 1): a random tree over a bent raster with parks, a few loops, 0.85 "
    "bends a link, and all of it on the screen. First frame: from the decoded geometry, library loaded, to a pixel read back; "
    "median of three fresh browsers.",
    "A drag moves 12 pixels a frame, 360 pixels to and fro; most of its frames copy a picture that an earlier one made; those "
    "that make one are in the mean. Zooming draws everything anew in each frame.",
]


def main() -> None:
    """Measures and writes the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", type=int, default=100_000)
    parser.add_argument("--flags", default=SOFTWARE, help=f"of the browser; also tried: {ANGLE}")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder / "map", "--config", "bench/vite.config.mjs")
        build(folder / "page")
        (folder / "map" / "town.bin").write_bytes(made_town(asked.links, seed=1))
        with served(folder / "map") as address:
            before = os.getloadavg()[0]
            measured = in_browser(address, asked.flags)
            load = before, os.getloadavg()[0]
        sizes = script_sizes(folder / "page")
    nodes, links, bends = measured["counts"]
    town = f"{links:,} links, {nodes:,} nodes, {bends:,} bends"
    rows = [
        row("map: first frame", town, 1500, 1000, measured["first"]["ms"], "ms"),
        row("map: CPU of a frame of a drag", town, 250, 200, measured["pan"]["cpu"], "CPU-ms"),
        row("map: CPU of a frame of zooming", town, 250, 200, measured["zoom"]["cpu"], "CPU-ms"),
        row(
            "map: CPU of a frame near by",
            "an eighth of the width in view, drawn anew",
            250,
            200,
            measured["near"]["cpu"],
            "CPU-ms",
        ),
        row(
            "map: recolour",
            f"new values at {nodes:,} nodes until the frame is drawn",
            300,
            100,
            measured["recolour"]["ms"],
            "ms",
        ),
        row("page: script without the map library", "gz, all that is loaded for it", 150, None, sizes["page"], "kB"),
        row("page: script with the map library", "gz, its worker included", 600, None, sizes["page"] + sizes["map"], "kB"),
    ]
    notes = [
        *NOTES,
        f"Browser flags: {asked.flags}; WebGL 2 by {measured['renderer'] or 'nothing: the plain canvas drew'}.",
        f"Load of the machine: {load[0]:.1f} before, {load[1]:.1f} after.",
    ]
    write_result("page_map", rows, notes, details={"measured": measured, "script_kB": sizes})


def build(into: Path, *arguments: str) -> None:
    """Builds a page with Vite."""
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    if not vite.exists():
        raise SystemExit("web/node_modules is not there; `make page` installs what builds the page")
    command = [tool("node"), str(vite), "build", *arguments, "--outDir", str(into), "--emptyOutDir", "--logLevel", "error"]
    subprocess.run(command, cwd=WEB, check=True)


def tool(*names: str) -> str:
    """A program of this machine."""
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise SystemExit(f"{' or '.join(names)} is not installed; this measurement needs it")


class Quiet(SimpleHTTPRequestHandler):
    """Files, with the headers of the page and without a log."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript", ".bin": "application/octet-stream"}

    def end_headers(self) -> None:
        """Adds the page's policy."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder's files at an address of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


def in_browser(address: str, flags: str) -> dict[str, Any]:
    """What `web/bench/run.mjs` measures."""
    chromium = tool("chromium", "chromium-browser", "google-chrome")
    command = [tool("node"), "bench/run.mjs", address, chromium, "town.bin", *flags.split()]
    answer = subprocess.run(command, cwd=WEB, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(answer.stdout)
    return result


def script_sizes(page: Path) -> dict[str, float]:
    """Script, compressed, kB: what the map library brings (the part that is loaded for it, and its worker), and the rest."""
    sizes = {"page": 0.0, "map": 0.0}
    for file in sorted(page.rglob("*.*js")):
        part = "map" if "NetworkMap" in file.name or "maplibre" in file.name else "page"
        sizes[part] += len(gzip.compress(file.read_bytes(), 9)) / 1000
    return sizes


def row(name: str, what: str, limit: float | None, aim: float | None, measured: float, unit: str) -> dict[str, str]:
    """A row whose limit, if it has one, is an upper one."""
    print(f"{name}: {measured:.0f} {unit}")
    return {
        "row": name,
        "what": what,
        "at_least": f"<= {limit:g} {unit}" if limit else "",
        "aim": f"<= {aim:g} {unit}" if aim else "",
        "measured": f"{measured:.0f} {unit}",
        "verdict": "stated" if limit is None else "met" if measured <= limit else "short",
    }


if __name__ == "__main__":
    main()
