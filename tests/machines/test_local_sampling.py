"""This machine through psutil: the probe's own figures are held against it, and it is sampled by a child that ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.machines.ground import Ground, ground, new_run_id, untagged, until
from workbench.compute.local_host import LocalHostSampler
from workbench.compute.local_sampling import samples
from workbench.compute.portable_processes import PortableProcesses
from workbench.compute.sample_texts import cleaned
from workbench.entities.sample import MachineSample
from workbench.errors import RemoteError
from workbench.remote.machine import pid_namespace
from workbench.remote.probe.host_sampling import HostSampler
from workbench.remote.probe.process_sampling import ProcessSampler

__all__ = ["ground", "untagged"]

BUSY = "while True: pass"
WINDOW = 1.5
"""Seconds that both look at, so that what happens between one's look and the other's is little of it."""


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    """A process that computes, so that there is something to be told of."""
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    yield process
    process.kill()
    process.wait()


def test_the_probe_tells_of_the_host_what_psutil_tells(tmp_path: Path, busy: Any) -> None:
    places = {"root": str(tmp_path), "home": os.path.expanduser("~"), "leases": "/var/tmp"}
    ours, theirs = HostSampler(places), LocalHostSampler(places)
    assert ours.spaces.settle(60)
    assert theirs.spaces.settle(60)
    rated = any(os.path.exists(f"/sys/dev/block/{row.get('device', '-')}/stat") for row in ours.spaces.rows())

    def begun(sampler: HostSampler | LocalHostSampler) -> bool:
        found = sampler.sample()
        return "cpu" in found and (not rated or any("read" in row for row in found["disks"]))

    until(lambda: begun(ours), "the probe's first rates")
    until(lambda: begun(theirs), "psutil's first rates")
    (tmp_path / "written").write_bytes(os.urandom(8 << 20))
    os.sync()
    time.sleep(WINDOW)
    probe, reference = ours.sample(), theirs.sample()
    assert set(probe) == set(reference)
    for name in ("cpus", "users", "memory_total", "swap_total"):
        assert probe[name] == reference[name], name
    assert probe["swap_used"] == pytest.approx(reference["swap_used"], rel=0.05)
    assert probe["memory_used"] == pytest.approx(reference["memory_used"], rel=0.1)
    assert probe["uptime"] == pytest.approx(reference["uptime"], abs=2)
    assert probe["load"] == pytest.approx(reference["load"], abs=0.5)
    assert probe["cpu"] == pytest.approx(reference["cpu"], abs=15)
    assert probe["cpu"] > 100 / probe["cpus"] / 3, "a process computes all the time"
    assert set(probe["network"]) == set(reference["network"])
    for mine, other in zip(probe["disks"], reference["disks"], strict=True):
        assert mine.pop("free") == pytest.approx(other.pop("free"), rel=0.1)
        for name in ("read", "written"):
            assert (name in mine) == (name in other)
            assert mine.pop(name, 0) == pytest.approx(other.pop(name, 0), rel=0.5, abs=1 << 20)
        assert mine == other


def both(
    uses: dict[int, list[dict[str, Any]]], enough: Callable[[dict[int, Any], dict[int, Any]], bool]
) -> tuple[dict[int, dict[str, Any]], dict[int, dict[str, Any]]]:
    """The probe's rows and psutil's, once there is enough in them."""
    ours, theirs = ProcessSampler(pid_namespace(), False), PortableProcesses()

    def look() -> Any:
        rows = [{row["pid"]: row for row in sampler.sample(uses)} for sampler in (ours, theirs)]
        return rows if enough(*rows) else None

    probe, reference = until(look, "both to know")
    return probe, reference


def test_the_probe_tells_of_a_process_what_psutil_tells(busy: subprocess.Popen[bytes]) -> None:
    uses = {busy.pid: [{"gpu": "GPU-1", "memory": 5, "utilisation": 7}]}
    rows = both(
        uses,
        lambda *rows: all("cpu" in found.get(busy.pid, {}) and "user" in found[busy.pid] for found in rows),
    )
    probe, reference = (found[busy.pid] for found in rows)
    assert set(probe) == {*reference, "start"}
    for name in ("user", "command", "mine", "gpus"):
        assert probe[name] == reference[name], name
    assert probe["memory"] == pytest.approx(reference["memory"], rel=0.1)
    assert probe["age"] == pytest.approx(reference["age"], abs=2)
    assert probe["cpu"] == pytest.approx(reference["cpu"], abs=40)
    process = psutil.Process(busy.pid)
    assert probe["user"] == process.username()
    assert probe["command"] == " ".join(process.cmdline())


def test_the_probe_finds_the_runs_that_psutil_lets_find(ground: Ground) -> None:
    run = ground.submit(
        "env -i /bin/sh -c '/bin/sleep 1000; :' & env -i setsid /bin/sh -c '/bin/sleep 1000; :' & wait"
    )

    def told(rows: dict[int, Any]) -> dict[int, str]:
        return {pid: row["found_by"] for pid, row in rows.items() if row.get("run") == run}

    ways = {"environment", "session", "parent"}
    probe, reference = both(
        {}, lambda *rows: set(told(rows[0]).values()) == ways and told(rows[0]) == told(rows[1])
    )
    assert len(told(probe)) == len(told(reference)) >= 5


async def taken(number: int, every: Callable[[], float], **more: Any) -> list[MachineSample]:
    """The first samples; what is left of their child is ended."""
    found: list[MachineSample] = []
    stream = samples(every, **more)
    try:
        async for sample in stream:
            found.append(sample)
            if len(found) == number:
                break
    finally:
        await stream.aclose()  # type: ignore[attr-defined]
    return found


async def test_samples_come_as_often_as_is_wanted_from_one_look_to_the_next(tmp_path: Path) -> None:
    wanted = [3600.0]
    stream = samples(lambda: wanted[0], {"root": str(tmp_path)})
    assert (await anext(stream)).every in (1.0, 3600.0)
    wanted[0] = 0.05
    found = [await anext(stream) for _ in range(40)]
    assert found[-1].every == 0.05
    assert found[-1].host.cpu is not None
    assert [disk.roles for disk in found[-1].host.disks] == [["root"]]
    await stream.aclose()  # type: ignore[attr-defined]


async def test_the_child_ends_with_who_listens(tmp_path: Path) -> None:
    await taken(1, lambda: 0.1)
    children = psutil.Process().children()
    assert not [child for child in children if "local_sampling" in " ".join(child.cmdline())]


async def test_what_lies_in_the_folder_one_works_in_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an embedded workspace the services' folder is their user's, and a socket.py may be in it."""
    (tmp_path / "socket.py").write_text("raise SystemExit('not the one that was meant')\n")
    monkeypatch.chdir(tmp_path)
    stream = samples(lambda: 0.05)
    assert (await anext(stream)).host.cpus
    await stream.aclose()


async def test_a_child_that_is_killed_is_said_to_be_gone() -> None:
    stream = samples(lambda: 0.05)
    await anext(stream)
    (child,) = [one for one in psutil.Process().children() if "local_sampling" in " ".join(one.cmdline())]
    child.send_signal(signal.SIGKILL)
    with pytest.raises(RemoteError, match="ended"):
        _ = [sample async for sample in stream]


async def test_a_run_of_ours_is_told_with_what_found_it(ground: Ground) -> None:
    run = ground.submit("sleep 1000")
    child = ground.identity(run, "child")[0]
    stream = samples(lambda: 0.1)
    async with asyncio.timeout(90):
        async for sample in stream:
            found = [process for process in sample.processes if process.pid == child]
            if found and found[0].run:
                break
    await stream.aclose()  # type: ignore[attr-defined]
    assert (found[0].run, found[0].found_by, found[0].mine) == (run, "environment", True)


def test_who_asks_for_samples_loads_neither_psutil_nor_pynvml() -> None:
    code = "import sys, workbench.compute.local_sampling; print([name for name in ('psutil', 'pynvml') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_texts_of_programs_are_made_harmless() -> None:
    sample = {"processes": [{"command": "a\x1b[31mb\n" + "x" * 1000, "pid": 5}], "host": {"cpus": 2}}
    (row,) = cleaned(sample)["processes"]
    assert "\x1b" not in row["command"]
    assert "\n" not in row["command"]
    assert len(row["command"]) <= 500
    assert row["pid"] == 5


def test_a_process_that_is_gone_has_no_row_of_its_own() -> None:
    process = subprocess.Popen(["sleep", "1000"])
    sampler = PortableProcesses()
    uses = {process.pid: [{"gpu": "GPU-1"}]}
    assert "user" in next(row for row in sampler.sample(uses) if row["pid"] == process.pid)
    process.kill()
    process.wait()
    assert {"pid": process.pid, "gpus": uses[process.pid]} in sampler.sample(uses)
    assert new_run_id() not in {row.get("run") for row in sampler.sample({})}
