"""Who may come in: checked before anything else is looked at.

Without a token the service answers only requests that name this machine itself (a web page elsewhere that has its own name
point to 127.0.0.1 names that), and a request that changes something must say that it is no form: a browser asks first before
it sends such a one for another site, and is not answered.
"""

from __future__ import annotations

import hmac
import ipaddress

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tweeling.errors import InputError

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
"""What a browser sends for any site without asking."""


def is_local(host: str) -> bool:
    """Whether a name or an address is this machine and nothing else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_open_door(host: str, token: str) -> None:
    """Refuses to listen to others without a token.

    Raises:
        InputError: no token, or one that can be guessed.
    """
    if is_local(host) and not token:
        return
    if not token:
        raise InputError(
            f"service.host {host} can be reached by others, so a token is needed: set service.token in TWIN.toml "
            "(python -c 'import secrets; print(secrets.token_urlsafe())' makes one), or listen on 127.0.0.1"
        )
    if len(token) < 16 or not token.isascii() or any(letter.isspace() for letter in token):
        raise InputError("service.token needs at least 16 characters, all ASCII, none of them a space")


class Guard:
    """Lets in who may come in.

    Args:
        app: behind it.
        token: that everybody must show, as `Authorization: Bearer TOKEN`; "" lets in this machine.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app, self.token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] == "http":
            status, why = self._refusal(scope["method"], Headers(scope=scope))
            if status:
                await _refuse(send, status, why)
                return
        await self.app(scope, receive, send)

    def _refusal(self, method: str, headers: Headers) -> tuple[int, str]:
        if self.token:
            shown = headers.get("authorization", "")
            if not hmac.compare_digest(shown.encode(), f"Bearer {self.token}".encode()):
                return 401, "this service needs its token: send the header Authorization: Bearer TOKEN"
        elif not is_local(_without_port(headers.get("host", "localhost"))):
            return 421, "without a token the service answers to 127.0.0.1 and localhost only"
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if method not in ("GET", "HEAD", "OPTIONS") and kind in FORMS:
            return 415, f"content type {kind} is not taken; send application/json"
        if method not in ("GET", "HEAD", "OPTIONS") and not kind and "origin" in headers:
            return 415, "a request from a page needs its content type; send application/json"
        return 0, ""


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


async def _refuse(send: Send, status: int, why: str) -> None:
    body = msgspec.json.encode({"error": why})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
