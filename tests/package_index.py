"""A package index on this machine, whose packages hold a line each; what is newest there is the test's to say."""

from __future__ import annotations

import hashlib
import io
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


def wheel(name: str, version: str, python: str = "", needs: tuple[str, ...] = ()) -> tuple[str, bytes]:
    """A wheel of a package that holds one line."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += f"Requires-Python: {python}\n" if python else ""
    metadata += "".join(f"Requires-Dist: {line}\n" for line in needs)
    info = f"{name}-{version}.dist-info"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr(f"{name}.py", f"version = {version!r}\n")
        packed.writestr(f"{info}/METADATA", metadata)
        packed.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{info}/RECORD", "")
    return f"{name}-{version}-py3-none-any.whl", file.getvalue()


class Index:
    """A package index on this machine; what it has may change."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.pythons: dict[str, str] = {}
        self.asked: list[str] = []
        self.wants_password = False
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.do_GET(body_too=False)

            def do_GET(self, body_too: bool = True) -> None:
                index.asked.append(self.path)
                if index.wants_password and self.headers.get("Authorization") != "Basic bWU6cHc=":
                    self.send_response(401)
                    self.end_headers()
                    return
                body = index.page(self.path)
                self.send_response(200 if body is not None else 404)
                kind = "text/html" if self.path.startswith("/simple/") else "application/octet-stream"
                self.send_header("Content-Type", kind)
                self.send_header("Cache-Control", "no-store")
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body if body and body_too else b"")

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/simple"

    def add(self, name: str, version: str, python: str = "", needs: tuple[str, ...] = ()) -> None:
        file, content = wheel(name, version, python, needs)
        self.files[file] = content
        self.pythons[file] = python

    def page(self, path: str) -> bytes | None:
        if path.startswith("/files/"):
            return self.files.get(path.removeprefix("/files/").removesuffix(".metadata"))
        name = path.removeprefix("/simple/").strip("/")
        links = [
            f'<a href="/files/{file}#sha256={hashlib.sha256(content).hexdigest()}"'
            f' data-requires-python="{self.pythons[file].replace("<", "&lt;").replace(">", "&gt;")}">{file}</a>'
            for file, content in self.files.items()
            if file.startswith(f"{name}-")
        ]
        return "<br>".join(links).encode() if links else None

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
