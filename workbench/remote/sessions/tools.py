"""A tool beside a run as the link has it: started or found again, told where it is, ended."""

import binascii
import os
import socket
import subprocess
import threading
import time
from typing import Any, Dict, List, Mapping, Optional

from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.processes import process_trees
from workbench.remote.runs.runfolder import read_object, write_whole
from workbench.remote.sessions import run_shell, tending, tool_plans
from workbench.remote.snapshots.leftovers import remove_tree
from workbench.remote.starting import quick_argv
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError

LOOKING = "import importlib.util as u, sys; print(*[n for n in sys.argv[1:] if u.find_spec(n) is not None])"
LOOK_SECONDS = 60.0  # for an interpreter on a slow disk to say what it has
START_SECONDS = 180.0  # for a tool to listen: one that brings a framework takes its time
TOUCH = 20.0
STEP = 0.2
LOOK = 2.0
ENDING = 15.0
LAST_WORDS = 2000


class Tool(object):
    """One tool of one run, in a folder of its own; key: what the near end knows it by."""

    def __init__(self, machine, key):
        # type: (Machine, str) -> None
        self._machine = machine
        self.folder = os.path.join(machine.root, "tools", key)

    def state(self):
        # type: () -> Optional[Dict[str, Any]]
        """What its tender wrote; None when it has none that lives."""
        try:
            found = read_object(os.path.join(self.folder, tending.STATE), 1 << 16)
        except ValueError:
            return None
        if found is None or found.get("over") or not _lives(found.get("tender")):
            return None
        return found

    def start(self, tool, run_id, environ):
        # type: (str, str, Mapping[str, str]) -> None
        """Start it anew. Raises RequestError when it is not installed where the run has its packages."""
        place = run_shell.place_of(self._machine, run_id, environ)
        python = place.folder.inside(os.path.join("bin", "python"))
        module = tool_plans.chosen_module(tool, installed(python, tool, place.environment))
        if module is None:
            known = tool_plans.TOOLS[tool]
            own = (place.folder.read_spec() or {}).get("python") or "the run's interpreter"
            hint = "add %s to the run's environment, or install it there" % known.install
            raise RequestError("not_found", "%s is not installed for %s" % (known.name, own), hint)
        if os.path.isdir(self.folder):
            remove_tree(self.folder)
        os.makedirs(self.folder, 0o700)
        port, token = free_port(), binascii.hexlify(os.urandom(24)).decode("ascii")
        log_dir = tool_plans.find_log_dir(place.folder.path)
        plan = tool_plans.plan(tool, module, port, token, log_dir, os.getuid() == 0)
        asked = {
            "argv": [python] + plan.argv,
            "directory": place.folder.code,
            "environment": dict(place.environment, **plan.environment),
            "port": port,
            "path": plan.path,
        }
        self.want()
        self._tend(asked)

    def want(self):
        # type: () -> None
        """Say that somebody wants it. Raises OSError."""
        write_whole(os.path.join(self.folder, tending.WANTED), b"%f\n" % time.time(), sync=False)

    def end(self):
        # type: () -> None
        """End it and forget it; nothing happens when it is gone."""
        if not os.path.isdir(self.folder):
            return
        state = self.state()
        if state is not None:
            write_whole(os.path.join(self.folder, tending.STOP), b"", sync=False)
            deadline = time.monotonic() + ENDING
            while _lives(state["tender"]) and time.monotonic() < deadline:
                time.sleep(0.05)
        if os.path.isdir(self.folder):
            remove_tree(self.folder)

    def last_words(self):
        # type: () -> str
        """The last line it said."""
        try:
            with open(os.path.join(self.folder, tending.LOG), "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - LAST_WORDS))
                lines = file.read().decode("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].strip() if lines else ""

    def _tend(self, asked):
        # type: (Dict[str, Any]) -> None
        done = subprocess.run(
            quick_argv(self._machine, ["tend", self.folder]),
            input=protocol.dumps(asked),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            timeout=LOOK_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise RequestError("remote", "it could not be started: %s" % (said[-1] if said else "no word"))


def hold(one, exchange):
    # type: (Tool, Exchange) -> None
    """Want a tool as long as the stream lives; EVENT {port, path} once it listens.

    Raises Cancelled, RequestError when it ends by itself. Cut off, it goes on for a while and is found again.
    """
    changed = threading.Event()
    exchange.changed = changed.set
    deadline, touched = time.monotonic() + START_SECONDS, 0.0
    said = False
    while True:
        exchange.check()
        if time.monotonic() - touched > TOUCH:
            touched = time.monotonic()
            one.want()
        state = one.state()
        if state is None:
            raise RequestError("remote", "it has ended", one.last_words()[:500])
        if not said and listens(state["port"]):
            said = True
            exchange.event({"port": state["port"], "path": str(state.get("path") or "/")})
        elif not said and time.monotonic() > deadline:
            raise RequestError("remote", "it does not answer", one.last_words()[:500])
        changed.wait(LOOK if said else STEP)
        changed.clear()


def installed(python, tool, environ):
    # type: (str, str, Mapping[str, str]) -> List[str]
    """Which of a tool's modules an interpreter has."""
    words = [python, "-c", LOOKING] + list(tool_plans.TOOLS[tool].modules)
    try:
        said = subprocess.check_output(
            words,
            env=dict(environ, **{process_trees.ENV_BESIDE: "1"}),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LOOK_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RequestError("remote", "the run's interpreter does not say what it has: %s" % error)
    return said.decode("utf-8", "replace").split()


def free_port():
    # type: () -> int
    """A port of the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((tool_plans.HERE, 0))
        return int(probe.getsockname()[1])


def listens(port):
    # type: (int) -> bool
    """Whether somebody does on a port here."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((tool_plans.HERE, port)) == 0


def _lives(process):
    # type: (Any) -> bool
    if not isinstance(process, list) or len(process) != 2:
        return False
    return all(isinstance(part, int) for part in process) and process_trees.alive(process[0], process[1])
