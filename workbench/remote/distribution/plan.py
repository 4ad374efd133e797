"""What the launcher of a distributed run is told, and what it leaves: two small files in the run's folder."""

import glob
import os
from typing import Any, Dict, List, NamedTuple, Optional, Union

from workbench.remote.distribution.variables import Layout
from workbench.remote.forms import protocol
from workbench.remote.processes.launch import LONGEST_WORD, check_command, find_shell
from workbench.remote.runs.endings import Ending, signal_name
from workbench.remote.runs.runfolder import RunFolder, read_object, write_whole
from workbench.remote.starting import argv_of

PLAN = "ranks.plan"
ENDS = "ranks.json"  # {"attempt", "first": rank, "ends": [{"rank", "exit_code" or "signal", "told"}]}
ENDS_OF_ONE = "rank-%d.json"  # the same of one rank, where mpirun started it
SCRIPT = "rank.sh"  # a command that is too long for one word of an argv
PROGRAM = "ranks"  # the word of the payload's entry
MOST = 4 << 20


class Plan(
    NamedTuple(
        "_Plan",
        [
            ("path", str),
            ("layout", Layout),
            ("argv", List[str]),
            ("attempt", int),
            ("secrets", List[str]),
            ("grace", float),
            ("cap", int),
        ],
    )
):
    """What is started, as `distributed` wrote it down at path."""

    __slots__ = ()

    @property
    def logs(self):
        # type: () -> str
        """The folder of the ranks' own logs."""
        return os.path.join(os.path.dirname(self.path), "logs")

    def ends_of(self, rank):
        # type: (Optional[int]) -> str
        """Where it is said how they ended: all of them, or the one that has a launcher of its own."""
        name = ENDS if rank is None else ENDS_OF_ONE % rank
        return os.path.join(os.path.dirname(self.path), name)


def distributed(payload, folder, spec, python=None):
    # type: (str, RunFolder, Dict[str, Any], Optional[str]) -> Dict[str, Any]
    """The spec with the launcher as its command; what that starts is written down beside it.

    python: the word that starts the launcher; None: this interpreter. Raises ValueError for a distribution
    or command that cannot be, OSError.
    """
    asked = spec["distribution"]
    Layout(asked)
    check_command(spec.get("command"))
    configuration = spec.get("configuration")
    secrets = (configuration.get("secrets") if isinstance(configuration, dict) else None) or []
    told = {
        "distribution": asked,
        "command": spec["command"],
        "attempt": int(spec.get("attempt") or 1),
        "secrets": [str(name) for name in secrets],
        "grace": folder.grace(spec),
        "cap": int(spec.get("stream_cap") or protocol.DEFAULT_STREAM_CAP),
    }
    path = folder.inside(PLAN)
    write_whole(path, protocol.dumps(told), sync=False)
    return dict(spec, command=argv_of(payload, [PROGRAM, path], python))


def read_plan(path):
    # type: (str) -> Plan
    """What `distributed` wrote. Raises ValueError, OSError."""
    told = read_object(path, MOST)
    if told is None:
        raise ValueError("there is no %s" % path)
    return Plan(
        path,
        Layout(told["distribution"]),
        _argv(told["command"], os.path.dirname(path)),
        int(told["attempt"]),
        [str(name) for name in told["secrets"]],
        float(told["grace"]),
        int(told["cap"]),
    )


def _argv(command, run_dir):
    # type: (Union[str, List[str]], str) -> List[str]
    """A list is an exact argv, a text is for the shell: in a file where it is long."""
    if isinstance(command, list):
        return [str(word) for word in command]
    if len(os.fsencode(command)) < LONGEST_WORD:
        return [find_shell(), "-c", command]
    script = os.path.join(run_dir, SCRIPT)
    write_whole(script, os.fsencode(command), sync=False)
    return [find_shell(), script]


def end_of(rank, status, told):
    # type: (int, int, bool) -> Dict[str, Any]
    """How a rank ended, from its wait status; told: only because it was told to."""
    found = {"rank": rank, "told": told}  # type: Dict[str, Any]
    if status & 0x7F:
        found["signal"] = status & 0x7F
    else:
        found["exit_code"] = status >> 8
    return found


def end_words(end):
    # type: (Dict[str, Any]) -> str
    """`exit code 3`, `killed by SIGKILL`."""
    if "signal" in end:
        return "killed by %s" % signal_name(int(end["signal"]))
    return "exit code %d" % int(end["exit_code"])


def with_rank(folder, spec, ending):
    # type: (RunFolder, Dict[str, Any], Ending) -> Ending
    """The ending of a distributed run, with the rank that failed first."""
    if not spec.get("distribution") or ending.state != protocol.FAILED:
        return ending
    try:
        told = _words_left(folder, int(spec.get("attempt") or 1))
        if told is None:
            return ending
        if told.get("problem"):
            words = str(told["problem"])[:400]
        else:
            words = "rank %d of %d failed first" % (int(told["first"]), int(told["processes"]))
    except (ValueError, OSError, KeyError, TypeError):
        return ending  # how it ended is known without it
    return ending._replace(message="%s: %s" % (words, ending.message or "failed"))


def _words_left(folder, attempt):
    # type: (RunFolder, int) -> Optional[Dict[str, Any]]
    """What was left by who saw the first failure of this attempt; None when nobody saw one."""
    single = glob.glob(os.path.join(glob.escape(folder.path), ENDS_OF_ONE.replace("%d", "*")))
    found = [read_object(path, MOST) for path in [folder.inside(ENDS)] + single]
    told = [one for one in found if one and one.get("attempt") == attempt]
    failed = [one for one in told if one.get("problem") or isinstance(one.get("first"), int)]
    return min(failed, key=lambda one: float(one["time"])) if failed else None
