"""A run's guard: started once a run, it forks the supervisor, waits, and settles what that one cannot.

`... guard ROOT LEASE_DIR RUN`, with a JSON object of secrets on its input. It detaches, takes the run's lock
for life and exits silently when another guard has it: submitting twice starts one run.
"""

import json
import os
import signal
import sys
import time
from typing import Any, Dict, List, Mapping, Optional

from workbench.remote.containers.kept import end_containers
from workbench.remote.disk.filelock import remove_locked, try_lock
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.processes.background import become_subreaper, detach
from workbench.remote.processes.masking import masked_text
from workbench.remote.processes.process_trees import end_tree, identity, tree_of
from workbench.remote.processes.watch import Watch
from workbench.remote.queue.queue_files import Queue
from workbench.remote.runs import run_status
from workbench.remote.runs.endings import canceled, failed, signal_name
from workbench.remote.runs.retrying import after, waits_for_start
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.runs.status_keeper import StatusKeeper
from workbench.remote.supervision import on_end
from workbench.remote.supervision.supervisor import Supervisor

MAX_SECRETS = 16 << 20
LOCK_PATIENCE = 3.0  # seconds: a visitor who only looks holds the lock for an instant
CRASH_REPORT = "supervisor.log"
LATER = 3  # exit code of a supervisor that was asked to end: the machine goes down, what follows waits for it


def main(argv):
    # type: (List[str]) -> int
    """Start the guard in the background; returns once it has the run's lock, or found that another has."""
    root, lease_dir, run_id = argv
    secrets = read_secrets(sys.stdin.buffer.read(MAX_SECRETS + 1))
    machine = Machine(root, lease_dir, None)
    folder = RunFolder(machine, run_id)
    waiting, told = os.pipe()
    if os.fork():
        os.close(told)
        os.read(waiting, 1)  # ends when the guard has its lock, or is gone
        return 0
    code = 1
    try:
        os.close(waiting)
        umask = detach()
        lock = take_lock(folder)
        os.close(told)
        if lock is not None:
            guard(machine, folder, secrets, lock, umask)
            remove_locked(folder.lock, lock)
        code = 0
    except BaseException:  # nobody is left to be told but the run's folder
        report_crash(folder, secrets)
    finally:
        os._exit(code)


def read_secrets(body):
    # type: (bytes) -> Dict[str, str]
    """The secrets as names and values; none when nothing came. Raises ValueError for what is no object."""
    if not body.strip():
        return {}
    return {str(name): str(value) for name, value in protocol.loads(body).items() if "\0" not in str(value)}


def take_lock(folder):
    # type: (RunFolder) -> Optional[int]
    """The run's lock; None when somebody else looks after the run."""
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        lock = try_lock(folder.lock)
        if lock is not None or time.monotonic() > deadline:
            return lock
        time.sleep(0.02)


def guard(machine, folder, secrets, lock, umask):
    # type: (Machine, RunFolder, Mapping[str, str], int, int) -> None
    """Have the run supervised to its end, whatever happens to the supervisor; attempt after attempt."""
    while guard_attempt(machine, folder, secrets, lock, umask):
        pass


def guard_attempt(machine, folder, secrets, lock, umask):
    # type: (Machine, RunFolder, Mapping[str, str], int, int) -> bool
    """Have one attempt supervised; whether the next one was written and is ours to start."""
    spec, status = folder.read_spec(), folder.read_status()
    if spec is None or status is None or run_status.is_terminal(status):
        return False  # settled (cancelled) before we came
    me = identity(os.getpid())
    assert me is not None
    status["guard"] = {"pid": me[0], "start": me[1]}
    guarded, life = os.pipe()
    supervisor = os.fork()
    if supervisor == 0:
        code = 1
        try:
            os.close(life)
            code = supervise(machine, folder, spec, status, secrets, lock, guarded, umask)
        except BaseException:  # reported, and the exit code tells the guard
            report_crash(folder, secrets)
        finally:
            os._exit(code)
    os.close(guarded)
    outcome = wait_for(supervisor)
    os.close(life)
    if os.WIFEXITED(outcome) and os.WEXITSTATUS(outcome) == LATER:
        return False
    if outcome != 0:
        settled = settle(machine, folder, spec, lock, outcome, secrets)
        if settled is not None:
            on_end.start(folder, spec, settled, secrets, umask)
    status = folder.read_status()
    return status is not None and waits_for_start(status)


def supervise(machine, folder, spec, status, secrets, lock, guarded, umask):
    # type: (Machine, RunFolder, Dict[str, Any], run_status.Status, Mapping[str, str], int, int, int) -> int
    """In the supervisor's process: its whole life; the code to exit with."""
    become_subreaper()
    me = identity(os.getpid())
    assert me is not None
    status["supervisor"] = {"pid": me[0], "start": me[1]}
    watch = Watch(guarded)
    keeper = StatusKeeper(folder, status, lock)
    Supervisor(machine, folder, spec, secrets, keeper, watch, umask).supervise()
    if watch.asked_to_end:
        return LATER
    if watch.guard_lost and waits_for_start(keeper.status):
        from workbench.remote.processes.detaching import start_guard  # supervisors stay small

        os.close(lock)  # the new guard's now
        start_guard(machine, folder.run_id, secrets)
    return 0


def wait_for(pid):
    # type: (int) -> int
    """The wait status of the supervisor; orphans that come to us meanwhile are reaped."""
    while True:
        ended, status = os.wait()
        if ended == pid:
            return status


def settle(machine, folder, spec, lock, outcome, secrets):
    # type: (Machine, RunFolder, Dict[str, Any], int, int, Mapping[str, str]) -> Optional[run_status.Status]
    """The supervisor died: end the run's processes, which are all ours now, and say what happened.

    Returns the status of a run that is over by this; None for one that was already, or is tried again.
    """
    end_containers(machine, folder, folder.grace(spec))
    end_tree(tree_of(os.getpid(), folder.run_id), folder.grace(spec), reap=reap)
    status = folder.read_status() or {}
    Queue(machine).release(folder.run_id)
    if not status or run_status.is_terminal(status):
        return None
    if os.path.exists(folder.cancel):
        ending = canceled()
    elif outcome & 0x7F:
        how = "its supervisor was killed (%s), so the run was ended" % signal_name(outcome & 0x7F)
        ending = failed(protocol.CAUSE_SUPERVISOR_LOST, how)
    else:
        how = "its supervisor failed; see %s in the run's folder" % CRASH_REPORT
        ending = failed(protocol.CAUSE_SUPERVISOR_LOST, how)
    keeper = StatusKeeper(folder, status, lock)
    again, ending = after(machine, folder, spec, status, ending, secrets=True)
    if again is not None:
        keeper.go_on(again)
        return None
    keeper.finish(ending)
    return status


def reap():
    # type: () -> None
    """Take the ends of children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def report_crash(folder, secrets):
    # type: (RunFolder, Mapping[str, str]) -> None
    """Leave the traceback of a mistake of ours where it can be found."""
    import traceback  # here: it loads much, and mostly there is nothing to report

    text = masked_text(traceback.format_exc(), secrets.values())
    try:
        with open(folder.inside(CRASH_REPORT), "a") as file:
            file.write(json.dumps(time.time()) + "\n" + text)
    except OSError:
        pass  # the status will still say that the supervisor failed
