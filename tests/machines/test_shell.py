"""A shell on a machine as its user has it: `wb ssh` in a terminal, over a real local server and a real sshd."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import tty
from pathlib import Path

import pytest

from tests.machines.asking_server import PASSWORD, AskingServer
from tests.machines.far_shell import WORDS, OpenShell, as_it_was, attach, machine, open_shell
from tests.machines.links import alive
from tests.machines.rig import SshServer, need
from tests.machines.wb import MAIN, Wb
from tests.terminal.terminal import Terminal

__all__ = ["machine", "open_shell"]


@pytest.mark.parametrize("transport", ["asyncssh", "openssh"])
def test_one_works_in_it_as_in_any_shell(
    wb: Wb, machine: SshServer, open_shell: OpenShell, transport: str
) -> None:
    need("vim")
    attach(wb, machine, transport)
    screen = open_shell("ssh", "gpu1")
    screen.wait_for("^far>")
    screen.type("cd /; echo on $(tty) $TERM; stty size; shopt -q login_shell && echo a login; cd -")
    screen.keys("Enter")
    screen.wait_for(r"^on /dev/pts/\d+ tmux-256color$")
    assert str(machine.home) in screen.wait_for(r"^/\S+\n").replace("\n", "")
    screen.wait_for("^24 90$")
    screen.wait_for("^a login$")

    screen.type("printf '\\033[31;1mred\\033[0m plain\\n'")
    screen.keys("Enter")
    screen.wait_for("^red plain$")
    assert re.search(r"\x1b\[1m\x1b\[31mred|\x1b\[31m\x1b\[1mred|\x1b\[1;31mred", screen.capture())

    screen.type("sleep 1000")
    screen.keys("Enter")
    screen.wait_for("sleep 1000$")
    screen.keys("C-c")
    screen.wait_for(r"\^C")
    screen.type("echo code $?")
    screen.keys("Enter")
    screen.wait_for("^code 130$")

    (machine.home / "poem").write_text("roses are red\n" * 40)
    screen.type("vim -u NONE poem")
    screen.keys("Enter")
    screen.wait_for("^roses are red")
    screen.resize(70, 17)
    wb.until(lambda: screen.text().count("roses") == 16, "vim to draw itself anew")
    screen.keys("G", "o")
    screen.type("violets are blue")
    screen.keys("Escape")
    screen.type(":wq")
    screen.keys("Enter")
    screen.wait_for("^far>")
    assert (machine.home / "poem").read_text().endswith("violets are blue\n")

    screen.type("exit 7")
    screen.keys("Enter")
    screen.wait_for("^code 7$")
    as_it_was(wb, screen)
    assert machine.connections() <= 2, "it is the connection that is there"


def test_a_multiplexer_works_in_it_and_outlives_it(wb: Wb, machine: SshServer, open_shell: OpenShell) -> None:
    attach(wb, machine)
    (machine.home / ".tmux.conf").write_text(
        "set -g status-left '[inner]'\nset -g default-command 'bash --norc'\n"
    )
    screen = open_shell("ssh", "gpu1")
    screen.wait_for("^far>")
    screen.type("tmux -L inner-$$ -f ~/.tmux.conf; echo name inner-$$")
    screen.keys("Enter")
    screen.wait_for(r"^\[inner\]")
    try:
        screen.type("echo inside $((6*7))")
        screen.keys("Enter")
        screen.wait_for("^inside 42")
        screen.keys("C-b", "d")
        screen.wait_for("detached")
        name = re.findall(r"name (inner-\d+)", screen.wait_for(r"^name inner-\d+"))[0]
        screen.type("exit")
        screen.keys("Enter")
        screen.wait_for("^code 0$")
        again = open_shell("ssh", "gpu1", "--", "tmux", "-L", name, "attach")
        again.wait_for("^inside 42")
        again.keys("C-b", "d")
        again.wait_for("^code 0$")
    finally:
        tmux = [word for word in ("tmux", "-L", name, "kill-server")]
        wb("compute", "exec", "gpu1", "--", *tmux, code=None)


def test_a_command_on_a_terminal_and_its_code(wb: Wb, machine: SshServer, open_shell: OpenShell) -> None:
    attach(wb, machine)
    screen = open_shell("compute", "shell", "gpu1", "--", "'test -t 0 && echo on a terminal; exit 9'")
    screen.wait_for("^on a terminal$")
    screen.wait_for("^code 9$")
    as_it_was(wb, screen)


def test_enter_tilde_dot_hangs_up(wb: Wb, machine: SshServer, open_shell: OpenShell) -> None:
    attach(wb, machine)
    screen = open_shell("ssh", "gpu1")
    screen.wait_for("^far>")
    screen.type("echo pid $$")
    screen.keys("Enter")
    pid = int(re.findall(r"^pid (\d+)$", screen.wait_for(r"^pid \d+$"), re.M)[0])
    screen.keys("Enter")
    screen.type("~?")
    screen.wait_for("hangs up")
    screen.keys("Enter")
    screen.type("~.")
    screen.wait_for("^code 255$")
    as_it_was(wb, screen)
    wb.until(lambda: not alive(pid), "the shell to be hung up")


def test_it_can_be_left_for_a_while(wb: Wb, machine: SshServer, tmp_path: Path) -> None:
    need("tmux", "vim")
    attach(wb, machine)
    (machine.home / "poem").write_text("roses are red\n" * 40)
    environment = {"WORKBENCH_HOME": str(wb.folder), "PS1": "near> "}
    with Terminal(
        tmp_path, ["bash", "--norc", "--noprofile", "-i"], 90, 24, environment=environment
    ) as screen:
        screen.wait_for("^near>")
        screen.type(f"{WORDS} ssh gpu1 -- vim -u NONE '+set mouse=a' poem")
        screen.keys("Enter")
        screen.wait_for("^roses are red")
        screen.keys("j", "Enter")
        screen.type("~")
        screen.keys("C-z")
        screen.wait_for("Stopped")
        assert screen._tmux("display-message", "-p", "#{alternate_on} #{mouse_any_flag}").split() == [
            "0",
            "0",
        ]
        screen.type("stty -a | grep -o ' icanon'; clear; fg")
        screen.keys("Enter")
        screen.wait_for("^roses are red")
        assert screen._tmux("display-message", "-p", "#{alternate_on} #{mouse_any_flag}").split() == [
            "1",
            "1",
        ]
        screen.type(":q")
        screen.keys("Enter")
        screen.wait_for("^near>")
        screen.type("echo code $?")
        screen.keys("Enter")
        screen.wait_for("^code 0$")


def test_one_that_was_stopped_by_another_goes_on_as_it_was(
    wb: Wb, machine: SshServer, tmp_path: Path
) -> None:
    need("tmux")
    attach(wb, machine)
    environment = {"WORKBENCH_HOME": str(wb.folder), "PS1": "near> "}
    with Terminal(
        tmp_path, ["bash", "--norc", "--noprofile", "-i"], 90, 24, environment=environment
    ) as screen:
        screen.wait_for("^near>")
        screen.type(f"{WORDS} ssh gpu1")
        screen.keys("Enter")
        screen.wait_for("^far>")
        child = int(Path(f"/proc/{screen.pid}/task/{screen.pid}/children").read_text().split()[0])
        os.kill(child, signal.SIGSTOP)
        screen.wait_for(r"(?s)Stopped.*^near>")
        screen.type("fg")
        screen.keys("Enter")
        wb.until(lambda: Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "T", "fg")
        screen.keys("Enter")  # which the far shell answers once the terminal is its own again
        screen.wait_for(r"(?s)fg$.*^far>")
        screen.keys("Enter")  # its next prompt waits for keys: before, it may still set its terminal's ways
        screen.wait_for(r"(?s)fg$.*^far>.*^far>")
        screen.type("echo still $((40+2))")
        screen.keys("Enter")
        screen.wait_for("^still 42$")
        screen.type("exit")
        screen.keys("Enter")
        screen.wait_for("^near>")


async def test_a_machine_that_asks_is_signed_in_to(wb: Wb, open_shell: OpenShell, tmp_path: Path) -> None:
    server = AskingServer(tmp_path / "asking", ["password"])
    await server.start()

    def answer(screen: Terminal) -> None:
        screen.wait_for("assword")
        screen.type(PASSWORD)
        screen.keys("Enter")

    def attach_it() -> None:
        words = ["compute", "attach", "box", "asking", "--set", f"ssh_config={server.folder / 'config'}",
                 "--set", f"lease_dir={tmp_path / 'lease'}"]  # fmt: skip
        screen = open_shell(*words)
        answer(screen)
        screen.wait_for("attached")

    def work() -> None:
        screen = open_shell("ssh", "box", "--", "echo", "inside")
        answer(screen)
        assert PASSWORD not in screen.wait_for("^inside$")
        screen.wait_for("^code 0$")

    await asyncio.to_thread(attach_it)
    server.hang_up()
    await asyncio.to_thread(work)
    await asyncio.to_thread(wb, "server", "stop")
    await server.close()


def test_without_a_terminal_it_says_what_to_use(wb: Wb, machine: SshServer) -> None:
    attach(wb, machine)
    done = wb.run("ssh", "gpu1", "--", "true")
    assert done.returncode == 2
    assert "compute exec" in done.stderr
    assert wb.run("ssh", "nowhere").returncode in (2, 3)


def memory(pid: int) -> int:
    """KiB that a process has in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def test_a_paste_of_a_hundred_megabytes_waits_where_it_is(wb: Wb, machine: SshServer) -> None:
    attach(wb, machine)
    size = 100_000_000
    line = f"stty raw -echo; echo ready; while [ ! -e go ]; do sleep 0.05; done; head -c {size} | wc -c"
    master, slave = pty.openpty()
    tty.setraw(slave)
    process = subprocess.Popen(
        [*MAIN, "ssh", "gpu1", "--", line], stdin=slave, stdout=slave, stderr=slave, env=wb.environ
    )
    os.close(slave)
    wb.started.append(process)
    server = wb.server_pid()
    assert server is not None
    seen = b""
    while b"ready" not in seen:
        seen += os.read(master, 4096)
    before = memory(process.pid), memory(server)
    os.set_blocking(master, False)
    sent, seen, block = 0, b"", b"p" * (1 << 20)
    while select.select([], [master], [], 2.0)[1]:  # until nobody takes any more
        with contextlib.suppress(BlockingIOError):
            sent += os.write(master, block)
    assert sent < 16 << 20, "what cannot be given stays with whoever pastes"
    assert memory(process.pid) < before[0] + 8192
    assert memory(server) < before[1] + 16384
    (machine.home / "go").touch()
    while process.poll() is None:
        ready, room, _ = select.select([master], [master] if sent < size else [], [], 60)
        if room:
            with contextlib.suppress(BlockingIOError):
                sent += os.write(master, block[: size - sent])
        if ready:
            with contextlib.suppress(OSError):
                seen += os.read(master, 4096)
        assert ready or room or process.poll() is not None, "it stopped"
    with contextlib.suppress(OSError):
        seen += os.read(master, 4096)
    os.close(master)
    assert str(size).encode() in seen
    assert process.returncode == 0


def test_what_pours_does_not_fill_anybodys_memory(wb: Wb, machine: SshServer, open_shell: OpenShell) -> None:
    attach(wb, machine)
    screen = open_shell("ssh", "gpu1", "--", "yes", "0123456789" * 8)
    screen.wait_for("^0123456789")
    client = int(Path(f"/proc/{screen.pid}/task/{screen.pid}/children").read_text().split()[0])
    server = wb.server_pid()
    assert server is not None

    os.kill(screen._pids[0], signal.SIGSTOP)  # the terminal takes nothing any more
    try:
        before = memory(client), memory(server)
        wb("compute", "exec", "gpu1", "--", "sleep", "1")
        assert memory(client) < before[0] + 4096
        assert memory(server) < before[1] + 8192
    finally:
        os.kill(screen._pids[0], signal.SIGCONT)
    screen.keys("C-c")
    screen.wait_for("code 130")  # somewhere in a line that poured
    as_it_was(wb, screen)


def test_gpus_are_held_while_one_works_in_it(wb: Wb, machine: SshServer, open_shell: OpenShell) -> None:
    attach(wb, machine)
    wb("compute", "set", "gpu1", "devices=a0")
    refused = open_shell("ssh", "gpu1", "--gpus", "2")
    refused.wait_for("2 GPUs wanted, but only 1 can be used here")
    refused.wait_for("^code 5$")
    first = open_shell("ssh", "gpu1", "--gpus", "1")
    first.wait_for("^a0 until you leave this shell$")
    first.wait_for("^far>")
    first.type("echo sees $CUDA_VISIBLE_DEVICES by $CUDA_DEVICE_ORDER")
    first.keys("Enter")
    first.wait_for("^sees a0 by PCI_BUS_ID$")
    second = open_shell("ssh", "gpu1", "--gpus", "1", "--", "'echo mine: $CUDA_VISIBLE_DEVICES'")
    second.wait_for("^waiting: 1 GPU wanted, 0 free, held by shell")
    third = open_shell("ssh", "gpu1", "--gpus", "1")
    third.wait_for("^waiting: 1 GPU wanted")
    third.keys("C-c")
    third.wait_for("interrupted")
    first.type("exit")
    first.keys("Enter")
    second.wait_for("^mine: a0$")
    second.wait_for("^code 0$")
    assert os.listdir(machine.folder / "lease" / "leases") == []


def test_from_the_dashboard_and_back(wb: Wb, machine: SshServer, open_shell: OpenShell) -> None:
    attach(wb, machine)
    screen = open_shell("compute/gpu1")
    screen.wait_for("Compute .*gpu1")
    screen.keys("!")
    screen.wait_for(r"^\[gpu1: exit comes back\]")
    screen.wait_for("^far>")
    screen.type("sleep 1000")
    screen.keys("Enter")
    screen.wait_for("sleep 1000$")
    screen.keys("C-c")
    screen.type("exit 3")
    screen.keys("Enter")
    screen.wait_for("Compute .*gpu1")
    machine.stop()
    screen.keys("2")
    screen.wait_for("2 machines")
    screen.wait_for("gpu1 ")
    screen.keys("!")
    screen.wait_for("(?i)refused")
    screen.wait_for("all keys")
    machine.start()
    screen.keys("C-q")
    screen.wait_for("^code 0$")
    as_it_was(wb, screen)
