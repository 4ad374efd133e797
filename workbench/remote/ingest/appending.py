"""Appending whole record lines to a file, where the disk may be full."""

import os
from os import write

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class NotWritten(Exception):
    """Nothing of what was to be appended is in the file; it can be tried again."""


def append(path: str, data: bytes) -> int:
    """Append lines, all or none; returns the size of the file then. Raises NotWritten."""
    try:
        descriptor = os.open(path, FLAGS, 0o600)
    except OSError as error:
        raise NotWritten(error.strerror or str(error)) from error
    try:
        before = os.fstat(descriptor).st_size
        try:
            view = memoryview(data)
            while view:
                view = view[write(descriptor, view) :]
        except OSError as error:
            os.ftruncate(descriptor, before)
            raise NotWritten(error.strerror or str(error)) from error
        return before + len(data)
    finally:
        os.close(descriptor)
