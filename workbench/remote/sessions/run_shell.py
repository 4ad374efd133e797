"""A shell in a run's folder, with what the run has around it but not as the run: nothing it does is recorded.

Its processes carry neither the run's id nor its folder under the names that tracking and the ending of a run
look for; WORKBENCH_SHELL_OF says which run it is.
"""

import os
import re
import shlex
from typing import Any, Dict, Mapping, NamedTuple, Tuple

from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.processes import launch
from workbench.remote.runs import environ, run_status
from workbench.remote.runs.runfolder import RunFolder, write_whole
from workbench.remote.sessions import programs
from workbench.remote.wire import parameters
from workbench.remote.wire.problems import RequestError

SHELL_OF = "WORKBENCH_SHELL_OF"
IDENTITY = (protocol.ENV_RUN_ID, protocol.ENV_RUN_DIR, protocol.ENV_ATTEMPT, "AZUREML_RUN_ID")

# name: the run's. environment: what is set in its folder. lacks: it wanted GPUs and has none now.
Place = NamedTuple(
    "Place", [("folder", RunFolder), ("name", str), ("environment", Dict[str, str]), ("lacks", bool)]
)


def place_of(machine, run_id, base):
    # type: (Machine, str, Mapping[str, str]) -> Place
    """Where a run works and what is around it there. base: the environment it is added to.

    CUDA_VISIBLE_DEVICES is that of its lease; none are seen where it has none any more, or not yet.
    Raises RequestError when there is no such run, or no folder of its code yet.
    """
    folder = RunFolder(machine, run_id)
    spec = folder.read_spec()
    if spec is None:
        raise RequestError("not_found", "run %s is not on this machine" % run_id)
    if not os.path.isdir(folder.code):
        raise RequestError("conflict", "the run's code is not laid out yet", "try again once it has started")
    bin_dir, site_dir = folder.inside("bin"), folder.inside("site")
    found = environ.run_environment(base, spec, folder.path, bin_dir, site_dir, {})
    for name in IDENTITY:
        found.pop(name, None)
    found[SHELL_OF] = run_id
    status = folder.read_status() or {}
    over = run_status.is_terminal(status)
    devices = [] if over else [str(device) for device in status.get("gpus") or []]
    visible = environ.visible_devices(spec.get("gpus"), devices)
    if visible is not None:
        found["CUDA_VISIBLE_DEVICES"] = visible
    return Place(folder, str(spec.get("name") or run_id), found, bool(spec.get("gpus")) and not devices)


def asked_in_run(machine, params, around):
    # type: (Machine, Dict[str, Any], Mapping[str, str]) -> Tuple[programs.Work, bool]
    """What a request wants to be done in the folder of params run: argv, shell (a line), or a shell.

    And whether it sees no GPUs although the run wanted some: it has none any more, or not yet.
    """
    place = place_of(machine, parameters.run_id(params), around)
    given = parameters.texts(params, "env")
    place.environment.update(given)
    if params.get("argv") is None and params.get("shell") is None:
        program = interactive(place, programs.login_shell(place.environment))
    else:
        program = programs.asked_program(params, place.environment)
    lacks = place.lacks and "CUDA_VISIBLE_DEVICES" not in given
    return programs.Work(program, place.folder.code, place.environment), lacks


def interactive(place, shell):
    # type: (Place, str) -> programs.Program
    """The user's shell, without what only a login reads, since that often sets PATH anew.

    What its start-up files do to PATH stands behind the run's own. Raises OSError.
    """
    name = os.path.basename(shell)
    bin_dir, site_dir = place.folder.inside("bin"), place.folder.inside("site")
    lines = launch.found_again("PATH", bin_dir, True) + launch.found_again("PYTHONPATH", site_dir, True)
    prompt = re.sub(r"[^A-Za-z0-9_.-]", "", place.name)[:40]
    lines += ["cd -- %s" % shlex.quote(place.folder.code), 'PS1="(%s) $PS1"' % prompt]
    again = "\n".join(lines) + "\n"
    if name == "bash":
        return programs.Program(shell, [name, "--rcfile", _bash_file(place, again), "-i"])
    if name == "zsh":
        place.environment["ZDOTDIR"] = _zsh_folder(place, again)
        return programs.Program(shell, [name, "-i"])
    if name == "fish":
        folder, code = shlex.quote(bin_dir), shlex.quote(place.folder.code)
        first = "set -gx PATH %s (string match -v -- %s $PATH); cd %s" % (folder, folder, code)
        return programs.Program(shell, [name, "-i", "-C", first])
    return programs.Program(shell, [name, "-i"])


def _bash_file(place, again):
    # type: (Place, str) -> str
    path = place.folder.inside("shell.bash")
    write_whole(path, os.fsencode("[ -f ~/.bashrc ] && . ~/.bashrc\n" + again), sync=False)
    return path


def _zsh_folder(place, again):
    # type: (Place, str) -> str
    """A folder of start-up files that read the user's own and are out of the way afterwards."""
    theirs = place.environment.get("ZDOTDIR") or place.environment.get("HOME", "")
    path = place.folder.inside("shell.zsh")
    os.makedirs(path, 0o700, exist_ok=True)
    own = shlex.quote(theirs)
    for name in (".zshenv", ".zshrc"):
        lines = ["ZDOTDIR=%s" % own, "[ -f %s/%s ] && . %s/%s" % (own, name, own, name)]
        lines += ["ZDOTDIR=%s" % shlex.quote(path)] if name == ".zshenv" else [again.rstrip("\n")]
        write_whole(os.path.join(path, name), os.fsencode("\n".join(lines) + "\n"), sync=False)
    return path
