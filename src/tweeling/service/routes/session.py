"""`POST /api/session`: a person signs in with the service's token and gets a cookie, for a browser's page can send no header
with its event stream.
"""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from starlette.exceptions import HTTPException

from tweeling.reading import iso_time
from tweeling.service.doors import Doors, answer, doors_of
from tweeling.service.guard import COOKIE, SESSION_SECONDS, is_token, new_session
from tweeling.service.schema import Problem, SessionAnswer, SessionRequest

router = APIRouter(tags=["session"])


@router.post(
    "/api/session", response_model=SessionAnswer, responses={code: {"model": Problem} for code in (400, 401, 404, 415)}
)
def post_session(doors: Annotated[Doors, Depends(doors_of)], asked: SessionRequest) -> Response:
    """Signs in: the cookie that comes with the answer opens what the token opens, for half a day."""
    token = doors.config.service.token
    if not token:
        raise HTTPException(404, "this service has no token; nobody needs to sign in")
    if not is_token(asked.token, token):
        raise HTTPException(401, "that is not the token of this service; it stands in TWIN.toml, service.token")
    now = int(time.time())  # as the guard counts
    response = answer({"until": iso_time((now + SESSION_SECONDS) * 1_000_000)})
    response.set_cookie(COOKIE, new_session(token, now), max_age=SESSION_SECONDS, httponly=True, samesite="strict")
    return response


@router.delete("/api/session", status_code=204, response_class=Response, responses={401: {"model": Problem}})
def delete_session() -> Response:
    """Signs out."""
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response
