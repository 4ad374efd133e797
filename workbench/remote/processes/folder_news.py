"""Being told by the kernel that something appeared in a folder, so that nobody has to look all the time."""

import fcntl
import os
import signal

from workbench.remote.disk.disks import LOCAL
from workbench.remote.disk.mounts import file_system

TOLD = LOCAL + ("tmpfs", "overlay")
"""File systems on which all changes are made through this kernel, which therefore knows of them."""

# Of linux/fcntl.h; Python has them where it was built on a system that does.
F_NOTIFY = getattr(fcntl, "F_NOTIFY", 1026)
DN_CREATE = getattr(fcntl, "DN_CREATE", 0x4)
DN_MULTISHOT = getattr(fcntl, "DN_MULTISHOT", 0x80000000)


class FolderNews(object):
    """Counts how often something was made in, or moved into, a folder (`heard`), while this process lives.

    The signal that tells of it also wakes who waits with `signal.set_wakeup_fd`. Nothing is ever heard where
    the kernel cannot tell, or the folder's file system is changed by other machines as well.
    """

    def __init__(self, path):
        # type: (str) -> None
        self.heard = 0
        self._handle = -1
        if file_system(path) in TOLD:
            self._ask(path)

    def _ask(self, path):
        # type: (str) -> None
        signal.signal(signal.SIGIO, self._on_signal)  # first: without a handler this signal ends a process
        try:
            self._handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.fcntl(self._handle, F_NOTIFY, DN_CREATE | DN_MULTISHOT)
        except OSError:  # not built in, switched off, or more than this user may have
            self.close()

    @property
    def listening(self):
        # type: () -> bool
        """Whether anything can be heard."""
        return self._handle >= 0

    def close(self):
        # type: () -> None
        """Hear no more."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _on_signal(self, number, frame):
        # type: (int, object) -> None
        self.heard += 1
