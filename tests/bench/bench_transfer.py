"""One large file to a machine and back, by our commands and by scp on the same server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.place import NO_SSH, TRANSPORTS, Place, connected, has_ssh, place
from tests.bench.report import Row, alternate, full

WB = [sys.executable, "-c", "import sys; from workbench.cli.main import main; sys.exit(main())"]
ROUNDS = 3
BUDGET = ">= 0.3 x; both ends' SHA-256 are compared, which scp does not"


def run() -> list[Row]:
    """Rows of both ways by both transports: MB/s from the command to its end, connections already there."""
    if not has_ssh() or shutil.which("scp") is None:
        return [Row("a large file to a machine", None, "MB/s", "", NO_SSH)]
    size = (1000 if full() else 200) << 20
    with place() as where, connected(where) as workspace:
        for transport in TRANSPORTS:
            where.attach(workspace, transport)
            workspace.call("compute", "facts", name=transport)
        source = where.folder / "large"
        with source.open("wb") as file:
            for _ in range(size >> 20):
                file.write(os.urandom(1 << 20))
        return [*_rows(where, source, size, up=True), *_rows(where, source, size, up=False)]


def _rows(where: Place, source: Path, size: int, *, up: bool) -> list[Row]:
    there, here = where.machine / "there", where.folder / "here"
    far = where.machine / "large"
    if not up:
        shutil.copyfile(source, far)
    scp = ["scp", "-q", "-F", str(where.sshd.ssh_config)]
    ours, places = "upload" if up else "download", _places(up, source, far, there, here, "")
    ways = {name: [*WB, "compute", ours, name, *places] for name in TRANSPORTS}
    ways["scp"] = [*scp, *_places(up, source, far, there, here, "m1:")]

    def moved(words: list[str]) -> Callable[[], float]:
        def measure() -> float:
            for folder in (there, here):
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
            began = time.perf_counter()
            subprocess.run(words, check=True, env=where.environ, stdout=subprocess.DEVNULL)
            taken = time.perf_counter() - began
            assert ((there if up else here) / "large").stat().st_size == size
            return size / 1e6 / taken

        return measure

    found = dict(zip(ways, alternate([moved(words) for words in ways.values()], ROUNDS), strict=True))
    what = f"a file of {size >> 20} MB {'to' if up else 'from'} a machine"
    reference = f"scp: {found['scp']:.0f} MB/s"
    return [
        Row(f"{what}, {name}", found[name], "MB/s", BUDGET, reference, found[name] / found["scp"])
        for name in TRANSPORTS
    ]


def _places(up: bool, source: Path, far: Path, there: Path, here: Path, host: str) -> list[str]:
    """From where to where; host: what stands before a path of the machine."""
    return [str(source), f"{host}{there}/"] if up else [f"{host}{far}", f"{here}/"]
