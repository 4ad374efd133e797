"""uv on this side: where it is, and one call of it, whose words are kept short."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from workbench.compute.local_command import end_group
from workbench.errors import WorkbenchError
from workbench.text.sanitize import clean

LONGEST = 600.0
"""Seconds one call may take."""
MOST_OUTPUT = 32 << 20
MOST_WORDS = 4000


class Answer(NamedTuple):
    """What a call came to."""

    code: int
    output: str
    words: str
    """What it said on stderr, made harmless, its end where it is long; passwords in addresses left out."""


def find_uv(environ: Mapping[str, str]) -> Path:
    """The uv that comes with the workbench, else the one on PATH; raises WorkbenchError without one."""
    beside = Path(sys.executable).parent / "uv"
    if beside.is_file() and os.access(beside, os.X_OK):
        return beside
    found = shutil.which("uv", path=environ.get("PATH"))
    if found is None:
        raise WorkbenchError(
            "uv is not on this machine, and it resolves environments here",
            f"install it beside the workbench: {sys.executable} -m pip install uv",
        )
    return Path(found)


async def call_uv(words: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Answer:
    """Run uv in a folder. It is ended with whoever waits, and after ten minutes.

    Raises WorkbenchError where there is no uv, or it took too long.
    """
    uv = find_uv(environ)
    # Interpreters of other versions are not needed to resolve for them, and are never fetched for it.
    variables = {**environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"}
    for name in (
        "UV_SYSTEM_CERTS",
        "UV_NATIVE_TLS",
    ):  # the system knows of proxies that look inside; both names
        variables.setdefault(name, "1")
    variables.pop("VIRTUAL_ENV", None)
    process = await asyncio.create_subprocess_exec(
        str(uv), *words, cwd=folder, env=variables, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LONGEST):
            output, errors = await process.communicate()
    except TimeoutError as problem:
        raise WorkbenchError(
            f"uv was not done after {LONGEST / 60:.0f} minutes", "try again: what it fetched is kept"
        ) from problem
    finally:
        await end_group(process)  # with what it started, which holds its pipes open
    text = output[:MOST_OUTPUT].decode("utf-8", "replace")
    return Answer(process.returncode or 0, text, words_of(errors.decode("utf-8", "replace")))


def words_of(text: str) -> str:
    """What uv said, without control characters and what could be a password."""
    return clean(re.sub(r"//[^/@\s]*@", "//...@", text)[-MOST_WORDS:], MOST_WORDS).strip()
