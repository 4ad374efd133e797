"""Looking at logs: opening them at their end, moving, counting lines, searching, whatever their size."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.bench.place import lasting_folder
from tests.bench.report import Row, full
from tests.store_making import put_run
from workbench.home import Home, find_home, private_folder
from workbench.store.blocking_store import Store
from workbench.workspace import Workspace

PIECE = 64_000_000
SPARSE = 10 * 1_000_000_000
ROUNDS = 5
LINE = (
    b"2026-11-01 12:%02d:%02d,%03d INFO trainer: epoch %05d loss=0.%06d acc=0.%06d lr=3.0e-04 time 12.34 s\n"
)
BUDGET = "<= 200 ms"
LOG_MEGABYTES = 20


def run() -> list[Row]:
    """Rows of opening and moving, of memory, of counting and of searching."""
    folder = lasting_folder()
    home = find_home({"WORKBENCH_HOME": str(private_folder(folder / "wb")), "HOME": str(folder)})
    sizes = [2_000_000, 20_000_000, 2_000_000_000 if full() else 200_000_000]
    runs, sparse = _made(home, sizes)
    spool = _spool(home, runs[-1])
    with Workspace.open("default", embedded=False, home=home) as workspace:
        try:
            workspace.call("runs", "log_extent", run=runs[0])
            rows = _opening(home, sizes, runs, sparse, spool)
            rows += _counting(workspace, runs[-1], spool)
            return rows + _searching(workspace, runs[-1], spool)
        finally:
            workspace.call("server", "stop")


def ordinary_lines() -> bytes:
    """Ordinary lines, no two alike."""
    lines = (
        LINE % (n // 60 % 60, n % 60, n % 1000, n, n * 7919 % 1_000_000, n * 104_729 % 1_000_000)
        for n in range(20_000)
    )
    block = b"".join(lines)
    return (block * (PIECE // len(block) + 1))[:PIECE]


def _made(home: Home, sizes: list[int]) -> tuple[list[str], str]:
    """Runs with logs of these sizes, and one whose log has a gap of 10 GB."""
    store = Store.open(private_folder(home.workspace("default")))
    try:
        piece, runs = ordinary_lines(), []
        for number, size in enumerate(sizes, start=1):
            runs.append(put_run(store, number))
            done = 0
            while done < size:
                done = store.write(store.spool.append, runs[-1], done, piece[: size - done])
        sparse = put_run(store, 50)
        end = store.write(store.spool.append, sparse, 0, piece[:1_000_000])
        end = store.write(store.spool.add_gap, sparse, end, SPARSE)
        store.write(store.spool.append, sparse, end, piece[:1_000_000])
        return runs, sparse
    finally:
        store.close()


def _spool(home: Home, run: str) -> Path:
    return home.workspace("default") / "spool" / f"{run}.log"


def _opening(home: Home, sizes: list[int], runs: list[str], sparse: str, spool: Path) -> list[Row]:
    seen = {size: looked(home, name) for size, name in zip(sizes, runs, strict=True)}
    gap = looked(home, sparse)
    biggest = seen[sizes[-1]]
    less = less_at_end(spool)
    beside = "less is not installed" if less is None else f"less +G: {less:,.0f} ms, its start included"
    log, grown = _textual_log(spool)
    loaded = f"Textual's Log: {log:,.0f} ms and {grown:,.0f} MB for {LOG_MEGABYTES} MB"
    words = f"{sizes[-1] / 1e9:g} GB of output"
    small = ", ".join(f"{seen[size]['open']:.0f} ms at {size / 1e6:,.0f} MB" for size in sizes[:-1])
    return [
        Row(f"log view: {words} opens at its end", biggest["open"], "ms", BUDGET, beside,
            None if less is None else biggest["open"] / less, small),
        Row("log view: 10 GB, all but 2 MB of it a gap, opens at its end", gap["open"], "ms", BUDGET, loaded),
        Row(f"log view: {words}, page up", biggest["page"], "ms", "<= 16 ms", f"worst {biggest['page_worst']:.1f} ms"),
        Row(f"log view: {words}, one line up", biggest["step"], "ms", "<= 16 ms", ""),
        Row(f"log view: {words}, to the first line and back to the last", biggest["first"] + biggest["last"], "ms"),
        Row(f"log view: {words}, memory after going through it", biggest["grown"], "MB", "<= 20 MB", loaded,
            note=f"{seen[sizes[0]]['grown']:.1f} MB at {sizes[0] / 1e6:.0f} MB, {gap['grown']:.1f} MB with the gap"),
    ]  # fmt: skip


def looked(home: Home, run: str) -> dict[str, float]:
    """Figures of `log_viewing` for a run."""
    argv = [sys.executable, "-m", "tests.bench.log_viewing", str(home.root), run]
    environ = {**os.environ, "TEXTUAL_ANIMATIONS": "none"}
    told = subprocess.run(argv, capture_output=True, check=True, env=environ, text=True)
    figures: dict[str, float] = json.loads(told.stdout)
    return figures


def less_at_end(path: Path) -> float | None:
    """ms until less shows the end of a file."""
    if shutil.which("less") is None:
        return None
    with open(path, "rb") as file:
        file.seek(-200, os.SEEK_END)
        last = file.read().splitlines()[-1][:60]
    return statistics.median(_shown_after(["less", "-S", "+G", str(path)], last) for _ in range(ROUNDS))


def _shown_after(argv: list[str], wanted: bytes) -> float:
    """ms until a program on a terminal has shown a text; then it is ended."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", COLUMNS="120", LINES="40", LESSHISTFILE="-")
        os.execvp(argv[0], argv)
    seen = b""
    while wanted not in seen and time.perf_counter() - began < 120:
        if select.select([terminal], [], [], 1)[0]:
            seen = seen[-8192:] + os.read(terminal, 65536)
    took = (time.perf_counter() - began) * 1000
    os.kill(pid, 9)
    os.close(terminal)
    os.waitpid(pid, 0)
    return took


def _textual_log(path: Path) -> tuple[float, float]:
    """ms and MB until Textual's own log widget holds the last LOG_MEGABYTES of a file and shows its end."""
    argv = [sys.executable, "-m", "tests.bench.log_viewing", "--textual", str(path), str(LOG_MEGABYTES)]
    took, grown = json.loads(subprocess.run(argv, capture_output=True, check=True, text=True).stdout)
    return took, grown


def _counting(workspace: Workspace, run: str, spool: Path) -> list[Row]:
    size = spool.stat().st_size
    spool.with_suffix(".lines").unlink()  # the view has counted them
    began = time.perf_counter()
    calls = 1
    while (told := workspace.call("runs", "log_lines", run=run, offset=size - 1))["counted"] < size:
        calls += 1
    ours = size / 1e6 / (time.perf_counter() - began)
    again = []
    for part in range(1, 20):
        began = time.perf_counter()
        workspace.call("runs", "log_lines", run=run, offset=size * part // 20)
        again.append((time.perf_counter() - began) * 1000)
    peer = size / 1e6 / min(took(["wc", "-l", str(spool)]) for _ in range(3))
    assert told["line"] is not None
    return [
        Row("log view: lines counted for the first time", ours, "MB/s", "", f"wc -l: {peer:,.0f} MB/s", ours / peer,
            f"{calls} calls of the server, none longer than it takes to count 64 MB"),
        Row("log view: the number of a line once counted", statistics.median(again), "ms", "<= 5 ms", ""),
    ]  # fmt: skip


def _searching(workspace: Workspace, run: str, spool: Path) -> list[Row]:
    rows = []
    # a line has 100 bytes, so a million of them are 100 MB
    for words, pattern, argv in (
        ("a text that is rare", "epoch 19999 loss=0.33", ["grep", "-c", "epoch 19999 loss=0.33"]),
        ("a text, capitals alike, that is not there", "no such words", ["grep", "-ci", "no such words"]),
        ("a text in every line, to a million", "trainer", ["grep", "-cm1000000", "trainer"]),
        (
            "an expression in every line, to a million",
            r"/epoch \d+ loss/",
            ["grep", "-cm1000000", "-E", "epoch [0-9]+ loss"],
        ),
        ("a regular expression", r"/loss=0\.00\d\d\d1 acc/", ["grep", "-cE", r"loss=0\.00[0-9]{3}1 acc"]),
    ):
        ours = statistics.median(searched(workspace, run, pattern) for _ in range(3))
        peer = min(took([*argv, str(spool)]) for _ in range(3))
        megabytes = min(spool.stat().st_size, 100_000_000 if "-cm" in argv[1] else 1 << 60) / 1e6
        rows.append(
            Row(f"log search: {words}", megabytes / ours, "MB/s", "", f"{' '.join(argv[:2])}: {megabytes / peer:,.0f} MB/s",
                peer / ours)
        )  # fmt: skip
    nearest = statistics.median(searched(workspace, run, "trainer", most=1) for _ in range(ROUNDS))
    return [
        *rows,
        Row("log search: the next match", nearest * 1000, "ms", "<= 100 ms", "a process of its own"),
    ]


def searched(workspace: Workspace, run: str, pattern: str, **more: Any) -> float:
    """Seconds of a search."""
    began = time.perf_counter()
    for _ in workspace.items("runs", "log_search", run=run, pattern=pattern, **more):
        pass
    return time.perf_counter() - began


def took(argv: list[str]) -> float:
    """Seconds of a program."""
    began = time.perf_counter()
    subprocess.run(argv, capture_output=True, check=False)  # for /dev/null grep stops at the first match
    return time.perf_counter() - began
