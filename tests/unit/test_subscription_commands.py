"""Commands that events start: what they are given, and that none holds anybody up."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.services import services
from tests.unit.subscribing import add, happened, until
from workbench.compute import local_command


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    monkeypatch.setattr("workbench.services.deliveries.PAUSES", (0.01, 0.01))


async def test_a_command_gets_the_event_and_its_surroundings(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = (
        "import json, os, sys; event = json.load(sys.stdin);"
        "open(sys.argv[1], 'a').write(json.dumps([event, dict(os.environ), os.getcwd()]))"
    )
    async with services(tmp_path) as live:
        await add(live, "a", sink="command", command=[sys.executable, "-c", code, str(out)])
        sequence = await happened(live, state="Failed")
        await until(live, "a", lambda item: item["delivered"] == 1)
    told, environ, cwd = json.loads(out.read_text())
    assert (told["sequence"], told["data"]) == (sequence, {"state": "Failed"})
    assert environ["WORKBENCH_EVENT"] == "RunCompleted"
    assert environ["WORKBENCH_EVENT_SEQUENCE"] == str(sequence)
    assert cwd == str(Path.home())


async def test_no_shell_reads_words_and_one_reads_a_line(tmp_path: Path) -> None:
    words, line = tmp_path / "words", tmp_path / "line"
    async with services(tmp_path) as live:
        await add(live, "words", sink="command", command=["touch", f"{words}; touch {words}.2"])
        await add(live, "line", sink="command", command=f"touch {line} && touch {line}.2")
        await happened(live)
        await until(live, "words", lambda item: item["delivered"] + item["failed"] == 1)
        await until(live, "line", lambda item: item["delivered"] == 1)
    assert not words.with_suffix(".2").exists()
    assert line.with_suffix(".2").exists()


async def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        failing = "import sys; sys.stdin.close(); raise ValueError('no such channel')"
        await add(live, "a", sink="command", command=[sys.executable, "-c", failing])
        await add(live, "b", sink="command", command=["/no/such/program"])
        await happened(live)
        stands = await until(live, "a", lambda item: item["failed"] == 1)
        assert "exit code 1" in stands["problem"]
        assert "no such channel" in stands["problem"]
        stands = await until(live, "b", lambda item: item["failed"] == 1)
        assert "No such file" in stands["problem"]


async def test_a_command_that_does_not_end_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_command, "GRACE", 0.2)
    pids = tmp_path / "pids"
    line = f"trap '' TERM; sleep 600 & echo $$ $! >> {pids}; wait; sleep 600"
    async with services(tmp_path) as live:
        await add(live, "a", sink="command", command=line, timeout=0.3)
        await happened(live)
        stands = await until(live, "a", lambda item: item["failed"] == 1)
        assert "longer than 0.3 s" in stands["problem"]
    for pid in pids.read_text().split():
        assert not _runs(int(pid))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_what_a_command_leaves_running_keeps_no_event_from_being_delivered(tmp_path: Path) -> None:
    """Not even when it goes on with the command's output: once was told, and it is not told again."""
    note, told = tmp_path / "pid", tmp_path / "told"
    line = f"cat >> {told}; setsid sleep 600 & echo $! > {note}"
    before = set(os.listdir("/proc/self/fd"))
    async with services(tmp_path) as live:
        await add(live, "a", sink="command", command=line, timeout=20)
        await happened(live)
        stands = await until(live, "a", lambda item: item["delivered"] == 1)
        assert stands["failed"] == 0
    os.kill(int(note.read_text()), signal.SIGKILL)
    assert len(told.read_text().splitlines()) == 1
    assert set(os.listdir("/proc/self/fd")) <= before


async def test_a_command_that_writes_without_end_is_not_kept(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await add(live, "a", sink="command", command="head -c 50000000 /dev/zero; exit 3")
        await happened(live)
        stands = await until(live, "a", lambda item: item["failed"] == 1)
        assert "exit code 3" in stands["problem"]
