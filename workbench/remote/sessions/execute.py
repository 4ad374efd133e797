"""Running one command for the near end: its output as it comes, its input, its time limit, its whole tree.

A single loop per command; nothing of it outlives a cancel, a timeout or the link, but what a command that
ended by itself left running stays.
"""

import codecs
import os
import select
import subprocess
import time
import uuid
from typing import Any, Callable, Dict, List, Optional, Set

from workbench.remote.processes import process_trees
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import Cancelled, RequestError

ENV_COMMAND = "WORKBENCH_COMMAND"  # marks every process of one command
BLOCK = 1 << 14
GRACE = 2.0  # seconds between TERM and KILL when a command is given up
LINGER = 0.5  # seconds its output is still read after it ended: something it started may hold it open
HELD = 1 << 16  # bytes that each of its pipes held at most when it ended; what comes after is of what it left
TICK = 0.05
TIMED_OUT = 124  # the exit code of a command that ran out of time, as timeout(1) has it


def execute(exchange):
    # type: (Exchange) -> Dict[str, Any]
    """Run params argv (exact) or shell (a line for /bin/sh); events {out|err: text}; {exit_code} at its end.

    params cwd: default the home. env: over the link's own. timeout: seconds. DATA is its input. A command
    killed by a signal n has exit_code 128+n and {"signal": n}; out of time: 124 and {"timed_out": true}.
    """
    params = exchange.params
    argv = parameters.argument_list(params, "argv")
    if (argv is None) == (params.get("shell") is None):
        raise RequestError("usage", "give exactly one of argv and shell")
    argv = argv or ["/bin/sh", "-c", parameters.text(params, "shell")]
    timeout = parameters.seconds(params, "timeout")
    cwd = os.path.expanduser(parameters.optional_text(params, "cwd") or "~")
    mark = uuid.uuid4().hex
    environment = dict(os.environ, **parameters.texts(params, "env"))
    environment[ENV_COMMAND] = mark
    try:
        child = subprocess.Popen(
            argv,
            cwd=cwd,
            env=environment,
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RequestError("not_found", "%s: %s on the machine" % (error.filename, error.strerror))
    command = Command(exchange, child, mark)
    try:
        return command.run(timeout)
    except BaseException:
        command.end_tree()
        raise
    finally:
        command.close()


class Command(object):
    """A child process between its three pipes and the exchange."""

    def __init__(self, exchange, child, mark):
        # type: (Exchange, subprocess.Popen[bytes], str) -> None
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        self._exchange = exchange
        self._child = child
        self._find = tree_of_command(child.pid, mark)
        self._input = child.stdin.fileno()  # -1 once closed
        self._pending = b""
        self._busy_at = time.monotonic()  # it ran, or the near end was too slow to be told
        self._left = 2 * HELD
        self._moved = False
        self._names = {child.stdout.fileno(): "out", child.stderr.fileno(): "err"}
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {fd: decoder("replace") for fd in self._names}
        self._wake_read, self._wake_write = os.pipe()
        for fd in (self._input, self._wake_read, self._wake_write):
            os.set_blocking(fd, False)
        exchange.changed = self._wake

    def run(self, timeout):
        # type: (Optional[float]) -> Dict[str, Any]
        """Until it ends by itself or runs out of time. Raises Cancelled."""
        deadline = None if timeout is None else time.monotonic() + timeout
        self._take_input()
        while self._names or self._child.poll() is None:
            self._exchange.check()
            running = self._child.poll() is None
            now = time.monotonic()
            if deadline is not None and now >= deadline and running:
                self.end_tree()
                self._drain()
                return {"exit_code": TIMED_OUT, "timed_out": True}
            if running:
                self._busy_at = now
            elif self._left <= 0 or (now - self._busy_at > LINGER and not self._moved):
                break
            self._step(TICK if deadline is None else max(0.0, min(TICK, deadline - now)))
        code = self._child.wait()
        return {"exit_code": code} if code >= 0 else {"exit_code": 128 - code, "signal": -code}

    def end_tree(self):
        # type: () -> None
        """End it and whatever it started."""
        process_trees.end_tree(self._find, GRACE, 5.0, self._reap)
        self._reap()

    def _reap(self):
        # type: () -> None
        self._child.poll()

    def close(self):
        # type: () -> None
        """Close our ends of the pipes."""
        self._exchange.changed = None
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _step(self, wait):
        # type: (float) -> None
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        self._moved = False
        if self._exchange.credit > 0:  # else the near end is slow: so is the command, by its full pipe
            for fd in self._names:
                poll.register(fd, select.POLLIN)
        else:
            self._busy_at = time.monotonic()
        if self._pending and self._input >= 0:
            poll.register(self._input, select.POLLOUT)
        for fd, _ in poll.poll(wait * 1000):
            if fd == self._wake_read:
                os.read(fd, 4096)
                self._take_input()
            elif fd == self._input:
                self._give_input()
            else:
                self._forward(fd)

    def _forward(self, fd):
        # type: (int) -> None
        block = os.read(fd, BLOCK)
        self._moved = True
        if self._child.returncode is not None:
            self._left -= len(block)
        text = self._decoders[fd].decode(block, not block)
        if text:
            self._exchange.event({self._names[fd]: text})
        if not block:
            del self._names[fd]

    def _drain(self):
        # type: () -> None
        # What was written before the time was up still goes out, as far as the near end takes it.
        for fd in list(self._names):
            os.set_blocking(fd, False)
            try:
                while fd in self._names and self._left > 0 and self._exchange.wait_credit(GRACE):
                    self._forward(fd)
            except BlockingIOError:
                continue

    def _take_input(self):
        # type: () -> None
        while not self._pending and self._input >= 0:
            try:
                block = self._exchange.read(0)
            except Cancelled:
                return
            if block is None:
                return
            if not block:
                self._close_input()
                return
            self._pending = block
            self._give_input()

    def _give_input(self):
        # type: () -> None
        try:
            while self._pending:
                self._pending = self._pending[os.write(self._input, self._pending) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it does not want any more: that is its right
            self._pending = b""
            self._close_input()
            return
        self._take_input()

    def _close_input(self):
        # type: () -> None
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._input = -1

    def _wake(self):
        # type: () -> None
        try:
            os.write(self._wake_write, b"x")
        except OSError:  # full: it is awake, or closed: it has ended
            return


def tree_of_command(pid, mark):
    # type: (int, str) -> Callable[[], List[process_trees.Identity]]
    """A finder for TreeEnd: the command, what descends from it or carries its mark; never a run's guard."""
    first = process_trees.identity(pid)
    known = {first} if first is not None else set()  # type: Set[process_trees.Identity]

    def guarded(process):
        # type: (int) -> bool
        return process_trees.environment_value(process, process_trees.ENV_GUARD) is not None

    def find():
        # type: () -> List[process_trees.Identity]
        known.update(found for found in process_trees.tagged(ENV_COMMAND, mark) if not guarded(found[0]))
        everything = process_trees.snapshot()
        roots = [p for p, start in known if p in everything and everything[p].start == start]
        known.update(process_trees.descend(roots, everything, guarded))
        return sorted(known)

    return find
