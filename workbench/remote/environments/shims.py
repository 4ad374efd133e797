"""What makes a run's commands find the chosen interpreter and, in every Python, the tracking package.

bin/ stands first on PATH and has `python` and `python3`; site/ stands first on PYTHONPATH and has a
sitecustomize that takes itself out of the way again. Both are inherited by every child process. Each
interpreter that starts in the run leaves a note in interpreters/, for the run's record of its environment,
and can be asked where its threads are: SIGURG makes it write that to stacks.log. It is that signal because
nothing happens by it to a process that did not ask for it.
"""

import os
import shlex
from typing import Tuple

NOTES = "interpreters"
STACKS = "stacks.log"

# Read by any Python that starts inside a run, Python 2 too; it may not break the start of one.
SITECUSTOMIZE = """\
# Written for this run: lets `from workbench import Run` work, after everything that is installed.
import os
import sys


def _step_aside():
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [p for p in sys.path if os.path.normpath(p) != here]
    if sys.version_info >= (3, 6) and {payload} not in sys.path:
        sys.path.append({payload})


def _note():
    # Which interpreter this is: a file of its name, made by the first process that it has in the run.
    system = os.uname()
    lines = [sys.executable or "", "%d.%d.%d" % sys.version_info[:3], system[0].lower() + "-" + system[4]]
    name = lines[0].replace("%", "%25").replace("/", "%2F")[-200:]
    try:
        handle = os.open(os.path.join({notes}, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 384)
        os.write(handle, getattr(os, "fsencode", str)("\\n".join(lines) + "\\n"))
        os.close(handle)
    except (EnvironmentError, ValueError):
        return  # it is there already, or cannot be made: no reason to hold a script up


def _tell_where():
    # In C, so that it also works while the interpreter is stuck; no other program inherits the descriptor.
    try:
        import _signal
        import faulthandler

        handle = os.open({stacks}, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 384)
        faulthandler.register(_signal.SIGURG, handle, all_threads=True)
    except Exception:
        return  # an interpreter without it, a full disk: no reason to hold a script up


def _next_sitecustomize():
    # The one that this file hides; its own errors are reported by site as they always are.
    mine = sys.modules.pop(__name__, None)
    try:
        import sitecustomize
    except ImportError:
        error = sys.exc_info()[1]
        if getattr(error, "name", None) != "sitecustomize" and str(error) != "No module named sitecustomize":
            raise
        if mine is not None:
            sys.modules[__name__] = mine


_step_aside()
if os.environ.get("WORKBENCH_RUN_ID"):  # else it is a shell beside the run
    _note()
    _tell_where()
_next_sitecustomize()
"""


def write_shims(run_dir: str, payload: str, python: str) -> Tuple[str, str]:
    """Write bin/, site/ and an empty interpreters/ into a run's folder; paths of the first two.

    Raises OSError.

    run_dir: absolute; shims that it has already are replaced. payload: path of the zip that has the package.
    python: absolute path of the interpreter that `python` and `python3` shall be; a script starts it,
    since a link would hide a virtual environment from it. Empty: there is none (in a container without one).
    """
    bin_dir = os.path.join(run_dir, "bin")
    site_dir = os.path.join(run_dir, "site")
    notes = os.path.join(run_dir, NOTES)
    for folder in (bin_dir, site_dir, notes):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    for note in os.listdir(notes):  # of an earlier attempt
        os.unlink(os.path.join(notes, note))
    script = '#!/bin/sh\nexec %s "$@"\n' % shlex.quote(python)
    for name in ("python", "python3"):
        if python:
            _write(os.path.join(bin_dir, name), script, 0o700)
    stacks = os.path.join(run_dir, STACKS)
    text = SITECUSTOMIZE.format(
        payload=ascii(os.path.abspath(payload)), notes=ascii(notes), stacks=ascii(stacks)
    )
    _write(os.path.join(site_dir, "sitecustomize.py"), text, 0o600)
    return bin_dir, site_dir


def _write(path: str, text: str, mode: int) -> None:
    descriptor = os.open(path + ".partial", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(text.encode("utf-8", "surrogateescape"))
    os.replace(path + ".partial", path)
