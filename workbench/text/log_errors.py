"""Which lines of a log tell that something broke, by the forms programs have for it."""

from __future__ import annotations

import re
from functools import cache

SIGNS = (
    b"Traceback (most", b"Error", b"ERROR", b"error:", b"Exception", b"FATAL", b"atal:", b"fatal error",
    b"CRITICAL", b"CUDA error", b"NCCL error", b"out of memory", b"oom-kill", b"Killed", b"Aborted",
    b"Segmentation fault", b"core dumped", b"Bus error", b"panic", b"No space left on device",
    b"command not found", b"terminate called",
)  # fmt: skip
"""An error line has one of these; most lines have none, and looking for them is cheap."""

_BEFORE = r"(?:^|[\s\[\]|:>(])"
_FORMS = (
    r"Traceback \(most recent call last\)",
    # an exception's name as Python and the JVM print it: alone, or with its words; not "mean error: 0.1"
    r"(?:^|[\s\]>:|])(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception)(?::(?!\s*[-+\d.]+\s*$)|\s*$)",
    r"^\W*(?:Error|error|fatal error|Fatal error|fatal|Fatal)\s*:(?!\s*[-+\d.]+\s*$)",
    r"^\S+:\d+(?::\d+)?:\s+(?:fatal )?error:",
    # the level of a logger, not a count of errors
    _BEFORE + r"(?:ERROR|FATAL|CRITICAL)(?:[\]\s:|)>]|$)(?!\s*(?:rate|count)?\s*[=:]?\s*[\d.]+\s*$)",
    r"(?:CUDA|HIP|NCCL|cuDNN|CUBLAS)\s+(?:error|ERROR)|\bout of memory\b|oom-kill",
    r"^\W*(?:\S+: line \d+:\s+)?(?:\d+\s+)?(?:Killed|Aborted|Bus error)(?:\s*$|\s\s|\s*[:(])",
    r"\(core dumped\)|^terminate called\b|Segmentation fault",
    r"^\W*(?:panic:|fatal error:)|\bpanicked at\b|^Kernel panic",
    r"No space left on device|:\s+command not found\s*$",
)  # fmt: skip


@cache
def _form() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{form})" for form in _FORMS))


def is_error(line: str) -> bool:
    """Whether a line, free of control sequences, tells of an error. Only its first 2,000 characters count."""
    return _form().search(line[:2000]) is not None
