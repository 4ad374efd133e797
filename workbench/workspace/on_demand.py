"""The client that starts the local server when nobody answers, and again when an older one hands over."""

from __future__ import annotations

import socket
from typing import Any

from workbench.errors import ServerError
from workbench.home import Home
from workbench.workspace.client import Answer, ServerOutdated, SocketClient


class OnDemandClient(SocketClient):
    """A client of a home's local server, which it starts when it must."""

    def __init__(self, home: Home, workspace: str) -> None:
        super().__init__(home.socket, workspace)
        self._home = home

    def _start(self) -> None:
        from workbench.workspace.server_start import start_server

        start_server(self._home)

    def _open(self, noun: str, method: str, parameters: dict[str, Any]) -> Answer:
        try:
            return super()._open(noun, method, parameters)
        except ServerOutdated:
            self._start()
            return super()._open(noun, method, parameters)

    def _connect(self) -> socket.socket:
        try:
            return super()._connect()
        except ServerError:
            self._start()
            return super()._connect()
