"""The payload: everything of ours that runs on a machine, as one zipapp named by its content."""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
from importlib import resources
from typing import NamedTuple

MAIN = b"from workbench.remote.entry import main\n\nraise SystemExit(main())\n"
PACKAGE = "package.py"  # becomes the payload's own workbench/__init__.py
STAND_IN = ("azureml/__init__.py", "azureml/core/__init__.py", "azureml/core/run.py")
"""Modules of `remote` that are packages of their own there, under names that scripts import."""
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time a zip can say: the bytes must not depend on a clock


class Payload(NamedTuple):
    """A zipapp and its sha256 in hexadecimal, which is its name on a machine."""

    sha: str
    data: bytes


def payload_files() -> dict[str, bytes]:
    """The payload's members: path inside the zip -> content."""
    remote = resources.files("workbench.remote")
    files = {"__main__.py": MAIN, "workbench/__init__.py": remote.joinpath(PACKAGE).read_bytes()}
    stand_in = STAND_IN[0].partition("/")[0]
    rooms = [room.name for room in remote.iterdir() if room.is_dir() and room.name != stand_in]
    for place in ("", *(f"{room}/" for room in rooms)):
        for source in remote.joinpath(place).iterdir():
            if source.name.endswith(".py") and source.name != PACKAGE:
                files[f"workbench/remote/{place}{source.name}"] = source.read_bytes()
    for path in STAND_IN:
        files[path] = remote.joinpath(*path.split("/")).read_bytes()
    return files


@functools.cache
def build_payload() -> Payload:
    """The payload of this version: the same bytes wherever and whenever it is built.

    Members are stored, not deflated, since deflated bytes depend on the zlib at hand.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path, content in sorted(payload_files().items()):
            member = zipfile.ZipInfo(path, _EPOCH)
            member.create_system = 3
            member.external_attr = 0o100644 << 16
            archive.writestr(member, content)
    data = packed.getvalue()
    return Payload(hashlib.sha256(data).hexdigest(), data)
