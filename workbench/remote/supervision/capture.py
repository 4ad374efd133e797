"""From the pipe a command writes to, masked, into its stream."""

import fcntl
import os
import time

from workbench.remote.processes.masking import Mask
from workbench.remote.runs.stream import StreamWriter

PIPE_BYTES = 1 << 20
CHUNK = 1 << 18
BUSY = 1 << 14  # bytes at once: more are coming, so do not wait
PAUSE = 0.02  # seconds between two reads of a trickle: many small writes cost one wake-up


class Capture(object):
    """One pipe for stdout and stderr, always drained so that the command never waits for us."""

    def __init__(self, writer, mask):
        # type: (StreamWriter, Mask) -> None
        self.writer = writer
        self._mask = mask
        self._resume = 0.0
        self.fd, self.command_end = os.pipe()
        os.set_blocking(self.fd, False)
        try:
            fcntl.fcntl(self.fd, getattr(fcntl, "F_SETPIPE_SZ", 1031), PIPE_BYTES)
        except OSError:
            pass  # over the user's share of pipe memory: the default size works too

    def let_go(self):
        # type: () -> None
        """Close the command's end here, once the command has its own."""
        if self.command_end >= 0:
            os.close(self.command_end)
            self.command_end = -1

    def delay(self):
        # type: () -> float
        """Seconds until the pipe should be read again; 0 when it may be now."""
        return max(0.0, self._resume - time.monotonic())

    def pump(self):
        # type: () -> int
        """Move what is there into the stream; the bytes, 0 when nothing is there or nothing will come."""
        if self.fd < 0:
            return 0
        try:
            piece = os.read(self.fd, CHUNK)
        except BlockingIOError:
            return 0
        if not piece:
            os.close(self.fd)
            self.fd = -1
            return 0
        self.writer.write(self._mask.feed(piece))
        self._resume = time.monotonic() + PAUSE if len(piece) < BUSY else 0.0
        return len(piece)

    def finish(self):
        # type: () -> None
        """Take what is left without waiting for more, and close the stream.

        What would not end may go on writing: no more is taken than the pipe held of those that did.
        """
        self.let_go()
        left = PIPE_BYTES
        while left > 0:
            moved = self.pump()
            if not moved:
                break
            left -= moved
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        self.writer.write(self._mask.rest())
        self.writer.close()
