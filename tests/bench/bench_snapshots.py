"""Snapshots beside rsync, git and cp: an unchanged scan, one edited file, and a tree laid out."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from tests.bench.place import lasting_folder
from tests.bench.report import Row, alternate
from workbench.remote.forms import protocol
from workbench.remote.snapshots import blobs, layout, trees
from workbench.snapshots.archive import zip_blobs
from workbench.snapshots.cache import StatCache
from workbench.snapshots.delta import delta
from workbench.snapshots.limits import Limits
from workbench.snapshots.scan import Scan, scan

FILES = 2000
ROUNDS = 7
UNLIMITED = Limits(None, None)


def run() -> list[Row]:
    """All rows; works below a temporary folder that is removed at the end of all benchmarks."""
    ground = lasting_folder()
    tree = ground / "tree"
    plant(tree, FILES, 2300)
    rows = [*_unchanged(ground, tree), *_layout(ground, tree)]
    large = ground / "large"
    plant(large, FILES, 52_000)  # 100 MB in all
    return [*rows, *_one_edit(ground, large)]


def plant(tree: Path, files: int, size: int) -> None:
    noise = random.Random(1)
    for number in range(files):
        place = tree / f"pkg{number % 40}" / f"module_{number}.py"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(noise.randbytes(size // 2).hex().encode())  # packs to about a half, as code does
    (tree / ".gitignore").write_text("*.pyc\n/outputs/\n*.egg-info/\n*~\n/data/**\n.env\n")


def _timed(body: Callable[[], object]) -> float:
    began = time.perf_counter()
    body()
    return (time.perf_counter() - began) * 1000


def _quiet(*words: str | Path, cwd: Path | None = None) -> None:
    subprocess.run([os.fspath(word) for word in words], cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def _scan(tree: Path, cache: Path) -> Scan:
    found = scan(tree, limits=UNLIMITED, cache=StatCache.load(cache, tree.resolve()))
    assert found.manifest.id
    return found


def _unchanged(ground: Path, tree: Path) -> list[Row]:
    cache = ground / "cache"
    time.sleep(2.1)  # younger files are read again, as in an editor's next second
    _scan(tree, cache)
    what, budget = f"scan of {FILES:,} unchanged files", "a few tens of ms"
    measures: list[Callable[[], float]] = [lambda: _timed(lambda: _scan(tree, cache))]
    names = []
    if shutil.which("rsync"):
        _quiet("rsync", "-a", f"{tree}/", ground / "copy")
        names.append("rsync -a again")
        measures.append(lambda: _timed(lambda: _quiet("rsync", "-a", f"{tree}/", ground / "copy")))
    if shutil.which("git"):
        work = ground / "work"
        shutil.copytree(tree, work)
        author = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
        _quiet("git", "init", "-q", cwd=work)
        _quiet("git", "add", "-A", cwd=work)
        _quiet("git", *author, "commit", "-q", "-m", "x", cwd=work)
        time.sleep(2.1)
        _quiet("git", "status", cwd=work)
        names.append("git status")
        measures.append(lambda: _timed(lambda: _quiet("git", "status", "--porcelain", cwd=work)))
    mine, *theirs = alternate(measures, ROUNDS)
    if not theirs:
        return [Row(what, mine, "ms", budget, "neither rsync nor git is installed")]
    return [
        Row(
            what,
            mine,
            "ms",
            budget,
            f"{name}: {other:.0f} ms",
            mine / other,
            "in process, cache read from disk",
        )
        for name, other in zip(names, theirs, strict=True)
    ]


def _layout(ground: Path, tree: Path) -> list[Row]:
    machine = SimpleNamespace(root=os.fspath(ground / "root"))
    found = scan(tree, limits=UNLIMITED)
    _send(machine, ground, None, found)
    spent: list[Path] = []

    def fresh() -> Path:
        spent.append(ground / f"out{len(spent)}")
        return spent[-1]

    mine, other = alternate(
        [
            lambda: _timed(lambda: layout.lay_out(machine, found.manifest.id, os.fspath(fresh()))),
            lambda: _timed(lambda: _quiet("cp", "-r", tree, fresh())),
        ],
        ROUNDS,
    )
    what = f"laying out a snapshot of {FILES:,} files on a machine"
    return [Row(what, mine, "ms", "about 100 ms", f"cp -r: {other:.0f} ms", mine / other)]


def _one_edit(ground: Path, tree: Path) -> list[Row]:
    machine = SimpleNamespace(root=os.fspath(ground / "root"))
    before = scan(tree, limits=UNLIMITED)
    first = _send(machine, ground, None, before)
    edited = tree / "pkg7/module_7.py"
    edited.write_bytes(edited.read_bytes() + b"edited = True\n")
    after = scan(tree, limits=UNLIMITED)
    sent = _send(machine, ground, before, after)
    size = edited.stat().st_size
    whole = before.manifest.size
    note = f"the tree holds {whole / 1e6:.0f} MB; its first submit sends {first / 1e6:.1f} MB"
    budget = f"that file + 16 KB: {size + 16384:,} B"
    reference, ratio = "rsync is not installed", None
    if shutil.which("rsync"):
        other = _rsync_bytes(ground, tree, edited)
        reference, ratio = f"rsync -a (no ssh): {other:,} B", sent / other
    return [
        Row("bytes sent after one edited file in a 100 MB tree", sent, "B", budget, reference, ratio, note)
    ]


def _send(machine: SimpleNamespace, ground: Path, before: Scan | None, after: Scan) -> int:
    """What a submit passes over the link for the code, in bytes."""
    change = delta(before.manifest if before is not None else None, after.manifest)
    base = before.manifest.id if before is not None else None
    request = {"snapshot": after.manifest.id, "base": base, "removed": change.removed, "added": change.added}
    answer = trees.accept_manifest(machine, after.manifest.id, base, change.removed, change.added)
    archive = ground / "blobs.zip"
    with archive.open("wb") as file:
        file.writelines(zip_blobs(after.sources(answer["missing"])))
    blobs.store_blobs(machine.root, os.fspath(archive))
    return len(protocol.dumps(request)) + archive.stat().st_size


def _rsync_bytes(ground: Path, tree: Path, edited: Path) -> int:
    copy = ground / "large-copy"
    _quiet("rsync", "-a", f"{tree}/", copy)
    edited.write_bytes(edited.read_bytes() + b"again = True\n")
    # --no-whole-file: what it would do over a network, its delta included.
    done = subprocess.run(
        ["rsync", "-a", "--no-whole-file", "--stats", f"{tree}/", os.fspath(copy)],
        check=True, stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
    line = next(line for line in done.stdout.decode().splitlines() if line.startswith("Total bytes sent"))
    return int(line.rpartition(":")[2].replace(",", ""))
