"""Machines that are switched on and off by commands of this side: a real sshd that is started and stopped."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines.links import alive, until
from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from workbench.compute.local_command import TimeIsUp, run_here
from workbench.errors import NotFound


@pytest.fixture
def cloud(server: SshServer, tmp_path: Path) -> Iterator[Path]:
    """A cloud's command: `cloud up|down` starts and stops the machine's sshd, saying what it does."""
    script = tmp_path / "cloud"
    pid = tmp_path / "pid"
    run = f"/usr/sbin/sshd -D -f {server.folder}/sshd_config -E {server.log}"
    script.write_text(
        "#!/bin/sh\n"
        'echo "$1 $WORKBENCH_TARGET at $WORKBENCH_ADDRESS"\n'
        f'if [ "$1" = up ]; then sleep 0.3; setsid {run} < /dev/null > /dev/null 2>&1 & echo $! > {pid}; echo booting; fi\n'
        f'if [ "$1" = down ]; then kill $(cat {pid}); echo gone; fi\n'
        'if [ "$1" = fail ]; then echo "quota exceeded: 8 GPUs"; exit 3; fi\n'
    )
    script.chmod(0o755)
    yield script
    if pid.exists():
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.kill(int(pid.read_text()), number)
            except (ProcessLookupError, ValueError):
                break


def state(wb: Wb, name: str) -> str:
    return str(wb.json("compute", "show", name)["state"])


def test_a_machine_is_started_used_and_stopped(wb: Wb, server: SshServer, cloud: Path) -> None:
    """AZ-22 in part, AZ-24 in part, AZ-25, AZ-26: a host one reaches by key is such a machine; its files stay."""
    attach(wb, server)
    name = server.name
    refused = wb.run("compute", "start", name)
    assert (refused.returncode, "has no start command" in refused.stderr) == (5, True)
    wb("compute", "set", name, f"start={cloud} up", f"stop={cloud} down")
    server.stop()
    wb.until(lambda: state(wb, name) == "unreachable", "the loss to be noticed")
    told = wb.run("submit", "-t", name, "--no-code", "--", "true")
    assert (told.returncode, f"wb compute start {name}, or submit with --start" in told.stderr) == (4, True)
    started = wb.run("compute", "start", name)
    assert (started.returncode, started.stdout) == (0, "")
    assert f"up {name} at {name}\nbooting\n" in started.stderr
    assert state(wb, name) == "connected"
    run = wb("submit", "-t", name, "--no-code", "--wait", "--", "echo it runs").split()[0]
    assert wb("logs", run) == "it runs\n"
    assert wb.run("compute", "stop", name).returncode == 5, "nobody said yes"
    busy = wb("submit", "-t", name, "--no-code", "--", "sleep 1000").split()[0]
    wb.until(lambda: wb.show(busy)["status"] == "Running", "the run to start")
    refused = wb.run("compute", "stop", name, "--yes")
    assert (refused.returncode, "1 run active" in refused.stderr) == (5, True)
    wb("cancel", busy)
    wb.wait(busy)
    stopped = wb.run("compute", "stop", name, "--yes")
    assert "gone" in stopped.stderr
    assert state(wb, name) == "stopped"
    kinds = [item["kind"] for item in wb.json("activity", "ls")]
    assert {"start", "stop"} <= set(kinds)
    # Stopped stays stopped, whoever tries to reach it, and submit starts it when told to.
    assert wb.run("compute", "exec", name, "--", "true").returncode == 4
    assert state(wb, name) == "stopped"
    again = wb("submit", "-t", name, "--no-code", "--start", "--wait", "--", "echo up again").split()[0]
    assert wb("logs", again) == "up again\n"
    assert state(wb, name) == "connected"
    restarted = wb.run("compute", "restart", name, "--yes")
    assert re.search(r"down .*gone\n.*up .*booting\n", restarted.stderr, re.DOTALL)
    assert state(wb, name) == "connected"
    assert {run, busy, again} <= {held["id"] for held in wb.json("compute", "du", name)["runs"]}


def test_what_fails_says_what_the_command_said(wb: Wb, server: SshServer, cloud: Path) -> None:
    attach(wb, server)
    name = server.name
    wb("compute", "set", name, f"start={cloud} fail")
    failed = wb.run("compute", "start", name)
    assert failed.returncode == 1
    assert f"the start command of {name} failed (exit 3): quota exceeded: 8 GPUs" in failed.stderr
    assert str(cloud) in failed.stderr
    assert wb.json("activity", "ls")[0]["state"] == "failed"
    wb("compute", "set", name, "start=sleep 1000", "power_timeout=1s")
    slow = wb.run("compute", "start", name)
    assert "was ended: it did not end within 1s" in slow.stderr
    server.stop()
    wb("compute", "set", name, "start=true", "power_timeout=3s")
    mute = wb.run("compute", "start", name)
    assert (mute.returncode, "did not answer within 3s of being started" in mute.stderr) == (4, True)


def test_who_goes_away_ends_nothing(wb: Wb, server: SshServer, cloud: Path, tmp_path: Path) -> None:
    attach(wb, server)
    name = server.name
    go = tmp_path / "go"
    wb(
        "compute",
        "set",
        name,
        f"start=echo begun; until [ -e {go} ]; do sleep 0.05; done; echo done",
        "stop=true",
    )
    process = wb.start("compute", "start", name)
    assert process.stderr is not None
    assert process.stderr.readline() == b"begun\n"
    assert state(wb, name) == "starting"
    other = wb.run("compute", "stop", name, "--yes")
    assert (other.returncode, f"{name} is starting now" in other.stderr) == (5, True)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    second = wb.start("compute", "start", name)  # it watches the same one, from its beginning
    assert second.stderr is not None
    assert second.stderr.readline() == b"begun\n"
    go.touch()
    assert b"done\n" in second.communicate()[1]
    assert second.returncode == 0
    assert state(wb, name) == "connected"


async def test_a_command_of_this_side_is_ended_with_all_it_started(tmp_path: Path) -> None:
    lines: list[str] = []
    assert (
        await run_here("echo out; echo err >&2; printf no-newline; exit 7", os.environ, 60, lines.append) == 7
    )
    assert lines == ["out", "err", "no-newline"]
    assert await run_here([sys.executable, "-c", "print('*')"], {}, 60, lines.append) == 0
    assert await run_here("kill -9 $$", os.environ, 60, lines.append) == 137
    with pytest.raises(NotFound):
        await run_here(["/nowhere"], {}, 60, lines.append)
    note = tmp_path / "pid"
    shell = f"trap '' TERM; sleep 1000 & echo $! > {note}; wait; sleep 1000"
    with pytest.raises(TimeIsUp):
        await run_here(shell, os.environ, 1, lines.append)
    assert not alive(int(note.read_text()))
    note.unlink()
    task = asyncio.create_task(run_here(shell, os.environ, 60, lines.append))
    await until(lambda: note.exists() and note.read_text().strip(), "it to run")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(int(note.read_text()))


async def test_one_that_ends_gently_takes_those_along_who_would_not(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    deaf = f"(trap '' TERM; exec sleep 1000) & echo $! > {note}; wait"
    with pytest.raises(TimeIsUp):
        await run_here(deaf, os.environ, 1, lambda _: None)
    assert not alive(int(note.read_text()))


async def test_what_it_left_running_does_not_hold_it(tmp_path: Path) -> None:
    lines: list[str] = []
    note = tmp_path / "pid"
    assert await run_here(f"sleep 1000 & echo $! > {note}; echo up", os.environ, 60, lines.append) == 0
    assert lines == ["up"]
    os.kill(int(note.read_text()), signal.SIGKILL)
