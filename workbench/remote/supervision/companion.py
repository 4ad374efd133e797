"""The process beside a supervisor: carries what looks after a run's tracking and may be slow, or fail.

`... companion ROOT LEASE_DIR RUN`, with a line of JSON on its input: {"parts": names, "environment": what an
earlier one of this attempt told, "seconds": to finish in}. It answers with one line, {"environment": {..}},
for the run's command. The word "end", the end of its input or SIGTERM makes it look a last time and end;
"end well" says that the run's command ended well, and by itself all that it started.
It is never needed: the run goes on without it, and what it could not do stands in a warning of the run.
"""

import json
import os
import signal
import sys
import threading
import time
from typing import Any, Callable, Dict, List, Tuple

from workbench.remote.forms.record_text import quote
from workbench.remote.machine import Machine
from workbench.remote.runs.companion_part import Beside, Part
from workbench.remote.runs.records import RecordFile
from workbench.remote.runs.runfolder import RunFolder

MOST_MEMORY = 1 << 30  # bytes of address space: rather this process fails than the machine's memory
STACK = 1 << 20  # bytes of each thread's
MOST_INPUT = 1 << 20
WELL = b"end well"
LOG = "companion.log"  # in the run's folder: tracebacks of ours


def _files(beside: Beside) -> Part:
    from workbench.remote.ingest.file_reader import FileReader

    return FileReader(beside)


def _mlflow(beside: Beside) -> Part:
    from workbench.remote.mlflow_api.part import MlflowPart

    return MlflowPart(beside)


def _logs(beside: Beside) -> Part:
    from workbench.remote.supervision.log_clock import LogClock

    return LogClock(beside)


# Each is imported only where it is wanted. A part's maker may raise: then the run goes without it.
PARTS: Dict[str, Callable[[Beside], Part]] = {"files": _files, "mlflow": _mlflow, "logs": _logs}


class AskedToEnd(Exception):
    """SIGTERM came."""


def main(argv: List[str]) -> int:
    """Carry the parts that the input names until the run is over."""
    root, lease_dir, run_id = argv
    signal.signal(signal.SIGTERM, _on_term)
    folder = RunFolder(Machine(root, lease_dir), run_id)
    try:
        _bound()
        _carry(folder, Machine(root, lease_dir))
    except AskedToEnd:
        return 0
    except BaseException:
        _report(folder)
        return 1
    return 0


def _carry(folder: RunFolder, machine: Machine) -> None:
    spec = folder.read_spec()
    asked = json.loads(_line().decode("utf-8") or "{}")
    if spec is None:
        return
    beside = Beside(machine, folder, spec, dict(asked.get("environment") or {}))
    parts, environment = begin(beside, list(asked.get("parts") or []))
    try:
        _tell({"environment": environment})
        os.nice(10)  # from here on: the command waits for what was told
        said = _line().strip()
        while said not in (b"end", WELL, b""):
            said = _line().strip()
        beside.ended_well = said == WELL
    except AskedToEnd:
        pass  # the same as the word
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end(beside, parts, float(asked.get("seconds") or 0.0))


def begin(beside: Beside, names: List[str]) -> Tuple[List[Part], Dict[str, str]]:
    """Make and start the named parts; those that could be, and their environment."""
    parts: List[Part] = []
    environment: Dict[str, str] = {}
    for name in names:
        try:
            part = PARTS[name](beside)
            told = part.environment()
            part.start()
        except AskedToEnd:
            raise
        except Exception as error:
            _report(beside.folder)
            beside.warn("no %s beside this run: %s" % (name, error or type(error).__name__))
            continue
        parts.append(part)
        environment.update(told)
    return parts, environment


def end(beside: Beside, parts: List[Part], seconds: float) -> None:
    """Finish all parts within so many seconds, the last that was started first."""
    deadline = time.monotonic() + seconds
    for part in reversed(parts):
        try:
            part.finish(max(0.0, deadline - time.monotonic()))
        except Exception as error:
            _report(beside.folder)
            beside.warn("%s could not finish: %s" % (type(part).__name__, error or type(error).__name__))


def _on_term(number: int, frame: Any) -> None:
    raise AskedToEnd()


def _line() -> bytes:
    """One line of the input; empty at its end."""
    found = b""
    while not found.endswith(b"\n") and len(found) < MOST_INPUT:
        piece = os.read(0, 1)
        if not piece:
            return b""
        found += piece
    return found


def _tell(answer: Dict[str, Any]) -> None:
    data = (json.dumps(answer) + "\n").encode("ascii")
    while data:
        data = data[os.write(1, data) :]


def _bound() -> None:
    """Keep this process small, and the first to go when memory runs out."""
    threading.stack_size(STACK)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    except (ImportError, OSError, ValueError):
        return  # a tighter limit is there already, or none can be set


def _report(folder: RunFolder) -> None:
    """Leave the traceback of a mistake of ours where it can be found."""
    import traceback  # here: it loads much, and mostly there is nothing to report

    try:
        with open(folder.inside(LOG), "a") as file:
            file.write("%.3f %d\n%s" % (time.time(), os.getpid(), traceback.format_exc()))
    except OSError:
        sys.exc_info()  # the disk is full: the warning, or the exit code, has to do
