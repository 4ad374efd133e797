"""One's own terminal and a program on another machine: keys go there, what it shows comes here."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from workbench.errors import ServerError, Unreachable, WorkbenchError
from workbench.workspace.duplex import Duplex
from workbench.workspace.escape_keys import HELP, Escape, EscapeKeys
from workbench.workspace.own_terminal import OwnTerminal

BLOCK = 1 << 16
MOST_WAITING = 1 << 18
"""Bytes that may wait for the other side, or for the terminal, before no more are taken."""
HUNG_UP = 255
"""The exit code of a session that its user hung up, as ssh has it."""

Told = Callable[[dict[str, Any]], None]


class TerminalSession:
    """A program's terminal, by the operation that has it and the terminal one sits at.

    told: hears every message that comes with what is shown, such as why it has to wait.
    """

    def __init__(self, duplex: Duplex, terminal: OwnTerminal, told: Told = lambda _: None) -> None:
        self._duplex = duplex
        self._terminal = terminal
        self._told = told
        self._keys = EscapeKeys()
        self._code: int | None = None
        self._typing = True
        self._early: bytearray | None = bytearray()

    def begin(self) -> None:
        """Wait until the program has started; ctrl-c interrupts as ever. Raises what it is refused with.

        What it shows meanwhile waits for `carry`: whoever waits may have a line of their own on the screen.
        """
        while not self._duplex.over:
            wanted = [self._duplex] if self._duplex.unsent else []
            select.select([self._duplex], wanted, [])
            self._duplex.flush()
            if self._receive():
                return

    def carry(self) -> int:
        """Be its terminal until it ends; its exit code.

        Raises Unreachable when the connection to it is lost, and what the terminal's block raises. However it
        ends, the terminal is then as it was before.
        """
        try:
            with self._terminal.raw():
                self._work()
        except ServerError as problem:
            raise Unreachable(
                f"the terminal was cut off: {problem.message}", "what ran in it was hung up; open it again"
            ) from problem
        except Unreachable as problem:
            raise Unreachable(problem.message, "what ran in it was hung up; open it again") from problem
        return HUNG_UP if self._code is None else self._code

    def _work(self) -> None:
        self._resize()
        early, self._early = self._early or bytearray(), None
        try:
            self._terminal.write(bytes(early))
            while not self._duplex.over and self._code is None and self._typing:
                self._step()
        finally:
            if self._code is None and not self._terminal.modes.full_screen:
                self._terminal.write(b"\r\n")  # what is said now begins a line

    def _step(self) -> None:
        duplex, terminal = self._duplex, self._terminal
        readers: list[Any] = [terminal.wake]
        if duplex.unsent < MOST_WAITING:
            readers.append(terminal.keys)
        if terminal.unwritten < MOST_WAITING:
            readers.append(duplex)
        writers: list[Any] = [duplex] if duplex.unsent else []
        if terminal.unwritten:
            writers.append(terminal)
        ready, room, _ = select.select(readers, writers, [])
        if duplex in room:
            duplex.flush()
        if terminal in room:
            terminal.flush()
        if terminal.wake in ready:
            with suppress(BlockingIOError):
                os.read(terminal.wake, 4096)
            terminal.stay_raw()
            self._resize()
        if terminal.keys in ready:
            self._type()
        if duplex in ready:
            self._receive()

    def _receive(self) -> bool:
        """Take what came; whether the program has started."""
        started = False
        for value in self._duplex.receive():
            if isinstance(value, bytes):
                if self._early is None:
                    self._terminal.write(value)
                else:
                    self._early += value
                continue
            if not isinstance(value, dict):
                continue
            started = started or "started" in value
            if "exit_code" in value:
                self._code = _exit_code(value["exit_code"])
            elif self._code is None:
                self._told(value)
        return started

    def _type(self) -> None:
        try:
            typed = os.read(self._terminal.keys, BLOCK)
        except OSError:  # the terminal is gone
            typed = b""
        if not typed:
            self._typing = False
            return
        for what in self._keys.feed(typed):
            if isinstance(what, bytes):
                self._duplex.send(what)
            elif what is Escape.HANG_UP:
                self._typing = False
                return
            elif what is Escape.HELP:
                self._terminal.write(f"\r\n[{HELP}]\r\n".encode())
            else:
                self._step_aside()

    def _step_aside(self) -> None:
        if os.getpgrp() != os.getpid():  # nobody would bring it back but who started it
            self._terminal.write(b"\r\n[this cannot be left for a while here]\r\n")
            return
        with self._terminal.lent():
            os.kill(0, signal.SIGSTOP)
        size = self._terminal.size()
        self._duplex.send({**size, "rows": max(1, size["rows"] - 1)})  # whatever draws a screen draws it anew
        self._resize()

    def _resize(self) -> None:
        self._duplex.send(self._terminal.size())


def _exit_code(value: Any) -> int:
    """What a machine says its program ended with, as a process can pass it on."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255:
        return value
    raise WorkbenchError("the machine does not say how the program ended")
