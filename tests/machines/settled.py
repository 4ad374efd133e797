"""A root on a machine as it is some seconds after a first link: the payload is there, and compiled.

Most tests need a machine, and few are about the first seconds of one: those leave the root to the link.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from workbench.compute.payload import build_payload
from workbench.remote import compiled


@functools.cache
def compiled_payload() -> bytes:
    """What a link makes of the payload a moment after it came up, made once for all tests of this process."""
    with tempfile.TemporaryDirectory(prefix="wb-compiled-") as folder:
        payload = Path(folder, "payload.pyz")
        payload.write_bytes(build_payload().data)
        compiled.build(str(payload))
        return Path(compiled.compiled_path(str(payload))).read_bytes()


def settled(root: Path) -> Path:
    """Make this root such a one; the same path. A machine whose python is another than ours compiles as ever."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = root / "payload"
    folder.mkdir(mode=0o700, exist_ok=True)
    payload = folder / f"{build_payload().sha}.pyz"
    payload.write_bytes(build_payload().data)
    made = Path(compiled.compiled_path(str(payload)))
    made.write_bytes(compiled_payload())
    payload.chmod(0o600)
    made.chmod(0o600)
    return root
