"""What the command line does on a real terminal and with real pipes."""

from __future__ import annotations

import io
import os
import pty
import select
import subprocess
import sys
import time

import pytest

from workbench.cli import progress
from workbench.cli.terminal import UNLIMITED, detect
from workbench.text.cells import width

DEADLINE = 30.0
WORLD = """
import os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.faces.fixed_runs import NOW
from tests.faces.scripted import World
from workbench.cli.main import main
from workbench.cli.session import Session
{more}
sys.exit(main(sys.argv[1:], Session(opener=lambda name: world.open(Path(os.devnull)), clock=lambda: NOW)))
"""
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def program(more: str = "world = World()") -> list[str]:
    return [sys.executable, "-c", WORLD.format(root=ROOT, more=more)]


class Screen:
    """A program on a terminal of its own, which is its controlling one."""

    def __init__(self, arguments: list[str], **environ: str) -> None:
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            os.environ.update(environ)
            os.execv(arguments[0], arguments)
        self.seen = b""

    def until(self, mark: bytes) -> None:
        """Read until mark was shown."""
        deadline = time.monotonic() + DEADLINE
        while mark not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.handle], [], [], 0.2)[0]:
                try:
                    block = os.read(self.handle, 65536)
                except OSError:
                    block = b""
                assert block, self.seen
                self.seen += block

    def type(self, text: str) -> None:
        """Type."""
        os.write(self.handle, text.encode())

    def end(self) -> int:
        """Read to the end; the exit code."""
        while True:
            try:
                block = os.read(self.handle, 65536)
            except OSError:
                break
            if not block:
                break
            self.seen += block
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


ATTACH = """
from tests.faces.test_cli_compute import Machine
world = Machine("Password: ").world()
"""


def test_questions_are_asked_on_the_terminal_and_answers_not_shown() -> None:
    screen = Screen([*program(ATTACH), "compute", "attach", "gpu1"])
    screen.until(b"[y/N] ")
    screen.type("yes\n")
    screen.until(b"Password: ")
    screen.type("s3cret\n")
    assert screen.end() == 0
    assert b"s3cret" not in screen.seen
    assert b"SHA256:abc" in screen.seen
    assert b"ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in screen.seen, "how to compare it"


def test_an_interrupt_at_a_question_leaves_the_terminal_as_it_was() -> None:
    screen = Screen([*program(ATTACH), "compute", "attach", "gpu1", "--accept-new"])
    screen.until(b"Password: ")
    screen.type("\x03")
    assert screen.end() == 130


def test_a_terminal_gets_a_table_in_colours_of_its_width() -> None:
    screen = Screen([*program(), "ps"], TERM="xterm-256color", COLUMNS="70", NO_COLOR="")
    assert screen.end() == 0
    assert b"\x1b[36m" in screen.seen
    assert "● running".encode() in screen.seen
    plain = Screen([*program(), "ps"], NO_COLOR="1")
    assert plain.end() == 0
    assert b"\x1b" not in plain.seen


def test_a_reader_that_goes_away_is_no_error() -> None:
    endless = "world = World(runs__logs=(b'x' * 80 + b'\\n' for _ in range(10_000_000)))"
    command = subprocess.Popen(
        [*program(endless), "logs", "@1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert command.stdout is not None
    assert command.stderr is not None
    with command:
        command.stdout.read(100)
        command.stdout.close()
        assert command.stderr.read() == b""
        assert command.wait(DEADLINE) == 141


def test_logs_arrive_while_they_are_written() -> None:
    slow = """
import time
def blocks():
    yield b"first\\n"
    time.sleep(60)
world = World(runs__logs=lambda **_: blocks())
"""
    with subprocess.Popen(
        [*program(slow), "logs", "-f", "@1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        assert command.stdout is not None
        try:
            assert command.stdout.readline() == b"first\n"
            command.send_signal(2)
            assert command.wait(DEADLINE) == 130
        finally:
            command.kill()


def test_no_locale_is_no_error() -> None:
    environ = {**os.environ, "LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = subprocess.run([*program(), "ps"], capture_output=True, env=environ, check=False)
    assert done.returncode == 0, done.stderr
    assert b"calm-otter-42" in done.stdout


class Tty(io.StringIO):
    """A terminal without a size."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """None."""
        raise OSError


@pytest.mark.parametrize(
    ("environ", "colour"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, False),
    ],
)
def test_who_decides_about_colours(environ: dict[str, str], colour: bool) -> None:
    assert detect(Tty(), Tty(), environ).colour is colour
    assert detect(io.StringIO(), Tty(), environ).colour is False


def test_a_pipe_is_unlimited_unless_told() -> None:
    assert detect(io.StringIO(), io.StringIO(), {}).cells == UNLIMITED
    assert detect(io.StringIO(), io.StringIO(), {"COLUMNS": "90"}).cells == 90
    assert detect(io.StringIO(), io.StringIO(), {"CLICOLOR_FORCE": "1"}).colour is True
    assert detect(Tty(), Tty(), {}).cells == 80


def test_a_bar_shows_after_a_second_and_goes_away() -> None:
    now = [0.0]
    out = io.StringIO()
    with progress.ProgressBar(True, 80, stream=out, clock=lambda: now[0]) as bar:
        bar("sending", 1, 100)
        assert out.getvalue() == ""
        now[0] = 2.0
        bar("sending", 50 << 20, 100 << 20)
        assert "50%" in out.getvalue()
        assert "2s left" in out.getvalue()
        shown = out.getvalue()
        now[0] = 2.01
        bar("sending", 51 << 20, 100 << 20)
        assert out.getvalue() == shown
    assert out.getvalue().endswith("\r\x1b[K")


def test_no_bar_without_a_terminal_and_none_without_a_total() -> None:
    now = [0.0]
    out = io.StringIO()
    bar = progress.ProgressBar(False, 80, stream=out, clock=lambda: now[0])
    now[0] = 5.0
    bar("sending", 1, 2)
    assert out.getvalue() == ""
    assert progress.line("x", 1 << 20, 0, 2.0, 80) == "x  1.00 MiB  512 KiB/s"
    assert progress.line("waiting for gpu1", None, None, 2.0, 80) == "waiting for gpu1"


@pytest.mark.parametrize("cells", [60, 80, 100])
def test_a_bar_gives_way_to_its_numbers(cells: int) -> None:
    lines = [progress.line("packing code", done << 20, 250 << 20, 2.0, cells) for done in range(1, 250)]
    assert all(line.endswith("/s") for line in lines) == (cells >= 80)
    assert max(width(line) for line in lines) <= cells
    assert len({line.count("━") + line.count("╌") for line in lines}) == 1, "it does not jump"
    assert len({width(line) for line in lines}) == 1


def test_a_wait_is_named_after_a_second_and_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    with progress.waiting(True, 80, "connecting to gpu1 ...", stream=out):
        pass
    assert out.getvalue() == ""
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with progress.waiting(True, 80, "connecting to gpu1 ...", stream=out):
        while "gpu1" not in out.getvalue():
            time.sleep(0.001)
    assert out.getvalue() == "\r\x1b[Kconnecting to gpu1 ...\r\x1b[K"
    with progress.waiting(False, 80, "x", stream=out):
        assert "x" not in out.getvalue()
