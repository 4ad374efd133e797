"""Sweeping what died half done on a machine while a link is up, without making anybody wait for it."""

import os
import threading
from typing import Callable

from workbench.remote.machine import Machine
from workbench.remote.snapshots.leftovers import sweep

AFTER = 5.0  # seconds a new link is left alone: whoever connects wants something first


class Sweeping(object):
    """Sweeps a machine in a thread of its own, a while after a link came up."""

    def __init__(self, machine, after=AFTER):
        # type: (Machine, float) -> None
        self._machine = machine
        self._after = after
        self._ended = threading.Event()
        threading.Thread(target=self._work, daemon=True).start()

    def close(self):
        # type: () -> None
        """Begin nothing more; what is not swept yet is the next link's."""
        self._ended.set()

    def _work(self):
        # type: () -> None
        if not self._ended.wait(self._after):
            sweep(self._machine, self._ended.is_set)
            sweep_containers(self._machine, self._ended.is_set)


def sweep_containers(machine, ended=lambda: False):
    # type: (Machine, Callable[[], bool]) -> None
    """Remove containers of runs that are over, whose engine did not answer then."""
    if not os.path.isdir(os.path.join(machine.root, "containers")) or ended():
        return
    from workbench.remote.containers.ending import sweep_over  # which knows runs, and few machines have any

    sweep_over(machine)
