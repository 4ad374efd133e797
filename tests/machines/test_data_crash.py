"""Data on its way while things are killed: the local server, twice; and a machine that asks for what it likes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from workbench.errors import RemoteError, WorkbenchError
from workbench.runs.data import bringing
from workbench.runs.data.origins import OriginFile

MB = 1 << 20
JOB = """\
command: sha256sum < ${{{{inputs.x}}}} > ${{{{outputs.sum}}}}/sum; cat ${{{{outputs.sum}}}}/sum
compute: {target}
inputs:
  x: {{type: uri_file, path: ./big.bin}}
outputs:
  sum: {{name: sums}}
"""


def test_an_upload_outlives_the_server(wb: Wb, server: SshServer, tmp_path: Path) -> None:
    """Killed by SIGKILL while 64 MB are on their way: the next server goes on where it was."""
    attach(wb, server)
    folder = tmp_path / "job"
    folder.mkdir()
    body = os.urandom(64 * MB)
    (folder / "big.bin").write_bytes(body)
    (folder / "job.yml").write_text(JOB.format(target=server.name))
    partials = server.home / "wb/data/files"

    def arrived() -> int:
        return sum(path.stat().st_size for path in partials.glob("*/*.partial"))

    run = wb("submit", "job.yml", cwd=folder).split()[0]
    wb.until(arrived, "it to begin")
    for _ in range(2):
        before = arrived()
        wb.until(lambda before=before: arrived() >= before + 4 * MB or not arrived(), "some of it")
        wb.kill_server()
        wb("ps")  # a server again
    found = wb.wait(run)
    assert found["status"] == "Completed", found
    assert wb("logs", run).split()[0] == hashlib.sha256(body).hexdigest()
    wb.until(lambda: wb.show(run)["outputs"][0]["state"] == "ready", "the output to be registered")
    assert wb.show(run)["outputs"][0]["asset"] == "data:sums:1"
    shown = wb("run", "show", run)
    assert "data:sums:1" in shown
    assert "cache" in shown
    told = wb("data", "lineage", "sums:1")
    assert run in told
    assert "made of" in told
    assert wb.json("data", "lineage", "sums")["made_by"]["id"] == run


def test_what_a_killed_server_had_not_registered_is_registered_once(
    wb: Wb, server: SshServer, tmp_path: Path
) -> None:
    """The run ends while no server lives; whichever comes next makes one version of its output."""
    attach(wb, server)
    go = tmp_path / "go"
    (tmp_path / "job.yml").write_text(
        f"command: while ! test -e {go}; do sleep 0.05; done; echo 1 > ${{{{outputs.x}}}}/a\n"
        f"compute: {server.name}\noutputs:\n  x: {{name: late}}\n"
    )
    run = wb("submit", "job.yml", cwd=tmp_path).split()[0]
    wb.until(lambda: wb.show(run)["status"] == "Running", "the run to start")
    wb.kill_server()
    go.touch()
    wb.wait(run)
    for _ in range(3):
        wb.kill_server()
        wb("ps")
    wb.until(lambda: wb.show(run)["outputs"][0]["state"] == "ready", "the output to be registered")
    assert [item["version"] for item in wb.json("data", "versions", "late")] == [1]


class Lying:
    """A link to a machine that answers what it likes."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    async def call(self, method: str, params: Any) -> Any:
        self.asked.append(method)
        return self.answer

    def stream(self, method: str, params: Any, source: Any = None) -> Any:
        raise AssertionError(f"nothing may be sent: {params}")


class OneFile:
    """An origin of one small file."""

    identity = "test"
    single = True

    async def files(self, tell: Any) -> list[OriginFile]:
        return [OriginFile("a", 3, "t", "0" * 64)]

    async def blocks(self, file: OriginFile, offset: int) -> Any:
        raise AssertionError("not asked for")
        yield b""

    async def url(self, file: OriginFile) -> str | None:
        return None


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"missing": "all"},
        {"missing": [["1" * 64, 3, 0]]},
        {"missing": [["../../etc/passwd", 3, 0], [None, None], "x", 7]},
        {"missing": [[{}, 3, 0]]},
    ],
    ids=str,
)
async def test_a_machine_gets_no_file_it_was_not_to_have(answer: Any) -> None:
    async def say(*_: Any) -> None:
        return None

    link: Any = Lying(answer)
    with pytest.raises((RemoteError, WorkbenchError)):
        await bringing.Bringing(link, OneFile(), "a", say).bring()
