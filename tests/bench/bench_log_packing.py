"""Logs of runs that ended: how fast and how small they become, looking at them then; several logs as one."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from tests.bench.bench_logview import less_at_end, looked, ordinary_lines, searched, took
from tests.bench.place import lasting_folder
from tests.bench.report import Row, full
from tests.store_making import put_run
from workbench.home import Home, find_home, private_folder
from workbench.store.blocking_store import Store
from workbench.store.logs.log_file import packed_path
from workbench.workspace import Workspace

RANKS = 4
RANK_MEGABYTES = 10
MARKED = 100_000
"""Bytes between two times of a rank's log."""


def run() -> list[Row]:
    """Rows of packing, of opening and searching what is packed, of merging."""
    folder = lasting_folder()
    home = find_home({"WORKBENCH_HOME": str(private_folder(folder / "wb")), "HOME": str(folder)})
    size = 2_000_000_000 if full() else 200_000_000
    plain = folder / "plain.log"
    packed, ranks, took_packing = _made(home, size, plain)
    with Workspace.open("default", embedded=False, home=home) as workspace:
        try:
            workspace.call("runs", "log_extent", run=packed)
            rows = _sizes(home, packed, plain, took_packing)
            rows += _looking(home, workspace, packed, plain)
            return [*rows, _merging(workspace, ranks, folder)]
        finally:
            workspace.call("server", "stop")


def _made(home: Home, size: int, plain: Path) -> tuple[str, list[str], float]:
    """A run with a packed log, those of ranks with times; the seconds that packing took."""
    store = Store.open(private_folder(home.workspace("default")))
    try:
        piece = ordinary_lines()
        run_id, done = put_run(store, 1), 0
        while done < size:
            done = store.write(store.spool.append, run_id, done, piece[: size - done])
        shutil.copyfile(store.spool.path(run_id), plain)
        began = time.perf_counter()
        assert store.spool.pack(run_id, size, lambda: True)
        seconds = time.perf_counter() - began
        assert store.write(store.spool.drop_plain, run_id)
        ranks = []
        for number in range(RANKS):
            ranks.append(put_run(store, 2 + number))
            store.write(store.spool.append, ranks[-1], 0, piece[: RANK_MEGABYTES * 1_000_000])
            for mark in range(0, RANK_MEGABYTES * 1_000_000, MARKED):
                store.spool.times(ranks[-1]).note(1_790_000_000 + mark / MARKED + number / 10, mark)
        return run_id, ranks, seconds
    finally:
        store.close()


def _sizes(home: Home, run_id: str, plain: Path, seconds: float) -> list[Row]:
    size = plain.stat().st_size
    ours = packed_path(home.workspace("default") / "spool" / f"{run_id}.log").stat().st_size
    with open(plain.with_suffix(".gz"), "wb") as file:
        began = time.perf_counter()
        subprocess.run(["gzip", "-c6", str(plain)], stdout=file, check=True)
        peer = time.perf_counter() - began
    theirs = plain.with_suffix(".gz").stat().st_size
    return [
        Row("log packing: bytes of 100 that are left", ours * 100 / size, "%", "", f"gzip: {theirs * 100 / size:.2f} %",
            ours / theirs, f"{size / 1e6:,.0f} MB of ordinary lines; any byte is found in one block of 256 KiB"),
        Row("log packing: in the background", size / 1e6 / seconds, "MB/s", "", f"gzip -6: {size / 1e6 / peer:,.0f} MB/s",
            peer / seconds),
    ]  # fmt: skip


def _looking(home: Home, workspace: Workspace, run_id: str, plain: Path) -> list[Row]:
    figures = looked(home, run_id)
    less = less_at_end(plain)
    words = f"log view: {plain.stat().st_size / 1e9:g} GB packed"
    beside = "less is not installed" if less is None else f"less +G of the plain file: {less:,.0f} ms"
    rows = [
        Row(f"{words}, opens at its end", figures["open"], "ms", "<= 200 ms", beside,
            None if less is None else figures["open"] / less),
        Row(f"{words}, page up", figures["page"], "ms", "<= 16 ms", f"worst {figures['page_worst']:.1f} ms"),
    ]  # fmt: skip
    megabytes = plain.stat().st_size / 1e6
    for what, pattern, words_ in (
        ("a rare text", "epoch 19999 loss=0.33", "zgrep -c"),
        ("a regular expression", r"/loss=0\.00\d\d\d1 acc/", "zgrep -cE"),
    ):
        ours = searched(workspace, run_id, pattern)
        argv = [
            *words_.split(),
            pattern.strip("/").replace(r"\d\d\d", "[0-9]{3}"),
            str(plain.with_suffix(".gz")),
        ]
        peer = took(argv)
        rows.append(
            Row(
                f"log search, packed: {what}",
                megabytes / ours,
                "MB/s",
                "",
                f"{words_}: {megabytes / peer:,.0f} MB/s",
                peer / ours,
            )
        )
    return rows


def _merging(workspace: Workspace, ranks: list[str], folder: Path) -> Row:
    """Several logs read as one, the first time, beside sort, which has times before its lines."""
    name = "\n".join(f"@{rank}" for rank in ranks)
    began = time.perf_counter()
    got = sum(len(block) for block in workspace.read("runs", "logs", run=ranks[0], log=name))
    seconds = time.perf_counter() - began
    files = []
    for number in range(RANKS):
        files.append(str(folder / f"rank-{number}"))
        Path(files[-1]).write_bytes(ordinary_lines()[: RANK_MEGABYTES * 1_000_000])
    peer = took(["sort", "-m", *files])
    megabytes = RANKS * RANK_MEGABYTES
    assert got > megabytes * 1_000_000
    return Row(f"logs of {RANKS} ranks merged by time", megabytes / seconds, "MB/s", "",
               f"sort -m: {megabytes / peer:,.0f} MB/s", peer / seconds, "with whose each line is, and times")  # fmt: skip
