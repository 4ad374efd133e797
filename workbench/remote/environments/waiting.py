"""Waiting for an environment: whoever needs it wants it, and has it built when nobody is at it."""

import os
import subprocess
import time
from typing import Any, Callable, Dict, Mapping, Optional

from workbench.remote.disk.filelock import try_lock
from workbench.remote.environments.places import FAILED, Place, let_go, share
from workbench.remote.forms import protocol
from workbench.remote.forms.record_form import ENV_RUN_ID
from workbench.remote.machine import Machine
from workbench.remote.processes.process_trees import ENV_GUARD
from workbench.remote.starting import quick_argv

LOOK = 0.1  # seconds between two looks at a build that somebody else is at
START_SECONDS = 60.0
LEAVING = 1.0  # seconds for a builder that is done to be gone
STARTS = 4  # builders that may leave nothing behind, not even why, before it is said that they are killed

Heard = Callable[[Dict[str, Any]], None]


class BuildFailed(Exception):
    """An environment cannot be built; why, in one sentence."""

    code = "environment"

    def __init__(self, message, hint=""):
        # type: (str, str) -> None
        super(BuildFailed, self).__init__(message)
        self.message = message
        self.hint = hint


def builder_environment(base, key):
    # type: (Mapping[str, str], str) -> Dict[str, str]
    """What a builder starts with: marked as nobody's, so that a run which started it does not end it."""
    environment = {name: value for name, value in base.items() if name != ENV_RUN_ID}
    environment[ENV_GUARD] = "environment-" + key
    return environment


class Waiting(object):
    """One who waits for an environment to be ready.

    build: as in a spec's environment_build. secrets: name -> value, for the indexes. heard: called with the
    state whenever it was looked at; may raise, which ends the waiting. alone: whether this process has no
    other children than builders, whose ends it then takes.
    """

    def __init__(self, machine, place, build, secrets, heard, alone=False):
        # type: (Machine, Place, Dict[str, Any], Mapping[str, str], Heard, bool) -> None
        self._machine = machine
        self._place = place
        self._build = build
        self._secrets = secrets
        self._heard = heard
        self._alone = alone
        self._starts = 0

    def wait(self, hold):
        # type: (int) -> Dict[str, Any]
        """What `.ready` says, the lock of `hold` (see `open_hold`) shared then.

        Raises BuildFailed, OSError, and what `heard` raises.
        """
        ready = self._shared(hold)
        if ready is not None:
            return ready
        wanted = self._want()
        try:
            seen = self._attempts_before()
            while True:
                ready = self._shared(hold)
                if ready is not None:
                    return ready
                if self._idle(hold):
                    seen = self._have_it_built(seen)
                self._heard(self._place.read_state())
                if self._alone:
                    _collect()
                time.sleep(LOOK)
        finally:
            os.close(wanted)
            if self._alone:
                _collect(LEAVING)

    def _shared(self, hold):
        # type: (int) -> Optional[Dict[str, Any]]
        """What `.ready` says, with the lock shared; None, and unlocked, when it is not ready."""
        if not share(hold):
            return None
        ready = self._place.read_ready()
        if ready is None:
            let_go(hold)
            return None
        self._place.used()
        return ready

    def _idle(self, hold):
        # type: (int) -> bool
        """Whether nobody builds it now."""
        if not share(hold):
            return False
        let_go(hold)
        return True

    def _want(self):
        # type: () -> int
        """Held as long as somebody waits. A builder that is giving up has it for itself for a moment."""
        while True:
            wanted = try_lock(self._place.wanted, shared=True)
            if wanted is not None:
                return wanted
            self._heard({})
            time.sleep(LOOK)

    def _attempts_before(self):
        # type: () -> int
        """How many attempts ended before we came: what they said is no answer for us."""
        state = self._place.read_state()
        attempt = int(state.get("attempt") or 0)
        return attempt if state.get("ended") else attempt - 1

    def _have_it_built(self, seen):
        # type: (int) -> int
        """Nobody is at it and it is not ready: it failed, its builder was killed, or nobody came yet."""
        state = self._place.read_state()
        attempt = int(state.get("attempt") or 0)
        if attempt > seen and state.get("state") == FAILED:
            raise BuildFailed(str(state.get("problem") or "it failed"), str(state.get("hint") or ""))
        if self._starts >= STARTS:
            raise BuildFailed("its builder was killed %d times; memory may be short" % self._starts)
        self._starts += 1
        self._start()
        return max(seen, attempt)

    def _start(self):
        # type: () -> None
        """Start a builder; it leaves at once when another has the lock."""
        asked = {"build": self._build, "secrets": dict(self._secrets)}
        words = ["environment", self._machine.root, self._machine.lease_dir]
        done = subprocess.run(
            quick_argv(self._machine, words),
            input=protocol.dumps(asked),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            env=builder_environment(os.environ, self._place.key),
            timeout=START_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise BuildFailed("its builder could not be started: %s" % (said[-1] if said else "no word"))


def _collect(patience=0.0):
    # type: (float) -> None
    """Take the ends of builders that came to us as the nearest who takes orphans in."""
    deadline = time.monotonic() + patience
    try:
        while os.waitpid(-1, os.WNOHANG)[0] or time.monotonic() < deadline:
            time.sleep(0.005)
    except ChildProcessError:
        return
