"""The probe of one link: one process however many ask, at the rate of who wants it fastest."""

import json
import os
import select
import threading
import time
from typing import Any, Dict, List, Optional

from workbench.remote.forms import sample_form
from workbench.remote.machine import Machine
from workbench.remote.probe.probe_process import ProbeProcess
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import Cancelled, RequestError

MAX_LINE = 65536
AGAIN = 2.0  # seconds between a probe that ended by itself and the next
STEADY = 60.0  # seconds after which one counts as working
CRASHES = 3  # of working ones in a row, after which one is started without GPUs
FULL = b'{"full":'


class Listener(object):
    """Somebody who asked: how often and in what detail, and whether it has all that came so far."""

    def __init__(self, exchange):
        # type: (Exchange) -> None
        self.exchange = exchange
        self.in_step = False
        self._pending = b""
        self._ended = False
        self.every = 1.0
        self.detail = []  # type: List[str]
        self._take(exchange.params)

    def hear(self):
        # type: () -> None
        """Take what it said since. Raises Cancelled, RequestError."""
        self.exchange.check()
        while not self._ended:
            block = self.exchange.read(0)
            if block is None:
                return
            self._ended = not block
            lines = (self._pending + block).split(b"\n")
            self._pending = lines.pop()
            if len(self._pending) > MAX_LINE:
                raise RequestError("usage", "a line of over %d bytes" % MAX_LINE)
            for line in lines:
                self._read(line)

    def _read(self, line):
        # type: (bytes) -> None
        try:
            asked = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError):
            raise RequestError("usage", "a line that is no JSON")
        if not isinstance(asked, dict):
            raise RequestError("usage", "a line that is no JSON object")
        self._take(asked)
        if asked.get("full") is True:
            self.in_step = False

    def _take(self, asked):
        # type: (Dict[str, Any]) -> None
        every, detail = asked.get("every", self.every), asked.get("detail", self.detail)
        if isinstance(every, bool) or not isinstance(every, (int, float)) or not every > 0:
            raise RequestError("usage", "parameter every must be a number of seconds")
        if not isinstance(detail, list) or not all(isinstance(one, str) for one in detail):
            raise RequestError("usage", "parameter detail must be a list of GPU UUIDs")
        self.every = float(min(max(every, sample_form.FASTEST), sample_form.SLOWEST))
        self.detail = detail[: sample_form.MAX_DETAIL]

    def tell(self, line, full):
        # type: (bytes, bool) -> None
        """A message of the probe. One that is too slow to take them misses some, then gets one in full."""
        if self.exchange.credit <= 0:
            self.in_step = False
        elif full or self.in_step:
            self.in_step = True
            self.exchange.forward(line)


class SharedProbe(object):
    """The probe of a link and those who listen to it; a thread between them, while there are any."""

    def __init__(self, machine):
        # type: (Machine) -> None
        self._machine = machine
        self._lock = threading.Lock()
        self._new = []  # type: List[Listener]
        self._running = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)

    def add(self, exchange):
        # type: (Exchange) -> None
        """Tell the stream of a request from now on. Raises RequestError when its parameters do not fit."""
        listener = Listener(exchange)
        with self._lock:
            self._new.append(listener)
            if not self._running:
                self._running = True
                threading.Thread(target=self._serve, daemon=True).start()
        exchange.changed = self._wake
        self._wake()

    def _wake(self):
        # type: () -> None
        try:
            os.write(self._wake_write, b"x")
        except BlockingIOError:  # full: it is awake
            return

    def _serve(self):
        # type: () -> None
        round_ = Round(self._machine, self._wake_read)
        try:
            while True:
                with self._lock:
                    round_.listeners += self._new
                    self._new = []
                    if not round_.listeners:
                        self._running = False
                        return
                round_.step()
        except BaseException as error:
            with self._lock:
                left, self._new, self._running = round_.listeners + self._new, [], False
            for listener in left:
                fail(listener, error)
            if not isinstance(error, OSError):
                raise
        finally:
            round_.close()


class Round(object):
    """From the first who listens to the last who stops: a probe, started anew should it crash."""

    def __init__(self, machine, wake):
        # type: (Machine, int) -> None
        self.listeners = []  # type: List[Listener]
        self._machine = machine
        self._wake = wake
        self._process = None  # type: Optional[ProbeProcess]
        self._start_at = 0.0
        self._crashes = 0

    def step(self):
        # type: () -> None
        """Wait for something to happen and pass it on."""
        self._listen()
        if not self.listeners:
            return
        if self._process is None and time.monotonic() >= self._start_at:
            self._process = ProbeProcess(self._machine, self._crashes >= CRASHES)
        if self._process is not None:
            every = min(listener.every for listener in self.listeners)
            detail = sorted(set(uuid for listener in self.listeners for uuid in listener.detail))
            self._process.ask(every, detail[: sample_form.MAX_DETAIL], self._wants_full())
        self._wait()

    def _wants_full(self):
        # type: () -> bool
        return any(not one.in_step and one.exchange.credit > 0 for one in self.listeners)

    def _listen(self):
        # type: () -> None
        for listener in list(self.listeners):
            try:
                listener.hear()
            except (Cancelled, RequestError) as error:
                self.listeners.remove(listener)
                fail(listener, error)

    def _wait(self):
        # type: () -> None
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        patience = None
        if self._process is not None:
            poll.register(self._process.output, select.POLLIN)
        else:
            patience = max(0.0, self._start_at - time.monotonic()) * 1000
        for descriptor, _ in poll.poll(patience):
            if descriptor == self._wake:
                os.read(self._wake, 4096)
            elif self._process is not None:
                self._pass_on(self._process)

    def _pass_on(self, process):
        # type: (ProbeProcess) -> None
        lines = process.read()
        for line in lines or ():
            full = line.startswith(FULL)
            for listener in list(self.listeners):
                try:
                    listener.tell(line, full)
                except BrokenPipeError:  # the link is ending
                    self.listeners.remove(listener)
        if lines is None:
            self._process = None
            self._ended(process.close())
            for listener in self.listeners:
                listener.in_step = False

    def _ended(self, code):
        # type: (int) -> None
        now = time.monotonic()
        steady = now - self._start_at >= STEADY
        renewed = steady and code == 0  # it wants a new one, see driver_renewal
        self._crashes = 0 if renewed else 1 if steady else self._crashes + 1
        self._start_at = now if renewed else now + AGAIN

    def close(self):
        # type: () -> None
        """End the probe."""
        if self._process is not None:
            self._process.close()


def fail(listener, error):
    # type: (Listener, BaseException) -> None
    """End a stream with an error, if anybody is left to hear it."""
    listener.exchange.changed = None
    try:
        listener.exchange.fail(error)
    except BrokenPipeError:
        return
