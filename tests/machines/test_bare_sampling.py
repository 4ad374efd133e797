"""A machine that has no python for us: its shell tells of it, over a real sshd and each login shell."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from tests.machines.ground import until
from tests.machines.rig import DEADLINE, MakeServer
from tests.smi import Smi, gpu
from workbench.compute import bare_script
from workbench.compute.asyncssh_host import AsyncsshHost
from workbench.compute.bare_sampling import samples
from workbench.compute.channel import Host
from workbench.compute.local import LocalHost
from workbench.compute.signin import NobodyToAsk
from workbench.entities.sample import MachineSample
from workbench.errors import RemoteError
from workbench.remote.probe.host_sampling import HostSampler

NOISE = {
    "bash": "echo welcome; printf 'no end of line'\n",
    "tcsh": "echo welcome\n",
    "fish": "echo welcome\n",
    "zsh": "echo welcome\n",
}


@pytest.fixture
def smi(tmp_path: Path) -> Smi:
    """A nvidia-smi."""
    return Smi(tmp_path / "smi")


@contextlib.asynccontextmanager
async def told(
    host: Host, every: Callable[[], float] = lambda: 1.0
) -> AsyncIterator[AsyncIterator[MachineSample]]:
    """The samples of a host, ended at the end."""
    stream = samples(host, every)
    try:
        async with asyncio.timeout(DEADLINE):
            yield stream
    finally:
        await stream.aclose()  # type: ignore[attr-defined]
        await host.close()


async def first(
    stream: AsyncIterator[MachineSample], condition: Callable[[MachineSample], object]
) -> MachineSample:
    """The first sample for which condition is true."""
    async for sample in stream:
        if condition(sample):
            return sample
    raise AssertionError("it ended")


def with_path(folder: Path) -> LocalHost:
    """This machine, with the programs of a folder before all others."""
    return LocalHost({"PATH": f"{folder}:{os.environ['PATH']}"})


def left(marker: str) -> list[list[str]]:
    """Processes that have a text in their command line."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if any(marker in word for word in words):
                found.append(words)
    return found


async def test_host_gpus_and_processes(smi: Smi) -> None:
    smi.say(gpus=[gpu(0), gpu(1, power__draw="[N/A]")], apps=[["GPU-1", str(os.getpid()), "512"]])
    async with told(with_path(smi.folder)) as stream:
        sample = await first(
            stream, lambda one: one.processes and one.host.cpu is not None and len(one.gpus) == 2
        )
    host = HostSampler({}).sample()
    assert sample.host.memory_total == host["memory_total"]
    assert sample.host.cpus == host["cpus"]
    assert sample.host.uptime == pytest.approx(host["uptime"], abs=60)
    assert {role for disk in sample.host.disks for role in disk.roles} <= {"home", "leases"}
    assert [(one.uuid, one.power) for one in sample.gpus] == [("GPU-0", 512.25), ("GPU-1", None)]
    (process,) = sample.processes
    me = psutil.Process()
    assert (process.pid, process.user, process.mine) == (me.pid, me.username(), True)
    assert process.command is not None
    assert process.command.split()[0] == me.cmdline()[0]
    assert process.memory == pytest.approx(me.memory_info().rss, rel=0.2)
    assert process.age == pytest.approx(HostSampler({}).sample()["uptime"] - process.start / 100, abs=60)
    until(lambda: not left(str(smi.folder)), "nothing to be left")


async def test_an_old_nvidia_smi_is_asked_for_less(smi: Smi) -> None:
    smi.say(gpus=[gpu(0)], unknown=["memory.reserved", "mig.mode.current"])
    async with told(with_path(smi.folder)) as stream:
        sample = await first(stream, lambda one: one.gpus)
    assert sample.gpus[0].temperature == 61
    assert sample.gpus[0].mig is None


async def test_a_nvidia_smi_that_dies_in_the_middle_is_said_and_started_again(
    smi: Smi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bare_script, "SLOW", 1)
    async with told(with_path(smi.folder)) as stream:
        await first(stream, lambda one: len(one.gpus) == 2)
        smi.say(said="GPU is lost.")
        sample = await first(stream, lambda one: one.gpus[0].error)
        assert sample.gpus[0].error == "nvidia-smi ended: GPU is lost."
        assert sample.gpus[0].utilisation == 97
        smi.say(gpus=[gpu(0), gpu(1)])
        await first(stream, lambda one: one.gpus[0].error is None)


async def test_a_home_that_never_answers_holds_up_its_own_figures_only(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "df").write_text("#!/bin/sh\nexec sleep 1000\n")
    (programs / "df").chmod(0o755)
    async with told(with_path(programs)) as stream:
        sample = await first(stream, lambda one: one.host.cpu is not None)
    assert sample.host.disks == []
    until(lambda: not left(str(programs)), "nothing to be left")


async def test_another_rate_is_another_shell(smi: Smi) -> None:
    wanted = [1.0]
    async with told(with_path(smi.folder), lambda: wanted[0]) as stream:
        assert (await anext(stream)).every == 1
        wanted[0] = 5.0
        await first(stream, lambda one: one.every == 5)
        wanted[0] = 0.1
        await first(stream, lambda one: one.every == 1)


async def test_a_shell_that_is_killed_is_said_to_tell_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bare_script, "SLOW", 1)
    host = LocalHost()
    async with told(host) as stream:
        await anext(stream)
        for process in psutil.Process().children():
            if process.cmdline()[-1:] == ["-s"]:
                process.kill()
        with pytest.raises(RemoteError, match="tells no more"):
            await first(stream, lambda one: False)


async def test_what_is_no_shell_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async with told(LocalHost(shell="/bin/true")) as stream:
        with pytest.raises(RemoteError):
            await anext(stream)


@pytest.mark.parametrize("shell", sorted(NOISE))
async def test_over_ssh_whatever_the_login_shell_is_and_says(
    make_server: MakeServer, tmp_path: Path, shell: str
) -> None:
    server = make_server(shell=shell, rc=NOISE[shell])
    host = AsyncsshHost(server.settings(), tmp_path / "known", NobodyToAsk())
    async with told(host) as stream:
        sample = await first(stream, lambda one: one.host.cpu is not None)
    assert sample.host.memory_total
    until(
        lambda: not [words for words in left("/bin/sh") if words[-2:] == ["/bin/sh", "-s"]],
        "no shell to be left",
    )


NAMES_ITSELF = r"""
import ctypes, sys
ctypes.CDLL(None).prctl(15, rb"\n@gone x\c", 0, 0, 0)
print("on", flush=True)
sys.stdin.read()
"""


async def test_what_processes_call_themselves_is_no_word_of_the_script(smi: Smi) -> None:
    r"""Some shells' echo makes lines of \n, and stops at \c."""
    with subprocess.Popen(
        [sys.executable, "-c", NAMES_ITSELF, r"\n@end"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"on\n"
        smi.say(gpus=[gpu(0)], apps=[["GPU-0", str(child.pid), "512"]])
        async with told(with_path(smi.folder)) as stream:
            sample = await first(
                stream,
                lambda one: (
                    one.gpus and one.processes and one.processes[0].memory and one.processes[0].command
                ),
            )
        child.stdin.close()
    assert sample.gpus[0].error is None
    assert (sample.processes[0].command or "").endswith(r"\n@end")
