"""The wheels of a lock for a machine that reaches no index: fetched here, for its platform and its Python."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from workbench.environments.build_key import Interpreter, uv_platform, wheel_platforms
from workbench.environments.pip_download import Sent, download, files_of, sha256_of
from workbench.environments.uv import call_uv
from workbench.errors import IndexUnreachable, WorkbenchError
from workbench.home import private_folder

_NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(==\s*[^\s;]+|@\s*[^\s;]+)")


async def locked_wheels(
    cache: Path,
    lock: str,
    interpreter: Interpreter,
    indexes: list[str],
    environ: Mapping[str, str],
    secrets: Mapping[str, str],
) -> list[Sent]:
    """Every wheel that a lock means on a machine; what the cache has is not fetched again.

    secrets: UV_INDEX_NAME_USERNAME and _PASSWORD of indexes "NAME=URL". Raises IndexUnreachable, and
    WorkbenchError that names the package which has no wheel for it.
    """
    platforms = wheel_platforms("linux", interpreter.machine, interpreter.libc)
    folder = private_folder(cache) / "wheels"
    await asyncio.to_thread(folder.mkdir, 0o700, True, True)
    lines = await _meant(lock, interpreter, environ)
    if not lines:
        return []
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder) as place:
        fetching = Path(place)
        await asyncio.to_thread((fetching / "lock.txt").write_text, "\n".join(lines) + "\n", "utf-8")
        words = ["--requirement", "lock.txt", "--python-version", interpreter.version]
        words += ["--implementation", "cp", "--abi", _abi(interpreter), "--abi", "abi3", "--abi", "none"]
        words += [word for platform in platforms for word in ("--platform", platform)]
        words += ["--find-links", str(folder)]
        if any("--hash=" in line for line in lines):
            words += ["--require-hashes"]
        variables = {**environ, **index_variables(indexes, secrets)}
        try:
            await download(words, fetching, variables, secrets)
        except IndexUnreachable:
            raise
        except WorkbenchError as problem:
            raise WorkbenchError(
                f"the machine reaches no package index, and what it lacks cannot be sent: {problem.message}",
                "only wheels can be sent: choose versions that have one for its platform and Python",
            ) from problem
        return await asyncio.to_thread(_keep, fetching, folder)


async def _meant(lock: str, interpreter: Interpreter, environ: Mapping[str, str]) -> list[str]:
    """The lines of a lock that count on the machine, each whole, without its marker.

    uv judges the markers, as it would there: with the lock as constraints of itself nothing is resolved anew.
    """
    entries = entries_of(lock)
    if not any(";" in _without_hashes(entry) for entry in entries):
        return entries
    with tempfile.TemporaryDirectory(prefix="workbench-markers-") as place:
        folder = Path(place)
        bare = "\n".join(_without_hashes(entry) for entry in entries) + "\n"
        await asyncio.to_thread((folder / "lock.txt").write_text, bare, "utf-8")
        words = ["pip", "compile", "lock.txt", "--no-deps", "--no-header", "--no-annotate", "--quiet",
                 "--python-version", interpreter.version,
                 "--python-platform", uv_platform(interpreter.machine, interpreter.libc)]  # fmt: skip
        answer = await call_uv(words, folder, environ)
    if answer.code != 0:
        last = next((line for line in reversed(answer.words.splitlines()) if line.strip()), "no word")
        raise WorkbenchError(f"uv cannot say what of the lock counts on the machine: {last.strip()}")
    counts = {_identity(line) for line in answer.output.splitlines()}
    return [_without_marker(entry) for entry in entries if _identity(entry) in counts]


def entries_of(lock: str) -> list[str]:
    """The requirements of a lock, each on one line; comments and options are left out."""
    joined = re.sub(r"\\\s*\n", " ", lock)
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines())
    return [re.sub(r"\s+", " ", line) for line in lines if line and not line.startswith("-")]


def _without_hashes(entry: str) -> str:
    return entry.partition(" --hash=")[0]


def _without_marker(entry: str) -> str:
    head, hashes, rest = entry.partition(" --hash=")
    return head.partition(";")[0].strip() + hashes + rest


def _identity(entry: str) -> tuple[str, str]:
    """Name and version: a lock has a package several times, for machines of several kinds."""
    found = _NAME.match(entry)
    return (_normal(found[1]), re.sub(r"\s", "", found[2])) if found else ("", entry)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _abi(interpreter: Interpreter) -> str:
    """cp311 of cpython-311-x86_64-linux-gnu; of the version where the interpreter says no more."""
    found = re.match(r"cpython-([0-9]+[a-z]*)", interpreter.abi)
    return "cp" + (found[1] if found else interpreter.minor.replace(".", ""))


def _index_key(index: str) -> str:
    """NAME of "NAME=URL" as uv puts it into a variable; empty for one without a name."""
    name, named, _ = index.partition("=")
    if not named or not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        return ""
    return re.sub(r"[^A-Za-z0-9]", "_", name).upper()


def index_variables(indexes: list[str], secrets: Mapping[str, str]) -> dict[str, str]:
    """How pip is told of further indexes: in its environment, since credentials are in no argv."""
    addresses = []
    for index in indexes:
        key = _index_key(index)
        address = index.partition("=")[2] if key else index
        user, word = secrets.get(f"UV_INDEX_{key}_USERNAME", ""), secrets.get(f"UV_INDEX_{key}_PASSWORD", "")
        if key and (user or word):
            scheme, _, rest = address.partition("://")
            address = f"{scheme}://{_quoted(user)}:{_quoted(word)}@{rest}"
        addresses.append(address)
    return {"PIP_EXTRA_INDEX_URL": " ".join(addresses)} if addresses else {}


def _quoted(text: str) -> str:
    from urllib.parse import quote  # only where an index wants to know who asks

    return quote(text, safe="")


def _keep(fetched: Path, folder: Path) -> list[Sent]:
    """Move what was fetched into the cache, by content; what is there already stays."""
    found = []
    for path in files_of(fetched):
        if path.suffix != ".whl":
            continue
        place = folder / path.name
        os.replace(path, place)
        found.append(Sent(sha256_of(place), place))
    return found
