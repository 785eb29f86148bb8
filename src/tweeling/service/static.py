"""The page: files that `make page` has built, served with a policy under which a browser runs nothing else."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "page"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
NOT_BUILT = "The page is not built. In a clone of Tweeling `make page` builds it; the installed package contains it.\n"


class Assets(StaticFiles):
    """Files whose names hold a hash of what is in them, so that a browser may keep them for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, with the page's policy."""
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS | {"Cache-Control": "public, max-age=31536000, immutable"})
        return response


def add_page(app: FastAPI, folder: Path = FOLDER) -> None:
    """Serves the page at `/`.

    Args:
        app: of the service.
        folder: with `index.html` and `assets/`; where it is not there, `/` says how to build it.
    """
    index = folder / "index.html"

    @app.get("/", include_in_schema=False)
    def get_page() -> Response:
        if not index.exists():
            return Response(NOT_BUILT, 404, HEADERS, media_type="text/plain")
        return Response(index.read_bytes(), headers=HEADERS | {"Cache-Control": "no-cache"}, media_type="text/html")

    app.mount("/assets", Assets(directory=folder / "assets", check_dir=False), name="assets")
