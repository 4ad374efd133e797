"""How large one value of an SQLite query may be, under every Python: one line can ask for gigabytes."""

import sqlite3
import sys
from typing import Any, Optional

LENGTH = 0  # what sqlite3.h calls SQLITE_LIMIT_LENGTH
TOLD = (3, 11)  # the first Python whose connections can be told a limit


def bound(connection: sqlite3.Connection, longest: int) -> bool:
    """Let SQLite itself refuse larger values, rows and texts (in bytes); False where it cannot be told.

    It has a limit of its own then: 1 GB, unless who built it chose another.
    """
    limit = getattr(connection, "setlimit", None)
    if limit is not None:
        limit(LENGTH, longest)
        return True
    return _by_library(connection, longest)


def _by_library(connection: sqlite3.Connection, longest: int) -> bool:
    """Ask the very library that Python's module uses, for the handle that the connection holds.

    In CPython before 3.11 that is the first thing in a connection, and those do not change any more.
    """
    if sys.implementation.name != "cpython" or sys.version_info >= TOLD:
        return False
    limit = _limit_of_library()
    if limit is None:
        return False
    import ctypes

    handle = ctypes.c_void_p.from_address(id(connection) + object.__basicsize__)
    if not handle.value:
        return False
    limit(handle, LENGTH, longest)
    return bool(limit(handle, LENGTH, -1) == longest)


def _limit_of_library() -> "Optional[Any]":
    try:
        import _sqlite3
        import ctypes

        # A module that is part of the interpreter has no file, and what it calls is found in the program.
        function = ctypes.CDLL(getattr(_sqlite3, "__file__", None)).sqlite3_limit
    except (ImportError, OSError, AttributeError):
        return None
    function.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_int)
    function.restype = ctypes.c_int
    return function
