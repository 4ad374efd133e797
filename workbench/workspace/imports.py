"""Bringing runs that other trackers logged into the workspace: read here, taken in by the services."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from workbench.errors import NotFound
from workbench.remote.forms import record_form as form
from workbench.remote.forms.record_text import quote
from workbench.remote.ingest.naming import Log, Names, log_of
from workbench.remote.readers import sources
from workbench.remote.readers.entries import Entry, Reading, record_lines
from workbench.remote.readers.forms import READERS, ended, remark
from workbench.remote.readers.told import Told
from workbench.runs.imported_files import begin_file
from workbench.workspace.client import Client

BLOCK = 1 << 18
Rename = Callable[[list[Entry]], list[Entry]]
_THERE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*):(.*)", re.DOTALL)
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


class Imported(NamedTuple):
    """A run that was brought in, or brought up to date; or a log of which none could be made."""

    run: str
    """Its id; empty where nothing of the log could be read, which `troubles` says."""
    name: str
    new: bool
    entries: int
    """Points, params and tags that are new."""
    skipped: int
    """Damaged or oversized pieces of its files."""
    troubles: list[str]
    """What could not be read, and what was left for the next time, in words."""


class FoundRun(NamedTuple):
    """A run that other tools logged, where it lies."""

    folder: str
    name: str
    forms: list[str]
    known: bool
    """Whether it was imported before."""
    trouble: str = ""
    """Why it cannot be, in words; empty where it can."""


def place_of(path: Path | str) -> tuple[str | None, str]:
    """The machine and the path that MACHINE:PATH names; no machine for a path of this one."""
    match = _THERE.fullmatch(str(path))
    if match is None or Path(str(path)).exists():
        return None, str(path)
    return match[1], match[2] or "~"


def look(client: Client, path: Path | str) -> Iterator[FoundRun]:
    """The runs in a file or below a folder, of this machine or another. Raises NotFound."""
    target, there = place_of(path)
    if target is not None:
        for event in client.items("runs", "import_look", target=target, path=there):
            yield FoundRun(**event["found"])
        return
    try:
        for found in sources.find(str(Path(path).expanduser().resolve())):
            forms = sorted({source.form for source in found.sources})
            if found.trouble:
                yield FoundRun(found.folder, found.name, forms, False, found.trouble)
                continue
            known = bool(client.call("runs", "imported", source=_source(found)))
            yield FoundRun(found.folder, found.name, forms, known)
    except OSError as problem:
        raise _absent(path, problem) from problem


def bring_from(client: Client, target: str, path: str, experiment: str | None = None) -> Iterator[Imported]:
    """Import every run in a file or below a folder of a machine; it is read there, and only records travel.

    Raises NotFound when nothing there is a log.
    """
    count = 0
    asked = {} if experiment is None else {"experiment": experiment}
    for event in client.items("runs", "import_from", target=target, path=path, **asked):
        count += 1
        yield Imported(**event["imported"])
    if not count:
        raise _nothing(f"{target}:{path}")


def _absent(path: Path | str, problem: OSError) -> NotFound:
    return NotFound(f"{path}: {problem.strerror or problem}", "give a file or folder that is there")


def _nothing(path: Path | str) -> NotFound:
    return NotFound(
        f"nothing in {path} is a log that can be read",
        "event files, .wandb, mlruns, mlflow.db, dvclive, trainer_state.json, CSV, TSV and JSONL can",
    )


def _source(found: sources.Found) -> str:
    return f"{found.folder}#{found.run}" if found.run else found.folder


def bring(client: Client, path: Path, experiment: str | None = None) -> Iterator[Imported]:
    """Import every run in a file or below a folder, each as it is done; again, only what is new of them.

    experiment: default is the folder's name. Raises NotFound when nothing there is a log.
    """
    root = path.expanduser().resolve()
    called = (
        experiment or _UNFIT.sub("-", root.stem if root.is_file() else root.name).strip("-_") or "imported"
    )
    count = 0
    try:
        for found in sources.find(str(root)):
            count += 1
            if found.trouble:
                yield Imported("", found.name, False, 0, 0, [found.trouble])
            else:
                yield _one(client, found, called)
    except OSError as problem:
        raise _absent(path, problem) from problem
    if not count:
        raise _nothing(path)


def _one(client: Client, found: sources.Found, experiment: str) -> Imported:
    source = _source(found)
    known: dict[str, Any] = client.call("runs", "imported", source=source)
    state = known.get("state") or {"files": {}, "names": {}}
    names = Names(state["names"]) if "names" in state else None  # earlier versions did not keep them
    told, entries, skipped, troubles = Told(), 0, 0, []
    with tempfile.TemporaryDirectory(prefix="import-") as folder:
        made: list[tuple[dict[str, Any], Path]] = []
        for index, one in enumerate(found.sources):
            kept = state["files"].setdefault(one.path, {})
            lines = Path(folder) / str(index)
            rename = None if names is None else partial(names.renamed, _log_of(one, found))
            with open(lines, "wb") as out:
                count, damaged, trouble = _whole(one, kept, out, told, rename)
            entries += count
            skipped += damaged
            if trouble:
                troubles.append(f"{one.path}: {trouble}")
            made.append((kept, lines))
        if not known and not entries:
            said = troubles or [f"{source}: nothing is logged in it yet"]
            return Imported("", found.name, False, 0, skipped, said)
        run = client.call(
            "runs",
            "import_begin",
            source=source,
            name=told.facts.get("name") or found.name,
            experiment=experiment,
            started=told.facts.get("first", _oldest(kept for kept, _ in made)),
            ended=told.facts.get("last"),
            **({"status": told.facts["status"]} if "status" in told.facts else {}),
        )
        for kept, lines in made:
            _send(client, run["id"], kept, lines)
        if names is not None:
            state["names"] = names.state()
        client.call("runs", "import_done", run=run["id"], state=state)
    return Imported(run["id"], run["name"], not known, entries, skipped, troubles)


def _log_of(source: sources.Source, found: sources.Found) -> Log:
    return log_of(source.form, os.path.relpath(source.path, found.folder))


def _whole(
    source: sources.Source, kept: dict[str, Any], out: IO[bytes], told: Told, rename: Rename | None
) -> tuple[int, int, str]:
    """Read what is new of a source to its end: entries, damaged pieces, what is to be said of it."""
    entries, skipped, trouble = 0, 0, ""
    before = bool(kept.get("given", "state" in kept))  # earlier versions did not note it
    for reading, count in _read(source, kept, out, told, rename):
        entries, skipped, trouble = entries + count, skipped + reading.skipped, reading.trouble or trouble
    kept["given"] = before or entries > 0
    said = remark(source.form, kept.get("state") or {}, kept["given"], skipped)
    return entries, skipped, trouble or said


def _read(
    source: sources.Source, kept: dict[str, Any], out: IO[bytes], told: Told, rename: Rename | None
) -> Iterator[tuple[Reading, int]]:
    """Write what is new of a source as record lines. kept: "state", "file", "attempt", "wall", "offset"."""
    state = dict(kept.get("state") or ({"run": source.run} if source.run else {}))
    closing = False
    while True:
        try:
            reading = READERS[source.form](source.path, state)
        except (OSError, ValueError) as problem:
            yield Reading([], state, False, False, 0, str(problem)), 0
            return
        for entry in reading.entries:
            told.note(entry)
        if reading.again or not kept.get("file"):
            out.seek(0)
            out.truncate()
            _begin(source, kept, reading.entries)
            out.write(_header(kept))
        wall = kept["wall"]
        entries = [entry for entry in reading.entries if entry.kind != form.RECORD_STATUS]
        entries = entries if rename is None else rename(entries)
        out.write("".join(record_lines(entries, wall, wall)).encode("ascii"))
        state = kept["state"] = reading.state
        yield reading, len(entries)
        if not reading.more:
            last = None if closing else ended(source.form, state)
            if last is None:
                return
            state, closing = last, True


def _begin(source: sources.Source, kept: dict[str, Any], entries: list[Entry]) -> None:
    """A record file for a source that is new, or is another one than before."""
    wall = next((entry.time for entry in entries if entry.time is not None), None)
    begin_file(source.path, kept)
    kept["wall"] = os.stat(source.path).st_mtime if wall is None else wall


def _header(kept: dict[str, Any]) -> bytes:
    begin = f'{{"k":{quote(form.RECORD_HEADER)},"v":{form.VERSION},"attempt":{kept["attempt"]}'
    return f'{begin},"rank":0,"wall":{kept["wall"]:.6f},"mono":0.0}}\n'.encode("ascii")


def _oldest(kept: Iterable[dict[str, Any]]) -> float | None:
    """The time of the oldest of files that say none themselves."""
    return min((one["wall"] for one in kept if "wall" in one), default=None)


def _send(client: Client, run: str, kept: dict[str, Any], lines: Path) -> None:
    size = lines.stat().st_size
    if not size:
        return

    def blocks() -> Iterator[bytes]:
        with open(lines, "rb") as data:
            while block := data.read(BLOCK):
                yield block

    client.write("runs", "import_records", blocks(), run=run, file=kept["file"], offset=kept["offset"])
    kept["offset"] += size
