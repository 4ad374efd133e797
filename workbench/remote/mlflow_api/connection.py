"""One connection to an MLflow endpoint: requests one after the other, each read within its time and answered.

HTTP/1.1 by hand: as much of it as MLflow's client speaks. The standard library's server would cost each run
twice the time to start.
"""

import hmac
import io
import socket
import time
from typing import TYPE_CHECKING, Any, Dict, Iterator

from workbench.remote.mlflow_api import wire
from workbench.remote.mlflow_api.wire import BAD, INTERNAL, UNAUTHENTICATED, UNSUPPORTED, Refused

if TYPE_CHECKING:
    from workbench.remote.mlflow_api.http import Server

MAX_BODY = 4 << 20
"""Bytes of a call's JSON; MLflow's client stays under 1 MB a batch."""
MAX_UPLOAD = 1 << 40
MAX_LINE = 1 << 16
MOST_HEADERS = 100
PIECE = 1 << 18
STRANGER = 10.0  # seconds a connection has to make its first call
IDLE = 75.0  # seconds a connection is kept without a call
CALL = 20.0  # seconds for a call's headers and JSON to come in
PIECE_TIME = 30.0  # seconds for each piece of an upload, or download
LINE = 1024  # bytes of a chunk's head
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
WORDS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
         411: "Length Required", 413: "Payload Too Large", 501: "Not Implemented"}  # fmt: skip


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


class Connection(object):
    """Answers what comes over a socket; `talk` returns when it is over, or raises OSError."""

    def __init__(self, connection, server):
        # type: (socket.socket, Server) -> None
        self.connection = connection
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._house = server
        self._paced = Paced(connection)
        self._known = False  # has made a call with the run's token
        self.rfile = io.BufferedReader(self._paced, PIECE)
        self.close_connection = False
        self.command = self.path = ""
        self.headers = {}  # type: Dict[str, str]
        self._left = 0  # bytes of the request's body that were not read
        self._begun = False  # the answer is on its way

    def talk(self):
        # type: () -> None
        """Answer one request after the other."""
        while not self.close_connection:
            self._paced.deadline = time.monotonic() + (IDLE if self._known else STRANGER)
            line = self.rfile.readline(MAX_LINE)
            if not line:
                return
            self._house.begins(1)
            try:
                self._answer_one(line)
            finally:
                self._house.begins(-1)

    def _answer_one(self, line):
        # type: (bytes) -> None
        self._begun, self._left = False, 0
        try:
            self._read_head(line)
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

    def _read_head(self, line):
        # type: (bytes) -> None
        """The request's line and headers. Raises Refused; then nothing that follows is understood either."""
        self._paced.deadline = time.monotonic() + CALL
        self._left = 1
        self.headers = {}
        words = line.decode("iso-8859-1").split()
        if len(words) != 3 or words[0] not in METHODS or not words[2].startswith("HTTP/1."):
            raise Refused(BAD, "Invalid request")
        self.command, self.path = words[0], words[1]
        for _ in range(MOST_HEADERS):
            header = self.rfile.readline(MAX_LINE)
            if header in (b"\r\n", b"\n"):
                break
            name, colon, value = header.decode("iso-8859-1").partition(":")
            if not colon or not header.endswith(b"\n") or name != name.strip():
                raise Refused(BAD, "Invalid header")
            self.headers.setdefault(name.lower(), value.strip())
        else:
            raise Refused(BAD, "too many headers")
        if words[2] == "HTTP/1.0" or self.headers.get("connection", "").lower() == "close":
            self.close_connection = True
        if self.headers.get("expect", "").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        bare = self.headers.get("content-length", "0") == "0" and "transfer-encoding" not in self.headers
        self._left = 0 if bare else 1

    def _check(self):
        # type: () -> None
        """That the caller means this server, and is of this run."""
        port = self._house.port
        if self.headers.get("host") not in ("127.0.0.1:%d" % port, "localhost:%d" % port):
            raise Refused(UNAUTHENTICATED, "this is the address of one run, on its own machine", 403)
        given = (self.headers.get("authorization") or "").encode("utf-8", "replace")
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
        if "chunked" in (self.headers.get("transfer-encoding") or "").lower():
            self._left = 1
            return -1
        text = self.headers.get("content-length") or "0"
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
        lines = ["HTTP/1.1 %d %s" % (status, WORDS.get(status, "-"))]
        lines += ["Content-Type: " + kind, "Content-Length: %d" % length]
        lines += ["Connection: close"] if self.close_connection else []
        head = "\r\n".join(lines + ["", ""]).encode("ascii")
        self.connection.settimeout(PIECE_TIME)
        self.connection.sendall(head + body)
