"""What the page asks for: the network's layout, values past, now and to come, residuals; and the page itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from fake_doors import SENSORS, Client, House, fits, lived, open_house, reading, refused
from fake_twin import MINUTE, START
from networks import package_network
from tweeling.live.bands import all_rows, packed, sensor_rows
from tweeling.network.inp.read import read_network
from tweeling.network.network import Network
from tweeling.reading import iso_time
from tweeling.service import schema, static
from tweeling.service.guard import SESSION_SECONDS, is_session, new_session
from tweeling.service.routes.layout import geometry

N_NODES, N_LINKS = 4, 3
TOKEN = "a-token-that-nobody-guesses"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = open_house(tmp_path)
    yield opened
    opened.close()


def foretell(house: House, hours: int = 2) -> list[int]:
    """Keeps an outlook of every half hour, in which pressure number i at step k is 10 k + i."""
    last = house.store.twin.last_cycle()
    assert last is not None
    times = [last.end + 30 * MINUTE * step for step in range(1, 2 * hours + 1)]
    rows: list[Any] = [sensor_rows(np.array(times), np.ones((len(times), 3, 5)), house.doors.sensors)]
    for step, time in enumerate(times):
        median = 10.0 * step + np.arange(N_NODES)
        bands = np.array([median, median - 1, median + 1, np.full(N_NODES, 0.25)])
        rows += all_rows(time, {"pressure": bands}, house.doors.network, house.doors.config.output)
    house.store.twin.keep_outlook(last.end, packed(rows))
    return times


def numbers(answer: httpx.Response, count: int) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    return np.frombuffer(answer.content, dtype="<f4").reshape(4, count)


def taken_apart(block: bytes) -> dict[str, np.ndarray]:
    """The geometry as its documentation says that it lies."""
    assert block[:4] == b"TWG1"
    n_nodes, n_links, n_bends = np.frombuffer(block, "<u4", 3, 4).tolist()
    found, at = {}, 16
    for name, kind, count in (
        ("nodes", "<f8", 2 * n_nodes),
        ("bends", "<f8", 2 * n_bends),
        ("start", "<u4", n_links),
        ("end", "<u4", n_links),
        ("bend_from", "<u4", n_links + 1),
        ("diameter", "<f4", n_links),
        ("node_kind", "<u1", n_nodes),
        ("link_kind", "<u1", n_links),
    ):
        found[name] = np.frombuffer(block, kind, count, at)
        at += found[name].nbytes
    assert at == len(block)
    return found


@pytest.mark.parametrize("name", ["L-TOWN", "Net3", "ky4"])
def test_the_geometry_holds_the_network_as_its_file_draws_it(name: str) -> None:
    network: Network = read_network(package_network("epyt", name))
    found = taken_apart(geometry(network))
    np.testing.assert_array_equal(found["nodes"].reshape(-1, 2), np.stack((network.nodes.x, network.nodes.y), axis=1))
    np.testing.assert_array_equal(found["start"], network.links.start)
    np.testing.assert_array_equal(found["end"], network.links.end)
    np.testing.assert_array_equal(found["diameter"], network.links.diameter.astype("f4"))
    for link in range(len(network.links)):
        bends = found["bends"].reshape(-1, 2)[found["bend_from"][link] : found["bend_from"][link + 1]]
        np.testing.assert_array_equal(bends, network.links.vertices.get(link, np.zeros((0, 2))))
    assert set(np.flatnonzero(found["node_kind"] == 2)) == set(network.tanks.node.tolist())
    assert set(np.flatnonzero(found["node_kind"] == 1)) == set(network.reservoirs.node.tolist())
    assert (found["link_kind"] == 1).sum() == len(network.pumps.link)


def test_layout_and_ids_are_sent_once_for_each_network(house: House) -> None:
    for path in ("/api/geometry", "/api/ids"):
        first = house.client.get(path)
        assert first.status_code == 200
        again = house.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert house.client.get(path, headers={"If-None-Match": '"another"'}).status_code == 200
    ids = fits(house.client.get("/api/ids"), schema.IdsAnswer)
    assert ids == {"nodes": list(house.doors.network.nodes.ids), "links": list(house.doors.network.links.ids)}


def test_it_says_what_it_is_of(house: House) -> None:
    about = fits(house.client.get("/api/about"), schema.AboutAnswer)
    assert about["network"] == {"hash": house.doors.network_hash, "nodes": N_NODES, "links": N_LINKS, "placed": False}
    assert (about["cycle_s"], about["interval_s"], about["demo"]) == (600.0, 300.0, False)
    assert about["quantities"] == ["pressure", "flow"]
    assert about["limits"] == {"pressure": 20.0}
    assert about["units"]["flow"] == "m3/s"


def test_the_timeline_reaches_from_the_first_cycle_to_the_end_of_the_outlook(house: House) -> None:
    empty = fits(house.client.get("/api/timeline"), schema.TimelineAnswer)
    assert [empty[name] for name in ("first", "last", "forecast_made", "forecast_until")] == [None] * 4
    lived(house)
    times = foretell(house)
    told = fits(house.client.get("/api/timeline"), schema.TimelineAnswer)
    assert told["first"] == iso_time(START + 10 * MINUTE)
    assert told["last"] == told["forecast_made"] == iso_time(START + 60 * MINUTE)
    assert told["forecast_until"] == iso_time(times[-1])


def test_values_are_those_of_the_state_in_the_order_of_the_network(house: House) -> None:
    lived(house)
    for quantity, count in (("pressure", N_NODES), ("flow", N_LINKS)):
        answer = house.client.get(f"/api/values?quantity={quantity}")
        state = house.client.get(f"/api/state?quantity={quantity}").json()
        rows = numbers(answer, count)
        for row, name in zip(rows, ("median", "low", "high"), strict=False):
            np.testing.assert_allclose(row, [one[name] for one in state["elements"].values()], rtol=1e-6)
        assert np.isnan(rows[3]).all()
        assert answer.headers["Tweeling-Kind"] == "now"
        assert answer.headers["Tweeling-End"] == answer.headers["Tweeling-Made"] == state["cycle_end"]


def test_values_of_the_past_are_what_was_believed_then(house: House) -> None:
    lived(house)
    moment = iso_time(START + 27 * MINUTE)
    answer = house.client.get(f"/api/values?at={moment}")
    assert answer.headers["Tweeling-Kind"] == "past"
    assert answer.headers["Tweeling-End"] == iso_time(START + 20 * MINUTE)
    state = house.client.get(f"/api/state?at={moment}").json()
    np.testing.assert_allclose(numbers(answer, N_NODES)[0], [one["median"] for one in state["elements"].values()], rtol=1e-6)
    assert "no estimates are kept" in refused(house.client.get(f"/api/values?at={iso_time(START - MINUTE)}"), 404)


def test_values_to_come_are_the_step_of_the_outlook_at_or_before(house: House) -> None:
    lived(house)
    times = foretell(house)
    answer = house.client.get(f"/api/values?at={iso_time(times[1] + 5 * MINUTE)}")
    np.testing.assert_array_equal(numbers(answer, N_NODES)[0], 10.0 + np.arange(N_NODES))
    np.testing.assert_array_equal(numbers(answer, N_NODES)[3], np.full(N_NODES, 0.25, dtype="f4"))
    assert answer.headers["Tweeling-Kind"] == "forecast"
    assert answer.headers["Tweeling-End"] == iso_time(times[1])
    assert answer.headers["Tweeling-Made"] == iso_time(START + 60 * MINUTE)
    before_its_first_step = house.client.get(f"/api/values?at={iso_time(START + 70 * MINUTE)}")
    assert before_its_first_step.headers["Tweeling-Kind"] == "now"
    beyond = house.client.get(f"/api/values?at={iso_time(times[-1] + 600 * MINUTE)}")
    assert beyond.headers["Tweeling-End"] == iso_time(times[-1])


def test_without_a_cycle_or_of_what_is_not_kept_there_are_no_values(house: House) -> None:
    assert "no cycle has closed" in refused(house.client.get("/api/values"), 404)
    lived(house)
    assert "no demand is kept" in refused(house.client.get("/api/values?quantity=demand"), 404)
    assert "is not one of" in refused(house.client.get("/api/values?quantity=love"), 400)


def test_a_series_goes_on_into_the_outlook_and_what_has_passed_leaves_it(house: House) -> None:
    lived(house)
    times = foretell(house)
    told = fits(house.client.get("/api/series?quantity=pressure&element=J1"), schema.SeriesAnswer)
    assert [one["time"] for one in told["forecast"]] == [iso_time(time) for time in times]
    assert [one["estimate"]["median"] for one in told["forecast"]] == [1.0, 11.0, 21.0, 31.0]
    assert told["forecast_made"] == iso_time(START + 60 * MINUTE)
    assert len(fits(house.client.get("/api/series?sensor=p1"), schema.SeriesAnswer)["forecast"]) == len(times)
    house.client.post("/api/readings", json=[reading(name, minute) for minute in range(65, 125, 5) for name in SENSORS])
    house.now += 60 * MINUTE
    house.settle()
    later = house.client.get("/api/series?quantity=pressure&element=J1").json()
    assert [one["time"] for one in later["forecast"]] == [iso_time(time) for time in times[2:]]


def test_residuals_are_those_of_readings_against_bands(house: House) -> None:
    nothing = fits(house.client.get("/api/residuals"), schema.ResidualsAnswer)
    assert {one["n"] for one in nothing["sensors"]} == {0}
    assert {one["coverage"] for one in nothing["sensors"]} == {None}
    lived(house)
    told = fits(house.client.get("/api/residuals?hours=1"), schema.ResidualsAnswer)
    series = house.client.get("/api/series?sensor=p1").json()
    expected = {one["time"]: one["estimate"] for one in series["bands"]}
    left = np.array([one["value"] - expected[one["time"]]["median"] for one in series["measured"]])
    mine = next(one for one in told["sensors"] if one["sensor"] == "p1")
    assert mine["n"] == 12
    np.testing.assert_allclose(mine["bias"], left.mean(), rtol=1e-5)
    np.testing.assert_allclose(mine["rmse"], np.sqrt((left**2).mean()), rtol=1e-5)
    np.testing.assert_allclose(mine["half_width"], 1.0, rtol=1e-5)
    assert mine["coverage"] == (np.abs(left) <= 1).mean()


def test_what_a_finding_turned_out_to_be_is_kept(house: House) -> None:
    lived(house, loud=True)
    finding = house.client.get("/api/findings").json()["findings"][0]["id"]
    fits(house.client.post(f"/api/findings/{finding}/close", json={"cause": "leak", "who": "Jo"}), schema.DeedAnswer)
    assert [(one.kind, one.cause) for one in house.store.readings.actions_after(0)] == [("close", "leak")]
    assert "cause" in refused(house.client.post(f"/api/findings/{finding}/close", json={"cause": "gnomes"}), 400)


def built(folder: Path) -> FastAPI:
    """An application that serves a page of two files."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>x</title>")
    (folder / "assets" / "index-a1b2.js").write_text("1")
    (folder.parent / "secret").write_text("s")
    app = FastAPI()
    static.add_page(app, folder)
    return app


def test_the_page_comes_with_a_policy_that_runs_nothing_of_others(tmp_path: Path) -> None:
    client = Client(built(tmp_path / "page"))
    page, script = client.get("/"), client.get("/assets/index-a1b2.js")
    for answer in (page, script):
        assert answer.status_code == 200
        assert answer.headers["Content-Security-Policy"] == static.POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-cache"
    assert "immutable" in script.headers["Cache-Control"]
    assert "unsafe" not in static.POLICY
    assert client.get("/assets/..%2f..%2fsecret").status_code == 404
    assert client.get("/assets/nothing.js").status_code == 404


def test_a_page_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    app = FastAPI()
    static.add_page(app, tmp_path / "nowhere")
    answer = Client(app).get("/")
    assert answer.status_code == 404
    assert "make page" in answer.text


def test_with_a_token_the_page_is_open_and_its_data_is_not_until_somebody_signs_in(tmp_path: Path) -> None:
    house = open_house(tmp_path, token=TOKEN)
    try:
        assert house.client.get("/").status_code in (200, 404)  # built or not, it is not refused
        assert "token" in refused(house.client.get("/api/about"), 401)
        assert "is not the token" in refused(house.client.post("/api/session", json={"token": "guess"}), 401)
        signed_in = house.client.post("/api/session", json={"token": TOKEN})
        fits(signed_in, schema.SessionAnswer)
        cookie = signed_in.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        shown = {"Cookie": cookie.partition(";")[0]}
        assert house.client.get("/api/about", headers=shown).status_code == 200
        forged = {"Cookie": shown["Cookie"][:-1] + ("0" if shown["Cookie"][-1] != "0" else "1")}
        assert house.client.get("/api/about", headers=forged).status_code == 401
        assert house.client.request("DELETE", "/api/session", headers=shown).status_code == 204
    finally:
        house.close()


def test_who_has_shown_nothing_cannot_fill_the_memory(tmp_path: Path) -> None:
    house = open_house(tmp_path, token=TOKEN)
    try:
        huge = b'{"token":"' + b"x" * 100_000 + b'"}'
        kind = {"Content-Type": "application/json"}
        assert "content-length" in refused(house.client.post("/api/session", content=huge, headers=kind), 413)
        unsaid = kind | {"Transfer-Encoding": "chunked", "Content-Length": ""}
        assert "content-length" in refused(house.client.post("/api/session", content=b"{}", headers=unsaid), 413)
    finally:
        house.close()


def test_a_session_ends_and_cannot_be_made_longer_or_carried_to_another_token() -> None:
    cookie = new_session(TOKEN, 1000)
    assert is_session(cookie, TOKEN, 1000)
    assert is_session(cookie, TOKEN, 999 + SESSION_SECONDS)
    assert not is_session(cookie, TOKEN, 1000 + SESSION_SECONDS)
    until, _, signature = cookie.partition(".")
    assert not is_session(f"{int(until) + 1}.{signature}", TOKEN, 1000)
    assert not is_session(cookie, TOKEN + "x", 1000)
    for broken in ("", ".", "abc", f"{until}.", "é.ü", f"-1.{signature}"):
        assert not is_session(broken, TOKEN, 1000)


def test_a_service_without_a_token_has_nobody_to_sign_in(house: House) -> None:
    assert "no token" in refused(house.client.post("/api/session", json={"token": "x"}), 404)


def test_a_map_of_only_some_elements_is_not_offered(tmp_path: Path) -> None:
    house = open_house(tmp_path)
    try:
        some = house.doors.config.output.model_copy(update={"elements": ("J0",)})
        doors = dataclasses.replace(house.doors, config=house.doors.config.model_copy(update={"output": some}))
        house.client._transport.app.state.doors = doors
        assert house.client.get("/api/about").json()["quantities"] == []
    finally:
        house.close()
