"""The client that starts the local server when nobody answers, and again when an older one hands over."""

from __future__ import annotations

import socket
from typing import Any

from workbench.errors import ServerError
from workbench.home import Home
from workbench.workspace.duplex import Duplex
from workbench.workspace.exchange import ServerOutdated, Shape
from workbench.workspace.socket_client import Pieces, SocketClient


class OnDemandClient(SocketClient):
    """A client of a home's local server, which it starts when it must."""

    def __init__(self, home: Home, workspace: str) -> None:
        super().__init__(home.socket, workspace)
        self._home = home

    def _start(self) -> None:
        from workbench.workspace.server_start import start_server

        self._path = start_server(self._home)

    def _ask(self, noun: str, method: str, parameters: dict[str, Any], shape: Shape) -> Pieces:
        try:
            yield from super()._ask(noun, method, parameters, shape)
        except ServerOutdated:  # said before anything else
            self._start()
            yield from super()._ask(noun, method, parameters, shape)

    def duplex(self, noun: str, method: str, **parameters: Any) -> Duplex:
        """See SocketClient."""
        try:
            return super().duplex(noun, method, **parameters)
        except ServerOutdated:
            self._start()
            return super().duplex(noun, method, **parameters)

    def _connect(self) -> socket.socket:
        try:
            return super()._connect()
        except ServerError:
            self._start()
            return super()._connect()


def running_server(home: Home, workspace: str) -> SocketClient | None:
    """A client of the home's server if one runs, wherever that answers; None if not. Starts none."""
    from workbench.store.sqlite.ownership import find_server

    found = find_server(home)
    return None if found is None else SocketClient(found, workspace)
