"""The payload compiled once for the interpreter at hand: every guard would else compile it anew at its start.

It lies beside the payload as `<payload>.<interpreter>-<bytecode version>` and is only ever a shortcut: what
is absent or cannot be used is passed over.
"""

import binascii
import os
import re
import sys
from typing import Optional

_NAME = re.compile(r"^(.+\.pyz)\.[^./]+-[0-9a-f]{8}$")
_AGELESS = b"\0" * (12 if sys.version_info >= (3, 7) else 8)  # there is no source beside it to compare with


def compiled_path(payload):
    # type: (str) -> str
    """Where the compiled form of a payload lies, or would; another interpreter's has another name."""
    return "%s.%s-%s" % (payload, sys.implementation.cache_tag, binascii.hexlify(_magic()).decode("ascii"))


def source_of(path):
    # type: (str) -> str
    """The payload a path means: of a compiled form the one it was made from, else the path itself."""
    match = _NAME.match(path)
    return match.group(1) if match else path


def usable(payload):
    # type: (str) -> Optional[str]
    """The compiled form if it is there; None for a payload that has none, or is a folder of source."""
    path = compiled_path(payload)
    return path if os.path.isfile(path) else None


def build(payload):
    # type: (str) -> None
    """Make the compiled form; it appears whole or not at all. Raises OSError, SyntaxError."""
    import marshal
    import zipfile

    place = compiled_path(payload)
    partial = "%s.%d.partial" % (place, os.getpid())
    try:
        with zipfile.ZipFile(payload) as source, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as target:
            for name in source.namelist():
                code = compile(source.read(name), os.path.join(payload, name), "exec", dont_inherit=True)
                target.writestr(name + "c", _magic() + _AGELESS + marshal.dumps(code))
        handle = os.open(partial, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(partial, place)
    finally:
        if os.path.exists(partial):
            os.unlink(partial)


def _magic():
    # type: () -> bytes
    import importlib.util  # here: a guard never asks, and need not load it

    return importlib.util.MAGIC_NUMBER
