"""Who may come in: checked before anything else is looked at.

Without a token the service answers only requests that name this machine itself (a web page elsewhere that has its own name
point to 127.0.0.1 names that), and a request that changes something must say that it is no form: a browser asks first before
it sends such a one for another site, and is not answered.

With a token, a program shows it in a header. A person shows it once, to `POST /api/session`; from then on the browser shows a
cookie: until when it holds, and a signature of that, made with the token. The page holds no data and is given to anybody.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import time
from http.cookies import CookieError, SimpleCookie

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tweeling.errors import InputError

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
"""What a browser sends for any site without asking."""
COOKIE = "tweeling"
SESSION_SECONDS = 12 * 3600
SESSION = "/api/session"
SESSION_BYTES = 4096
"""Whoever has shown nothing yet may send no more than this, and says beforehand how much it is."""


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


def is_token(shown: str, token: str) -> bool:
    """Whether a text is the token; takes as long for any other."""
    return hmac.compare_digest(shown.encode(), token.encode())


def new_session(token: str, now: int) -> str:
    """What the cookie holds of who has shown the token; now is in seconds since 1970 UTC."""
    until = str(now + SESSION_SECONDS)
    return f"{until}.{_signature(token, until)}"


def is_session(cookie: str, token: str, now: int) -> bool:
    """Whether a cookie was made with the token and still holds."""
    until, _, signature = cookie.partition(".")
    made_here = hmac.compare_digest(signature.encode(), _signature(token, until).encode())
    return made_here and until.isdecimal() and now < int(until)


def _signature(token: str, until: str) -> str:
    return hmac.new(token.encode(), f"session {until}".encode(), hashlib.sha256).hexdigest()


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
            status, why = self._refusal(scope["method"], scope["path"], Headers(scope=scope))
            if status:
                await _refuse(send, status, why)
                return
        await self.app(scope, receive, send)

    def _refusal(self, method: str, path: str, headers: Headers) -> tuple[int, str]:
        if self.token:
            if not (_is_open(method, path) or self._is_known(headers)):
                return 401, "this service needs its token: send the header Authorization: Bearer TOKEN"
        elif not is_local(_without_port(headers.get("host", "localhost"))):
            return 421, "without a token the service answers to 127.0.0.1 and localhost only"
        if path == SESSION and method == "POST" and not _is_short(headers):
            return 413, f"send a content-length of at most {SESSION_BYTES}"
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if method not in ("GET", "HEAD", "OPTIONS") and kind in FORMS:
            return 415, f"content type {kind} is not taken; send application/json"
        if method not in ("GET", "HEAD", "OPTIONS") and not kind and "origin" in headers:
            return 415, "a request from a page needs its content type; send application/json"
        return 0, ""

    def _is_known(self, headers: Headers) -> bool:
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if scheme == "Bearer":
            return is_token(shown, self.token)
        return is_session(_cookie(headers), self.token, int(time.time()))


def _is_open(method: str, path: str) -> bool:
    """What is given to anybody: the page, which holds no data, and the way to sign in."""
    if method == "POST":
        return path == SESSION
    return method in ("GET", "HEAD") and (path == "/" or path.startswith("/assets/"))


def _is_short(headers: Headers) -> bool:
    length = headers.get("content-length", "")
    return len(length) < 10 and length.isdecimal() and int(length) <= SESSION_BYTES


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


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
