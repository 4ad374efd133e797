"""What a program that failed said last of why, out of the end of its output. Pure."""

from __future__ import annotations

import re

from workbench.text.log_errors import is_error
from workbench.text.log_line import shown
from workbench.text.sanitize import clean_name

TAIL = 1 << 16
"""Bytes of output that are looked at."""
LINES = 60
"""Lines from the end among which an error without a traceback is looked for."""
LONGEST = 200
_TRACEBACK = "Traceback (most recent call last)"
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?:: .*)?$")


def last_words(tail: bytes) -> str | None:
    """The exception that ended a Python program, else the last line that tells of an error; None without one.

    tail: the end of the output, up to TAIL bytes.
    """
    lines = [shown(line, LONGEST).text.rstrip() for line in tail[-TAIL:].split(b"\n")]
    return clean_name(_reason(lines)) or None


def _reason(lines: list[str]) -> str:
    for number in range(len(lines) - 1, -1, -1):
        if lines[number].lstrip().startswith(_TRACEBACK):
            return _raised(lines[number], lines[number + 1 :])
    return next((line for line in reversed(lines[-LINES:]) if is_error(line)), "")


def _raised(head: str, below: list[str]) -> str:
    """The line that ends a traceback: the first no deeper than its head that names an exception."""
    indent = len(head) - len(head.lstrip())
    for line in below:
        deep = len(line) - len(line.lstrip())
        if line.strip() and deep <= indent and _EXCEPTION.match(line.strip()):
            return line
    return ""
