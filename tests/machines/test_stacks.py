"""What a hung run is doing: Pythons say it themselves, every process is told of, nobody is harmed by the question."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, untagged
from tests.machines.ground import until as wait_until
from tests.machines.links import MakeLink, alive, make_link
from workbench.compute.link import Link
from workbench.errors import Conflict, NotFound
from workbench.remote.environments import shims

__all__ = ["ground", "make_link", "untagged"]

HANGS = """
import os, sys, threading, time
def inner_wait(path):
    open(path, "w").close()
    threading.Event().wait()
def outer(path):
    inner_wait(path)
threading.Thread(target=time.sleep, args=(1000,), name="beside", daemon=True).start()
outer(sys.argv[1])
"""

STUCK_IN_C = """
import ctypes, sys
def never_returns():
    open(sys.argv[1], "w").close()
    ctypes.PyDLL(None).pause()  # holds the interpreter's lock
never_returns()
"""

RANKS = """
import os, subprocess, sys
code = open(sys.argv[1]).read()
children = [
    subprocess.Popen([sys.executable, "-c", code, "%s.%d" % (sys.argv[2], rank)], env=dict(os.environ, RANK=str(rank)))
    for rank in range(3)
]
children.append(subprocess.Popen(["sleep", "1000"]))
open(sys.argv[2], "w").close()
for child in children:
    child.wait()
"""

FORKED = """
import multiprocessing, sys, time
def worker_loop(path):
    open(path, "w").close()
    time.sleep(1000)
if __name__ == "__main__":
    process = multiprocessing.get_context("fork").Process(target=worker_loop, args=(sys.argv[1],))
    process.start()
    process.join()
"""


class Asked:
    """A run of a script that has come to where it hangs."""

    def __init__(self, ground: Ground, link: Link, folder: Path) -> None:
        self.ground, self.link, self.folder = ground, link, folder

    def start(self, code: str, **changes: Any) -> str:
        """Submit it and wait for its word; the run."""
        script, word = self.folder / "script.py", self.folder / "word"
        script.write_text(code)
        python = changes.pop("python", sys.executable)
        run = self.ground.submit(
            ["python", str(script), *changes.pop("words", []), str(word)], python=python, **changes
        )
        wait_until(word.exists, "the script to hang")
        return run

    async def stacks(self, run: str) -> list[dict[str, Any]]:
        """What its processes are doing."""
        answer = await self.link.call("stack", {"run": run}, timeout=60)
        assert answer["more"] == 0
        return list(answer["processes"])


@pytest.fixture
async def asked(ground: Ground, make_link: MakeLink, tmp_path: Path) -> Asked:
    link = await make_link(root=ground.machine.root, lease_dir=ground.machine.lease_dir)
    return Asked(ground, link, tmp_path)


def python_of(processes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that said where they are."""
    return [process for process in processes if process.get("by") == "faulthandler"]


async def test_a_python_says_where_its_threads_are_and_goes_on(asked: Asked) -> None:
    run = asked.start(HANGS)
    for _ in range(2):
        (found,) = python_of(await asked.stacks(run))
        assert "in inner_wait" in found["python"]
        assert "in outer" in found["python"]
        assert found["python"].count("Thread 0x") + found["python"].count("Current thread 0x") == 2
        assert "script.py" in found["command"]
        assert found["state"] == "S"
        assert found["threads"] >= 2
        assert alive(found["pid"]), "being asked harms nobody"
    assert (Path(asked.ground.machine.root) / "runs" / run / shims.STACKS).stat().st_size == 0


async def test_also_while_the_interpreter_itself_is_stuck(asked: Asked) -> None:
    run = asked.start(STUCK_IN_C)
    (found,) = python_of(await asked.stacks(run))
    assert "in never_returns" in found["python"]


async def test_every_rank_and_what_is_no_python(asked: Asked) -> None:
    code = asked.folder / "rank.py"
    code.write_text(HANGS)
    run = asked.start(RANKS, words=[str(code)])
    for rank in range(3):
        wait_until((asked.folder / f"word.{rank}").exists, "the rank to hang")
    found = await asked.stacks(run)
    assert sorted(process["rank"] for process in found if "rank" in process) == [0, 1, 2]
    for process in found:
        if "rank" in process:
            assert "in inner_wait" in process["python"]
    (sleeper,) = [process for process in found if process["command"] == "sleep 1000"]
    assert "python" not in sleeper
    assert sleeper["waits"][0]["state"] == "S"
    assert alive(sleeper["pid"]), "a process that did not ask for the signal does not get it"
    commands = [process["command"] for process in found]
    assert not any("guard" in command for command in commands), "who looks after the run is no part of it"


async def test_forked_workers_say_it_too(asked: Asked) -> None:
    run = asked.start(FORKED)
    found = python_of(await asked.stacks(run))
    assert len(found) == 2
    assert any("in worker_loop" in process["python"] for process in found)


async def test_a_program_that_handles_the_signal_itself_is_not_asked(asked: Asked) -> None:
    run = asked.start(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGURG, lambda *_: open(sys.argv[1] + '.hit', 'w').close())\n"
        "for n in range(3, 20):\n"
        "    try: __import__('os').close(n)\n"
        "    except OSError: pass\n"
        "open(sys.argv[1], 'w').close()\ntime.sleep(1000)\n"
    )
    found = await asked.stacks(run)
    assert python_of(found) == []
    assert not (asked.folder / "word.hit").exists()


async def test_a_stopped_one_is_told_as_such(asked: Asked) -> None:
    run = asked.start(HANGS)
    (found,) = python_of(await asked.stacks(run))
    os.kill(found["pid"], 19)
    stat = Path(f"/proc/{found['pid']}/stat")
    wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "it to stop")
    try:
        found = next(process for process in await asked.stacks(run) if process["pid"] == found["pid"])
        assert found["state"] == "T"
        assert "did not answer" in found["problem"]
    finally:
        os.kill(found["pid"], 18)


async def test_two_who_ask_at_once_both_get_answers(asked: Asked) -> None:
    run = asked.start(HANGS)
    for processes in await asyncio.gather(*(asked.stacks(run) for _ in range(4))):
        assert "in inner_wait" in python_of(processes)[0]["python"]


async def test_what_is_over_has_no_processes(asked: Asked) -> None:
    run = asked.ground.submit("true")
    asked.ground.wait(run, "Completed")
    with pytest.raises(Conflict, match="it is Completed"):
        await asked.stacks(run)
    with pytest.raises(NotFound):
        await asked.stacks("01HZZZZZZZZZZZZZZZZZZZZZZZ")


async def test_py_spy_is_asked_where_it_is(asked: Asked) -> None:
    beside = asked.folder / "bin"
    beside.mkdir()
    (beside / "python").symlink_to(sys.executable)
    spy = beside / "py-spy"
    spy.write_text(
        '#!/bin/sh\n[ "$1 $2" = "dump --pid" ] && echo "Thread $3 (idle): MainThread" && exit 0; exit 9\n'
    )
    spy.chmod(0o755)
    run = asked.start(HANGS, python=str(beside / "python"))
    (found,) = [process for process in await asked.stacks(run) if "python" in process]
    assert (found["by"], found["python"]) == ("py-spy", f"Thread {found['pid']} (idle): MainThread\n")
    spy.write_text("#!/bin/sh\necho Error: Permission denied >&2; exit 1\n")
    (found,) = python_of(await asked.stacks(run))
    assert "in inner_wait" in found["python"], "where it may not look, the Python says it itself"


@pytest.mark.skipif(shutil.which("py-spy") is None, reason="py-spy is not installed")
async def test_the_real_py_spy(asked: Asked) -> None:
    run = asked.start(HANGS)
    assert any("inner_wait" in process.get("python", "") for process in await asked.stacks(run))
