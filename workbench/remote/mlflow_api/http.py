"""The HTTP server of an MLflow endpoint: this machine only, with a bearer token, bounded in every direction.

Connections are kept, as MLflow's client keeps them; each has a thread, and there are only so many.
"""

import socket
import threading
import time
from typing import Dict

from workbench.remote.mlflow_api.connection import Connection
from workbench.remote.mlflow_api.routes import Routes

HOST = "127.0.0.1"
MOST_CONNECTIONS = 64
STACK = 1 << 20  # bytes of each thread's: 64 of the usual size would be most of what the process may have


class Server(object):
    """Listens on 127.0.0.1. token: what a caller must know. port: 0 is any that is free. Raises OSError."""

    def __init__(self, routes, token, port=0):
        # type: (Routes, str, int) -> None
        self.routes = routes
        self.token = token
        self.ended = False
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._open = {}  # type: Dict[int, socket.socket]
        self._calls = 0
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((HOST, port))
            self._listener.listen(128)
        except OSError:
            self._listener.close()
            raise
        self.port = int(self._listener.getsockname()[1])

    @property
    def crowded(self):
        # type: () -> bool
        """Whether connections should rather not be kept."""
        return len(self._open) > MOST_CONNECTIONS // 2

    def serve(self):
        # type: () -> None
        """Answer each connection in a thread, until `finish`; those too many wait for their turn."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if self.ended:
                    return
                time.sleep(0.1)  # no descriptor is free, for now
                continue
            self._begin(connection)

    def begins(self, calls):
        # type: (int) -> None
        """Count a call that begins (1), or is over (-1)."""
        with self._lock:
            self._calls += calls

    def finish(self, seconds):
        # type: (float) -> None
        """Take no more connections; those that are being answered have so many seconds."""
        self.ended = True
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits for connections
        except OSError:
            pass  # this system wakes it when it is closed
        self._listener.close()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._calls:
            time.sleep(0.02)
        with self._lock:
            for connection in list(self._open.values()):
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the other side was quicker

    def _begin(self, connection):
        # type: (socket.socket) -> None
        while not self._places.acquire(timeout=0.5):
            if self.ended:
                connection.close()
                return
        with self._lock:
            self._open[id(connection)] = connection
        threading.stack_size(STACK)
        thread = threading.Thread(target=self._talk, args=(connection,), name="mlflow")
        thread.daemon = True
        thread.start()

    def _talk(self, connection):
        # type: (socket.socket) -> None
        try:
            Connection(connection, self).talk()
        except (OSError, ValueError):
            pass  # a connection that broke, or was too slow: its own affair
        finally:
            with self._lock:
                self._open.pop(id(connection), None)
            connection.close()
            self._places.release()
