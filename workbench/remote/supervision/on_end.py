"""What a run asked to have done when it is over: commands and webhooks, by a process of their own.

Whoever wrote down how the run ended starts it; the laptop may be closed. It holds neither lock nor lease, and
whatever becomes of it, the run is over as it was: how it went is in on_end.json, what was said in
logs/on_end.log.
"""

import os
import select
import signal
import time
from typing import IO, Any, Dict, List, Mapping, Optional, Sequence

from workbench.remote.forms import protocol
from workbench.remote.processes.aside import Aside
from workbench.remote.processes.launch import RESET, check_command, find_shell
from workbench.remote.processes.masking import Mask, masked_text
from workbench.remote.runs import environ, run_status
from workbench.remote.runs.runfolder import RunFolder, write_whole

RESULTS_FILE = "on_end.json"  # {"attempt", "done", "results": [{"what", "ok", "message"?}]}
LOG = "on_end.log"
SECONDS = 60.0  # for each of them
LINGER = 0.5  # seconds what a command wrote is still read after it ended
GRACE = 5.0  # seconds between TERM and KILL for a command that takes longer
MOST = 16
MAX_LOG = 1 << 20  # bytes of what all of them say
PAUSES = (0.0, 2.0, 8.0, 20.0)  # seconds before each try of a webhook
POST_SECONDS = 20.0
KEYS = frozenset(("command", "webhook", "webhook_secret", "allow", "plain_http", "sign"))


class Failure(Exception):
    """One of them did not go well; a sentence says why."""


def check_on_end(value):
    # type: (Any) -> None
    """Raise ValueError, in words, for what a spec cannot ask for."""
    entries = value or []
    if not isinstance(entries, list) or len(entries) > MOST:
        raise ValueError("on_end is no list of at most %d" % MOST)
    for entry in entries:
        if not isinstance(entry, dict) or not KEYS.issuperset(entry):
            raise ValueError("an entry of on_end has other fields than %s" % ", ".join(sorted(KEYS)))
        ways = [key for key in ("command", "webhook", "webhook_secret") if entry.get(key) is not None]
        if len(ways) != 1:
            raise ValueError("an entry of on_end is one of command, webhook and webhook_secret")
        if ways == ["command"]:
            check_command(entry["command"])
        elif not isinstance(entry[ways[0]], str) or not _texts(entry.get("allow") or []):
            raise ValueError("a webhook of on_end is a text, and what it allows a list of texts")


def _texts(value):
    # type: (Any) -> bool
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def start(folder, spec, status, secrets, umask):
    # type: (RunFolder, Dict[str, Any], run_status.Status, Mapping[str, str], int) -> None
    """Have it done, in a process that nobody waits for; returns at once. Nothing happens where none is asked.

    status: the terminal one, as it was written.
    """
    entries = spec.get("on_end")
    if not isinstance(entries, list) or not entries:
        return
    if status["transitions"][-1].get("cause") == protocol.CAUSE_WITHDRAWN:
        return  # it goes to another machine, and is not over
    write_results(folder, spec, [], False)
    try:
        if os.fork():
            return
    except OSError as error:
        problem = {"what": "all", "ok": False, "message": "it could not be started: %s" % error.strerror}
        write_results(folder, spec, [problem], True)
        return
    code = 1
    try:
        leave(umask)
        AtTheEnd(folder, spec, status, secrets).run(entries[:MOST])
        code = 0
    except Exception as error:  # a mistake of ours: nobody else is left to tell of it
        problem = {"what": "all", "ok": False, "message": "it broke: %s: %s" % (type(error).__name__, error)}
        write_results(folder, spec, [problem], True)
    finally:
        os._exit(code)


def leave(umask):
    # type: (int) -> None
    """Let go of all that was inherited: lock, pipes, signal handlers, the session."""
    signal.set_wakeup_fd(-1)
    for name in RESET:
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # a command may end before it has read what it is told
    os.setsid()
    os.umask(umask)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                os.close(int(name))
            except OSError:  # the one that listed the folder
                pass


def write_results(folder, spec, results, done):
    # type: (RunFolder, Dict[str, Any], List[Dict[str, Any]], bool) -> None
    """Say how far it is; a disk without room must not keep it from being done."""
    value = {"attempt": int(spec.get("attempt") or 1), "done": done, "results": results}
    try:
        write_whole(folder.inside(RESULTS_FILE), protocol.dumps(value))
    except OSError:
        pass


def told(spec, status):
    # type: (Dict[str, Any], run_status.Status) -> Dict[str, Any]
    """The run and its end, as a webhook's body and a command's standard input say them."""
    end = status["transitions"][-1]
    value = {
        "kind": "RunCompleted",
        "run": spec.get("run"),
        "name": spec.get("name"),
        "experiment": spec.get("experiment"),
        "workspace": spec.get("workspace"),
        "submitted_by": spec.get("submitted_by"),
        "tags": spec.get("tags") or {},
        "host": os.uname().nodename,
        "attempt": end.get("attempt"),
        "state": end.get("state"),
        "time": end.get("time"),
    }
    for name in ("cause", "message", "exit_code", "signal"):
        if end.get(name) is not None:
            value[name] = end[name]
    return value


def end_variables(spec, status):
    # type: (Dict[str, Any], run_status.Status) -> Dict[str, str]
    """What a command finds in its environment beside the run's own; what is not known is not there."""
    end = status["transitions"][-1]
    known = {
        "WORKBENCH_RUN_STATUS": end.get("state"),
        "WORKBENCH_RUN_NAME": spec.get("name"),
        "WORKBENCH_RUN_CAUSE": end.get("cause"),
        "WORKBENCH_RUN_MESSAGE": end.get("message"),
        "WORKBENCH_RUN_EXIT_CODE": end.get("exit_code"),
        "WORKBENCH_RUN_SIGNAL": end.get("signal"),
    }
    return {name: str(value).replace("\0", "") for name, value in known.items() if value is not None}


class AtTheEnd(object):
    """Does one after the other what a run asked for at its end."""

    def __init__(self, folder, spec, status, secrets):
        # type: (RunFolder, Dict[str, Any], run_status.Status, Mapping[str, str]) -> None
        self._folder = folder
        self._spec = spec
        self._secrets = secrets
        places = (folder.path, folder.inside("bin"), folder.inside("site"))
        self._environment = environ.run_environment(os.environ, spec, *places, secrets=secrets)
        self._environment.update(end_variables(spec, status))
        self._body = protocol.dumps(told(spec, status))
        self._room = MAX_LOG
        self._log = None  # type: Optional[IO[bytes]]

    def run(self, entries):
        # type: (Sequence[Dict[str, Any]]) -> None
        """All of them; what becomes of each is in the results."""
        try:
            os.makedirs(self._folder.logs, 0o755, exist_ok=True)
            self._log = open(os.path.join(self._folder.logs, LOG), "ab", 0)
        except OSError:
            pass  # without room it is done all the same, and nobody can read what it said
        try:
            self._do(entries)
        finally:
            if self._log is not None:
                self._log.close()

    def _do(self, entries):
        # type: (Sequence[Dict[str, Any]]) -> None
        results = []  # type: List[Dict[str, Any]]
        for number, entry in enumerate(entries, 1):
            what = "command" if entry.get("command") is not None else "webhook"
            self._say("[on_end %d: %s]\n" % (number, what))
            result = {"what": what, "ok": True}  # type: Dict[str, Any]
            try:
                if what == "command":
                    self._command(entry["command"])
                else:
                    self._webhook(entry)
            except Failure as failure:
                message = masked_text(str(failure), self._secrets.values())
                result.update(ok=False, message=message[:1000])
                self._say("[%s]\n" % message)
            results.append(result)
            write_results(self._folder, self._spec, results, len(results) == len(entries))

    def _say(self, text):
        # type: (str) -> None
        self._keep(text.encode("utf-8", "replace"))

    def _keep(self, piece):
        # type: (bytes) -> None
        """Write to the log what there is room for."""
        piece = piece[: self._room]
        self._room -= len(piece)
        if self._log is not None and piece:
            try:
                self._log.write(piece)
            except OSError:
                self._log = None

    def _command(self, command):
        # type: (Any) -> None
        import subprocess  # here: supervisors import this module, and must stay small

        words = [find_shell(), "-c", command] if isinstance(command, str) else list(command)
        code = self._folder.code
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=code if os.path.isdir(code) else self._folder.path,
                env=self._environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise Failure("%s cannot be started: %s" % (words[0], getattr(error, "strerror", None) or error))
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            self._follow(process)
        finally:
            process.stdin.close()
            process.stdout.close()
        status = process.returncode
        if status:
            how = "exit code %d" % status if status > 0 else "signal %d" % -status
            raise Failure("the command ended with %s; see logs/%s" % (how, LOG))

    def _follow(self, process):
        # type: (Any) -> None
        """Tell a command and keep what it says until it ends; raises Failure when that takes too long."""
        mask = Mask(self._secrets.values())
        output = process.stdout.fileno()
        deadline = time.monotonic() + SECONDS
        poll = select.poll()
        poll.register(output, select.POLLIN | select.POLLHUP)
        told = Telling(process.stdin, self._body + b"\n")
        open_still, ended = True, False
        heard_until = deadline
        while open_still or not ended:
            if ended and time.monotonic() > heard_until:
                break  # what it left running goes on writing
            if time.monotonic() > deadline:
                end_session(process)
                raise Failure("the command took longer than %g s" % SECONDS)
            told.step()
            ready = poll.poll(100 if told.over else 10) if open_still else []
            if not open_still:
                time.sleep(0.02)
            if ready:
                piece = os.read(output, 65536)
                self._keep(mask.feed(piece))
                if not piece:
                    open_still = False
                    poll.unregister(output)
            elif ended:
                break  # what it left running holds its output open, and says nothing now
            if not ended and process.poll() is not None:
                ended, heard_until = True, time.monotonic() + LINGER
        self._keep(mask.rest())

    def _webhook(self, entry):
        # type: (Dict[str, Any]) -> None
        url = self._secret(entry["webhook_secret"]) if entry.get("webhook_secret") else entry["webhook"]
        key = self._secret(entry["sign"]).encode("utf-8", "replace") if entry.get("sign") else None
        allow, plain_http = entry.get("allow") or [], bool(entry.get("plain_http"))
        deadline = time.monotonic() + SECONDS
        problem = ""
        for pause in PAUSES:
            if time.monotonic() + pause > deadline:
                break
            time.sleep(pause)
            answer = aside_until(lambda: post_once(url, self._body, allow, key, plain_http), deadline)
            problem = str(answer.get("problem") or "")
            if not problem:
                self._say("[answered %s]\n" % answer.get("status"))
                return
            if not answer.get("again"):
                break
        raise Failure("the webhook was not posted: %s" % problem)

    def _secret(self, name):
        # type: (str) -> str
        if name not in self._secrets:
            raise Failure("the run has no secret %s" % name)
        return self._secrets[name]


class Telling(object):
    """Writes to a command as far as it reads; it may read nothing, and what it is told may be long."""

    def __init__(self, pipe, body):
        # type: (IO[bytes], bytes) -> None
        self.over = False
        self._pipe = pipe
        self._left = memoryview(body)
        os.set_blocking(pipe.fileno(), False)

    def step(self):
        # type: () -> None
        """Write what it takes now; its input is closed when all is written."""
        try:
            while self._left:
                self._left = self._left[os.write(self._pipe.fileno(), self._left) :]
        except BlockingIOError:
            return
        except OSError:  # it ended, or does not read
            self._left = self._left[:0]
        if not self.over:
            self.over = True
            self._pipe.close()


def post_once(url, body, allow, key, plain_http):
    # type: (str, bytes, Sequence[str], Optional[bytes], bool) -> Dict[str, Any]
    """In a child: {"status"} of the answer, or {"problem", "again"}."""
    from workbench.remote.supervision import webhook  # brings TLS

    try:
        status = webhook.post(url, body, allow, None, key, plain_http, POST_SECONDS)
    except webhook.Undelivered as refused:
        return {"problem": refused.message, "again": refused.again}
    return {"status": status}


def aside_until(function, deadline):
    # type: (Any, float) -> Dict[str, Any]
    """What function answers in a child; one that is not done by then is killed: a name server may hang."""
    aside = Aside(function)
    poll = select.poll()
    poll.register(aside.fd, select.POLLIN | select.POLLHUP)
    late = False
    while True:
        left = deadline - time.monotonic()
        if left <= 0 and not late:
            late = True
            os.kill(aside.pid, signal.SIGKILL)
        if poll.poll(max(10.0, left * 1000)) and aside.read():
            break
    os.waitpid(aside.pid, 0)
    if late:
        return {"problem": "it took longer than %g s" % SECONDS, "again": False}
    error = aside.answer.get("error")
    return {"problem": str(error.get("message")), "again": False} if isinstance(error, dict) else aside.answer


def end_session(process):
    # type: (Any) -> None
    """TERM, a little later KILL, for a command and what it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except OSError:
            pass
        until = time.monotonic() + GRACE
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
