"""Traps of running things on other people's machines that no other test holds; the list is in docs/architecture.md."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import sys
import zipfile
from pathlib import Path

from tests.machines.ground import Ground, ground, new_run_id, untagged, until
from tests.machines.links import MakeLink, make_link
from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from workbench.compute.local import LocalHost
from workbench.compute.payload import Payload, build_payload
from workbench.remote.supervision.cancel import cancel
from workbench.remote.supervision.queueing import Waiting
from workbench.remote.wire import frames

__all__ = ["ground", "make_link", "untagged"]


def last_state(ground: Ground, run: str) -> str:
    return str(ground.wait(run)["transitions"][-1]["state"])


def test_ending_one_run_leaves_the_next_of_the_queue_alone(ground: Ground) -> None:
    """trap 4: whoever starts next is in no group and no tree that is being killed."""
    first = ground.submit("trap '' TERM; echo on; while :; do sleep 0.1; done", gpus=1, devices=["a0"])
    until(lambda: ground.output(first), "the first to run")
    second = ground.submit("sleep 1; echo mine", gpus=1, devices=["a0"])
    ground.wait(second, "Queued")
    cancel(ground.machine, first, 0.2)
    assert last_state(ground, first) == "Canceled"
    assert last_state(ground, second) == "Completed"
    assert ground.output(second) == b"mine\n"


def oom_score(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def private_memory(pid: int) -> int:
    """Bytes that only this process has."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_")) * 1024


def test_when_memory_runs_out_the_command_goes_before_those_who_look_after_it(ground: Ground) -> None:
    """trap 5"""
    run = ground.submit("sleep 1000 & wait")
    ground.wait(run, "Running")
    child, keepers = ground.identity(run, "child")[0], ("guard", "supervisor")
    until(lambda: oom_score(child) >= 500, "the command to be preferred")
    for who in keepers:
        pid = ground.identity(run, who)[0]
        assert oom_score(pid) < oom_score(child)
        assert private_memory(pid) < 16 << 20


def test_what_a_script_prints_is_seen_while_it_runs(ground: Ground) -> None:
    """trap 12: without a terminal Python would hold its output back."""
    run = ground.submit([sys.executable, "-c", "import time; print('epoch 1'); time.sleep(1000)"])
    until(lambda: ground.output(run) == b"epoch 1\n", "the line")
    assert ground.state(run) == "Running"


def test_leases_never_look_like_litter(ground: Ground) -> None:
    """trap 16: cleaners of /var/tmp take what is weeks old, and a lease may be held for months."""
    run = ground.submit("sleep 1000", gpus=1, devices=["a0"])
    ground.wait(run, "Running")
    lease = Path(ground.machine.leases) / f"{run}.json"
    waiting = Waiting(ground.machine, run, ["a0"], lambda: (), lambda: False)
    for fresh in (True, False):
        os.utime(lease, (1, 1))
        waiting.keep_fresh()
        assert (lease.stat().st_mtime > 1e9) is fresh, "once an hour is enough"


async def test_a_shim_that_chooses_the_interpreter_is_asked_once(tmp_path: Path, make_link: MakeLink) -> None:
    """trap 14: what is stored is the interpreter itself, by its absolute path."""
    shim = tmp_path / "shims" / "python3"
    shim.parent.mkdir()
    asked = tmp_path / "asked"
    shim.write_text(f'#!/bin/sh\necho x >> {asked}\nexec {sys.executable} "$@"\n')
    shim.chmod(0o755)
    host = LocalHost({"PATH": f"{shim.parent}:/usr/bin:/bin", "HOME": str(tmp_path)})
    first = await make_link(host)
    python = first.hello["python"]
    assert Path(python).is_absolute()
    assert Path(python) != shim
    times = asked.read_text().count("x")
    second = await make_link(LocalHost({"PATH": "/nowhere", "HOME": str(tmp_path)}), python=python)
    assert second.hello["python"] == python
    assert asked.read_text().count("x") == times


def another_version() -> Payload:
    """A payload of the same words and another content: what a laptop with another release brings."""
    packed = io.BytesIO(build_payload().data)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(zipfile.ZipInfo("workbench/remote/of_another_release.py"), b'"""Nothing."""\n')
    data = packed.getvalue()
    return Payload(hashlib.sha256(data).hexdigest(), data)


async def test_two_releases_share_a_machine(make_link: MakeLink, tmp_path: Path) -> None:
    """trap 15: each brings its own file, runs keep the one they began with, and both read and end each other's."""
    old, new = await make_link(), await make_link(payload=another_version())
    assert len(list((tmp_path / "root" / "payload").glob("*.pyz"))) == 2
    runs = {}
    for link in (old, new):
        run = new_run_id()
        spec = {"v": 1, "run": run, "attempt": 1, "command": "echo on; sleep 1000", "slots": 2}
        assert (await link.call("submit", {"run": run, "spec": spec, "secrets": {}}))["already"] is False
        runs[run] = link
    for run, owner in runs.items():
        other = new if owner is old else old
        output, states = b"", []
        async with asyncio.timeout(60):
            async for item in other.stream("follow", {"run": run}):
                if isinstance(item, bytes):
                    file, _, body = frames.split_chunk(item)
                    output += body if file == "stream" else b""
                    await other.call("cancel", {"run": run, "grace": 0.2})
                elif "status" in item:
                    states.append(item["status"]["transitions"][-1]["state"])
        assert (output, states[-1]) == (b"on\n", "Canceled")
        assert await other.call("reconcile") == {"settled": []}


def test_many_runs_are_one_connection(wb: Wb, server: SshServer, tmp_path: Path) -> None:
    """trap 17: not one a run, not one a look; sshd lets ten sessions in and drops storms."""
    attach(wb, server, "--set", "slots=3")
    go = tmp_path / "go"
    command = f"echo on; while ! test -e {go}; do sleep 0.1; done"
    project = tmp_path / "project"
    project.mkdir()
    runs = [wb("submit", "--", command, cwd=project).split()[0] for _ in range(6)]
    followers = [wb.start("logs", run, "-f") for run in runs]
    wb.until(lambda: sum(run["status"] == "Running" for run in wb.json("run", "ls")) == 3, "three to run")
    go.touch()
    for follower in followers:
        out, _ = follower.communicate(timeout=90)
        assert out == b"on\n"
    assert server.connections() == 1
    assert server.log.read_text(errors="replace").count("Starting session") <= 8
