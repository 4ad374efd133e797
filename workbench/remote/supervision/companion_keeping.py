"""The supervisor's half of the companion: when it is started, how it is ended, what becomes of a crash.

One is started before the command for parts that tell it something; for the file reader alone only when the
first file appears that it may read: most runs write none, and cost nothing then.
"""

import json
import os
import signal
import sys
import time
from typing import Any, Dict, List, Optional

from workbench.remote.forms import protocol
from workbench.remote.forms.record_text import quote
from workbench.remote.ingest.first_look import FirstLook
from workbench.remote.machine import Machine
from workbench.remote.processes import launch
from workbench.remote.processes.pace import next_look
from workbench.remote.processes.process_trees import ENV_BESIDE
from workbench.remote.processes.watch import Watch
from workbench.remote.runs.records import RecordFile
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.starting import quick_argv
from workbench.remote.supervision.log_clock import written_any

FINISH = 30.0  # seconds its parts have, all together, once the run is over
READY = 10.0  # seconds it has to tell its environment
LAST = FINISH + 5.0  # seconds after which one that does not end is killed
AGAIN = 5.0  # seconds from a crash to the next start
MOST_STARTS = 3
KEPT = ("HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")  # of our environment
MOST_ANSWER = 1 << 16


class Companion(object):
    """An attempt's companion: `tick` it while the command runs, `ask_to_end`, and wait until it is `gone`."""

    def __init__(self, machine: Machine, folder: RunFolder, spec: Dict[str, Any], watch: Watch) -> None:
        self._machine = machine
        self._folder = folder
        self._spec = spec
        self._watch = watch
        self._parts: List[str] = []
        self._look: Optional[FirstLook] = None
        self._said = b""
        self._in = self._out = -1
        self._starts = 0
        self._ending = False
        self._crashed = False  # and is to be started again
        self._kill_at = 0.0
        self.pid = 0
        self.environment: Dict[str, str] = {}
        self.ready_by = 0.0
        self.next = float("inf")
        """When `tick` wants to be called, by time.monotonic."""

    @property
    def ready(self) -> bool:
        """Whether nobody need wait for its environment any more."""
        return not self.pid or self._out < 0 or time.monotonic() > self.ready_by

    @property
    def gone(self) -> bool:
        """Whether it has ended, or never was."""
        return not self.pid

    def start(self, parts: List[str]) -> None:
        """Start it now, with these parts and the file reader where the run wants one."""
        self._parts = list(parts) + self._usual()
        if parts:
            self._start()

    def watch_files(self) -> None:
        """The command runs: from now on files that it writes start the companion, if it is not there."""
        self._parts = self._parts or self._usual()
        if not self.pid and self._parts:
            self._look = FirstLook(self._folder)
            self.next = time.monotonic()

    def tick(self) -> None:
        """Look whether it crashed, and whether it is needed."""
        now = time.monotonic()
        if self.pid and self.pid in self._watch.ends:
            self._ended(now)
        if self._ending:
            if self.pid and now > self._kill_at:
                os.kill(self.pid, signal.SIGKILL)
                self._kill_at = now + 1.0
            return
        if now < self.next:
            return
        if self._look is None:
            self.next = float("inf")
            self._start()
        elif self._found(self._look, last=False):
            self._look, self.next = None, float("inf")
            self._start()
        elif self._look is not None:
            self.next = next_look(now, self._look.pause)

    def ask_to_end(self, well: bool) -> None:
        """Everything else of the run is gone. One that is needed only now is started for what was left.

        well: its command ended well, and nothing it started had to be ended.
        """
        if self._crashed or (self._look is not None and self._found(self._look, last=True)):
            self._start()
        self._look, self._ending, self.next = None, True, float("inf")
        self._kill_at = time.monotonic() + LAST
        if self._in >= 0:
            try:
                os.write(self._in, b"end well\n" if well else b"end\n")
            except OSError:
                pass  # it crashed: its end is on its way
            self._close_input()

    def _found(self, look: FirstLook, last: bool) -> bool:
        """Whether there is something to read. A mistake of ours there may not end the run."""
        if not last and written_any(self._folder):
            return True
        try:
            return ingests(self._spec) and look.found(last)
        except Exception as error:
            self._warn("its logs are not looked for: %s" % (error or type(error).__name__))
            self._look, self.next = None, float("inf")
            return False

    def _usual(self) -> List[str]:
        """The parts that begin with what a run writes: who reads its files, and when its logs grew."""
        return (["files"] if ingests(self._spec) else []) + ["logs"]

    def _start(self) -> None:
        try:
            self._fork()
        except OSError as error:  # no more processes, or descriptors, for this user
            self._warn("nothing reads its logs beside it: %s" % (error.strerror or error))

    def _fork(self) -> None:
        heard, ours_in = os.pipe()
        ours_out, said = os.pipe()
        places = [self._machine.root, self._machine.lease_dir, self._folder.run_id]
        argv = quick_argv(self._machine, ["companion"] + places)
        self._starts += 1
        self._crashed = False
        self.pid = os.fork()
        if not self.pid:
            _become(argv, heard, said)
        os.close(heard)
        os.close(said)
        self._in, self._out, self._said = ours_in, ours_out, b""
        self._watch.expect(self.pid)
        self._watch.own_helper(self.pid)
        self._watch.on(ours_out, self._on_answer)
        self.ready_by = time.monotonic() + READY
        asked = {"parts": self._parts, "environment": self.environment, "seconds": FINISH}
        try:
            os.write(ours_in, (json.dumps(asked) + "\n").encode("ascii"))
        except OSError:
            pass  # it is gone already, which is seen at its end

    def _on_answer(self) -> None:
        piece = os.read(self._out, MOST_ANSWER)
        self._said += piece
        if piece and b"\n" not in self._said and len(self._said) < MOST_ANSWER:
            return
        self._watch.off(self._out)
        os.close(self._out)
        self._out = -1
        try:
            told = protocol.loads(self._said.partition(b"\n")[0]).get("environment")
        except ValueError:
            return  # it crashed before it said anything
        if isinstance(told, dict):
            self.environment = {str(name): str(value) for name, value in told.items()}

    def _ended(self, now: float) -> None:
        """It ended: as it was asked to, or by a mistake of ours, which costs the run no more than this."""
        status = self._watch.ends.pop(self.pid)
        self.pid = 0
        self._close_input()
        if self._out >= 0:
            self._watch.off(self._out)
            os.close(self._out)
            self._out = -1
        if status and not (self._ending and status == signal.SIGKILL):
            how = "signal %d" % (status & 0x7F) if status & 0x7F else "exit code %d" % (status >> 8)
            self._warn("what reads its logs beside it failed (%s); see companion.log in its folder" % how)
        elif status:
            self._warn("what this run wrote last could not all be read within %d s" % LAST)
        if not self._ending and self._starts < MOST_STARTS:
            self._crashed, self.next = True, now + AGAIN

    def _close_input(self) -> None:
        if self._in >= 0:
            os.close(self._in)
            self._in = -1

    def _warn(self, text: str) -> None:
        file = RecordFile(self._folder.path, self._folder.run_id, int(self._spec.get("attempt") or 1))
        file.write('{"k":"warning","v":%s' % quote(text))


def ingests(spec: Dict[str, Any]) -> bool:
    """Whether the files that a run writes are read: unless its configuration says `ingest: off`."""
    return spec.get("ingest") is not False


def _become(argv: List[str], heard: int, said: int) -> None:
    """In the child: become the companion. Never returns."""
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for name in launch.RESET:
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        launch.raise_oom_score()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number, place in ((heard, 0), (said, 1), (nothing, 2)):
            os.dup2(number, place)
            os.set_inheritable(place, True)
        os.chdir("/")
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        # Each thread's own arena would use up the address space that it may have.
        os.execve(sys.executable, argv, dict(kept, MALLOC_ARENA_MAX="2", **{ENV_BESIDE: "1"}))
    finally:
        os._exit(127)
