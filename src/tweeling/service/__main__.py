"""The process of the doors: `python -m tweeling.service TWIN.toml [--host HOST] [--port PORT]`.

Started by `tweeling serve`, which starts it again when it dies. Its first line on standard output is its address, once it
listens.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from fastapi import FastAPI
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from tweeling.errors import InputError, TweelingError
from tweeling.live.check import limits_of
from tweeling.live.config import TwinConfig, read_config
from tweeling.live.entrance import Entrance, door_check, heard_so_far
from tweeling.live.gaps import Rules
from tweeling.live.process import WITH_PARENT, hold_lock, is_held, lock_path, log_as_lines, stop_when_told
from tweeling.live.store.contract import TwinLog
from tweeling.live.store.open import Part, Store, open_store
from tweeling.live.window import Timing, level
from tweeling.network.inp.read import read_network
from tweeling.observation.sensors import read_sensors
from tweeling.service.app import make_app
from tweeling.service.doors import Doors
from tweeling.service.gaps import GapKeeper
from tweeling.service.guard import refuse_open_door
from tweeling.service.mqtt import mqtt_doors

HEADER_SECONDS = 10
"""So long may a client take to send the head of a request; without a limit half-open requests fill the server."""
TIDY_SECONDS = 3600.0
LOOK_SECONDS = 1.0
WATCH_SECONDS = 0.05
END_SECONDS = 0.2
SWITCH_SECONDS = 0.0005
"""The thread that commits and the one that answers take turns ten times as often as Python's usual: 1.3 times the rate."""
PART: tuple[Part, ...] = ("readings",)

log = structlog.get_logger()


def wall_clock() -> int:
    """Microseconds since 1970 UTC."""
    return time.time_ns() // 1000


class LastEnd:
    """The end of the last cycle, looked up a few times a second at most: it is asked for each reading."""

    def __init__(self, log: TwinLog) -> None:
        self._log, self._until = log, 0.0
        self._end: int | None = None

    def __call__(self) -> int | None:
        """As it was a moment ago."""
        now = time.monotonic()
        if now >= self._until:
            last = self._log.last_cycle()
            self._end, self._until = last.end if last else None, now + END_SECONDS
        return self._end


@contextmanager
def opened(config: TwinConfig) -> Iterator[tuple[Doors, Store]]:
    """The doors of a twin over its store, as the only writer of readings.

    Raises:
        TweelingError: what cannot be used, and where.
    """
    refuse_open_door(config.service.host, config.service.token)
    network = read_network(config.path(config.network.file))
    sensors = read_sensors(config.path(config.sensors.file), network)
    with contextlib.ExitStack() as stack:
        stack.enter_context(hold_lock(lock_path(config, "doors")))
        store = open_store(config.store.url, config.folder, write=PART)
        stack.callback(store.close)
        limits = limits_of(network, sensors, lateness=config.time.lateness, clock=config.time.clock)
        window = heard_so_far(store.readings, sensors)
        check = door_check(sensors, limits, window)
        closed = LastEnd(store.twin)
        gaps = GapKeeper(sensors, window, Rules.of(Timing.of(config)))
        entrance = Entrance(store.readings, check, sensors, window, closed, wall_clock, gaps.hear)
        stack.callback(entrance.close)
        inputs = mqtt_doors(config, entrance, wall_clock)
        for one in inputs:
            stack.callback(one.close)
            one.open()
        twin_lock = lock_path(config, "twin")
        yield (
            Doors(
                config=config,
                network=network,
                sensors=sensors,
                readings=store.readings,
                log=store.twin,
                entrance=entrance,
                twin_alive=lambda: is_held(twin_lock),
                clock=wall_clock,
                started=wall_clock(),
                gaps=gaps,
                inputs=lambda: [one.document() for one in inputs],
            ),
            store,
        )


async def serve(app: FastAPI, host: str, port: int, stop: threading.Event) -> None:
    """Serves until told to stop; prints the address when it listens.

    Raises:
        InputError: the address cannot be listened at.
    """
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        log_enabled=False,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000),
    )
    serving = asyncio.create_task(server.serve())
    listening = asyncio.create_task(tell_address(host, port))
    while not stop.is_set() and not serving.done():
        await asyncio.sleep(WATCH_SECONDS)
    listening.cancel()
    await app.state.doors.broadcaster.close()
    server.stop()  # type: ignore[no-untyped-call]
    try:
        await serving
    except (OSError, RuntimeError) as error:
        raise InputError(f"cannot listen at {host} port {port}: {error}; try another --port") from error


async def tell_address(host: str, port: int) -> None:
    """Prints the address once somebody answers there."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    while True:
        try:
            _, writer = await asyncio.open_connection(reached, port)
        except OSError:
            await asyncio.sleep(WATCH_SECONDS)
            continue
        writer.close()
        print(f"http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
        return


def main(arguments: list[str]) -> int:
    """Runs the doors; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tweeling.service", description="The doors of a live twin.")
    parser.add_argument("config", type=Path)
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument(WITH_PARENT, action="store_true")
    asked = parser.parse_args(arguments)
    log_as_lines()
    sys.setswitchinterval(SWITCH_SECONDS)
    stop = stop_when_told(asked.with_parent)
    try:
        config = listening(read_config(asked.config), asked.host, asked.port)
        with opened(config) as (doors, store):
            threading.Thread(target=tidy, args=(config, store, stop), name="tidy", daemon=True).start()
            threading.Thread(target=watch, args=(doors, stop), name="watch", daemon=True).start()
            asyncio.run(serve(make_app(doors), config.service.host, config.service.port, stop))
    except TweelingError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 2
    return 0


def listening(config: TwinConfig, host: str | None, port: int | None) -> TwinConfig:
    """A configuration with what the command line says instead."""
    asked = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    return config.model_copy(update={"service": config.service.model_copy(update=asked)})


def tidy(config: TwinConfig, store: Store, stop: threading.Event) -> None:
    """Now and then forgets readings that are older than is kept, in the time of the readings."""
    while not stop.wait(TIDY_SECONDS):
        last = store.twin.last_cycle()
        if last is not None:
            dropped = store.readings.drop_before(last.end - round(config.store.keep * 1_000_000))
            if dropped:
                log.info("old readings forgotten", count=dropped)


def watch(doors: Doors, stop: threading.Event) -> None:
    """Notices sensors that fall silent."""
    while not stop.wait(LOOK_SECONDS):
        doors.gaps.look(level(doors.entrance.window), doors.clock())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
