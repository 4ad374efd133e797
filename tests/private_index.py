"""A package index of a test's own on this machine: files of a folder, with a password where one is wanted."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple


class Index(NamedTuple):
    """Where it answers, and who asked for what: [(path, user or empty)]."""

    url: str
    asked: list[tuple[str, str]]


@contextmanager
def package_index(folder: Path, user: str = "", password: str = "") -> Iterator[Index]:
    """Serve the wheels of a folder as a simple index, to this user alone where one is named."""
    asked: list[tuple[str, str]] = []
    digest = functools.cache(lambda name: hashlib.sha256((folder / name).read_bytes()).hexdigest())

    def link(name: str) -> str:
        told = f'data-core-metadata="true" data-dist-info-metadata="true">{html.escape(name)}'
        return f'<a href="/files/{html.escape(name)}#sha256={digest(name)}" {told}</a>\n'

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            return

        def do_GET(self) -> None:
            who = self.headers.get("Authorization", "")
            name, _, word = base64.b64decode(who.partition(" ")[2] or b"Og==").decode().partition(":")
            asked.append((self.path, name))
            if user and (name, word) != (user, password):
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="packages"')
                self.end_headers()
                return
            parts = [part for part in self.path.partition("?")[0].split("/") if part]
            self._answer(parts)

        do_HEAD = do_GET

        def _answer(self, parts: list[str]) -> None:
            if parts[:1] == ["files"] and (folder / parts[-1]).is_file():
                self._say((folder / parts[-1]).read_bytes(), "application/octet-stream")
            elif parts[:1] == ["files"] and (folder / parts[-1].removesuffix(".metadata")).is_file():
                self._say(metadata(folder / parts[-1].removesuffix(".metadata")), "application/octet-stream")
            elif parts[:1] == ["simple"] and len(parts) == 2:
                found = [path.name for path in folder.iterdir() if project(path.name) == parts[1]]
                links = "".join(map(link, found))
                self._say(f"<html><body>{links}</body></html>".encode(), "text/html", 200 if found else 404)
            else:
                self._say(b"", "text/plain", 404)

        def _say(self, body: bytes, kind: str, code: int = 200) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield Index(f"http://127.0.0.1:{server.server_port}/simple", asked)
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def metadata(wheel: Path) -> bytes:
    """What a wheel says of itself, which an index can say in its place: nobody has to fetch one to resolve."""
    with zipfile.ZipFile(wheel) as packed:
        (name,) = (
            one for one in packed.namelist() if one.endswith(".dist-info/METADATA") and one.count("/") == 1
        )
        return packed.read(name)


def project(name: str) -> str:
    """The project that a file is of."""
    return name.split("-")[0].replace("_", "-").lower()
