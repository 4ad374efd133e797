"""Which docker-compatible command this machine has, of what kind it is and whether it works."""

import os
import shlex
from typing import Any, Dict, List, NamedTuple, Optional

from workbench.remote.containers.calls import Answer, call
from workbench.remote.containers.trouble import explained

DOCKER, PODMAN, NERDCTL = "docker", "podman", "nerdctl"
KNOWN = (DOCKER, PODMAN, NERDCTL)
"""Looked for in this order where the target's settings name none."""
SWITCHED_OFF = "none"
"""The setting of a machine that is to run no containers, whatever is installed there."""
PLACES = (
    "/usr/local/bin",
    "/usr/bin",
    "/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/snap/bin",
    "~/bin",
    "~/.local/bin",
)
ASK_SECONDS = 20.0
SETTING = "name the command: wb compute set NAME container_engine=COMMAND"
INSTALL = "have docker, podman or nerdctl installed there; or " + SETTING
NAMED = "wb compute set NAME container_engine=podman"
LOOK = "command -v docker podman nerdctl"

# argv: the words before a subcommand. kind: one of KNOWN. rootless: who is root in a container is this user.
# gpus: whether it says that it can hand NVIDIA's GPUs on; None: it does not say.
Engine = NamedTuple(
    "Engine",
    [("argv", List[str]), ("kind", str), ("version", str), ("rootless", bool), ("gpus", Optional[bool])],
)


class NoEngine(Exception):
    """This machine has no docker-compatible command that works; message is one line, hint what to do.

    fix: a command to copy, as a doctor's line has one.
    """

    code = "no_container_engine"

    def __init__(self, message, hint, fix):
        # type: (str, str, str) -> None
        super(NoEngine, self).__init__(message)
        self.message = message
        self.hint = hint
        self.fix = fix


class NoneInstalled(NoEngine):
    """There is no trace of an engine, and none was named."""

    def __init__(self):
        # type: () -> None
        super(NoneInstalled, self).__init__(
            "this machine has none of docker, podman and nerdctl", INSTALL, LOOK
        )


def find_engine(command=None, path=None):
    # type: (Optional[str], Optional[str]) -> Engine
    """The engine that the target's settings name, else the first of KNOWN that works. Raises NoEngine.

    command: words such as "podman" or "sudo -n docker"; "none": there is to be none. path: where programs
    are looked for; PATH and the usual folders when None.
    """
    if command == SWITCHED_OFF:
        raise NoEngine(
            "this machine's settings say that it runs no containers",
            "environments that are images fail here, as the settings want it",
            "wb compute set NAME container_engine=auto",
        )
    if command:
        return asked(split_command(command), path)
    problems = []
    for name in KNOWN:
        if program_of(name, path) is None:
            continue
        try:
            return asked([name], path)
        except NoEngine as problem:
            problems.append(problem)
    if problems:
        first = problems[0]
        raise NoEngine("; ".join(problem.message for problem in problems), first.hint, first.fix)
    raise NoneInstalled()


def split_command(command):
    # type: (str) -> List[str]
    """The words of the setting. Raises NoEngine for what are none."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise NoEngine("container_engine cannot be read as words: %s" % error, SETTING, NAMED)
    if not words:
        raise NoEngine("container_engine is empty", SETTING, NAMED)
    return words


def asked(words, path=None):
    # type: (List[str], Optional[str]) -> Engine
    """What an engine says of itself. Raises NoEngine when it is not there or does not work."""
    program = program_of(words[0], path)
    if program is None:
        raise NoEngine("there is no %s on this machine" % words[0], INSTALL, LOOK)
    argv = [program] + words[1:]
    named = call(argv + ["--version"], ASK_SECONDS)
    kind = kind_of(named.out + named.err, words)
    # Docker says with code 0 that it cannot reach its daemon, and fills "ServerErrors".
    told = call(argv + ["info", "--format", "{{json .}}"], ASK_SECONDS)
    found = as_object(told)
    problem = server_problem(found)
    if told.code != 0 or problem or not found:
        raise refused(words, told, problem)
    return engine_of(argv, kind, found)


def refused(words, answer, problem=""):
    # type: (List[str], Answer, str) -> NoEngine
    """The error for an engine that answered so to `info`."""
    said = problem or answer.last_words()
    known = explained(said)
    if known is not None:
        return NoEngine("%s does not work: %s" % (" ".join(words), known.words), known.hint, known.fix)
    if answer.timed_out:
        said = "it did not answer within %d s" % ASK_SECONDS
    return NoEngine(
        "%s does not work: %s" % (" ".join(words), said or "exit code %d" % answer.code),
        "try it there by hand; it says more about it",
        by_hand(words),
    )


def by_hand(words):
    # type: (List[str]) -> str
    """The line that asks an engine what is wrong with it."""
    return "%s info" % " ".join(shlex.quote(word) for word in words)


def engine_of(argv, kind, info):
    # type: (List[str], str, Dict[str, Any]) -> Engine
    """An engine from what its `info` told: podman has lower-case sections, docker and nerdctl one level."""
    host = info.get("host")
    if isinstance(host, dict):
        security = host.get("security")
        rootless = bool(security.get("rootless")) if isinstance(security, dict) else os.getuid() != 0
        version = info.get("version")
        number = version.get("Version") if isinstance(version, dict) else ""
        return Engine(argv, PODMAN, str(number or "")[:100], rootless, None)
    options = info.get("SecurityOptions")
    rootless = any("rootless" in str(option) for option in options) if isinstance(options, list) else False
    runtimes = info.get("Runtimes")
    gpus = "nvidia" in runtimes if isinstance(runtimes, dict) else None
    return Engine(argv, kind, str(info.get("ServerVersion") or "")[:100], rootless, gpus)


def kind_of(version_text, words):
    # type: (str, List[str]) -> str
    """The kind by what `--version` prints, so that a podman called docker is known as what it is."""
    text = version_text.lower()
    for kind in (PODMAN, NERDCTL):
        if kind in text:
            return kind
    names = [os.path.basename(word) for word in words]
    return next((kind for kind in KNOWN if kind in names), DOCKER)


def remembered(engine):
    # type: (Engine) -> Dict[str, Any]
    """What an engine said of itself, to be kept with an image: asking it costs half a second."""
    told = dict(engine._asdict(), argv=list(engine.argv))
    return dict(told, program=program_stamp(engine.argv[0]))


def recalled(kept, command=None):
    # type: (Any, Optional[str]) -> Optional[Engine]
    """The engine of `remembered`; None where another is wanted now, or where it was changed since."""
    if not isinstance(kept, dict) or not kept.get("program"):
        return None
    argv = [str(word) for word in kept.get("argv") or []]
    if not argv or kept["program"] != program_stamp(argv[0]):
        return None
    if command:
        words = split_command(command)
        if [program_of(words[0])] + words[1:] != argv:
            return None
    gpus = kept.get("gpus")
    gpus = gpus if isinstance(gpus, bool) else None
    return Engine(argv, str(kept.get("kind")), str(kept.get("version")), bool(kept.get("rootless")), gpus)


def program_stamp(path):
    # type: (str) -> List[Any]
    """What tells that a program is still the same file; empty when it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return []
    return [os.path.realpath(path), found.st_size, int(found.st_mtime)]


def as_object(answer):
    # type: (Answer) -> Dict[str, Any]
    """The JSON object an engine printed; empty when it printed none."""
    import json

    try:
        value = json.loads(answer.out)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def server_problem(info):
    # type: (Dict[str, Any]) -> str
    """Why docker's client could not ask its daemon, as it told; empty when it could."""
    errors = info.get("ServerErrors")
    return str(errors[0]) if isinstance(errors, list) and errors else ""


def program_of(word, path=None):
    # type: (str, Optional[str]) -> Optional[str]
    """The file a command's first word means; a daemon's PATH is short, so the usual places count too."""
    import shutil  # here: supervisors stay small

    if "/" in word:
        word = os.path.expanduser(word)
        return word if os.path.isfile(word) and os.access(word, os.X_OK) else None
    if path is not None:
        return shutil.which(word, path=path)
    places = [os.environ.get("PATH", os.defpath)] + [os.path.expanduser(place) for place in PLACES]
    return shutil.which(word, path=os.pathsep.join(places))
