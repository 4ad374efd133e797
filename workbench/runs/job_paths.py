"""Where the files are that a job file names: relative to the file, or to where a command line was typed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from workbench.runs.job_fields import SCHEMES
from workbench.runs.yaml_tree import Place

_ADDRESS = re.compile(rf"(?:(?:{'|'.join(SCHEMES)})://|(?:azureml|data|model):(?!//))\S", re.IGNORECASE)


class Here(NamedTuple):
    """Something on this side that a text names."""

    path: str
    """Absolute, with links resolved."""
    directory: bool


class Finder:
    """Looks for what a job file names. folder: the file's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def code(self, text: str, place: Place) -> str:
        """The directory a text means; raises ValueError with the reason it means none."""
        if "://" in text or text.startswith(("azureml:", "git+")):
            raise ValueError("only a directory on this machine is supported now")
        here = self.existing(text, place)
        if here is None or not here.directory:
            raise ValueError(f"{self._absolute(text, place)} is not a directory")
        return here.path

    def existing(self, text: str, place: Place) -> Here | None:
        """What a path leads to, None when nothing is there; raises ValueError when it cannot be looked at."""
        path = self._absolute(text, place)
        try:
            directory = path.is_dir()
            there = directory or path.exists()
        except OSError as problem:
            raise ValueError(f"cannot be looked at: {problem}") from problem
        return Here(str(path), directory) if there else None

    def needed(self, text: str, place: Place) -> Here:
        """What a path leads to; raises ValueError when nothing is there."""
        here = self.existing(text, place)
        if here is None:
            raise ValueError(f"there is no file or folder {self._absolute(text, place)}")
        return here

    def _absolute(self, text: str, place: Place) -> Path:
        base = Path.cwd() if place.words else self._folder
        if text.lower().startswith("file://"):
            text = unquote(text[len("file://") :])
        try:
            return (base / Path(text).expanduser()).resolve()
        except (OSError, RuntimeError, ValueError) as problem:
            raise ValueError(f"cannot be looked at: {problem}") from problem


def is_address(text: str) -> bool:
    """Whether a text is a URL, or names data or a model (azureml:NAME, data:NAME, model:NAME)."""
    return _ADDRESS.match(text) is not None


def is_relative(text: str) -> bool:
    """Whether a path can only mean something of this side: neither absolute, an address nor MACHINE:PATH."""
    on_machine = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*:", text)
    return not (text.startswith(("/", "~")) or is_address(text) or on_machine)
