"""Handing runs on in one file, from the caller's side: the file is written and read here."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from workbench.errors import Conflict, NotFound
from workbench.workspace.client import Client
from workbench.workspace.downloads import save_stream

BLOCK = 1 << 18
MANIFEST = "bundle.json"


class BroughtRun(NamedTuple):
    """A run that came in a bundle."""

    run: str
    name: str
    state: str
    """new, updated, known (nothing changed) or older (left as it is)."""


def export(
    client: Client, runs: Sequence[str], to: Path, *, files: bool, code: bool, overwrite: bool
) -> list[str]:
    """Write a bundle of runs; their names. With files also what is on their machines alone.

    Raises Conflict when a file is there or a run is not over, NotFound, Unreachable, StoreError.
    """
    if to.exists() and not overwrite:
        raise Conflict(f"{to} is there already", "give another name, or --overwrite")
    found = client.call("runs", "bundled", runs=list(runs))
    save_stream(client.read("runs", "bundle", runs=[run["id"] for run in found], files=files, code=code), to)
    os.chmod(to, 0o600)
    return [str(run["name"]) for run in found]


def is_bundle(path: Path) -> bool:
    """Whether a file is meant as a bundle, by its name or what it says of itself; it may be damaged."""
    if path.suffix == ".wb":
        return path.is_file()
    try:
        with open(path, "rb") as file:
            if file.read(4) != b"PK\x03\x04":
                return False
        with zipfile.ZipFile(path) as archive:
            return MANIFEST in archive.namelist()
    except zipfile.BadZipFile:
        return True  # it begins like one and was cut off: that is what is to be said
    except (OSError, ValueError):
        return False


def bring(client: Client, path: Path) -> list[BroughtRun]:
    """Bring a bundle in. Raises NotFound, UsageError for one that is damaged or hostile."""
    try:
        with open(path, "rb") as file:

            def blocks() -> Iterator[bytes]:
                while block := file.read(BLOCK):
                    yield block

            found = client.write("runs", "unbundle", blocks())
    except OSError as problem:
        raise NotFound(f"{path}: {problem.strerror}", "give a file that is there") from problem
    return [BroughtRun(item["run"], item["name"], item["state"]) for item in found["runs"]]
