"""How a command becomes a process: an argv, or a script when setup lines come first in the same shell."""

import errno
import fcntl
import os
import shlex
import signal
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

SCRIPT = "launch.sh"
LONGEST_WORD = 100000  # bytes; the kernel takes 128 KiB for one word of an argv
SAY, HEAR = 9, 8  # the script's descriptors; a single digit is all that every sh can redirect
RESET = ("SIGPIPE", "SIGXFSZ", "SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGCHLD")

# argv: what is executed. script: content of launch.sh in the run's folder, None when there is none.
# shakes: whether the script reports its setup lines and waits for a word before the command.
Launch = NamedTuple("Launch", [("argv", List[str]), ("script", Optional[str]), ("shakes", bool)])


def plan_launch(spec, script_path, shell, bin_dir, site_dir):
    # type: (Dict[str, Any], str, str, str, str) -> Launch
    """How to start a spec's command.

    A list is an exact argv, a text a line or script of the shell. Setup lines and a login shell need a
    script: it runs each line by eval, says before each which one it is, then "ready" on SAY, waits for
    one line on HEAR ("=VALUE": CUDA_VISIBLE_DEVICES; "-": leave it) and goes on as the command.
    Raises ValueError for a command that cannot be run at all.
    """
    command = spec.get("command")
    setup = [str(line) for line in spec.get("setup") or []]
    login = bool(spec.get("login_shell"))
    check_command(command)
    if not setup and not login:
        if isinstance(command, list):
            return Launch(command, None, False)
        if len(os.fsencode(str(command))) < LONGEST_WORD:
            return Launch([shell, "-c", str(command)], None, False)
    script = launch_script(command, setup, bin_dir, site_dir, bool(spec.get("python")))
    return Launch([shell] + (["-l"] if login else []) + [script_path], script, True)


def check_command(command):
    # type: (Any) -> None
    """Raise ValueError, in words, for what is no command."""
    words = command if isinstance(command, list) else [command]
    if not words or not all(isinstance(word, str) for word in words) or not words[0].strip():
        raise ValueError("the command is empty")
    if any("\0" in word for word in words):
        raise ValueError("the command has a NUL character in it")


def launch_script(command, setup, bin_dir, site_dir, chosen_python):
    # type: (Any, List[str], str, str, bool) -> str
    """The text of launch.sh. chosen_python: the run's interpreter stays first on PATH whatever setup did."""
    lines = []
    for number, line in enumerate(setup, 1):
        lines.append("echo %d >&%d" % (number, SAY))
        lines.append("eval %s || exit" % shlex.quote(line))
    lines += found_again("PATH", bin_dir, chosen_python) + found_again("PYTHONPATH", site_dir, True)
    lines += [
        "echo ready >&%d" % SAY,
        "IFS= read -r workbench_devices <&%d || exit 125" % HEAR,
        "exec %d<&- %d>&-" % (HEAR, SAY),
        'case "$workbench_devices" in',
        "=*) CUDA_VISIBLE_DEVICES=${workbench_devices#=}; export CUDA_VISIBLE_DEVICES ;;",
        "esac",
        "unset workbench_devices",
    ]
    if isinstance(command, list):
        lines.append("set -- " + " ".join(shlex.quote(word) for word in command))
        lines.append('exec "$@"')
    else:
        lines.append(str(command))
    return "\n".join(lines) + "\n"


def found_again(variable, folder, first):
    # type: (str, str, bool) -> List[str]
    """Shell lines that put our folder back on a search path that setup or login files replaced."""
    quoted = shlex.quote(folder)
    if first:
        whole = "%s=%s${%s:+:$%s}; export %s" % (variable, quoted, variable, variable, variable)
        return ['case "${%s-}" in %s|%s:*) ;; *) %s ;; esac' % (variable, quoted, quoted, whole)]
    whole = "%s=${%s:+$%s:}%s; export %s" % (variable, variable, variable, quoted, variable)
    return ['case ":${%s-}:" in *:%s:*) ;; *) %s ;; esac' % (variable, quoted, whole)]


def find_shell():
    # type: () -> str
    """bash where there is one, else sh."""
    for path in ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"):
        if os.access(path, os.X_OK):
            return path
    return "/bin/sh"


def find_program(word, path, directory):
    # type: (str, str, str) -> Optional[str]
    """The file a command's first word means, as execvp looks it up; None when there is none."""
    if "/" in word:
        candidates = [os.path.join(directory, word)]
    else:
        candidates = [os.path.join(directory, folder, word) for folder in path.split(os.pathsep)]
    for candidate in candidates:
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    return None


def start(launch, directory, environment, output, umask, hear=None, say=None):
    # type: (Launch, str, Mapping[str, str], int, int, Optional[int], Optional[int]) -> int
    """Start the command in a session of its own and return its pid.

    output: descriptor for stdout and stderr; stdin is empty. hear, say: descriptors that become HEAR and
    SAY. Raises OSError with the exec's errno when it cannot be started; nothing is left then.
    """
    failed, report = os.pipe()
    pid = os.fork()
    if pid == 0:
        report = _lifted(report)
        try:
            os.umask(umask)
            _become(launch, directory, environment, [None, output, output], (hear, say))
        except OSError as error:
            os.write(report, b"%d" % (error.errno or 0))
        finally:
            os._exit(127)
    os.close(report)
    try:
        told = os.read(failed, 64)
    finally:
        os.close(failed)
    if told:
        os.waitpid(pid, 0)
        raise OSError(int(told), os.strerror(int(told)), launch.argv[0])
    return pid


def _become(launch, directory, environment, standard, talk):
    # type: (Launch, str, Mapping[str, str], List[Optional[int]], Tuple[Optional[int], Optional[int]]) -> None
    """In the child: everything between fork and exec; returns only by raising OSError."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for name in RESET:
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    raise_oom_score()
    standard[0] = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    # All are lifted above the numbers that get replaced, so that none is overwritten before its turn.
    kept = [None if number is None else _lifted(number) for number in standard + list(talk)]
    for number, target in zip(kept, (0, 1, 2, HEAR, SAY)):
        if number is not None:
            os.dup2(number, target)
            os.set_inheritable(target, True)
    os.chdir(directory)
    encoded = {os.fsencode(name): os.fsencode(value) for name, value in environment.items()}
    words = [os.fsencode(word) for word in launch.argv]
    program = find_program(launch.argv[0], environment.get("PATH", ""), directory)
    if program is None:
        raise FileNotFoundError(errno.ENOENT, "not found")
    try:
        os.execve(os.fsencode(program), words, encoded)
    except OSError as error:
        if error.errno != errno.ENOEXEC:  # a script without #! runs under sh, as every shell does it
            raise
        os.execve(b"/bin/sh", [b"/bin/sh", os.fsencode(program)] + words[1:], encoded)


def _lifted(number):
    # type: (int) -> int
    return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 20)


def raise_oom_score():
    # type: () -> None
    """Make the kernel take this process before its supervisor when memory runs out; raising is free."""
    path = "/proc/self/oom_score_adj"
    try:
        with open(path) as file:
            now = int(file.read())
        with open(path, "w") as file:
            file.write(str(max(now, 500)))
    except (OSError, ValueError):
        pass  # a kernel without it: the run is merely not preferred
