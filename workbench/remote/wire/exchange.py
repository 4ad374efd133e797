"""One request at the far end of a link: its parameters, its bytes in both directions, its single answer."""

import threading
import time
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional

from workbench.remote.forms import protocol
from workbench.remote.wire import frames
from workbench.remote.wire.outlet import Outlet
from workbench.remote.wire.problems import Cancelled, RequestError, describe

BULK = 4 * protocol.MAX_BODY  # bytes written in one turn of the outlet
GRANT = protocol.INITIAL_CREDIT // 4  # bytes taken before the sender gets that credit back


class Exchange(object):
    """A stream of the link, opened by a REQUEST and closed by the RESPONSE that `answer` or `fail` sends."""

    def __init__(self, outlet, stream, method, params, closed):
        # type: (Outlet, int, str, Dict[str, Any], Callable[[Exchange], None]) -> None
        self.stream = stream
        self.method = method
        self.params = params
        self.cancelled = False
        self.changed = None  # type: Optional[Callable[[], None]]  # told of credit and cancel
        self._outlet = outlet
        self._closed = closed
        self._condition = threading.Condition()
        self._credit = protocol.INITIAL_CREDIT
        self._inbox = deque()  # type: Deque[bytes]
        self._allowed = protocol.INITIAL_CREDIT  # bytes the near end may still send
        self._taken = 0
        self._ended = False
        self._answered = False

    def deliver(self, frame):
        # type: (frames.Frame) -> None
        """A frame for this stream; raises FrameError when the near end sends more than it may."""
        with self._condition:
            if frame.type == protocol.DATA:
                if len(frame.body) > self._allowed:
                    raise frames.FrameError("more data than was allowed on stream %d" % self.stream)
                self._allowed -= len(frame.body)
                self._inbox.append(frame.body)
            elif frame.type == protocol.END:
                self._ended = True
            elif frame.type == protocol.CREDIT:
                self._credit += frames.decode_credit(frame.body)
            elif frame.type == protocol.CANCEL:
                self.cancelled = True
            self._condition.notify_all()
        changed = self.changed  # once: whoever ends the stream takes it away meanwhile
        if changed is not None:
            changed()

    def check(self):
        # type: () -> None
        """Raise Cancelled when the near end gave up."""
        if self.cancelled:
            raise Cancelled()

    def read(self, timeout=None):
        # type: (Optional[float]) -> Optional[bytes]
        """The next bytes the near end sent, b"" after the last; None after timeout seconds without any.

        Raises Cancelled.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._condition:
            while not self._inbox and not self._ended and not self.cancelled:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._condition.wait(left)
            self.check()
            if not self._inbox:
                return b""
            body = self._inbox.popleft()
            self._taken += len(body)
            grant = self._taken if self._taken >= GRANT else 0
            if grant:
                self._taken = 0
                self._allowed += grant
        if grant:
            try:
                self._outlet.small(frames.encode_credit(self.stream, grant))
            except BrokenPipeError:  # an OSError: whoever writes what comes would take it for the disk's
                raise Cancelled()
        return body

    def widen(self, window):
        # type: (int) -> None
        """Let the near end send window bytes ahead instead of INITIAL_CREDIT: for long round trips."""
        with self._condition:
            more = window - protocol.INITIAL_CREDIT
            self._allowed += more
        self._outlet.small(frames.encode_credit(self.stream, more))

    @property
    def credit(self):
        # type: () -> int
        """Bytes that may be sent now; may be below zero after an event."""
        with self._condition:
            return self._credit

    def event(self, value):
        # type: (Dict[str, Any]) -> None
        """Send a JSON message at once; it is counted, so that `wait_credit` feels a slow reader."""
        self.forward(protocol.dumps(value))

    def forward(self, message):
        # type: (bytes) -> None
        """The same with a message that is JSON already."""
        pieces = frames.encode_json(protocol.EVENT, self.stream, message)
        with self._condition:
            self._credit -= sum(len(piece) for piece in pieces)
        if len(pieces) == 1:
            self._outlet.small(pieces[0])
        else:
            self._outlet.bulk(pieces)

    def wait_credit(self, timeout=None):
        # type: (Optional[float]) -> int
        """Wait until bytes may be sent; how many, 0 after timeout seconds. Raises Cancelled."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._condition:
            while self._credit <= 0 and not self.cancelled:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return 0
                self._condition.wait(left)
            self.check()
            return self._credit

    def data(self, body):
        # type: (frames.Bytes) -> None
        """Send bytes of any length, waiting for credit as it goes. Raises Cancelled."""
        view = memoryview(body)
        while len(view):
            size = min(len(view), self.wait_credit(), BULK)
            self.send(frames.encode_data(self.stream, view[:size]), size)
            view = view[size:]

    def send(self, pieces, size):
        # type: (List[frames.Bytes], int) -> None
        """Send frames that the caller built and that hold size bytes within `credit`."""
        with self._condition:
            self._credit -= size
        self._outlet.bulk(pieces)

    def answer(self, value):
        # type: (Any) -> None
        """Answer and close the stream."""
        try:
            pieces = frames.encode_message(protocol.RESPONSE, self.stream, {"ok": value})
        except (ValueError, TypeError) as error:  # nothing JSON can carry: say so rather than never answer
            self.fail(RequestError("remote", "the answer to %s cannot be sent: %s" % (self.method, error)))
            return
        self._respond(pieces)

    def fail(self, error):
        # type: (BaseException) -> None
        """Answer with an error and close the stream."""
        self._respond(frames.encode_message(protocol.RESPONSE, self.stream, {"error": describe(error)}))

    def carry(self, work):
        # type: (Callable[[], object]) -> None
        """Do, in a thread of its own, what answers by itself; a mistake there is the answer."""
        try:
            work()
        except BrokenPipeError:
            return  # nobody is left to be told
        except Exception as error:  # why it is over is the request's answer
            try:
                self.fail(error)
            except BrokenPipeError:
                return

    def _respond(self, pieces):
        # type: (List[bytes]) -> None
        with self._condition:
            if self._answered:
                return
            self._answered = True
        self._closed(self)
        if len(pieces) == 1:
            self._outlet.small(pieces[0])
        else:
            self._outlet.bulk(pieces)


# A handler answers with a JSON value, or with LATER when it has handed the exchange on (follow).
Handler = Callable[[Exchange], Any]
LATER = object()
