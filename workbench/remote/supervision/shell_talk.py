"""The few words between a supervisor and the shell that runs setup lines before the command."""

import os
from typing import Optional, Tuple


class ShellTalk(object):
    """Hears which setup line runs and that all are done, and then tells the shell to go on.

    line: number of the setup line begun last, 0 before the first. ready: all are done.
    """

    def __init__(self):
        # type: () -> None
        self.line = 0
        self.ready = False
        self._received = b""
        self.fd, self._say = os.pipe()
        self._hear, self._tell = os.pipe()
        os.set_blocking(self.fd, False)

    def shell_ends(self):
        # type: () -> Tuple[int, int]
        """The descriptors for the shell: what it hears on, what it says on."""
        return (self._hear, self._say)

    def let_go(self):
        # type: () -> None
        """Close the shell's ends here, once it has its own."""
        os.close(self._hear)
        os.close(self._say)

    def listen(self):
        # type: () -> None
        """Take what the shell said; call it when `fd` is readable."""
        try:
            self._received += os.read(self.fd, 65536)
        except BlockingIOError:
            return
        whole, _, self._received = self._received.rpartition(b"\n")
        for word in whole.split():
            if word == b"ready":
                self.ready = True
            elif word.isdigit():
                self.line = int(word[:9])

    def proceed(self, visible):
        # type: (Optional[str]) -> None
        """Let the shell go on as the command. visible: CUDA_VISIBLE_DEVICES, None to leave it.

        A shell that has died meanwhile is not an error here: its end is noticed as such.
        """
        word = "-" if visible is None else "=" + visible
        try:
            os.write(self._tell, os.fsencode(word) + b"\n")
        except BrokenPipeError:
            pass
        os.close(self._tell)
        os.close(self.fd)
