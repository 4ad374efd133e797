"""What a benchmark says, and the table that is made of it."""

from __future__ import annotations

import functools
import importlib
import os
import platform
import statistics
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import metadata

PEERS = ("numpy", "asyncssh", "aiohttp", "msgspec", "click")
"""Distributions whose versions stand in the report's heading, where installed."""


@dataclass(frozen=True)
class Row:
    """One figure.

    what: what was measured, in words. figure: the median measured, in unit; None when it could not be
    measured. budget: what it must hold, in words. reference: what was measured beside it in the same run,
    with its own figure; or that it is not installed. ratio: figure / reference. note: anything else.
    """

    what: str
    figure: float | None
    unit: str
    budget: str = ""
    reference: str = ""
    ratio: float | None = None
    note: str = ""


def installed(distribution: str) -> str | None:
    """The version of a distribution, None when it is not installed: then say so in the row, never guess."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


@functools.cache
def mlflow() -> tuple[str, str] | None:
    """(interpreter, version) of MLflow: of the one WORKBENCH_BENCH_MLFLOW names, else ours; None: not there.

    It has so many dependencies that it is best kept in a virtual environment of its own.
    """
    python = os.environ.get("WORKBENCH_BENCH_MLFLOW") or sys.executable
    ask = "from importlib import metadata; print(metadata.version('mlflow'))"
    try:
        told = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return python, told.stdout.strip()


def full() -> bool:
    """Whether the long forms are asked for (--full)."""
    return os.environ.get("WORKBENCH_BENCH_FULL", "") not in ("", "0")


def alternate(measures: Sequence[Callable[[], float]], repetitions: int) -> list[float]:
    """The median of each measure over so many rounds, in which each is taken once: noise hits all alike."""
    taken: list[list[float]] = [[] for _ in measures]
    for _ in range(repetitions):
        for found, measure in zip(taken, measures, strict=True):
            found.append(measure())
    return [statistics.median(found) for found in taken]


FAILED = "failed: "
"""What stands in place of the reference of a benchmark that could not be measured."""


def collect(modules: Iterable[str]) -> list[Row]:
    """The rows of benchmark modules, each of which has `run() -> list[Row]`; progress goes to stderr.

    One that fails is a row that says so, and the others are measured all the same.
    """
    rows: list[Row] = []
    for name in modules:
        sys.stderr.write(f"{name} ...\n")
        try:
            rows.extend(importlib.import_module(name).run())
        except Exception as error:
            traceback.print_exc()
            failed = f"{FAILED}{type(error).__name__}: {error}"
            rows.append(Row(name.rpartition(".")[2], None, "", "", failed, None))
    return rows


def number(value: float | None) -> str:
    """Three significant digits, thousands with commas, "-" for what is absent."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cells(row: Row) -> list[str]:
    """A row as texts, in the order of HEADINGS."""
    figure = f"{number(row.figure)} {row.unit}" if row.figure is not None else "-"
    return [row.what, figure, row.budget, row.reference, number(row.ratio), row.note]


HEADINGS = ["what", "figure", "budget", "reference in the same run", "ratio", "note"]


def plain_table(rows: Iterable[Row]) -> str:
    """The table for a terminal."""
    lines = [HEADINGS, *(cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    padded = ([cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("  ".join(line).rstrip() for line in padded) + "\n"


def markdown(rows: Iterable[Row], day: date, note: str = "") -> str:
    """The page docs/benchmarks.md: where, with what and when it was measured, a note on it, and the table."""
    escaped = ([cell.replace("|", "\\|") for cell in cells(row)] for row in rows)
    lines = [
        "# Benchmarks",
        "",
        "Written by `python -m tests.bench --write`. Figures are medians; each stands beside a reference",
        "taken in the same run, since machines differ. A peer that is not installed is named as such.",
        "",
        f"{machine()}. {versions()}. {day.isoformat()}.{' ' + note if note else ''}",
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|" + "---|" * len(HEADINGS),
        *("| " + " | ".join(line) + " |" for line in escaped),
    ]
    return "\n".join(lines) + "\n"


def machine() -> str:
    """This machine in one line."""
    model = platform.machine()
    try:
        with open("/proc/cpuinfo") as opened:
            names = [line.partition(":")[2].strip() for line in opened if line.startswith("model name")]
        model = names[0] if names else model
    except OSError:
        pass  # no Linux: the architecture is what can be said
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    kernel = platform.release().partition("-")[0]
    return f"{cpus} CPUs ({model}), {platform.system()} {kernel}"


def versions() -> str:
    """The interpreter's version and those of the peers."""
    found = [f"Python {platform.python_version()}"]
    peer = mlflow()
    found.append(f"mlflow {peer[1] if peer else 'not installed'}")
    found += [f"{name} {installed(name) or 'not installed'}" for name in PEERS]
    return ", ".join(found)
