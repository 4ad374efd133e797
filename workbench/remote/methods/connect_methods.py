"""The link's method `connect`: a TCP connection from the machine, its bytes both ways."""

import threading
from typing import Any, Dict

from workbench.remote.machine import Machine
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import LATER, Exchange, Handler
from workbench.remote.wire.problems import RequestError
from workbench.remote.wire.relay import Relay

MAX_CONNECTIONS = 512
MAX_LOOKUPS = 8  # of host names at once: each takes a thread of the link's, and may take long


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler."""
    return {"connect": ConnectMethods().connect}


class ConnectMethods(object):
    """The handler of one link."""

    def __init__(self):
        # type: () -> None
        self._relay = Relay(MAX_CONNECTIONS, "connections")
        self._lookups = threading.BoundedSemaphore(MAX_LOOKUPS)

    def connect(self, exchange):
        # type: (Exchange) -> Any
        """Connect to params host (default the machine itself) and port; DATA both ways, END half closes.

        EVENT {"connected": true} once it is made, {"end": true} when the other side half closes; {} when
        both directions have ended. A connection that breaks is an end.
        """
        from workbench.remote.wire.connections import Connection, plain_addresses

        host = parameters.text(exchange.params, "host", "localhost")
        port = exchange.params.get("port")
        if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
            raise RequestError("usage", "parameter port must be a port")
        self._relay.check_room()
        places = plain_addresses(host, port) or self._look_up(host, port)
        self._relay.add(Connection(exchange, host, port, places))
        return LATER

    def _look_up(self, host, port):
        # type: (str, int) -> Any
        from workbench.remote.wire.connections import look_up

        if not self._lookups.acquire(False):
            raise RequestError("busy", "%d hosts are looked for already" % MAX_LOOKUPS, "try again")
        try:
            return look_up(host, port)
        finally:
            self._lookups.release()
