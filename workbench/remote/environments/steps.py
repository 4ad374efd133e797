"""What building is made of: commands whose output goes to the log, ended when nobody waits any more."""

import os
import select
import signal
import subprocess
import time
from typing import IO, Callable, Iterable, List, Mapping, Optional

from workbench.remote.disk.filelock import try_lock
from workbench.remote.environments.places import Place
from workbench.remote.machine import Machine
from workbench.remote.processes.masking import Mask, masked_text
from workbench.remote.processes.process_trees import Identity, descendants, end_tree, identity

PR_SET_PDEATHSIG = 1
LOOK = 0.25  # seconds between two looks whether anybody waits
GRACE = 1.0  # seconds between TERM and KILL
LAST = 16384  # bytes of a step's output among which its reason is looked for
MAX_LOG = 8 << 20  # bytes of one build's log
MAX_ANSWER = 8 << 20


class StepFailed(Exception):
    """A step of a build failed; why, in one sentence."""

    def __init__(self, message, hint="", said=""):
        # type: (str, str, str) -> None
        super(StepFailed, self).__init__(message)
        self.message = message
        self.hint = hint
        self.said = said  # the last of what it wrote, for who knows how to read it


class Unwanted(Exception):
    """Nobody waits for it any more."""


class Log(object):
    """The log of an environment's builds, one after the other; secrets are taken out.

    offset: where this build's begins. Without room nothing is said, and the build goes on.
    """

    def __init__(self, path, secrets, kept):
        # type: (str, Iterable[str], int) -> None
        self._secrets = list(secrets)
        self._mask = Mask(self._secrets)
        self._file = None  # type: Optional[IO[bytes]]
        self.offset = 0
        self._room = MAX_LOG
        try:
            if os.path.exists(path) and os.path.getsize(path) > kept:
                os.unlink(path)
            self._file = open(path, "ab", 0)
            self.offset = self._file.tell()
        except OSError:
            pass

    def masked(self, text):
        # type: (str) -> str
        """The text without the values of secrets."""
        return masked_text(text, self._secrets)

    def say(self, words):
        # type: (str) -> None
        """A line of ours."""
        self.write(self._mask.rest())
        self.write(("[%s]\n" % words).encode("utf-8", "replace"))

    def feed(self, data):
        # type: (bytes) -> None
        """What a step said."""
        self.write(self._mask.feed(data))

    def write(self, data):
        # type: (bytes) -> None
        """Bytes that may be shown."""
        data = data[: self._room]
        if not data or self._file is None:
            return
        self._room -= len(data)
        try:
            self._file.write(data)
        except OSError:
            self._room = 0

    def close(self):
        # type: () -> None
        """Nothing more comes."""
        self.write(self._mask.rest())
        if self._file is not None:
            self._file.close()


def die_with_parent():
    # type: () -> Callable[[], None]
    """What a child is to call before it becomes its program, so that it does not outlive us."""
    try:
        import ctypes  # some pythons are built without

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return lambda: None
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) and None


class Steps(object):
    """Runs the steps of one build. noted: told who carries out the step in hand."""

    def __init__(self, machine, place, log, noted):
        # type: (Machine, Place, Log, Callable[[Optional[Identity]], None]) -> None
        self.machine = machine
        self.place = place
        self.log = log
        self._noted = noted
        self._mortal = die_with_parent()
        self._next = 0.0

    def check(self):
        # type: () -> None
        """Raise Unwanted when nobody waits any more."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + LOOK
        # Never let go again: who comes now finds it taken until this process is gone, and builds anew.
        if try_lock(self.place.wanted) is not None:
            raise Unwanted()

    def run(self, argv, environment, said=None):
        # type: (List[str], Mapping[str, str], Optional[str]) -> bytes
        """Run a command to its end; its standard output. Its errors go to the log, both when said is given.

        said: the line the log has before it. Raises StepFailed with its last words, Unwanted, OSError.
        """
        self.check()
        if said is not None:
            self.log.say(said)
        try:
            child = subprocess.Popen(
                argv,
                env=dict(environment),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                preexec_fn=self._mortal,  # noqa: PLW1509 - a builder has no threads
            )
        except OSError as error:
            raise StepFailed("%s cannot be started: %s" % (argv[0], error.strerror))
        try:
            self._noted(identity(child.pid))
            out, last = self._output(child, said is not None)
        finally:
            end_tree(lambda: descendants(os.getpid()), GRACE, 5.0, lambda: _collect(child))
            for pipe in (child.stdout, child.stderr):
                if pipe is not None:
                    pipe.close()
        if child.returncode != 0:
            words = self.log.masked(last_words(last, argv[0], child.returncode or 0))
            raise StepFailed(words, said=self.log.masked(last.decode("utf-8", "replace")))
        return out

    def _output(self, child, shown):
        # type: (subprocess.Popen[bytes], bool) -> tuple[bytes, bytes]
        """All of its standard output, and the last of what it said at all."""
        assert child.stdout is not None
        assert child.stderr is not None
        out, last = b"", b""
        open_pipes = {child.stdout.fileno(): True, child.stderr.fileno(): False}
        poll = select.poll()
        for pipe in open_pipes:
            poll.register(pipe, select.POLLIN | select.POLLHUP)
        while open_pipes:
            ready = poll.poll(LOOK * 1000)
            if not ready and child.poll() is not None:
                break  # what it left running, as a server of compilers is, holds its output open
            for pipe, _ in ready:
                data = os.read(pipe, 65536)
                if not data:
                    poll.unregister(pipe)
                    del open_pipes[pipe]
                    continue
                if open_pipes[pipe] and len(out) < MAX_ANSWER:
                    out += data
                last = (last + data)[-LAST:]
                if shown or not open_pipes[pipe]:
                    self.log.feed(data)
            self.check()
        while child.poll() is None:  # it closed its output and goes on
            self.check()
            time.sleep(0.02)
        return out, last


def _collect(child):
    # type: (subprocess.Popen[bytes]) -> None
    """Take its end, and those of orphans that came to us."""
    if child.poll() is None:
        return
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def last_words(said, program, code):
    # type: (bytes, str, int) -> str
    """Why a command failed, in one sentence: the last useful thing that it said."""
    text = said.decode("utf-8", "replace")
    lines = [line.strip(" \t\r│├╰┃▶×·╭─") for line in text.split("\n")]
    lines = [line for line in lines if line]
    if "No space left on device" in text or "os error 28" in text:
        return "the disk of the machine is full"
    if "Disk quota exceeded" in text or "os error 122" in text:
        return "the quota on the machine is used up"
    lines = ["Caused by:" + line[len("cause:") :] if line.startswith("cause:") else line for line in lines]
    causes = [line for line in lines if line.startswith("error:") or line.startswith("Caused by:")]
    useful = [line for line in lines if not line.startswith(("hint:", "warning:", "help:"))]
    chosen = causes or useful
    if chosen:
        first = chosen[0].partition("error:")[2].strip() or chosen[0]
        root = chosen[-1].partition("Caused by:")[2].strip()
        words = first if not root or root == first else "%s: %s" % (first, root)
        following = continued(lines, chosen[-1])
        return (words + (" " + following if following else ""))[:600]
    name = os.path.basename(program)
    if code < 0:
        return "%s was killed by signal %d%s" % (name, -code, "; memory may be short" if code == -9 else "")
    return "%s failed with exit code %d" % (name, code)


def continued(lines, line):
    # type: (List[str], str) -> str
    """The rest of a sentence that goes on in the next lines, where that one ends without an end."""
    rest = lines[lines.index(line) + 1 :]
    words = []  # type: List[str]
    for following in rest[:4]:
        if following.startswith(("hint:", "error:", "Caused by:", "[")):
            break
        words.append(following)
    return " ".join(words)
