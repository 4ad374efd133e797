"""What a machine can be asked: the table of methods, each handing its parameters to the room that does it.

Rooms are imported when first asked for, so that a link is up before it has read what it may never need.
"""

import os
import threading
from typing import Any, Dict, List

from workbench.remote.compiling import Compiling
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.methods import (
    connect_methods,
    container_methods,
    data_methods,
    environment_methods,
    files_methods,
    log_methods,
    logs_methods,
    on_end_methods,
    probe_methods,
    process_methods,
    queue_methods,
    stack_methods,
    terminal_methods,
    tool_methods,
)
from workbench.remote.pruning.sweeping import Sweeping
from workbench.remote.runs.runfolder import RunFolder, remove_quietly
from workbench.remote.snapshots.leftovers import upload_name
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import LATER, Exchange, Handler
from workbench.remote.wire.problems import RequestError

MAX_COMMANDS = 32  # of exec at once: fewer than a link has threads, so the rest goes on
UPLOAD_WINDOW = 8 << 20  # bytes of a zip that may be on their way
STALLED = 3600.0  # seconds without a byte after which an upload says that it is still somebody's

# What `list` leaves out of a spec: `spec` gives it whole.
LONG_FIELDS = ("environment_variables", "setup", "configuration", "command", "git", "params", "description")


class Methods(object):
    """The handlers of one link, for its machine."""

    def __init__(self, machine):
        # type: (Machine) -> None
        self._machine = machine
        self._lock = threading.Lock()
        self._settling = threading.Lock()
        self._commands = threading.BoundedSemaphore(MAX_COMMANDS)
        self._follower = None  # type: Any
        self._compiling = Compiling(machine.payload)
        self._sweeping = Sweeping(machine)

    def table(self):
        # type: () -> Dict[str, Handler]
        """Method name -> handler."""
        own = {
            "facts": self._facts,
            "doctor": self._doctor,
            "tree": self._tree,
            "blobs": self._blobs,
            "manifest": self._manifest,
            "contents": self._contents,
            "submit": self._submit,
            "status": self._status,
            "cancel": self._cancel,
            "list": self._list,
            "spec": self._spec,
            "follow": self._follow,
            "files": self._files,
            "read": self._read,
            "exec": self._exec,
            "remove": self._remove,
            "reconcile": self._reconcile,
        }  # type: Dict[str, Handler]
        own.update(files_methods.table(self._machine))
        own.update(data_methods.table(self._machine))
        own.update(log_methods.table(self._machine))
        own.update(logs_methods.table(self._machine))
        own.update(probe_methods.table(self._machine))
        own.update(process_methods.table(self._machine))
        own.update(queue_methods.table(self._machine))
        own.update(terminal_methods.table(self._machine))
        own.update(connect_methods.table(self._machine))
        own.update(container_methods.table(self._machine))
        own.update(on_end_methods.table(self._machine))
        own.update(stack_methods.table(self._machine))
        own.update(tool_methods.table(self._machine))
        own.update(environment_methods.table(self._machine))
        return own

    def close(self):
        # type: () -> None
        """The link is ending."""
        self._compiling.close()
        self._sweeping.close()
        if self._follower is not None:
            self._follower.close()

    def _facts(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.doctor.facts import facts

        return facts(self._machine)

    def _doctor(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.doctor.facts import doctor
        from workbench.remote.doctor.login_checks import max_sessions

        found = doctor(self._machine)
        if exchange.params.get("containers"):
            from workbench.remote.containers.doctor import judge_containers

            command = parameters.optional_text(exchange.params, "container_engine")
            found.append(judge_containers(command))
        return {"checks": found, "max_sessions": max_sessions()}

    def _exec(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.sessions.execute import execute

        if not self._commands.acquire(False):
            hint = "wait for one to end, or submit runs"
            raise RequestError("busy", "%d commands run at once already" % MAX_COMMANDS, hint)
        try:
            return execute(exchange)
        finally:
            self._commands.release()

    def _tree(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.snapshots.trees import accept_manifest

        params = exchange.params
        snapshot = parameters.text(params, "snapshot")
        base = parameters.optional_text(params, "base")
        removed, added = params.get("removed") or [], params.get("added") or []
        return accept_manifest(self._machine, snapshot, base, removed, added)

    def _blobs(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.snapshots.blobs import store_blobs

        exchange.widen(UPLOAD_WINDOW)
        folder = os.path.join(self._machine.root, "blobs")
        os.makedirs(folder, 0o700, exist_ok=True)
        path = os.path.join(folder, upload_name(self._machine))
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb", 0) as file:
                while True:
                    block = exchange.read(STALLED)
                    if block is None:
                        os.utime(path)
                        continue
                    if not block:
                        break
                    view = memoryview(block)
                    while len(view):
                        view = view[file.write(view) :]
            return {"stored": store_blobs(self._machine.root, path)}
        finally:
            remove_quietly(path)

    def _manifest(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.snapshots.contents import give_manifest

        return give_manifest(self._machine, parameters.text(exchange.params, "snapshot"))

    def _contents(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.snapshots.contents import checked_hashes, give_contents

        return give_contents(exchange, self._machine, checked_hashes(exchange.params.get("hashes")))

    def _submit(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.supervision.submission import submit

        params = exchange.params
        spec = parameters.mapping(params, "spec")
        return submit(self._machine, parameters.run_id(params), spec, parameters.texts(params, "secrets"))

    def _status(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.supervision.reconcile import observed

        run_id = parameters.run_id(exchange.params)
        status = observed(self._machine, run_id)
        if status is None:
            raise absent(run_id)
        return status

    def _spec(self, exchange):
        # type: (Exchange) -> Any
        run_id = parameters.run_id(exchange.params)
        spec = RunFolder(self._machine, run_id).read_spec()
        if spec is None:
            raise absent(run_id)
        return spec

    def _cancel(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.supervision.cancel import cancel

        params = exchange.params
        grace = parameters.seconds(params, "grace")
        attempt = parameters.offset(params, "attempt") or 1
        return {"status": cancel(self._machine, parameters.run_id(params), grace, attempt)}

    def _list(self, exchange):
        # type: (Exchange) -> Any
        found = []  # type: List[Dict[str, Any]]
        for name in sorted(os.listdir(self._machine.runs)):
            exchange.check()
            if not protocol.valid_run_id(name):
                continue
            folder = RunFolder(self._machine, name)
            try:
                status, spec = folder.read_status(), folder.read_spec()
            except (OSError, ValueError) as error:  # one damaged run is one row that says so
                found.append({"run": name, "problem": str(error)[:500]})
                continue
            short = {key: value for key, value in (spec or {}).items() if key not in LONG_FIELDS}
            found.append({"run": name, "status": status, "spec": short})
        return {"runs": found}

    def _follow(self, exchange):
        # type: (Exchange) -> Any
        with self._lock:
            if self._follower is None:
                from workbench.remote.logs.follow import Follower

                self._follower = Follower(self._machine, self._settle)
        self._follower.add(exchange)
        return LATER

    def _files(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.runs.files import list_files

        return {"files": list_files(RunFolder(self._machine, parameters.run_id(exchange.params)))}

    def _read(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.runs.files import read_file

        params = exchange.params
        folder = RunFolder(self._machine, parameters.run_id(params))
        return read_file(
            exchange, folder, parameters.text(params, "path"), parameters.offset(params, "offset")
        )

    def _remove(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.pruning.run_removal import remove_run

        remove_run(self._machine, parameters.run_id(exchange.params))
        return {}

    def _reconcile(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.supervision.reconcile import reconcile

        with self._settling:
            return {"settled": reconcile(self._machine)}

    def _settle(self):
        # type: () -> None
        from workbench.remote.supervision.reconcile import reconcile

        if self._settling.acquire(False):
            try:
                reconcile(self._machine)
            finally:
                self._settling.release()


def absent(run_id):
    # type: (str) -> RequestError
    """The error for a run this machine does not have."""
    return RequestError("not_found", "run %s is not on this machine" % run_id)
