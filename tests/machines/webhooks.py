"""A webhook that keeps what a run posts at its end, and what came of all it asked for."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.machines.ground import Ground, until


class Hook(http.server.ThreadingHTTPServer):
    """A webhook that keeps what comes and answers with the next of its statuses."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.location = ""
        self.hold = 0.0

    def entry(self, **more: Any) -> dict[str, Any]:
        """The entry of on_end that posts here."""
        url = f"http://127.0.0.1:{self.server_address[1]}/hook"
        return {"webhook": url, "allow": ["127.0.0.1"], "plain_http": True, **more}


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.came.append((dict(self.headers), body))
        time.sleep(self.server.hold)
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def results(ground: Ground, run: str) -> list[dict[str, Any]]:
    """How all of it went, once it is done."""
    path = ground.path(run, "on_end.json")

    def done() -> Any:
        found = json.loads(path.read_text()) if path.exists() else {}
        return found if found.get("done") else None

    found: list[dict[str, Any]] = until(done, "what it asked for at its end")["results"]
    return found


def log(ground: Ground, run: str) -> str:
    return ground.path(run, "logs/on_end.log").read_text()
