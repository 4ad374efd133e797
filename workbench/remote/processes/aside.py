"""Work done in a forked child, so that a supervisor stays small and never waits for it."""

import os
import signal
from typing import Any, Callable, Dict

from workbench.remote.forms import protocol
from workbench.remote.processes.launch import RESET

MAX_ANSWER = 1 << 20


class Aside(object):
    """A function running in a child of its own; `fd` becomes readable with its answer.

    The function's object, or {"error": {"type", "message"}} for the exception it raised, is in `answer`
    once `read` returned True. A child that died without a word answers with an error too.
    """

    def __init__(self, function):
        # type: (Callable[[], Dict[str, Any]]) -> None
        self.answer = {}  # type: Dict[str, Any]
        self._received = b""
        self.fd, told = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(self.fd)
                signal.set_wakeup_fd(-1)
                for name in RESET:
                    signal.signal(getattr(signal, name), signal.SIG_DFL)
                os.setsid()
                _tell(told, function)
                status = 0
            finally:
                os._exit(status)
        os.close(told)

    def read(self):
        # type: () -> bool
        """Take what the child said; True at its end. Call it when `fd` is readable."""
        piece = os.read(self.fd, 65536)
        if piece and len(self._received) < MAX_ANSWER:
            self._received += piece
            return False
        os.close(self.fd)
        self.fd = -1
        try:
            self.answer = protocol.loads(self._received)
        except ValueError:
            self.answer = {"error": {"type": "Killed", "message": "it was killed"}}
        return True


def _tell(told, function):
    # type: (int, Callable[[], Dict[str, Any]]) -> None
    try:
        answer = function()
    except Exception as error:  # whatever it is, it is the answer
        text = getattr(error, "message", "") or str(error) or type(error).__name__
        answer = {"error": {"type": type(error).__name__, "message": text[:4000]}}
        if isinstance(error, OSError):
            answer["error"]["errno"] = error.errno
    body = memoryview(protocol.dumps(answer))
    while body:
        body = body[os.write(told, body) :]
    os.close(told)  # not only by our end: a thread that hangs in a driver would put that off
