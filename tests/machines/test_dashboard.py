"""The dashboard as it is lived with: `wb` in a terminal, over a real local server and a real sshd."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.machines.at_terminal import Open, config, submit
from tests.machines.rig import SshServer
from tests.machines.wb import MAIN, Wb
from tests.terminal.terminal import Terminal


def test_from_nothing_to_a_run_followed_to_its_end(
    user: Wb, open_wb: Open, make_server: Callable[..., SshServer], tmp_path: Path
) -> None:
    server = make_server("gpu1")
    config(user, server, known=False)
    screen = open_wb()
    screen.wait_for("Bring your own machines")
    screen.wait_for("gpu1 .*its key will be shown first")
    screen.keys("Space")
    text = screen.wait_for("An unknown machine")
    assert server.fingerprint in text
    screen.keys("Right", "Enter")
    screen.wait_for("gpu1 is attached")
    screen.keys("Enter")
    screen.wait_until_gone("is attached")
    screen.wait_for("◆ +gpu1")
    screen.keys("R")
    screen.wait_for("New run")
    screen.type(f"{sys.executable} train.py")
    screen.wait_for(r"\$ wb submit")
    screen.keys("Enter")
    screen.wait_for("step 19 loss 0.050")
    screen.wait_for("waiting for the word")
    (tmp_path / "word").touch()
    screen.wait_for("the word has come")
    screen.wait_for("✔ completed")
    screen.keys("/")
    screen.type("step 7 ")
    screen.keys("Enter")
    screen.wait_for("1/1")
    screen.keys("Escape", "Tab")
    screen.wait_for("loss")
    screen.keys("1")
    screen.wait_for(r"✔ completed .*gpu1")
    assert user.json("compute", "ls")[0]["name"] in ("gpu1", "local")


def test_runs_are_compared_run_again_and_cancelled(user: Wb, open_wb: Open) -> None:
    submit(user, "-e", "demo", "--name", "first", "--", sys.executable, "-c", "print('a')")
    second = submit(user, "-e", "demo", "--name", "second", "--", sys.executable, "-c", "print('b')")
    user.wait(second)
    screen = open_wb("runs/demo")
    screen.wait_for("completed +second")
    screen.wait_for("completed +first")
    screen.keys("Space", "j", "Space")
    screen.wait_for("2 marked")
    screen.keys("c")
    screen.wait_for("2 runs compared")
    screen.wait_for("command")
    screen.keys("Escape")
    screen.wait_for("2 marked")
    screen.keys("Escape")
    screen.wait_until_gone("2 marked")
    screen.keys("R")
    screen.wait_for("New run")
    screen.type("sleep 600")
    screen.keys("Enter")
    screen.wait_for("● running")
    screen.keys("x")
    screen.wait_for("End .*\\?")
    screen.keys("Enter")
    screen.wait_until_gone("End ")
    screen.keys("x")
    screen.wait_for("End .*\\?")
    screen.keys("y")
    screen.wait_for("⊘ canceled")
    screen.keys("r")
    screen.wait_for("goes to local")
    screen.keys("1")
    screen.wait_for("4 runs$|sleep")
    active = [run["id"] for run in user.json("run", "ls") if run["status"] not in ("Completed", "Canceled")]
    for run in active:
        user("run", "cancel", run)


def test_a_theme_survives_a_restart(user: Wb, open_wb: Open) -> None:
    submit(user, "--name", "only", "--", "true")
    screen = open_wb(COLORTERM="truecolor")
    screen.wait_for("only")
    dark = screen.capture()
    screen.keys("T")
    screen.wait_for("Colours")
    screen.type("calm light")
    screen.wait_for("Calm light")
    screen.keys("Enter")
    screen.wait_until_gone("Colours")
    screen.keys("q")
    user.until(lambda: screen.ended, "the dashboard to end")
    again = open_wb(COLORTERM="truecolor")
    again.wait_for("only")
    paper = re.search(r"48;2;(\d+);(\d+);(\d+)", again.capture())
    assert paper is not None
    assert min(int(part) for part in paper.groups()) > 180, "a light ground"
    assert paper.group() not in dark


def test_the_server_dies_under_it_and_it_goes_on(user: Wb, open_wb: Open) -> None:
    submit(user, "--name", "before", "--", "true")
    screen = open_wb()
    screen.wait_for("completed +before")
    user.kill_server(signal.SIGKILL)
    screen.keys("?")
    screen.wait_for("type to find a key")
    screen.keys("Escape")
    screen.wait_until_gone("type to find a key")
    submit(user, "--name", "after", "--", "true")
    screen.wait_for("completed +after")


def shell_around(user: Wb, *, program: str) -> list[str]:
    """A shell that says how the terminal is set, runs a program, and says it again."""
    return [
        "/bin/sh",
        "-c",
        f"stty -a > {user.folder}/stty.before; {program}; echo code $?; stty -a > {user.folder}/stty.after; exec cat",
    ]


def as_it_was(user: Wb, screen: Terminal) -> None:
    """The terminal is set as before, shows what it showed, and takes no mouse."""
    before, after = (user.folder / f"stty.{word}" for word in ("before", "after"))
    user.until(lambda: after.exists() and after.read_text(), "the shell to go on")
    assert before.read_text() == after.read_text()
    modes = screen._tmux("display-message", "-p", "#{alternate_on} #{mouse_any_flag} #{cursor_flag}").split()
    assert modes == ["0", "0", "1"]


WORDS = " ".join(f"'{word}'" for word in MAIN)


@pytest.mark.parametrize("way", ["q", "C-q", "TERM", "HUP"])
def test_it_leaves_the_terminal_as_it_was(user: Wb, open_wb: Open, way: str) -> None:
    submit(user, "--name", "only", "--", "true")
    screen = open_wb(command=shell_around(user, program=WORDS))
    screen.wait_for("only")
    if way in ("q", "C-q"):
        screen.keys(way)
        screen.wait_for("code 0")
    else:
        os.kill(dashboard_pid(screen), getattr(signal, f"SIG{way}"))
        screen.wait_for("code 1")
    as_it_was(user, screen)


def dashboard_pid(screen: Terminal) -> int:
    """The process below the shell of the pane."""
    shell = screen._tmux("display-message", "-p", "#{pane_pid}").strip()
    [child] = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
    return int(child)


def test_a_fault_leaves_a_readable_terminal_and_a_report(user: Wb, open_wb: Open) -> None:
    submit(user, "--name", "only", "--", "true")
    breaking = (
        "import sys\n"
        "from workbench.tui.screens.compute.page import ComputePage\n"
        "async def broken(self, dirty): raise ZeroDivisionError('no, really')\n"
        "ComputePage.hear = broken\n"
        "from workbench.cli.main import main\n"
        "sys.exit(main())\n"
    )
    (user.folder / "breaking.py").write_text(breaking)
    screen = open_wb(command=shell_around(user, program=f"{sys.executable} {user.folder}/breaking.py"))
    screen.wait_for("only")
    screen.keys("2")
    text = screen.wait_for("code 1")
    assert "error: the dashboard broke: " in text
    assert "Traceback" not in text
    as_it_was(user, screen)
    [report] = user.folder.glob("dashboard-*.txt")
    assert "ZeroDivisionError: no, really" in report.read_text()


def test_it_steps_aside_for_a_shell_a_pager_and_the_shell_it_came_from(user: Wb, open_wb: Open) -> None:
    run = submit(user, "-e", "demo", "--name", "only", "--", "echo", "from the run")
    user.wait(run)
    pager = user.folder / "pager"
    pager.write_text("#!/bin/sh\ncat\nstty -a < /dev/tty | grep icanon\necho pager:\nread word < /dev/tty\n")
    pager.chmod(0o755)
    screen = open_wb(command=["/bin/sh", "-i"], PAGER=str(pager), SHELL="/bin/sh", PS1="prompt> ")
    screen.wait_for("prompt>")
    screen.type(f"stty -a > {user.folder}/stty.before; {WORDS} runs/demo/only?tab=logs")
    screen.keys("Enter")
    screen.wait_for("from the run")
    screen.keys("o")
    screen.wait_for("pager:")
    assert "-icanon" not in screen.text()
    screen.keys("Enter")
    screen.wait_for("Overview")
    screen.keys("!")
    screen.wait_for("exit comes back")
    screen.type("echo $((40 + 2)) here; exit")
    screen.keys("Enter")
    screen.wait_for("Overview.*")
    screen.wait_for("from the run")
    screen.keys("C-z")
    screen.wait_for("Stopped")
    screen.type("echo out; fg")
    screen.keys("Enter")
    screen.wait_for("Overview")
    screen.keys("C-q")
    screen.wait_for("prompt>$")
    screen.type(f"stty -a > {user.folder}/stty.after")
    screen.keys("Enter")
    as_it_was(user, screen)


def test_the_first_frame_waits_for_no_machine(
    user: Wb, open_wb: Open, make_server: Callable[..., SshServer]
) -> None:
    server = make_server("gpu1")
    config(user, server, known=True)
    user("compute", "attach", "gpu1", "--yes")
    submit(user, "--name", "only", "--", "true")
    user.kill_server(signal.SIGKILL)
    os.kill(server.pid, signal.SIGSTOP)  # it takes connections and says nothing
    try:
        screen = open_wb()
        screen.wait_for("only")
        screen.keys("2")
        screen.wait_for("gpu1")
        screen.wait_for("local")
        screen.keys("C-q")
        user.until(lambda: screen.ended, "the dashboard to end")
    finally:
        os.kill(server.pid, signal.SIGCONT)
