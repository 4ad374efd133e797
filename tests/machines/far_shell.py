"""A machine to open a shell on, and how a terminal is left."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.machines.cut_proxy import CutProxy
from tests.machines.rig import MakeProxy, SshServer, need
from tests.machines.settled import settled
from tests.machines.wb import MAIN, Wb
from tests.terminal.terminal import Terminal

WORDS = " ".join(f"'{word}'" for word in MAIN)


RC = "PS1='far> '\nexport HISTFILE=/dev/null\n"


OpenShell = Callable[..., Terminal]


def attach(wb: Wb, machine: SshServer, transport: str = "asyncssh") -> None:
    """Attach the machine as gpu1; its runs and leases are its own."""
    folder = machine.folder
    wb("compute", "attach", "gpu1", "gpu1", "--transport", transport, "--set", f"ssh_config={machine.ssh_config}",
       "--set", f"lease_dir={folder / 'lease'}", "--set", f"root={settled(folder / 'root')}")  # fmt: skip


def as_it_was(wb: Wb, screen: Terminal) -> None:
    """The terminal is set as before, takes no mouse, shows its own screen and its cursor."""
    before, after = wb.folder / "before", wb.folder / "after"
    wb.until(lambda: after.exists() and after.read_text(), "the shell to go on")
    settings = [file.read_text().partition("line =")[2] for file in (before, after)]  # sizes stand before it
    assert settings[0] == settings[1] != ""
    told = "#{alternate_on} #{mouse_any_flag} #{cursor_flag} #{keypad_flag} #{insert_flag} #{origin_flag}"
    assert screen._tmux("display-message", "-p", told).split() == ["0", "0", "1", "0", "0", "0"]


@pytest.fixture
def machine(make_server: Callable[..., SshServer]) -> SshServer:
    server = make_server("gpu1", rc=RC)
    (server.home / ".bash_profile").write_text(". ~/.bashrc\n")
    return server


@pytest.fixture
def open_shell(wb: Wb, tmp_path: Path) -> Iterator[OpenShell]:
    """Opens a terminal with a shell of this machine in which wb runs; what stty says is written before and after."""
    need("tmux")
    with contextlib.ExitStack() as open_ones:

        def opened(*words: str, **environ: str) -> Terminal:
            folder = Path(tempfile.mkdtemp(prefix="wbt-"))
            open_ones.callback(shutil.rmtree, folder)
            program = f"{WORDS} {' '.join(words)}"
            script = f"stty -a > {wb.folder}/before; {program}; echo code $?; stty -a > {wb.folder}/after; exec cat"
            environment = {"WORKBENCH_HOME": str(wb.folder), **environ}
            terminal = Terminal(folder, ["/bin/sh", "-c", script], 90, 24, environment=environment)
            return open_ones.enter_context(terminal)

        yield opened


class Cutting:
    """A machine that is reached over a link that can be cut."""

    def __init__(self, machine: SshServer, proxy: CutProxy, loop: asyncio.AbstractEventLoop) -> None:
        self.machine = machine
        self._proxy = proxy
        self._loop = loop

    def reset(self) -> None:
        """Break every connection."""
        self._loop.call_soon_threadsafe(self._proxy.reset)

    def cut(self) -> None:
        """No byte passes from now on."""
        self._loop.call_soon_threadsafe(self._proxy.cut)


@pytest.fixture
async def cutting(machine: SshServer, make_proxy: MakeProxy) -> Cutting:
    proxy = await make_proxy(machine)
    return Cutting(machine, proxy, asyncio.get_running_loop())
