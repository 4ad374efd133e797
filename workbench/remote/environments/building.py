"""The builder of one environment: `... environment ROOT LEASE_DIR`, with {"build", "secrets"} on its input.

It detaches and belongs to nobody: whoever wants the environment holds its `.wanted`, and a builder that
nobody wants any more ends what it started, takes away what is half done and leaves. Whatever happens to it,
an environment is ready or is not: `.ready` is written last.
"""

import os
import signal
import sys
import time
from typing import Any, Dict, Mapping, Optional

from workbench.remote.disk.filelock import try_lock
from workbench.remote.environments import conda_steps, uv_steps
from workbench.remote.environments.places import BUILDING, FAILED, IMAGE, IS_READY, UNWANTED, Place
from workbench.remote.environments.removal import remove_environment
from workbench.remote.environments.steps import GRACE, Log, StepFailed, Steps, Unwanted
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.processes.background import detach
from workbench.remote.processes.process_trees import Identity, alive, descendants, end_tree
from workbench.remote.runs.runfolder import pairs, write_whole
from workbench.remote.wire.problems import DISK_FULL

MAX_ASKED = 8 << 20
PATIENCE = 2.0  # seconds for those who only look to let the lock go
LOG_KEPT = 1 << 20  # bytes of earlier builds' log that are kept when one begins


def main(argv):
    # type: (list[str]) -> int
    """Start the builder in the background; returns once it has the lock, or found that another has."""
    root, lease_dir = argv
    asked = protocol.loads(sys.stdin.buffer.read(MAX_ASKED))
    machine = Machine(root, lease_dir, None)
    place = Place(machine, str(asked["build"]["key"]))
    place.make_folder()
    waiting, told = os.pipe()
    if os.fork():
        os.close(told)
        os.read(waiting, 1)
        return 0
    code = 1
    try:
        os.close(waiting)
        detach()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        lock = take(place)
        # One that waited for the lock may come when those who wanted it are gone.
        if lock is not None and place.read_ready() is None and try_lock(place.wanted) is None:
            Building(machine, place, asked["build"], asked.get("secrets") or {}, told).build()
        code = 0
    finally:
        os._exit(code)


def take(place):
    # type: (Place) -> Optional[int]
    """The environment's lock, exclusively; None when another has it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        lock = try_lock(place.lock)
        if lock is not None or time.monotonic() > deadline:
            return lock
        time.sleep(0.02)


class Building(object):
    """One attempt at building an environment whose lock this process holds. told: closed once it is known."""

    def __init__(self, machine, place, build, secrets, told):
        # type: (Machine, Place, Dict[str, Any], Mapping[str, str], int) -> None
        self._machine = machine
        self._place = place
        self._build = build
        self._secrets = secrets
        self._began = time.time()
        before = self._before = place.read_state()
        self._state = {
            "attempt": int(before.get("attempt") or 0) + 1,
            "state": BUILDING,
            "started": self._began,
            "builder": os.getpid(),
        }  # type: Dict[str, Any]
        for name in ("name", "version", "kind"):
            self._state[name] = build.get(name)
        self._told = told

    def build(self):
        # type: () -> None
        """All of it; how it went is in the state when this returns."""
        log = Log(self._place.log, self._secrets.values(), LOG_KEPT)
        self._state["offset"] = log.offset
        self._tell()
        os.close(self._told)
        steps = Steps(self._machine, self._place, log, self._note)
        try:
            self._end_earlier(log)
            if os.path.lexists(self._place.path):
                log.say("what an interrupted build left is removed")
                remove_environment(self._place)
            ready = self._make(steps)
        except Unwanted:
            self._clean()
            self._end(UNWANTED, problem="nobody waits for it any more", log=log)
        except StepFailed as failure:
            self._clean()
            self._end(FAILED, problem=failure.message, hint=failure.hint, log=log)
        except OSError as error:
            self._clean()
            full = error.errno in DISK_FULL
            words = "the disk of the machine is full" if full else "%s: %s" % (error.filename, error.strerror)
            self._end(FAILED, problem=words, log=log)
        except Exception as error:  # a mistake of ours: whoever waits is told
            self._clean()
            self._end(FAILED, problem="it broke: %s: %s" % (type(error).__name__, error), log=log)
        else:
            self._end(IS_READY, packages=len(ready["packages"]), log=log)

    def _note(self, step):
        # type: (Optional[Identity]) -> None
        """Say which process is at it, for who comes after us should we be killed."""
        where = [self._machine.machine_id, self._machine.boot_id, self._machine.pidns]
        self._state["step"] = None if step is None else {"where": where, "process": list(step)}
        self._tell()

    def _end_earlier(self, log):
        # type: (Log) -> None
        """End what a builder that was killed had started: it would go on writing where we build."""
        step = self._before.get("step")
        where = [self._machine.machine_id, self._machine.boot_id, self._machine.pidns]
        if self._before.get("ended") or not isinstance(step, dict) or step.get("where") != where:
            return
        known = pairs([step.get("process")])
        if known and alive(*known[0]):
            log.say("what a killed builder had started is ended")
            pid = known[0][0]
            end_tree(lambda: [one for one in known + descendants(pid) if alive(*one)], GRACE)

    def _make(self, steps):
        # type: (Steps) -> Dict[str, Any]
        kind = self._build.get("kind")
        begin = time.monotonic()
        make = conda_steps.make if kind == "conda" and self._build.get("conda") else uv_steps.make
        if kind == IMAGE:
            from workbench.remote.containers import image

            make = image.make
        made = make(steps, self._build, self._secrets)
        ready = dict(made, built=time.time(), seconds=round(time.monotonic() - begin, 3))
        for name in ("name", "version", "kind", "key"):
            ready[name] = self._build.get(name)
        # Synced: a power cut leaves no environment that says it is ready and has empty files.
        os.sync()
        write_whole(self._place.ready, protocol.dumps(ready))
        if kind != IMAGE:  # of which nothing but this file is here
            uv_steps.protect(self._place.path)
        return ready

    def _clean(self):
        # type: () -> None
        """Take away what is half done; what cannot be removed is removed by the next build."""
        try:
            remove_environment(self._place)
        except OSError:
            return

    def _tell(self):
        # type: () -> None
        try:
            self._place.write_state(self._state)
        except OSError:  # a full disk: the build says so itself
            return

    def _end(self, state, log, problem="", hint="", packages=None):
        # type: (str, Log, str, str, Optional[int]) -> None
        self._state.update(state=state, ended=time.time())
        seconds = self._state["ended"] - self._began
        if problem:
            self._state.update(problem=log.masked(problem)[:1000], hint=hint[:500])
        log.say("%s after %.1f s%s" % (state, seconds, ": " + problem if problem else ""))
        log.close()
        self._tell()
