"""What sshd and the login allow: sessions a connection, as far as its files can be read."""

import glob
import os
import re
from typing import List, Optional

CONFIG = "/etc/ssh/sshd_config"
USUAL = 10  # MaxSessions of OpenSSH where no file says otherwise
DEEP = 8  # files that include each other
_LINE = re.compile(r"^[ \t]*([A-Za-z]+)[ \t=]+(.*?)[ \t]*$")


def max_sessions(path=CONFIG):
    # type: (str) -> Optional[int]
    """MaxSessions by sshd's files, before any Match; None where they cannot be read."""
    try:
        lines = _lines(path, 0)
    except OSError:
        return None
    for line in lines:
        found = _LINE.match(line)
        if found is None:
            continue
        word, value = found.group(1).lower(), found.group(2).strip('"')
        if word == "match":
            break
        if word == "maxsessions" and value.isdigit():
            return int(value)
    return USUAL


def _lines(path, depth):
    # type: (str, int) -> List[str]
    """The lines of a file with those it includes in their place."""
    with open(path, "rb") as file:
        own = file.read(1 << 20).decode("utf-8", "replace").splitlines()
    found = []  # type: List[str]
    for line in own:
        match = _LINE.match(line)
        if match is None or match.group(1).lower() != "include" or depth >= DEEP:
            found.append(line)
            continue
        for pattern in match.group(2).split():
            for name in sorted(glob.glob(os.path.join(os.path.dirname(path), pattern.strip('"')))):
                try:
                    found += _lines(name, depth + 1)
                except OSError:  # not ours to read: what is left is as sshd would have it without
                    continue
    return found
