"""Ending a process on a machine: this very one, of one's own, and nothing that has its number by now."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.machines.links import MakeLink, alive, make_link, until
from workbench.errors import NotFound, Refused, UsageError
from workbench.remote.methods import process_methods
from workbench.remote.processes.process_trees import identity
from workbench.remote.wire.problems import RequestError

__all__ = ["make_link"]
SLEEPER = [sys.executable, "-c", "import time; time.sleep(1000)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(1000)",
]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process of our own that does nothing."""
    process = subprocess.Popen(SLEEPER)
    yield process
    process.kill()
    process.wait()


def start_of(pid: int) -> int:
    found = identity(pid)
    assert found is not None
    return found[1]


async def test_a_process_of_ones_own_ends(make_link: MakeLink, sleeper: subprocess.Popen[bytes]) -> None:
    link = await make_link()
    answer = asyncio.create_task(
        link.call("end_process", {"pid": sleeper.pid, "start": start_of(sleeper.pid)})
    )
    await until(lambda: sleeper.poll() is not None, "the process to end")
    assert (await answer) == {"ended": True}


async def test_what_has_its_number_by_now_is_left_alone(
    make_link: MakeLink, sleeper: subprocess.Popen[bytes]
) -> None:
    link = await make_link()
    with pytest.raises(NotFound, match="is gone"):
        await link.call(
            "end_process", {"pid": sleeper.pid, "start": start_of(sleeper.pid) - 1, "signal": "KILL"}
        )
    assert alive(sleeper.pid)
    for pid in (2**22 + 1, 2**31, 2**62):
        with pytest.raises(NotFound):
            await link.call("end_process", {"pid": pid, "start": 1})
    with pytest.raises(UsageError, match="signal"):
        await link.call("end_process", {"pid": sleeper.pid, "start": start_of(sleeper.pid), "signal": "STOP"})
    assert alive(sleeper.pid)


async def test_one_that_does_not_listen_is_said_to_be_there_still(make_link: MakeLink) -> None:
    link = await make_link()
    with subprocess.Popen(DEAF, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        asked = {"pid": process.pid, "start": start_of(process.pid)}
        assert (await link.call("end_process", asked)) == {"ended": False}
        assert alive(process.pid)
        harder = asyncio.create_task(link.call("end_process", {**asked, "signal": "KILL"}))
        await until(lambda: process.poll() is not None, "the process to end")
        assert (await harder) == {"ended": True}


async def test_the_link_does_not_end_itself(make_link: MakeLink) -> None:
    link = await make_link()
    pid = link.hello["pid"]
    with pytest.raises(Refused, match="serves this connection"):
        await link.call("end_process", {"pid": pid, "start": start_of(pid)})
    assert (await link.call("ping"))["time"]


def test_another_users_process_is_refused(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root every signal would arrive: whose process it is decides."""
    monkeypatch.setattr(process_methods.os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(RequestError, match="another user's") as caught:
        process_methods.end_process(sleeper.pid, start_of(sleeper.pid), 9)
    assert caught.value.code == "refused"
    assert alive(sleeper.pid)


@pytest.mark.parametrize("handles", [True, False])
def test_older_pythons_have_no_handles(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, handles: bool
) -> None:
    if not handles:
        monkeypatch.delattr(process_methods.os, "pidfd_open", raising=False)
    process_methods.end_process(sleeper.pid, start_of(sleeper.pid), 15)
    assert sleeper.wait(30) == -15
