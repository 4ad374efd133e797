"""Files of packages for another platform than this one, through pip's own client and its user's settings."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from workbench.compute.local_command import end_group
from workbench.errors import IndexUnreachable, WorkbenchError
from workbench.text.sanitize import clean

LONGEST = 3600.0
"""Seconds one download may take."""
_UNREACHABLE = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|ConnectionError|Temporary failure in name resolution|"
    r"Network is unreachable|Connection refused|Max retries exceeded",
)


class Sent(NamedTuple):
    """A file that a machine is to have: it is known by its content there."""

    sha256: str
    path: Path

    @property
    def wire(self) -> list[str]:
        """As in a spec's environment_build."""
        return [self.sha256, self.path.name]


async def download(
    words: Sequence[str], folder: Path, environ: Mapping[str, str], secrets: Mapping[str, str]
) -> None:
    """`pip download` into a folder, without dependencies, wheels only.

    secrets: values that no message may hold. Raises IndexUnreachable, WorkbenchError with pip's last words.
    """
    quiet = ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    argv = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", *quiet]
    argv += ["--dest", str(folder), *words]
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=folder, env={**environ, "NO_COLOR": "1"}, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LONGEST):
            _, errors = await process.communicate()
    except TimeoutError as problem:
        raise WorkbenchError(
            "pip was not done after an hour", "try again: what it fetched is kept"
        ) from problem
    finally:
        await end_group(process)  # with what it started, which holds its pipes open
    if process.returncode:
        raise _problem(errors.decode("utf-8", "replace"), secrets)


def _problem(said: str, secrets: Mapping[str, str]) -> WorkbenchError:
    text = re.sub(r"//[^/@\s]*@", "//...@", said)
    for value in secrets.values():
        text = text.replace(value, "***") if len(value) > 3 else text
    lines = [clean(line, 400).strip() for line in text.splitlines()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
    if _UNREACHABLE.search(text):
        return IndexUnreachable(
            "no package index can be reached from here either", "connect this machine to one, then try again"
        )
    words = errors[-1] if errors else next((line for line in reversed(lines) if line), "no word")
    return WorkbenchError(f"pip could not fetch it: {words}")


def sha256_of(path: Path) -> str:
    """The hash of a file's content. Raises OSError."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def files_of(folder: Path) -> list[Path]:
    """What was fetched into a folder, by name."""
    return sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_file())
