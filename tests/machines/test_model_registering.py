"""Registering from a machine that may go away: what was fetched is not fetched again, what changed is told."""

from __future__ import annotations

import asyncio
import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.machines.rig import MakeProxy, SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from workbench.errors import WorkbenchError
from workbench.home import find_home
from workbench.workspace import Workspace, model_files

SIZE = 24 << 20
MAKE = (
    f"mkdir -p outputs/m/deep; head -c {SIZE} /dev/urandom > outputs/m/big.bin; echo a > outputs/m/deep/a.txt"
)


def opened(wb: Wb) -> Workspace:
    home = find_home({"WORKBENCH_HOME": str(wb.folder), "HOME": str(wb.folder)})
    return Workspace.open(home=home, embedded=False)


async def test_a_registration_that_was_cut_goes_on_where_it_stopped(
    make_wb: Any, server: SshServer, make_proxy: MakeProxy, tmp_path: Path
) -> None:
    """AZ-89: the bytes that came are kept, and the content is what the machine has."""
    proxy = await make_proxy(server)
    wb: Wb = make_wb()
    await asyncio.to_thread(attach, wb, server)
    run = (await asyncio.to_thread(wb, "submit", "--no-code", "--wait", "--", MAKE)).split()[0]
    loop = asyncio.get_running_loop()
    proxy.delay = 0.02

    def partials() -> list[Path]:
        return list(wb.folder.rglob("registering/*/**/.big.bin.partial"))

    def cut(what: str, done: int, total: int) -> None:
        if done > SIZE // 6:
            loop.call_soon_threadsafe(proxy.reset)

    def registering() -> tuple[int, list[int], Any]:
        with opened(wb) as workspace:
            try:
                model_files.register_from_run(workspace.client, "churn", run, "outputs/m", None, cut)
            except WorkbenchError:
                pass
            else:
                raise AssertionError("nothing was cut")
            (left,) = partials()
            kept = left.stat().st_size
            proxy.delay = 0.0
            steps: list[int] = []
            version = model_files.register_from_run(
                workspace.client,
                "churn",
                run,
                "outputs/m",
                None,
                lambda what, done, total: steps.append(done),
            )
            return kept, steps, version

    kept, steps, version = await asyncio.to_thread(registering)
    assert kept > SIZE // 8
    assert steps[0] >= kept, "what had arrived was not fetched again"
    assert (version["version"], version["files"], version["size"]) == (1, 2, SIZE + 2)
    there = server.home / "wb" / "runs" / run / "outputs" / "m" / "big.bin"
    digest = hashlib.sha256(there.read_bytes()).hexdigest()
    files = (await asyncio.to_thread(wb.json, "model", "show", "churn:1"))["files"]
    assert {file["path"]: file["sha256"] for file in files}["big.bin"] == digest
    assert not list(wb.folder.rglob("registering/*")), "nothing half is left"
    told = await asyncio.to_thread(wb.json, "activity", "ls")
    assert [one["state"] for one in told if one["kind"] == "register"] == ["done", "failed"]


def test_a_machine_out_of_reach_is_no_obstacle_to_what_is_here(wb: Wb, server: SshServer) -> None:
    attach(wb, server)
    run = wb("submit", "--no-code", "--wait", "--", "echo hello > outputs/small.txt").split()[0]
    wb.until(lambda: [file for file in wb.json("run", "files", run) if file["collected"]], "the file to come")
    assert wb("model", "register", "small", "--run", run, "--path", "outputs/small.txt").strip() == "small:1"
    version = wb.json("model", "show", "small:1")
    assert (version["one_file"], version["files"][0]["path"]) == (True, "small.txt")
    server.stop()
    wb("model", "download", "small", "--to", str(wb.folder / "out"))
    assert (wb.folder / "out" / "small.txt").read_text() == "hello\n"
    again = wb("model", "register", "small", "--run", run, "--path", "outputs/small.txt")
    assert again.strip() == "small:2", "what was collected needs no machine"
    refused = wb.run("model", "register", "small", "--run", run, "--path", "outputs/large.bin")
    assert refused.returncode == 4
    server.start()


def test_files_that_were_changed_after_their_run_are_told(wb: Wb, server: SshServer) -> None:
    attach(wb, server)
    run = wb(
        "submit", "--no-code", "--wait", "--", "echo good > outputs/a.txt; echo b > outputs/b.txt"
    ).split()[0]
    there = server.home / "wb" / "runs" / run / "outputs"
    honest = wb.run("model", "register", "m", "--run", run, "--path", "outputs")
    assert honest.stdout.strip() == "m:1"
    assert "written after" not in honest.stderr
    (there / "a.txt").write_text("evil\n")
    ended = datetime.fromisoformat(wb.json("run", "show", run)["ended"])
    os.utime(there / "a.txt", (ended.timestamp() + 60,) * 2)
    told = wb.run("model", "register", "m", "--run", run, "--path", "outputs")
    assert told.stdout.strip() == "m:2"
    assert "written after the run ended, so its metrics may be of other files: outputs/a.txt" in told.stderr
    assert wb.json("model", "show", "m:2")["properties"] == {"changed_after_run": "outputs/a.txt"}
    assert wb.json("model", "show", "m:1")["properties"] == {}
