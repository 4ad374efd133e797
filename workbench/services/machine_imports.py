"""Taking in what other trackers logged on a machine: found there and read there, only records travel."""

from __future__ import annotations

import json
import posixpath
import re
import tempfile
from collections.abc import AsyncIterator
from typing import IO, Any, NamedTuple

from workbench.compute.link import Link
from workbench.entities.run import RunState
from workbench.errors import RemoteError
from workbench.remote.forms import record_form as form
from workbench.runs.activity import activity
from workbench.runs.imported_files import begin_file
from workbench.services.context import Context
from workbench.services.operation import items
from workbench.services.run_imports import RunImportService
from workbench.store.fleet import targets
from workbench.text.numbers import counted, finite
from workbench.text.sanitize import clean, clean_name

IN_MEMORY = 4 << 20
"""Bytes of a log's records that wait in memory until all are here; more wait in a file."""
BLOCK = 1 << 18
MOST_SOURCES = 20_000
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


class Source(NamedTuple):
    """A log that a reader on the machine takes."""

    form: str
    path: str
    run: str


class Found(NamedTuple):
    """What makes one run there."""

    folder: str
    run: str
    name: str
    sources: list[Source]
    trouble: str
    """Why no run can be made of it; empty where one can."""


class MachineImportService:
    """Runs that other trackers logged on machines; each once, and what is new of them the next time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._imports = RunImportService(context)

    @items
    async def import_look(self, target: str, path: str) -> AsyncIterator[dict[str, Any]]:
        """What could be imported: {"found": {"folder", "name", "forms": [..], "known", "trouble"}} each.

        known: whether it was imported before; trouble: why it cannot be, in words. Raises NotFound where the
        path is not there.
        """
        async for found in self._found(await self._link(target), path):
            known = not found.trouble and bool(await self._imports.imported(_source(target, found)))
            forms = sorted({source.form for source in found.sources})
            name = clean_name(found.name, 200)
            told = {"folder": found.folder, "name": name, "forms": forms, "known": known}
            yield {"found": {**told, "trouble": clean(found.trouble, 500)}}

    @items
    async def import_from(
        self, target: str, path: str, experiment: str | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Import what is found: {"imported": {"run", "name", "new", "entries", "skipped", "troubles"}} each.

        run is empty where none could be made, which troubles say. experiment: default is the folder's name.
        Raises NotFound where the path is not there.
        """
        link = await self._link(target)
        called = experiment or _UNFIT.sub("-", path.rstrip("/").rpartition("/")[2]).strip("-_") or target
        where = f"importing {clean_name(path, 100)}"
        async with activity(self._store, "import", f"compute/{target}", where) as progress:
            every = [found async for found in self._found(link, path)]
            for number, found in enumerate(every, 1):
                yield {"imported": await self._one(link, target, found, called)}
                await progress.report(f"{where}: {counted(number, 'run')}", number, len(every))

    async def _link(self, target: str) -> Link:
        await self._store.read(targets.get, target)
        return await self._context.link(target)

    async def _found(self, link: Link, path: str) -> AsyncIterator[Found]:
        async with link.stream("logs", {"path": path}) as stream:
            async for event in stream:
                if isinstance(event, dict) and "found" in event:
                    yield _checked(event["found"])
            await stream.result()

    async def _one(self, link: Link, target: str, found: Found, experiment: str) -> dict[str, Any]:
        """Import one run, or what is new of it."""
        if found.trouble:
            return _made("", found.name, False, 0, 0, [clean(found.trouble, 500)])
        source = _source(target, found)
        known = await self._imports.imported(source)
        state: dict[str, Any] = known.get("state") or {"files": {}}
        if not known:
            state["names"] = {}
        facts: dict[str, Any] = {}
        entries, skipped, troubles = 0, 0, []
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as lines:
            parts: list[tuple[dict[str, Any], int, int]] = []
            for one in found.sources:
                kept = state["files"].setdefault(one.path, {})
                begin = lines.tell()
                named = _named(state, found, one)
                told = await self._read(link, one, kept, lines, begin, named)
                if named:
                    state["names"] = told["names"]
                parts.append((kept, begin, lines.tell()))
                entries += told["entries"]
                skipped += told["skipped"]
                if told["trouble"]:
                    troubles.append(f"{one.path}: {clean(told['trouble'], 500)}")
                _join(facts, told["told"])
            ended = {key: facts[key] for key in ("status",) if key in facts}
            if not known and not entries:
                said = troubles or [f"{clean_name(source, 500)}: nothing is logged in it yet"]
                return _made("", found.name, False, 0, skipped, said)
            run = await self._imports.import_begin(
                source, facts.get("name") or found.name, experiment,
                started=facts.get("first"), ended=facts.get("last"), **ended,
            )  # fmt: skip
            for kept, begin, stop in parts:
                await self._take(run.id, kept, lines, begin, stop)
        await self._imports.import_done(run.id, state)
        return _made(run.id, run.name, not known, entries, skipped, troubles)

    async def _read(
        self,
        link: Link,
        one: Source,
        kept: dict[str, Any],
        out: IO[bytes],
        begin: int,
        named: dict[str, Any],
    ) -> dict[str, Any]:
        """Write what is new of a log, from out's place `begin` on; what the machine says of it.

        kept: "state", "file", "attempt", "offset"; the state changes, and for another log the others.
        named: what its metrics are called, as `log_records` is asked it.
        """
        state = kept.get("state") or ({"run": one.run} if one.run else {})
        given = bool(kept.get("given", "state" in kept))
        asked = {"form": one.form, "path": one.path, "state": state, "given": given} | named
        if not kept.get("file"):
            _begin(one, kept, out, begin)
        async with link.stream("log_records", asked) as stream:
            async for piece in stream:
                if isinstance(piece, bytes):
                    out.write(piece)
                elif piece.get("again"):
                    _begin(one, kept, out, begin)
            answer = await stream.result()
        try:
            told: dict[str, Any] = {
                "entries": int(answer["entries"]),
                "skipped": int(answer["skipped"]),
                "trouble": str(answer["trouble"]),
                "told": dict(answer["told"]),
                "names": dict(answer.get("names") or {}),
            }
            kept["state"] = dict(answer["state"])
            kept["given"] = given or told["entries"] > 0
        except (KeyError, TypeError, ValueError) as problem:
            raise RemoteError(f"what was read of {one.path} cannot be understood") from problem
        return told

    async def _take(self, run: str, kept: dict[str, Any], lines: IO[bytes], begin: int, stop: int) -> None:
        """Take in the lines from begin to stop."""
        lines.seek(begin)

        async def blocks() -> AsyncIterator[bytes]:
            left = stop - begin
            while left > 0 and (block := lines.read(min(BLOCK, left))):
                left -= len(block)
                yield block

        if stop > begin:
            await self._imports.import_records(run, kept["file"], blocks(), kept["offset"])
            kept["offset"] += stop - begin


def _source(target: str, found: Found) -> str:
    return f"{target}:{found.folder}#{found.run}" if found.run else f"{target}:{found.folder}"


def _named(state: dict[str, Any], found: Found, one: Source) -> dict[str, Any]:
    """What to call the metrics of one log; nothing for a run that was imported before that was kept."""
    if "names" not in state:
        return {}
    return {"names": state["names"], "key": posixpath.relpath(one.path, found.folder)}


def _made(run: str, name: str, new: bool, entries: int, skipped: int, troubles: list[str]) -> dict[str, Any]:
    return {
        "run": run, "name": clean_name(name, 200), "new": new, "entries": entries, "skipped": skipped,
        "troubles": troubles,
    }  # fmt: skip


def _checked(value: Any) -> Found:
    """What a machine says it found; raises RemoteError for what is no such thing."""
    try:
        sources = [
            Source(str(one["form"]), str(one["path"]), str(one["run"]))
            for one in value["sources"][:MOST_SOURCES]
        ]
        folder, run, name = (str(value[key]) for key in ("folder", "run", "name"))
        return Found(folder, run, name, sources, str(value["trouble"]))
    except (KeyError, TypeError) as problem:
        raise RemoteError("what was found there cannot be understood") from problem


def _begin(one: Source, kept: dict[str, Any], out: IO[bytes], begin: int) -> None:
    """A record file for a log that is new, or is another one than before."""
    out.seek(begin)
    out.truncate()
    begin_file(one.path, kept)
    header = {"k": form.RECORD_HEADER, "v": form.VERSION, "attempt": kept["attempt"], "rank": 0, "wall": 0.0}
    out.write((json.dumps(header) + "\n").encode("ascii"))


def _join(facts: dict[str, Any], told: dict[str, Any]) -> None:
    """What one more log says of the run; what has not the right form is not looked at."""
    if told.get("status") in {state.value for state in RunState if state.terminal}:
        facts["status"] = told["status"]
    if isinstance(told.get("name"), str):
        facts["name"] = told["name"]
    for key, choose in (("first", min), ("last", max)):
        value = finite(told.get(key))
        if value is not None:
            facts[key] = choose(value, facts.get(key, value))
