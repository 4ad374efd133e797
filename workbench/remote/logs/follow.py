"""One thread that follows every run the near end follows: status, stream and records, from given offsets.

It polls: files are all a run leaves, and they may lie on a network disk that notifies nobody. What it costs
is by what is new, never by what was sent before. A run is looked at every few ten milliseconds while it
runs, less often while it waits or has been silent for long.
"""

import os
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from workbench.remote.forms import protocol
from workbench.remote.logs.followed_records import BLOCK, FollowedRecords
from workbench.remote.machine import Machine
from workbench.remote.runs import run_status
from workbench.remote.runs.retrying import waits_for_start
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.runs.stream import INDEX, read_stream, read_times, stream_end
from workbench.remote.supervision.reconcile import is_lost, is_of_another_boot
from workbench.remote.wire import frames, parameters
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import Cancelled, RequestError

MOVING = 0.02  # seconds to the next look after something was new
RUNNING = 0.05  # while the run is up, so that half of all lines are seen within half of it
SILENT = 0.1  # after SILENT_AFTER seconds without anything new
SILENT_AFTER = 60.0
WAITING = 0.2  # while it is queued, or has been prepared for long
PREPARING_FAST = 3.0  # seconds in which most runs get from their submit to their first line
TOGETHER = 0.02  # runs that are due so soon are looked at at once: waking up costs more than looking
PER_RUN = 0.001  # seconds added for each run that is followed: the whole costs a fixed share of a core
ROUNDS = 8  # blocks of one run before the next one's turn
JUDGE_EVERY = 10.0  # seconds between two judgements of a run's heartbeat

RECORDS = "records/"
STREAM = "stream"


class Follower(object):
    """The thread; it starts with the first run and ends with `close`.

    settle: called, in a thread of its own, when a run looks dead: settles runs whose guard is gone.
    """

    def __init__(self, machine, settle):
        # type: (Machine, Callable[[], None]) -> None
        self._machine = machine
        self._settle = settle
        self._condition = threading.Condition()
        self._runs = []  # type: List[FollowedRun]
        self._thread = None  # type: Optional[threading.Thread]
        self._closed = False

    def add(self, exchange):
        # type: (Exchange) -> None
        """Follow the run of a request from now on; it is answered when the run is over and all was sent.

        Raises RequestError when the parameters do not fit or there is no such run.
        """
        run = FollowedRun(self._machine, exchange)
        with self._condition:
            self._runs.append(run)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
        exchange.changed = lambda: self._wake(run)
        self._wake(run)

    def close(self):
        # type: () -> None
        """End the thread."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def _wake(self, run):
        # type: (FollowedRun) -> None
        """Look at a run now: credit came, or it was given up."""
        with self._condition:
            run.woken = True
            self._condition.notify()

    def _work(self):
        # type: () -> None
        while True:
            runs = self._due()
            if runs is None:
                return
            ended = [run for run in runs if self._look(run)]
            if ended:
                with self._condition:
                    self._runs = [run for run in self._runs if run not in ended]

    def _due(self):
        # type: () -> Optional[List[FollowedRun]]
        """Wait for runs to look at; None when closed."""
        with self._condition:
            while not self._closed:
                now = time.monotonic()
                wait = min([0.0 if run.woken else run.due - now for run in self._runs] or [3600.0])
                if wait > 0:
                    self._condition.wait(wait)
                    continue
                runs = [run for run in self._runs if run.woken or run.due <= now + TOGETHER]
                for run in runs:
                    run.woken = False
                return runs
        return None

    def _look(self, run):
        # type: (FollowedRun) -> bool
        """One look at a run; whether it is done with."""
        try:
            ended = run.step()
            run.due = time.monotonic() + run.pause() + PER_RUN * len(self._runs)
            if run.stale and run.judged:
                threading.Thread(target=self._settle, daemon=True).start()
            return ended
        except BrokenPipeError:  # nobody is left to be told
            return True
        except Exception as error:  # a fault in one run ends its following only, and says why
            try:
                run.exchange.fail(error)
            except BrokenPipeError:
                return True
            return True


class FollowedRun(object):
    """How far one run was sent."""

    def __init__(self, machine, exchange):
        # type: (Machine, Exchange) -> None
        params = exchange.params
        self.exchange = exchange
        self.due = 0.0
        self.woken = False
        self.stale = False  # whether the machine itself judges the run not to respond
        self.judged = False  # whether that was looked at in this step
        self._machine = machine
        self._folder = RunFolder(machine, parameters.run_id(params))
        self._stream = parameters.offset(params, "stream")
        self._times = parameters.offset(params, "times")
        offsets = {}  # type: Dict[str, int]
        for name, offset in parameters.mapping(params, "records").items():
            plain = name[len(RECORDS) :] if name.startswith(RECORDS) else name
            offsets[plain] = parameters.checked_offset("records", offset)
        self._records = FollowedRecords(self._folder.records, offsets)
        self._status = None  # type: Optional[Dict[str, Any]]
        self._status_facts = None  # type: Optional[Tuple[int, int, int]]
        self._sent = None  # type: Optional[Tuple[Dict[str, Any], bool]]
        self._moved_at = time.monotonic()
        self._moved = True
        self._judge_at = 0.0
        if not os.path.isdir(self._folder.path):
            raise RequestError("not_found", "run %s is not on this machine" % self._folder.run_id)

    def step(self):
        # type: () -> bool
        """Send what is new and may be sent now; True when the run is over and everything was sent.

        The terminal status goes last: who has seen it has seen all.
        """
        if self.exchange.cancelled:
            raise Cancelled()
        self._moved = False
        self._read_status()
        over = self._status is not None and run_status.is_terminal(self._status)
        self.stale = self.stale and not over
        if not over:
            self._judge()
            self._send_status()
        done = self._send_times()
        done = self._send_stream() and done
        done = self._send_records(over) and done
        if self._moved:
            self._moved_at = time.monotonic()
        if not (over and done):
            return False
        self._send_status()
        self.exchange.answer({})
        return True

    def pause(self):
        # type: () -> float
        """Seconds until the next look."""
        if self._moved:
            return MOVING
        state = run_status.state_of(self._status) if self._status else protocol.NOT_STARTED
        silent = time.monotonic() - self._moved_at
        if state in (protocol.RUNNING, protocol.FINALIZING, protocol.CANCEL_REQUESTED):
            return RUNNING if silent < SILENT_AFTER else SILENT
        return MOVING if state != protocol.QUEUED and silent < PREPARING_FAST else WAITING

    def _judge(self):
        # type: () -> None
        """Whether its heartbeat is too old, by this machine's clock; looked at now and then only."""
        now = time.monotonic()
        self.judged = self._judge_at <= now
        if not self.judged or self._status is None:
            return
        self._judge_at = now + JUDGE_EVERY
        unstarted = run_status.state_of(self._status) == protocol.NOT_STARTED and not waits_for_start(
            self._status
        )
        old = self._folder.heartbeat_age() > protocol.STALE_SECONDS
        self.stale = not unstarted and (
            old or is_of_another_boot(self._machine, self._status) or is_lost(self._machine, self._folder)
        )

    def _read_status(self):
        # type: () -> None
        try:
            facts = os.stat(self._folder.status)
        except FileNotFoundError:
            if not os.path.isdir(self._folder.path):
                raise RequestError("not_found", "run %s was removed" % self._folder.run_id)
            return
        now = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
        if now != self._status_facts:
            self._status = self._folder.read_status()
            self._status_facts = now

    def _send_status(self):
        # type: () -> None
        if self._status is not None and (self._status, self.stale) != self._sent:
            self._sent = (self._status, self.stale)
            self._moved = True
            self.exchange.event({"status": dict(self._status, not_responding=self.stale)})

    def _send_times(self):
        # type: () -> bool
        """Whether the end of what tells when output came was reached; an old index is no reason to fail."""
        credit = self.exchange.credit
        block = read_times(self._folder.path, self._times, min(BLOCK, credit)) if credit > 0 else b""
        if block:
            self._send(INDEX, self._times, block)
            self._times += len(block)
        return credit > 0 and not block

    def _send_stream(self):
        # type: () -> bool
        """Whether the stream's end was reached."""
        if stream_end(self._folder.path) <= self._stream:
            return True
        for _ in range(ROUNDS):
            credit = self.exchange.credit
            if credit <= 0:
                return False
            offset, body, gap = read_stream(self._folder.path, self._stream, min(BLOCK, credit))
            if gap is not None:
                self.exchange.event({"gap": gap})
            if not body:
                return True
            self._send(STREAM, offset, body)
            self._stream = offset + len(body)
        return False

    def _send_records(self, over):
        # type: (bool) -> bool
        """Whether the end of every record file was reached."""
        return self._records.step(
            over, lambda: self.exchange.credit, lambda name, *chunk: self._send(RECORDS + name, *chunk)
        )

    def _send(self, name, offset, body):
        # type: (str, int, bytes) -> None
        pieces = []  # type: List[frames.Bytes]
        size = 0
        for start, end in cuts(name, body):
            prefix = frames.chunk_prefix(name, offset + start)
            length = len(prefix) + end - start
            size += length
            pieces.append(protocol.HEADER.pack(length, protocol.DATA, self.exchange.stream) + prefix)
            pieces.append(memoryview(body)[start:end])
        self._moved = True
        self.exchange.send(pieces, size)


def cuts(name, body):
    # type: (str, bytes) -> List[Tuple[int, int]]
    """Where to cut a block into DATA chunks: records after a newline if there is one, the stream anywhere."""
    room = protocol.MAX_BODY - 64 - len(name)  # the prefix of a chunk is shorter than this
    found = []
    start = 0
    while start < len(body):
        end = min(len(body), start + room)
        if name != STREAM and end < len(body):
            end = body.rfind(b"\n", start, end) + 1 or end
        found.append((start, end))
        start = end
    return found
