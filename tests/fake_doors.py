"""The doors of a small twin, in this process: a folder, a store, and the application over them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

from fake_twin import MINUTE, START, FakeState, fake_config, fake_network, fake_sensors, fake_steps
from tweeling.live.check import limits_of
from tweeling.live.config import TwinConfig
from tweeling.live.entrance import Entrance, door_check, heard_so_far
from tweeling.live.gaps import Rules
from tweeling.live.run import Loop
from tweeling.live.store.open import Store, open_store
from tweeling.live.window import Timing
from tweeling.network.network import Network
from tweeling.reading import iso_time
from tweeling.service.app import make_app
from tweeling.service.doors import Doors
from tweeling.service.gaps import GapKeeper


class Client:
    """Asks an application in this process, one question at a time."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def get(self, url: str, **rest: Any) -> httpx.Response:
        return self.request("GET", url, **rest)

    def post(self, url: str, **rest: Any) -> httpx.Response:
        return self.request("POST", url, **rest)

    def request(self, method: str, url: str, **rest: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://127.0.0.1:8080") as client:
                return await client.request(method, url, **rest)

        return asyncio.run(ask())


@dataclass(eq=False)
class House:
    """A twin with doors and a loop; both over one store, in one process.

    Args:
        doors: of the application.
        store: both parts, written here.
        loop: the twin.
        client: of the application.
        now: the wall clock, microseconds.
        alive: what the doors are told of the twin's process.
    """

    doors: Doors
    store: Store
    loop: Loop[FakeState]
    client: Client
    now: int = START
    alive: bool = True

    def settle(self) -> None:
        """Lets the twin take what came."""
        self.loop.settle(self.loop.resume())

    def close(self) -> None:
        """Ends it."""
        self.doors.entrance.close()
        self.store.close()


def open_house(folder: Path, *, token: str = "") -> House:
    config: TwinConfig = fake_config(folder)
    config = config.model_copy(update={"service": config.service.model_copy(update={"token": token})})
    network: Network = fake_network()
    sensors = fake_sensors(network)
    store = open_store("sqlite:///twin.db", folder, write=("readings", "twin"))
    house: House

    def clock() -> int:
        return house.now if made else START

    made: list[House] = []
    window = heard_so_far(store.readings, sensors)

    def closed() -> int | None:
        last = store.twin.last_cycle()
        return last.end if last else None

    gaps = GapKeeper(sensors, window, Rules.of(Timing.of(config)))
    entrance = Entrance(
        store.readings, door_check(sensors, limits_of(network, sensors), window), sensors, window, closed, clock, gaps.hear
    )
    doors = Doors(
        config=config,
        network=network,
        sensors=sensors,
        readings=store.readings,
        log=store.twin,
        entrance=entrance,
        twin_alive=lambda: house.alive,
        clock=clock,
        started=START,
        gaps=gaps,
    )
    client = Client(make_app(doors))
    house = House(doors, store, Loop(fake_steps(config), store.readings, store.twin, clock), client)
    made.append(house)
    return house


SENSORS = ("p0", "p1", "p2", "q0", "d1")


def reading(sensor: str = "p0", minute: float = 5, value: Any = 36.5, **more: Any) -> dict[str, Any]:
    return {"sensor": sensor, "time": iso_time(START + round(minute * MINUTE)), "value": value} | more


def an_hour(loud: bool = False) -> list[dict[str, Any]]:
    rng = np.random.default_rng(3)
    rows = [reading(name, minute, float(rng.normal(30, 1))) for minute in range(5, 65, 5) for name in SENSORS]
    return [*rows[:-5], reading("p0", 60, 250.0), *rows[-4:]] if loud else rows


def lived(house: House, loud: bool = False) -> None:
    """An hour of readings, and silence after it, so that every cycle has closed."""
    assert house.client.post("/api/readings", json=an_hour(loud)).json() == {"stored": 60, "verdicts": []}
    house.now += 16 * MINUTE
    house.settle()


def fits(answer: Any, model: type[BaseModel]) -> Any:
    """The document of an answer, which must be what the schema says."""
    assert answer.status_code == 200, answer.text
    model.model_validate_json(answer.content, strict=True)
    return answer.json()


def refused(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    text = str(answer.json()["error"])
    assert "Traceback" not in text
    return text
