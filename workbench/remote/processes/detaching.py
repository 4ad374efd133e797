"""How a guard is started so that it outlives the connection, on every kind of machine."""

import os
import pwd
import subprocess
import sys
from typing import Dict, List, Mapping, NamedTuple, Optional

from workbench.remote import compiled
from workbench.remote.forms import protocol
from workbench.remote.forms.record_form import ENV_RUN_ID
from workbench.remote.gpus.devices import ask
from workbench.remote.machine import Machine
from workbench.remote.processes.process_runs import SCOPE_PREFIX
from workbench.remote.processes.process_trees import ENV_GUARD
from workbench.remote.starting import argv_of

START_SECONDS = 60.0
SYSTEMD = "/run/systemd/system"
LINGER = "/var/lib/systemd/linger"
SCOPE = ("systemd-run", "--user", "--scope", "--quiet", "-p", "Delegate=yes")

# systemd: whether it manages this machine. linger: whether the user's services stay after logout.
# kills: logind's KillUserProcesses, None when it cannot be asked.
LoginManager = NamedTuple("LoginManager", [("systemd", bool), ("linger", bool), ("kills", Optional[bool])])

# scope: start through systemd-run. ask_linger: try to switch lingering on first. risk: what may end runs.
Detachment = NamedTuple("Detachment", [("scope", bool), ("ask_linger", bool), ("risk", str)])


class GuardNotStarted(Exception):
    """The process that looks after a run could not be started."""

    code = "remote"
    hint = "look at `wb compute doctor` for this machine"

    def __init__(self, message):
        # type: (str) -> None
        super(GuardNotStarted, self).__init__(message)
        self.message = message


def choose_detachment(manager):
    # type: (LoginManager) -> Detachment
    """Where a guard must live so that logging out does not end it.

    A scope without lingering is worse than none: the user's manager stops after the last logout and takes
    the scope with it. So: lingering -> scope; else a plain session, which only KillUserProcesses ends.
    """
    if not manager.systemd:
        return Detachment(False, False, "")
    if manager.linger:
        return Detachment(True, False, "")
    if manager.kills is False:
        return Detachment(False, False, "")
    if manager.kills is None:
        return Detachment(False, False, "logind does not say whether it ends processes at logout")
    return Detachment(False, True, "logind ends your processes at logout (KillUserProcesses=yes)")


def ask_login_manager():
    # type: () -> LoginManager
    """What this machine's login manager is set to do with this user's processes."""
    if not os.path.isdir(SYSTEMD):
        return LoginManager(False, False, None)
    linger = os.path.exists(os.path.join(LINGER, user_name()))
    words = ["org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"]
    told = ask(["busctl", "get-property"] + words + ["KillUserProcesses"], 5.0)
    kills = {"b true": True, "b false": False}.get((told or "").strip())
    return LoginManager(True, linger, kills)


def user_name():
    # type: () -> str
    """The login name; the number where the user has no entry."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def settle_detachment(manager):
    # type: (LoginManager) -> Detachment
    """The choice after trying what may make it better: a user may be allowed to switch lingering on."""
    choice = choose_detachment(manager)
    if choice.ask_linger and ask(["loginctl", "--no-ask-password", "enable-linger"], 5.0) is not None:
        return choose_detachment(manager._replace(linger=True))
    return choice


def scope_words(run_id):
    # type: (str) -> List[str]
    """What starts a command in a systemd scope that is named after its run, so that its processes are known.

    Never the same twice: a scope that failed keeps its name, and a run may have several attempts.
    """
    name = "%s%s-%s.scope" % (SCOPE_PREFIX, run_id, os.urandom(4).hex())
    return list(SCOPE) + ["--unit=" + name, "--"]


def guard_command(machine, run_id, python, payload):
    # type: (Machine, str, str, str) -> List[str]
    """The argv that starts a guard from a payload: a zipapp, its compiled form, or a folder of source."""
    return argv_of(payload, ["guard", machine.root, machine.lease_dir, run_id], python)


def guard_environment(base, run_id):
    # type: (Mapping[str, str], str) -> Dict[str, str]
    """The environment a guard starts with: ours, marked so that a run around us does not claim it."""
    environment = {name: value for name, value in base.items() if name != ENV_RUN_ID}
    environment[ENV_GUARD] = run_id
    if os.path.isdir("/run/user/%d" % os.getuid()):
        environment.setdefault("XDG_RUNTIME_DIR", "/run/user/%d" % os.getuid())
    return environment


def start_guard(machine, run_id, secrets):
    # type: (Machine, str, Mapping[str, str]) -> None
    """Start a run's guard, detached; returns when it has the run's lock. Raises GuardNotStarted.

    Secrets go through its standard input. What is started here ends at once: no zombie stays behind.
    """
    body = protocol.dumps(dict(secrets))
    scope = scope_words(run_id) if settle_detachment(ask_login_manager()).scope else []
    payload = machine.payload
    plain = guard_command(machine, run_id, sys.executable, payload)
    quick = guard_command(machine, run_id, sys.executable, compiled.usable(payload) or payload)
    # Each way falls back on a plainer one: no compiled form, should a disk have damaged it; no scope.
    ways = [scope + quick, scope + plain, plain]
    problem = None  # type: Optional[str]
    for number, command in enumerate(ways):
        if command not in ways[:number]:
            problem = _start(command, run_id, body)
            if problem is None:
                return
    raise GuardNotStarted("the run's guard could not be started: %s" % problem)


def _start(argv, run_id, body):
    # type: (List[str], str, bytes) -> Optional[str]
    """None when it went well, else what was said."""
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
            env=guard_environment(os.environ, run_id),
            start_new_session=True,
        )
    except OSError as error:
        return "%s: %s" % (argv[0], error.strerror)
    try:
        _, said = process.communicate(body, timeout=START_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "it did not start within %g s" % START_SECONDS
    if process.returncode == 0:
        return None
    lines = said[-2000:].decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "exit code %d" % process.returncode
