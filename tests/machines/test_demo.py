"""`wb demo`, the first thing anybody runs: the whole story, and nothing left behind however it ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines.wb import MAIN
from tests.terminal.terminal import Terminal

DEADLINE = 240.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the demo puts its folder; short, since a Unix socket lies in it."""
    made = Path(tempfile.mkdtemp(prefix="wbd-"))
    yield made
    shutil.rmtree(made)


def environment(folder: Path) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("WORKBENCH_", "AZUREML_"))
    }
    return {**kept, "TMPDIR": str(folder), "HOME": str(folder / "home"), "NO_COLOR": "1"}


def processes_in(folder: Path) -> list[str]:
    """Command lines of the processes that name the folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in words:
            found.append(words)
    return found


def gone(folder: Path) -> bool:
    return not processes_in(folder) and [item.name for item in folder.iterdir() if item.name != "home"] == []


def until_gone(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while not gone(folder):
        assert time.monotonic() < deadline, (processes_in(folder), list(folder.iterdir()))
        time.sleep(0.1)


def test_the_demo_tells_its_whole_story_and_leaves_nothing(folder: Path) -> None:
    done = subprocess.run(
        [*MAIN, "demo", "--headless"],
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    chapters = re.findall(r"^\d  (\w+)", done.stdout, re.MULTILINE)
    assert chapters == ["Attach", "Submit", "Follow", "Compare", "Register", "Your"]
    assert len(re.findall(r"✔ \S+ +(?:atlas|borealis) .* completed in ", done.stdout)) == 6
    assert re.search(r"The best of 6 by val_accuracy: \S+ on (atlas|borealis), 0\.9", done.stdout)
    verdicts = re.findall(r"digits:\d (?:may be|is kept from being) champion; .*", done.stdout)
    assert verdicts == [
        "digits:1 may be champion; nobody has it now",
        "digits:2 may be champion; digits:1 has it now",
        "digits:1 is kept from being champion; digits:2 has it now",
    ]
    assert "✖ val_accuracy >= champion.val_accuracy + 0.001" in done.stdout
    assert "The gate keeps it out" in done.stdout
    told = done.stdout.replace(str(folder), "/tmp")
    assert [line for line in told.splitlines() if len(line) > 80] == []
    assert "\x1b" not in done.stdout
    until_gone(folder)
    assert not (folder / "home").exists(), "nothing of the user's is touched"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=["Ctrl-C", "window closed"])
def test_an_interrupted_demo_leaves_nothing(folder: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [*MAIN, "demo"],
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if " running" in line:
                break
        assert processes_in(folder)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 130, (out, err)
    assert "Interrupted" in out
    assert "Traceback" not in err
    until_gone(folder)


def walk_to_the_promotion(terminal: Terminal) -> None:
    """From the log to the end of the tour, as it says: metrics, comparison, machines, the model, its gate."""
    terminal.keys("Tab")
    terminal.wait_for(r"5/13")
    terminal.keys("Escape")
    terminal.wait_for(r"6/13")
    terminal.wait_for(r"● 0( running)?  ", DEADLINE)
    terminal.keys("g", "Space")
    terminal.wait_for("1 marked")
    terminal.keys("j", "Space")
    terminal.wait_for("2 marked")
    terminal.keys("c")
    terminal.wait_for(r"7/13")
    terminal.keys("2")
    terminal.wait_for(r"8/13")
    terminal.keys("3")
    terminal.wait_for(r"9/13")
    terminal.wait_for(r"digits +1 +2 +2 ")
    terminal.keys("Enter")
    terminal.wait_for(r"10/13")
    terminal.keys("Tab", "Tab", "Tab")
    terminal.wait_for(r"11/13")
    terminal.wait_for(r"digits:2 may be champion")
    terminal.keys("p")
    terminal.wait_for(r"ask the gate")
    terminal.keys("Enter")
    terminal.wait_for(r"Promote digits:2 to champion")
    terminal.keys("Tab", "Enter")
    terminal.wait_for(r"12/13")
    terminal.wait_for(r"digits:2 is champion since")
    terminal.keys("1")
    terminal.wait_for(r"13/13")


def test_on_a_terminal_the_dashboard_opens_and_leaving_it_leaves_nothing(folder: Path) -> None:
    """The line that leads through it goes on as its steps are done; ctrl+q ends everything."""
    kept = environment(folder)
    with Terminal(folder, [*MAIN, "demo"], 100, 30, environment=kept) as terminal:
        terminal.wait_for(r"1/13 .*two SSH machines|1/13 +Two SSH machines")
        terminal.wait_for(r"2/13 .*enter opens one")
        terminal.wait_for(r"(running|completed) +\S+ +(atlas|borealis)")
        terminal.keys("j", "Enter")
        terminal.wait_for(r"3/13")
        terminal.keys("Tab")
        terminal.wait_for(r"training on \d+ images")
        terminal.wait_for(r"4/13")
        walk_to_the_promotion(terminal)
        terminal.keys("C-q")
        deadline = time.monotonic() + 60
        while not terminal.ended:
            assert time.monotonic() < deadline, terminal.text()
            time.sleep(0.1)
    for name in ("s", "terminal.conf"):
        (folder / name).unlink(missing_ok=True)
    until_gone(folder)
    assert not (folder / "home").exists(), "nothing of the user's is touched"
