"""The application: its routes, who may come in, and how an error is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Lifespan

from tweeling.errors import InputError, StoreError, TweelingError, UnknownElementError
from tweeling.service.doors import SHOWN, Doors
from tweeling.service.guard import Guard
from tweeling.service.routes import (
    about,
    findings,
    health,
    layout,
    network,
    readings,
    residuals,
    scorecard,
    sensors,
    series,
    session,
    state,
    stream,
    truth,
    values,
)
from tweeling.service.static import add_page

OF_THE_TWIN = (about, state, values, series, findings, sensors, network, layout, scorecard, residuals, health, stream, truth)
ROUTERS = tuple(part.router for part in (readings, *OF_THE_TWIN, session))
STATUS: dict[type[TweelingError], int] = {UnknownElementError: 404, InputError: 400, StoreError: 503}
"""What an error of ours is on the web; the first that fits counts."""

log = structlog.get_logger()


def make_app(doors: Doors) -> FastAPI:
    """The application that serves a twin.

    Args:
        doors: what its routes work with; closed by whoever opened it.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        watcher = asyncio.create_task(stream.watch(doors))
        yield
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher

    app = bare_app(lifespan)
    app.state.doors = doors
    app.add_exception_handler(TweelingError, tell_ours)
    app.add_exception_handler(HTTPException, tell_http)
    app.add_exception_handler(RequestValidationError, tell_invalid)
    app.add_exception_handler(Exception, tell_bug)
    app.add_middleware(Guard, token=doors.config.service.token)
    return app


def bare_app(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """All routes and their schema, without a twin behind them.

    Args:
        lifespan: what runs while the application does.
    """
    app = FastAPI(
        title="Tweeling",
        version=version("tweeling"),
        description="A live, probabilistic digital twin of a drinking-water network. All numbers are SI.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    for router in ROUTERS:
        app.include_router(router)
    add_page(app)
    _forget_422(app)
    return app


def _forget_422(app: FastAPI) -> None:
    """The framework's schema promises 422 with a form of its own for bad parameters; here it is 400 with ours."""
    document = app.openapi()
    for methods in document["paths"].values():
        for operation in methods.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


async def tell_ours(_request: Request, error: Exception) -> Response:
    """An error on purpose: its message is for the sender."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    headers = {"Retry-After": "2"} if status == 503 else None
    return JSONResponse({"error": str(error)}, status, headers=headers)


async def tell_http(request: Request, error: Exception) -> Response:
    """What the framework or a route refuses."""
    assert isinstance(error, HTTPException)
    detail = error.detail
    if error.status_code == 404 and detail == "Not Found":
        detail = f"there is no {request.url.path[:SHOWN]}; GET /api/openapi.json lists what there is"
    return JSONResponse({"error": detail}, error.status_code, headers=error.headers)


async def tell_invalid(_request: Request, error: Exception) -> Response:
    """A parameter or a body that does not fit its type."""
    assert isinstance(error, RequestValidationError)
    wrong = [f"{'.'.join(str(part)[:SHOWN] for part in item['loc'])}: {item['msg']}" for item in error.errors()[:5]]
    return JSONResponse({"error": "; ".join(wrong)}, 400)


async def tell_bug(request: Request, error: Exception) -> Response:
    """A bug: the log has it all, the sender learns nothing of our insides."""
    log.error("request failed", path=request.url.path[:SHOWN], exc_info=error)
    return JSONResponse({"error": "something is broken here; the log of the service says what"}, 500)
