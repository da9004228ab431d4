"""The page's own js and css files and plotly.js, served by this process: nothing from other hosts.

Addresses are relative, so they work under a sub-path, and end in a hash of the content, so a
browser may keep them for ever. Each file is compressed once, ahead of the first visitor.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import brotli  # comes with gradio
import plotly
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

ASSETS = Path(__file__).resolve().parents[1] / "assets"
PREFIX = "studio-static"
PLOTLY = "plotly.min.js"  # the one of the plotly package: figures and the editor share it
ANSWERS = "page/answers.js"  # in the page itself: no question may be asked before it has run
DOM = "page/dom.js"  # how the page code of every component makes its nodes
TYPES = {".css": "text/css", ".js": "text/javascript"}


def head(*names: str) -> str:
    """Tags for files of assets/ (or `plotly.min.js`), in this order, for a component's `head`."""
    return "".join(_tag(name) for name in names)


def serving() -> dict[str, Any]:
    """What `launch` needs: these files, the page itself compressed, and no answer lost."""
    app = {"routes": routes(), "middleware": [Middleware(SmallPage)]}
    answers = _content(ANSWERS).decode()
    return {"app_kwargs": app, "head": f"<script>{answers}</script>"}


def routes() -> list[Route]:
    """What serves these files."""
    threading.Thread(target=_compress_all, daemon=True).start()
    return [Route(f"/{PREFIX}/{{name:path}}", _send)]


class SmallPage:
    """Compresses the page, which gradio sends as it is: every component and event, over 500 kB."""

    def __init__(self, app: ASGIApp) -> None:
        self.plain = app
        self.small = GZipMiddleware(app, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = scope["type"] == "http" and scope["path"].endswith("/")
        await (self.small if page else self.plain)(scope, receive, send)


@cache  # a component asks with every answer, and plotly.js has millions of bytes
def _tag(name: str) -> str:
    address = f"{PREFIX}/{name}?v={hashlib.sha256(_content(name)).hexdigest()[:12]}"
    if name.endswith(".css"):
        return f'<link rel="stylesheet" href="{address}">'
    return f'<script src="{address}"></script>'


@cache
def _content(name: str) -> bytes:
    return _path(name).read_bytes()


# In the order in which they are chosen. Browsers ask for brotli over https, and of this machine.
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda content: brotli.compress(content, quality=9),
    "gzip": lambda content: gzip.compress(content, compresslevel=9, mtime=0),
}


@cache
def _compressed(name: str, encoding: str) -> bytes:
    return ENCODINGS[encoding](_content(name))


def _compress_all() -> None:
    """Plotly takes half a second: the first visitor should not wait for it."""
    files = (path for path in sorted(ASSETS.rglob("*")) if path.suffix in TYPES)
    for name in (PLOTLY, *(path.relative_to(ASSETS).as_posix() for path in files)):
        for encoding in ENCODINGS:
            _compressed(name, encoding)


def _encoding_for(accepted: str) -> str | None:
    """The first of ours that an `Accept-Encoding` header takes, None for none: `br;q=0` is a no."""
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        try:
            weights[name.strip()] = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            weights[name.strip()] = 0
    every = weights.get("*", 0)
    return next((name for name in ENCODINGS if weights.get(name, every) > 0), None)


def _path(name: str) -> Path:
    if name == PLOTLY:
        return Path(plotly.__file__).parent / "package_data" / PLOTLY
    path = (ASSETS / name).resolve()
    if path.suffix not in TYPES or not path.is_relative_to(ASSETS) or not path.is_file():
        raise FileNotFoundError(name)
    return path


def _send(request: Request) -> Response:
    name = request.path_params["name"]
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    try:
        media_type = TYPES[_path(name).suffix]
    except FileNotFoundError:
        return Response(status_code=404)
    if encoding := _encoding_for(request.headers.get("accept-encoding", "")):
        headers["Content-Encoding"] = encoding
        return Response(_compressed(name, encoding), media_type=media_type, headers=headers)
    return Response(_content(name), media_type=media_type, headers=headers)
