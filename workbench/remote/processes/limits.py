"""The limits of a shell (`ulimit`) that a process ran under, for the words about how it ended."""

import re
from typing import Dict, Optional

from workbench.remote.forms.sizes import in_words

MEMORY = "Max address space"
FILES = "Max file size"

_LINE = re.compile(r"^(Max [a-z ]+?) {2,}(\d+|unlimited) ")


def limits_of(pid):
    # type: (int) -> Dict[str, int]
    """The soft limits of a process that are limits, by the kernel's names; also of one not yet reaped."""
    try:
        with open("/proc/%d/limits" % pid) as file:
            return parse_limits(file.read(8192))
    except OSError:
        return {}


def parse_limits(text):
    # type: (str) -> Dict[str, int]
    """What /proc/PID/limits says, without what is unlimited."""
    found = [match for match in map(_LINE.match, text.splitlines()) if match is not None]
    return {match.group(1): int(match.group(2)) for match in found if match.group(2) != "unlimited"}


def told(limits):
    # type: (Dict[str, int]) -> Optional[str]
    """Those that a program may have failed by without the kernel ending it, in words; None without any."""
    words = []
    if MEMORY in limits:
        words.append("memory %s (ulimit -v)" % in_words(limits[MEMORY]))
    if FILES in limits:
        words.append("files %s (ulimit -f)" % in_words(limits[FILES]))
    return "it ran under limits of its shell: " + ", ".join(words) if words else None
