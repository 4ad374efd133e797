"""The link's method `probe`: samples of this machine, again and again."""

import threading
from typing import Any, Dict, List

from workbench.remote.machine import Machine
from workbench.remote.wire.exchange import LATER, Exchange, Handler


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler."""
    lock = threading.Lock()
    shared = []  # type: List[Any]

    def probe(exchange):
        # type: (Exchange) -> Any
        from workbench.remote.probe.shared_probe import SharedProbe

        with lock:
            if not shared:
                shared.append(SharedProbe(machine))
        shared[0].add(exchange)
        return LATER

    return {"probe": probe}
