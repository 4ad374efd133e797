"""TCP connections from this machine on behalf of the near end: to be made, and made."""

import errno
import os
import select
import socket
import time
from typing import List, Optional, Tuple

from workbench.remote.forms import protocol
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError
from workbench.remote.wire.relay import Carried

PATIENCE = 10.0  # seconds until an address that does not answer is given up

Address = Tuple[int, Tuple[object, ...]]


def plain_addresses(host, port):
    # type: (str, int) -> Optional[List[Address]]
    """Where a port is of a host that need not be looked for: this machine, or one given by number."""
    if host == "localhost":  # what listens there does so on IPv4 more often than not
        return [(socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET6, ("::1", port, 0, 0))]
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, UnicodeError):
            continue
        return [(family, (host, port) if family == socket.AF_INET else (host, port, 0, 0))]
    return None


def look_up(host, port):
    # type: (str, int) -> List[Address]
    """Where a host's port may be, in the order of trying. Raises RequestError when there is no such host."""
    try:
        found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise RequestError("not_found", "the machine knows no host %s: %s" % (host[:200], why))
    return [(item[0], item[4]) for item in found]


class Connection(Carried):
    """A connection as the link carries it. An end of either direction is passed on, both of them end it.

    {"connected": true} once it is made, {"end": true} when the other side has said its last.
    """

    def __init__(self, exchange, host, port, places):
        # type: (Exchange, str, int, List[Address]) -> None
        self._where = "%s port %d" % (host, port)
        self._places = list(places)
        self._socket = None  # type: Optional[socket.socket]
        self._connected = False
        self._why = "it has no address"
        super(Connection, self).__init__(exchange, -1, protocol.CONNECTION_WINDOW)
        self._try_next()

    def wants(self):
        # type: () -> int
        """What to wait for, as poll has it."""
        return super(Connection, self).wants() if self._connected else select.POLLOUT

    def step(self, events):
        # type: (int) -> bool
        """Move what can be moved, once it is connected. Raises RequestError when it cannot be."""
        if self._connected:
            return super(Connection, self).step(events)
        self.exchange.check()
        assert self._socket is not None
        late = self.due is not None and self.due <= time.monotonic()
        if not events and not late:
            return False
        code = errno.ETIMEDOUT if not events else self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._why = os.strerror(code)
            self._try_next()
            return False
        self._connected, self.due = True, None
        self.exchange.event({"connected": True})
        return super(Connection, self).step(0)

    def look(self):
        # type: () -> bool
        """Over when both directions are."""
        if not (self.given and self.taken) or self._pending:
            return False
        self.exchange.answer({})
        return True

    def no_more_input(self):
        # type: () -> None
        """Tell the other side that nothing more will come."""
        assert self._socket is not None
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:  # it is gone already
            return

    def no_more_output(self):
        # type: () -> None
        """Tell the near end."""
        self.exchange.event({"end": True})

    def close(self):
        # type: () -> None
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()

    def _try_next(self):
        # type: () -> None
        while self._places:
            family, place = self._places.pop(0)
            self.close()
            try:
                self._socket = socket.socket(family, socket.SOCK_STREAM)
                self._socket.setblocking(False)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                code = self._socket.connect_ex(place)
            except OSError as error:
                code = error.errno or 0
            if code in (0, errno.EINPROGRESS) and self._socket is not None:
                self.fd = self._socket.fileno()
                self.due = time.monotonic() + PATIENCE
                return
            self._why = os.strerror(code)
        raise RequestError("refused", "%s on the machine: %s" % (self._where, self._why.lower()))
