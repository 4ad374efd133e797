"""What the logs of a run are called: its output, files below logs/, logs of other runs, several as one.

`output` is what the run wrote to its terminal, `logs/...` a file (`rank-0.log` is `logs/rank-0.log`), `@RUN`
another run's output, `@RUN:logs/...` a file of it. Names in lines of their own are one log, merged by time.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from workbench.errors import UsageError

OUTPUT = "output"
MOST = 64
"""Logs that are merged at most."""
_RANK = (
    re.compile(r"(?:^|[/_.-])(?:rank|worker|proc|process|local_rank)[-_.]?(\d{1,5})(?=\D|$)", re.I),
    re.compile(r"attempt_\d+/(\d{1,5})/std(?:out|err)\.log$"),  # as torchrun lays them out
    re.compile(r"(?:^|/)(?:log|std(?:out|err)|output)[-_.](\d{1,5})(?:\.\w+)?$", re.I),
)


class LogName(NamedTuple):
    """One log: of which run, None: the one that is asked about; path "" is its output."""

    run: str | None
    path: str


def parse_logs(said: str) -> list[LogName]:
    """The logs a name stands for, one or several merged; raises UsageError for what is no name."""
    words = [word for word in said.split("\n") if word] or [OUTPUT]
    if len(words) > MOST:
        raise UsageError(f"at most {MOST} logs are merged", "name fewer of them")
    return [_parsed(word) for word in words]


def _parsed(word: str) -> LogName:
    run, path = None, word
    if word.startswith("@"):
        run, _, path = word[1:].partition(":")
        if not run:
            raise UsageError("a log of another run is called @RUN or @RUN:logs/...")
    path = "" if path in ("", OUTPUT) else path
    if path.endswith(".log") and "/" not in path:
        path = f"logs/{path}"  # as the listing calls it
    if path and (not path.startswith("logs/") or ".." in path.split("/")):
        raise UsageError(
            f"{word!r} is no log of a run", "wb run logs --list names them: output, or a file below logs/"
        )
    return LogName(run, path)


def rank_of(path: str) -> int | None:
    """The rank a file's name tells, as rank-3.log and torchrun's folders do; None where it tells none."""
    for form in _RANK:
        found = form.findall(path)
        if found:
            return int(found[-1])
    return None


def label(path: str) -> str:
    """What a log is called in a column: r3 for a rank, the file's name, or output."""
    if not path:
        return "out"
    rank = rank_of(path)
    if rank is None:
        return path.rpartition("/")[2]
    return f"r{rank}" + (" err" if re.search(r"std_?err", path) else "")
