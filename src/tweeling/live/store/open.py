"""Opens the store that `store.url` of `TWIN.toml` names; another kind of store is a file more and a row in `KINDS`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tweeling.errors import InputError
from tweeling.live.store.contract import ReadingLog, TwinLog
from tweeling.live.store.sqlite import SqliteReadingLog, SqliteTwinLog

Part = Literal["readings", "twin"]


@dataclass(frozen=True)
class Store:
    """Both parts of a store, open.

    Args:
        readings: what the doors keep.
        twin: what the twin keeps.
    """

    readings: ReadingLog
    twin: TwinLog

    def close(self) -> None:
        """Lets go of both."""
        self.readings.close()
        self.twin.close()


def open_store(url: str, folder: Path, write: Collection[Part] = ()) -> Store:
    """Opens a store.

    Args:
        url: `sqlite:///twin.db` is a file relative to `folder`, `sqlite:////data/twin.db` one with its whole path. The twin
            log is beside it: `twin-state.db`.
        folder: of `TWIN.toml`.
        write: the parts that this process writes: the doors `("readings",)`, the twin `("twin",)`, a replay both. One that
            writes makes what is missing of the other part too, so that doors and twin may start in any order; one that writes
            nothing refuses what is not there.

    Raises:
        InputError: a URL that names no store that Tweeling knows.
        StoreError: a file that cannot be opened, is of another kind, or of a newer program.
    """
    scheme, separator, place = url.partition("://")
    if not separator or scheme not in KINDS:
        raise InputError(f"store.url {url!r} is none of {', '.join(f'{known}://' for known in KINDS)}; try sqlite:///twin.db")
    return KINDS[scheme](url, place, folder, write)


def _open_sqlite(url: str, place: str, folder: Path, write: Collection[Part]) -> Store:
    if not place.startswith("/") or place.endswith("/") or set(place) & set("?#\0"):
        raise InputError(f"store.url {url!r} names no file; write it as sqlite:///twin.db, or sqlite:////data/twin.db")
    path = folder / place[1:]
    state = path.with_name(f"{path.stem}-state{path.suffix}")
    create = bool(write)
    readings = SqliteReadingLog(path, write="readings" in write, create=create)
    try:
        return Store(readings, SqliteTwinLog(state, write="twin" in write, create=create))
    except BaseException:
        readings.close()
        raise


KINDS: dict[str, Callable[[str, str, Path, Collection[Part]], Store]] = {"sqlite": _open_sqlite}
