"""When a probe is to be replaced by a new process: a driver that failed is opened only once in each.

The library of a driver that is upgraded, reset or installed later is another one, or begins anew; a process
that has loaded it, or failed to, would never know.
"""

import os
import time
from typing import Any, Callable, Dict, List, Sequence, Tuple

from workbench.remote.gpus.nvml_names import NAMES
from workbench.remote.machine import read_line

LOOK_EVERY = 30.0  # seconds between two looks at what is installed
TROUBLED = 300.0  # seconds after which a process whose driver or GPU failed gives way without any sign
MODULE = "/proc/driver/nvidia/version"
LIBRARIES = tuple(name for name in NAMES if name.startswith("/"))

Fields = Dict[str, Any]
Sign = Tuple[str, ...]


class Renewal(object):
    """Looks now and then whether what is installed has changed, for the process that makes it."""

    def __init__(self):
        # type: () -> None
        self._sign = installed()
        self._began = self._looked = time.monotonic()

    def due(self, driver, rows):
        # type: (Fields, Callable[[], List[Fields]]) -> bool
        """Whether this process should end. driver, rows: what GpuSampler tells at the rate that is wanted."""
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY:
            return False
        self._looked = now
        return is_due(now - self._began, installed() != self._sign, driver, rows())


def is_due(age, changed, driver, rows):
    # type: (float, bool, Fields, List[Fields]) -> bool
    """Whether a process of an age should end: a driver in trouble that has changed, or is for long.

    One that hangs is no reason: it would hang the next one as well, and this one may never end.
    """
    errors = [row["error"] for row in rows if row.get("error")]
    if "hung" in errors or driver.get("source") == "nvidia-smi":
        return False
    in_trouble = bool(driver.get("error") or errors)
    if changed and (in_trouble or not rows):
        return True
    return in_trouble and age >= TROUBLED


def installed(module=MODULE, libraries=LIBRARIES):
    # type: (str, Sequence[str]) -> Sign
    """What tells one driver from another: its module's version, its libraries' files."""
    found = [read_line(module)]
    for path in libraries:
        try:
            stat = os.stat(path)
        except OSError:
            continue
        found.append("%s %d %d" % (path, stat.st_ino, stat.st_mtime))
    return tuple(found)
