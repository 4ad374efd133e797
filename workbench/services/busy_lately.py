"""Which runs used which GPUs, from what was measured before the local server was started."""

from __future__ import annotations

import sqlite3

from workbench.entities.machine_series import of_gpu
from workbench.store.fleet import machine_minutes, runs_there

MINUTES = 6 * 60
"""Minutes that are looked back: one that is idle for longer was told of already."""


def busy_lately(
    connection: sqlite3.Connection, now: float, percent: float
) -> dict[str, set[tuple[str, str]]]:
    """Runs that are not over and GPUs they hold that were over percent at a time, by machine."""
    found: dict[str, set[tuple[str, str]]] = {}
    stop = int(now // 60) + 1
    for target, runs in runs_there.active(connection).items():
        series = {of_gpu(gpu, "utilisation"): (run, gpu) for run, there in runs.items() for gpu in there.gpus}
        if not series:
            continue
        for name, minutes in machine_minutes.read(
            connection, target, list(series), stop - MINUTES, stop
        ).items():
            run, gpu = series[name]
            started = runs[run].started
            since = started.timestamp() // 60 if started is not None else stop
            if any(minute >= since and span.high > percent for minute, span in minutes.items()):
                found.setdefault(target, set()).add((run, gpu))
    return found
