"""The HTTP server of an MLflow endpoint: this machine only, with a bearer token, bounded in every direction.

Connections are kept, as MLflow's client keeps them; each has a thread, and there are only so many.
"""

import hmac
import io
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any, Dict, Iterator, Tuple

from workbench.remote.mlflow_api import wire
from workbench.remote.mlflow_api.routes import Routes
from workbench.remote.mlflow_api.wire import BAD, INTERNAL, UNAUTHENTICATED, UNSUPPORTED, Refused

MOST_CONNECTIONS = 64
MAX_BODY = 4 << 20
"""Bytes of a call's JSON; MLflow's client stays under 1 MB a batch."""
MAX_UPLOAD = 1 << 40
PIECE = 1 << 18
STRANGER = 10.0  # seconds a connection has to make its first call
IDLE = 75.0  # seconds a connection is kept without a call
CALL = 20.0  # seconds for a call's headers and JSON to come in
PIECE_TIME = 30.0  # seconds for each piece of an upload, or download
LINE = 1024
STACK = 1 << 20  # bytes of each thread's: 64 of the usual size would be most of what the process may have


class Paced(io.RawIOBase):
    """What comes in over a socket, until `deadline` (by time.monotonic): then socket.timeout is raised."""

    def __init__(self, sock):
        # type: (socket.socket) -> None
        io.RawIOBase.__init__(self)
        self._socket = sock
        self.deadline = time.monotonic() + STRANGER

    def readable(self):
        # type: () -> bool
        """Yes."""
        return True

    def readinto(self, buffer):
        # type: (Any) -> int
        """Bytes that came, 0 at the end."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout("too slow")
        self._socket.settimeout(left)
        return self._socket.recv_into(buffer)


class Server(socketserver.TCPServer):
    """Listens on 127.0.0.1. token: what a caller must know. port: 0 is any that is free."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, routes, token, port=0):
        # type: (Routes, str, int) -> None
        self.routes = routes
        self.token = token
        self.ended = False
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._open = {}  # type: Dict[int, socket.socket]
        self._calls = 0
        socketserver.TCPServer.__init__(self, ("127.0.0.1", port), Handler)

    @property
    def port(self):
        # type: () -> int
        """Where it listens."""
        return int(self.server_address[1])

    @property
    def crowded(self):
        # type: () -> bool
        """Whether connections should rather not be kept."""
        return len(self._open) > MOST_CONNECTIONS // 2

    def process_request(self, request, client_address):
        # type: (Any, Any) -> None
        """Answer one connection in a thread; waits while there are too many."""
        while not self._places.acquire(timeout=0.5):
            if self.ended:
                self.shutdown_request(request)
                return
        with self._lock:
            self._open[id(request)] = request
        threading.stack_size(STACK)
        thread = threading.Thread(target=self._talk, args=(request, client_address), name="mlflow")
        thread.daemon = True
        thread.start()

    def handle_error(self, request, client_address):
        # type: (Any, Any) -> None
        """A connection that broke, or a caller that was too slow: its own affair."""

    def finish(self, seconds):
        # type: (float) -> None
        """Take no more connections; those that are being answered have so many seconds."""
        self.ended = True
        self.shutdown()
        self.server_close()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._calls:
            time.sleep(0.02)
        with self._lock:
            for request in list(self._open.values()):
                try:
                    request.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the other side was quicker

    def begins(self, calls):
        # type: (int) -> None
        """Count a call that begins (1), or is over (-1)."""
        with self._lock:
            self._calls += calls

    def _talk(self, request, client_address):
        # type: (Any, Any) -> None
        try:
            self.finish_request(request, client_address)
        except (OSError, ValueError):
            pass  # a connection that broke, or was too slow
        finally:
            with self._lock:
                self._open.pop(id(request), None)
            self.shutdown_request(request)
            self._places.release()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "workbench"
    sys_version = ""

    def __init__(self, request, client_address, server):
        # type: (Any, Any, Server) -> None
        self._house = server
        BaseHTTPRequestHandler.__init__(self, request, client_address, server)

    def setup(self):
        # type: () -> None
        """Read with deadlines, answer at once."""
        self.connection = self.request
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._paced = Paced(self.connection)
        self._known = False
        self.rfile = io.BufferedReader(self._paced, PIECE)
        self.wfile = self.connection.makefile("wb", 0)

    def handle_one_request(self):
        # type: () -> None
        """Wait for a call, but not for ever, and answer it."""
        self._paced.deadline = time.monotonic() + (IDLE if self._known else STRANGER)
        self._left = 0
        BaseHTTPRequestHandler.handle_one_request(self)

    def parse_request(self):
        # type: () -> bool
        """A call has begun: its headers come soon."""
        self._paced.deadline = time.monotonic() + CALL
        return BaseHTTPRequestHandler.parse_request(self)

    def log_message(self, format, *args):
        # type: (str, *Any) -> None
        """Nothing is logged: a run's output is its own."""

    def do_GET(self):
        # type: () -> None
        """Answer a call."""
        self._house.begins(1)
        try:
            self._guarded()
        finally:
            self._house.begins(-1)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET

    def _guarded(self):
        # type: () -> None
        self._begun = False
        try:
            self._check()
            self._known = True
            path, _, query = self.path.partition("?")
            if self._house.routes.is_artifact(path) and self.command in ("PUT", "GET", "DELETE"):
                self._artifact(path)
            else:
                self._call(path, query)
        except Refused as refused:
            self._refuse(refused)
        except (socket.timeout, ConnectionError):
            raise
        except OSError as error:
            self._refuse(Refused(INTERNAL, "the run's folder cannot be used: %s" % error.strerror))
        except Exception as error:  # a mistake of ours: the script is told, its connection lives
            self._refuse(Refused(INTERNAL, "%s: %s" % (type(error).__name__, error)))

    def _check(self):
        # type: () -> None
        """That the caller means this server, and is of this run."""
        port = self._house.port
        if self.headers.get("Host") not in ("127.0.0.1:%d" % port, "localhost:%d" % port):
            raise Refused(UNAUTHENTICATED, "this is the address of one run, on its own machine", 403)
        given = (self.headers.get("Authorization") or "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, b"Bearer " + self._house.token.encode("ascii")):
            raise Refused(UNAUTHENTICATED, "MLFLOW_TRACKING_TOKEN is not that of this run")

    def _call(self, path, query):
        # type: (str, str) -> None
        length = self._length(MAX_BODY)
        if length < 0:
            raise Refused(UNSUPPORTED, "a call's JSON is not sent in chunks", 411)
        body = self.rfile.read(length)
        self._left = 0
        if len(body) < length:
            raise ConnectionError("cut off")
        if path == "/health":
            return self._answer(200, b"OK", "text/plain")
        self._answer(200, wire.encoded(self._house.routes.answer(self.command, path, query, body)))

    def _artifact(self, path):
        # type: (str) -> None
        routes = self._house.routes
        if self.command == "PUT":
            length = self._length(MAX_UPLOAD)
            routes.keep(path, self._chunks() if length < 0 else self._pieces(length))
            return self._answer(200, b"{}")
        place = routes.place(path)
        if self.command == "DELETE":
            routes.files.delete(place)
            return self._answer(200, b"{}")
        with routes.files.open(place) as opened:
            size = opened.seek(0, 2)
            opened.seek(0)
            self._head(200, size, "application/octet-stream")
            while size > 0:
                piece = opened.read(min(PIECE, size))
                if not piece:
                    raise ConnectionError("the file became shorter")
                size -= len(piece)
                self.connection.settimeout(PIECE_TIME)
                self.connection.sendall(piece)

    def _length(self, most):
        # type: (int) -> int
        """Bytes of the body, -1 when it comes in chunks. Raises Refused."""
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            self._left = 1
            return -1
        text = self.headers.get("Content-Length") or "0"
        if not (text.isdigit() and len(text) < 16):
            self._left = 1
            raise Refused(BAD, "Invalid Content-Length")
        self._left = int(text)
        if self._left > most:
            raise Refused(BAD, "a body of %d bytes; at most %d are taken" % (self._left, most), 413)
        return self._left

    def _pieces(self, length):
        # type: (int) -> Iterator[bytes]
        """The body of an upload; never all of it at once."""
        while length > 0:
            self._paced.deadline = time.monotonic() + PIECE_TIME
            piece = self.rfile.read(min(PIECE, length))
            if not piece:
                raise ConnectionError("cut off")
            length -= len(piece)
            self._left = length
            yield piece
        self._left = 0

    def _chunks(self):
        # type: () -> Iterator[bytes]
        """The body of an upload whose length was not known when it began."""
        while True:
            size = self._line().split(b";")[0].strip()
            try:
                length = int(size, 16)
            except ValueError:
                raise Refused(BAD, "Invalid chunk")
            if not 0 <= length <= MAX_UPLOAD:
                raise Refused(BAD, "Invalid chunk")
            if length == 0:
                while self._line().strip():
                    pass  # trailers
                self._left = 0
                return
            for piece in self._pieces(length):
                yield piece
            self._left = 1
            self._line()

    def _line(self):
        # type: () -> bytes
        self._paced.deadline = time.monotonic() + PIECE_TIME
        line = self.rfile.readline(LINE)
        if not line.endswith(b"\n"):
            raise Refused(BAD, "Invalid chunk")
        return line

    def _refuse(self, refused):
        # type: (Refused) -> None
        """Say no. A body that was not read is not waited for: the connection ends after the answer."""
        if self._begun:
            raise ConnectionError("broke off")
        self._answer(refused.status, refused.body())

    def _answer(self, status, body, kind="application/json"):
        # type: (int, bytes, str) -> None
        self._head(status, len(body), kind, b"" if self.command == "HEAD" else body)

    def _head(self, status, length, kind, body=b""):
        # type: (int, int, str, bytes) -> None
        """The answer's head, with a short body in the same packet."""
        self._begun = True
        if self._left or self._house.ended or self._house.crowded:
            self.close_connection = True
        lines = ["HTTP/1.1 %d %s" % (status, self.responses.get(status, ("-",))[0])]
        lines += ["Content-Type: " + kind, "Content-Length: %d" % length]
        lines += ["Connection: close"] if self.close_connection else []
        head = "\r\n".join(lines + ["", ""]).encode("ascii")
        self.connection.settimeout(PIECE_TIME)
        self.connection.sendall(head + body)
