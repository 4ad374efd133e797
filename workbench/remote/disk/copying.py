"""Copying one file's bytes the cheapest way the file system knows: reflink, in-kernel copy, plain reads."""

import errno
import os
from typing import Any, Callable, Optional

try:
    import fcntl
except ImportError:  # no ioctl here: plain copies only
    fcntl = None  # type: ignore[assignment]

_FICLONE = 0x40049409  # linux/fs.h; the same on x86 and ARM
_NO_REFLINK = frozenset(
    (
        errno.EOPNOTSUPP,
        errno.ENOTTY,
        errno.EXDEV,
        errno.EINVAL,
        errno.ENOSYS,
        errno.EPERM,
        errno.EACCES,
    )
)
_NO_KERNEL_COPY = _NO_REFLINK | {errno.EBADF}
_SMALL = 1 << 16  # below this one read and one write beat every clever call
_CHUNK = 1 << 20


class Copier:
    """Copies open files; remembers what this file system cannot do, so that it asks only once."""

    def __init__(self) -> None:
        self.reflinks = fcntl is not None and os.uname().sysname == "Linux"
        self._in_kernel: Optional[Callable[..., Any]] = getattr(os, "copy_file_range", None)

    def copy(self, source: int, target: int, size: int) -> int:
        """Copies the size bytes of descriptor source into the empty file target; returns bytes copied.

        The result shares no later write with the source. Raises OSError (a full disk, a quota).
        """
        if self.reflinks and size:
            try:
                fcntl.ioctl(target, _FICLONE, source)
            except OSError as problem:
                if problem.errno not in _NO_REFLINK:
                    raise
                self.reflinks = False
            else:
                return os.fstat(target).st_size
        if size <= _SMALL:
            data = os.read(source, size + 1)
            if len(data) == size:
                return write_all(target, data)
            return write_all(target, data) + self._plain(source, target)
        return self._kernel(source, target) + self._plain(source, target)

    def _kernel(self, source: int, target: int) -> int:
        # Whatever this leaves over (an old kernel, another file system half way) the plain copy finishes.
        if self._in_kernel is None:
            return self._sendfile(source, target)
        copied = 0
        while True:
            try:
                step = self._in_kernel(source, target, 1 << 30)
            except OSError as problem:
                if problem.errno not in _NO_KERNEL_COPY:
                    raise
                self._in_kernel = None
                return copied
            if not step:
                return copied
            copied += step

    def _sendfile(self, source: int, target: int) -> int:
        send = getattr(os, "sendfile", None)
        if send is None or os.uname().sysname != "Linux":
            return 0
        copied = 0
        while True:
            try:
                step = send(target, source, None, 1 << 30)
            except OSError as problem:
                if problem.errno not in _NO_KERNEL_COPY:
                    raise
                return copied
            if not step:
                return copied
            copied += step

    def _plain(self, source: int, target: int) -> int:
        copied = 0
        while True:
            chunk = os.read(source, _CHUNK)
            if not chunk:
                return copied
            copied += write_all(target, chunk)


def write_all(target: int, data: bytes) -> int:
    """Writes all of data to a descriptor; returns its length. Raises OSError."""
    done = os.write(target, data) if data else 0
    while done < len(data):
        done += os.write(target, memoryview(data)[done:])
    return done
