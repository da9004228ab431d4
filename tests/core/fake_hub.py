"""A Hub of one repository over a real line, so that the Hub's own client and cache are tested."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import huggingface_hub
import pytest
from huggingface_hub import constants

HUB_ID = "someone/tiny"
REVISION = "0123456789abcdef0123456789abcdef01234567"
LATER = "fedcba9876543210fedcba9876543210fedcba98"


class FakeHub:
    """Serves `folder` as HUB_ID at `revision`. `asked`: the files that were fetched."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.revision, self.gated = folder, REVISION, False
        self.extra = {"README.md": b"---\nlicense: openrail\n---\n"}
        self.asked: list[str] = []
        self.server: ThreadingHTTPServer | None = None

    def files(self) -> dict[str, bytes]:
        on_disk = {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }
        return on_disk | self.extra

    def info(self) -> dict[str, Any]:
        listed = [{"rfilename": name, "size": len(body)} for name, body in self.files().items()]
        return {
            "_id": "x",
            "id": HUB_ID,
            "sha": self.revision,
            "siblings": listed,
            "tags": [],
            "cardData": {"license": "openrail"},
        }

    def answer_to(self, path: str, method: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers, as the Hub's own are."""
        if not path.startswith((f"/api/models/{HUB_ID}", f"/{HUB_ID}/")):
            return 404, b"{}", {"X-Error-Code": "RepoNotFound"}
        if self.gated:
            return 403, b"{}", {"X-Error-Code": "GatedRepo"}
        if path == f"/api/models/{HUB_ID}":
            return 200, json.dumps(self.info()).encode(), {}
        name = path.removeprefix(f"/{HUB_ID}/resolve/{self.revision}/")
        body = self.files().get(name)
        if body is None:
            return 404, b"{}", {"X-Error-Code": "EntryNotFound"}
        if method == "GET":
            self.asked.append(name)
        tag = hashlib.sha1(body).hexdigest()
        return 200, body, {"X-Repo-Commit": self.revision, "ETag": f'"{tag}"'}

    def open(self) -> str:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"  # a connection an answer: none outlives the server

            def log_message(self, *args: Any) -> None:
                pass

            def answer(self, code: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(code)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def do_GET(self) -> None:
                path = unquote(urlparse(self.path).path)
                self.answer(*hub.answer_to(path, self.command))

            do_HEAD = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        """The line is cut: from now on nobody listens there."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


@contextmanager
def served(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """The Hub's client asks this one until the context ends."""
    hub = FakeHub(folder)
    url = hub.open()
    monkeypatch.setattr(constants, "ENDPOINT", url)
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE
    path = template[template.index("/{repo_id}") :]
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.hf_api.api, "endpoint", url)
    try:
        yield hub
    finally:
        hub.close()
