"""Free ports of this machine, found at the last moment and kept from other runs of ours.

A port that is free now may be anybody's a moment later: only its own server can hold it. So they are taken
where the system gives out none by itself, each is claimed by a name that only one process can have, in the
same network namespace as the port, and who starts the processes looks again when one of them fails.
"""

import errno
import os
import random
import socket
from typing import List, Optional, Tuple

LOWEST, HIGHEST = 15000, 65000
TRIES = 500
FEW = 1000  # ports outside the system's range that are worth looking among


class NoPort(Exception):
    """There is no free port, or none may be opened."""


class Ports(object):
    """Ports that are ours until `release` or the end of this process."""

    def __init__(self, count: int) -> None:
        self.numbers = []  # type: List[int]
        self._claims = []  # type: List[socket.socket]
        low, high = where()
        chosen = random.Random(os.urandom(8))
        for _ in range(TRIES):
            if len(self.numbers) == count:
                return
            port = chosen.randrange(low, high)
            if port not in self.numbers and not taken(port):
                self._claim(port)
        if len(self.numbers) < count:
            self.release()
            raise NoPort("no free port was found between %d and %d" % (low, high))

    def _claim(self, port: int) -> None:
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind("\0workbench-port-%d" % port)
        except OSError:
            claim.close()  # another run has it, or will in a moment
            return
        self._claims.append(claim)
        self.numbers.append(port)

    def hand_on(self) -> None:
        """Let the program that this process becomes keep them."""
        for claim in self._claims:
            claim.set_inheritable(True)

    def release(self) -> None:
        """Let others have them."""
        for claim in self._claims:
            claim.close()
        self._claims = []


def where() -> Tuple[int, int]:
    """Where to look: outside of what the system gives to connections, where that leaves enough."""
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
            low, high = [int(word) for word in file.read().split()[:2]]
    except (OSError, ValueError):
        return LOWEST, HIGHEST
    if low - LOWEST >= FEW:
        return LOWEST, low
    if HIGHEST - high >= FEW:
        return high + 1, HIGHEST
    return LOWEST, HIGHEST


def taken(port: int) -> bool:
    """Whether somebody listens there, on any address; what merely lingers after its end does not count."""
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        if _refused(family, address, port) == errno.EADDRINUSE:
            return True
    return False


def _refused(family: int, address: str, port: int) -> Optional[int]:
    try:
        probe = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None  # a machine without this family
    try:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
    except OSError as problem:
        return problem.errno
    finally:
        probe.close()
    return None
