"""A shell whose connection, server or own process breaks: the terminal is as it was."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.machines.far_shell import (
    Cutting,
    OpenShell,
    as_it_was,
    attach,
    cutting,
    machine,
    open_shell,
)
from tests.machines.rig import SshServer, need
from tests.machines.wb import Wb
from tests.terminal.terminal import Terminal

__all__ = ["cutting", "machine", "open_shell"]


def in_vim(wb: Wb, machine: SshServer, open_shell: OpenShell) -> Terminal:
    """A terminal in which vim, on the machine, has the whole screen, the mouse and the keys."""
    need("vim")
    (machine.home / "poem").write_text("roses are red\n" * 40)
    screen = open_shell("ssh", "gpu1", "--", "vim", "-u", "NONE", "'+set mouse=a'", "poem")
    screen.wait_for("^roses are red")
    wb.until(
        lambda: (
            screen._tmux("display-message", "-p", "#{alternate_on} #{mouse_any_flag}").split() == ["1", "1"]
        ),
        "vim to have the screen",
    )
    return screen


@pytest.mark.parametrize("transport", ["asyncssh", "openssh"])
async def test_a_connection_that_breaks_leaves_the_terminal_as_it_was(
    wb: Wb, cutting: Cutting, open_shell: OpenShell, transport: str
) -> None:
    def work() -> None:
        attach(wb, cutting.machine, transport)
        screen = in_vim(wb, cutting.machine, open_shell)
        cutting.reset()
        text = screen.wait_for("^code 4$")
        assert "error: " in text
        assert "was hung up; open it again" in text
        as_it_was(wb, screen)
        # The machine is reached again by itself.
        again = open_shell("ssh", "gpu1", "--", "echo", "back")
        again.wait_for("^back$")

    await asyncio.to_thread(work)


async def test_a_wire_that_is_pulled_can_be_left_at_once(
    wb: Wb, cutting: Cutting, open_shell: OpenShell
) -> None:
    def work() -> None:
        attach(wb, cutting.machine)
        screen = in_vim(wb, cutting.machine, open_shell)
        cutting.cut()
        screen.keys("j", "Enter")
        screen.type("~.")
        screen.wait_for("^code 255$")
        as_it_was(wb, screen)

    await asyncio.to_thread(work)


@pytest.mark.slow
async def test_a_wire_that_is_pulled_is_noticed(wb: Wb, cutting: Cutting, open_shell: OpenShell) -> None:
    def work() -> None:
        attach(wb, cutting.machine)
        screen = in_vim(wb, cutting.machine, open_shell)
        cutting.cut()
        assert "did not answer for" in screen.wait_for("^code 4$", seconds=120)
        as_it_was(wb, screen)

    await asyncio.to_thread(work)


def test_with_the_services_in_its_own_process(wb: Wb, machine: SshServer, open_shell: OpenShell) -> None:
    attach(wb, machine)
    wb("server", "stop")
    screen = open_shell("ssh", "gpu1", WORKBENCH_EMBEDDED="1")
    screen.wait_for("^far>")
    screen.resize(70, 20)
    screen.type("sleep 0.5; stty size; exit 3")
    screen.keys("Enter")
    screen.wait_for("^20 70$")
    screen.wait_for("^code 3$")
    as_it_was(wb, screen)
    assert wb.server_pid() is None


def test_a_server_that_is_killed_leaves_the_terminal_as_it_was(
    wb: Wb, machine: SshServer, open_shell: OpenShell
) -> None:
    attach(wb, machine)
    screen = in_vim(wb, machine, open_shell)
    wb.kill_server(signal.SIGKILL)
    text = screen.wait_for("^code 4$")
    assert "went away" in text or "ended in the middle" in text
    as_it_was(wb, screen)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_the_terminal_as_it_was(
    wb: Wb, machine: SshServer, open_shell: OpenShell, number: signal.Signals
) -> None:
    attach(wb, machine)
    screen = in_vim(wb, machine, open_shell)
    children = Path(f"/proc/{screen.pid}/task/{screen.pid}/children").read_text().split()
    os.kill(int(children[0]), number)
    screen.wait_for(f"^code {128 + number}$")
    as_it_was(wb, screen)
