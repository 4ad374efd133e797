"""Models from the caller's side: sending files that lie here, asking for a run's, saving a version's."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.entities.base import to_wire
from workbench.entities.snapshot import Entry
from workbench.errors import Conflict, NotFound, Refused, RemoteError, StoreError, UsageError
from workbench.home import user_at_host
from workbench.remote.forms.tree_paths import path_problem
from workbench.snapshots.archive import zip_blobs
from workbench.workspace.client import Client

Progress = Callable[[str, int, int], None]
MOST_FILES = 10_000
_BATCH = 1 << 30
"""Bytes of contents that go up in one archive."""
_LARGE = 64 << 20
"""Bytes from which a file goes up by itself and as it is: weights do not shrink, and none is too large."""
_PIECE = 1 << 20


def register_path(
    client: Client,
    name: str,
    path: Path,
    facts: Mapping[str, Any] | None = None,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Register a file or folder of this machine as the next version of a model (AZ-172); its entity.

    A link to a file in the folder is followed (in a hub's cache also to its blobs), any other is refused.
    Contents that are there already are not sent again.
    Raises NotFound, UsageError, Conflict when a file changed meanwhile.
    """
    files = local_files(path)
    told = on_progress or (lambda *_: None)
    total = sum(place.stat().st_size for place in files.values())
    entries, sources, done = [], dict[str, Path](), 0
    for at, place in files.items():
        told(f"reading {at}", done, total)
        sha256, size = _hash(place)
        done += size
        entries.append(Entry(path=at, size=size, sha256=sha256))
        sources[sha256] = place
    wire = to_wire(entries)
    answer = client.call("snapshots", "missing", entries=wire)
    missing = list(answer["missing"])
    sizes = {entry.sha256: entry.size for entry in entries}
    for sha in [sha for sha in missing if sizes[sha] > _LARGE]:
        client.write("snapshots", "content", _read(sources[sha], sizes[sha], told), sha256=sha)
    for batch in _batches([sha for sha in missing if sizes[sha] <= _LARGE], sizes):
        client.write("snapshots", "upload", _told(zip_blobs({sha: sources[sha] for sha in batch}), told))
    if missing:
        answer = client.call("snapshots", "missing", entries=wire)
    found: dict[str, Any] = client.call(
        "models",
        "register",
        name=name,
        manifest=str(answer["id"]),
        facts=_facts(facts),
        path=path.name or str(path),
        one_file=path.is_file(),
    )
    return found


def register_from_run(
    client: Client,
    name: str,
    run: str,
    path: str,
    facts: Mapping[str, Any] | None = None,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Register a run's file or folder as the next version of a model (AZ-89); its entity.

    What was cut goes on where it stopped. Raises NotFound, Unreachable, RemoteError.
    """
    found: dict[str, Any] = {}
    run = str(client.call("runs", "get", run=run)["id"])  # @1 may mean another run at the next try
    for item in client.items("models", "register_run", name=name, run=run, path=path, facts=_facts(facts)):
        if "version" in item:
            found = item["version"]
        elif on_progress is not None:
            on_progress(f"fetching {item['file']}", int(item["done"]), int(item["total"]))
    return found


def download(
    client: Client,
    model: str,
    to: Path,
    *,
    paths: Sequence[str] = (),
    overwrite: bool = False,
    on_progress: Progress | None = None,
) -> list[Path]:
    """Save a version's files below `to`, or those of paths (files and folders, AZ-165); where they lie.

    Each is checked by its hash, and is there whole or not at all. Raises Refused, before anything is written,
    when one exists and overwrite is false (AZ-170), NotFound.
    """
    version = client.call("models", "version", model=model)
    exact = f"{version['name']}:{version['version']}"
    entries = client.call("models", "files", model=exact)
    wanted = [entry for entry in entries if not paths or _named(str(entry["path"]), paths)]
    for path in paths:
        if not any(_named(str(entry["path"]), [path]) for entry in entries):
            raise NotFound(f"{exact} has no file {path}", f"wb model show {exact} lists its files")
    places = [(entry, to / _checked(str(entry["path"]))) for entry in wanted]
    for _, place in places:
        if place.is_dir():
            raise Conflict(f"{place} is a folder", "choose another place with --to")
        if place.exists() and not overwrite:
            raise Refused(
                f"{place} exists",
                "--overwrite (exist_ok=True in a script) replaces it; --to names another place",
            )
    total, done = sum(int(entry["size"]) for entry, _ in places), 0
    for entry, place in places:
        _save(
            client, exact, entry, place, lambda count: on_progress and on_progress(exact, count, total), done
        )
        done += int(entry["size"])
    return [place for _, place in places]


def local_files(path: Path) -> dict[str, Path]:
    """The files at or below a path here, by their paths in a model. Raises NotFound, UsageError."""
    path = path.expanduser()
    if path.is_file():
        return {path.name: path.resolve()}
    if not path.is_dir():
        raise NotFound(f"there is no file or folder {path}", "name what the model consists of")
    found: dict[str, Path] = {}
    roots = [path.resolve()]
    if roots[0].parent.name == "snapshots":  # a hub's cache: links to ../../blobs
        roots.append(roots[0].parent.parent / "blobs")
    for folder, folders, names in os.walk(path):
        for name in folders:
            if (Path(folder) / name).is_symlink():
                raise UsageError(
                    f"{Path(folder) / name} is a link to a folder", "put the folder itself there"
                )
        for name in names:
            place = Path(folder) / name
            whole = _led_to(place, roots) if place.is_symlink() else place
            if not stat.S_ISREG(whole.stat().st_mode):
                raise UsageError(f"{place} is no ordinary file", "a model has files only")
            found[place.relative_to(path).as_posix()] = whole
            if len(found) > MOST_FILES:
                raise UsageError(f"{path} has more than {MOST_FILES} files", "a model has fewer")
    if not found:
        raise UsageError(f"{path} is empty", "a model has at least one file")
    return dict(sorted(found.items()))


def _led_to(link: Path, roots: Sequence[Path]) -> Path:
    """The file that a link in a model's folder leads to, in that folder or a cache it belongs to.

    Raises UsageError for any other: a folder from elsewhere would make whatever it points at part of a model.
    """
    try:
        whole = link.resolve(strict=True)
    except (OSError, RuntimeError) as problem:  # RuntimeError: of links that lead to each other
        raise UsageError(
            f"{link} is a link that leads nowhere", "remove it, or put the file there"
        ) from problem
    if not any(whole.is_relative_to(root) for root in roots):
        raise UsageError(f"{link} is a link that leads out of the model: {whole}", "copy the file there")
    return whole


def _facts(said: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"created_by": user_at_host(), **(said or {})}


def _hash(place: Path) -> tuple[str, int]:
    try:
        with open(place, "rb") as source:
            size = os.fstat(source.fileno()).st_size
            return hashlib.file_digest(source, "sha256").hexdigest(), size
    except OSError as problem:
        raise NotFound(f"{place} cannot be read: {problem.strerror}") from problem


def _batches(missing: Sequence[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    batch, room = list[str](), _BATCH
    for sha256 in missing:
        if batch and sizes[sha256] > room:
            yield batch
            batch, room = [], _BATCH
        batch.append(sha256)
        room -= sizes[sha256]
    if batch:
        yield batch


def _read(place: Path, size: int, told: Progress) -> Iterator[bytes]:
    """A file's bytes; raises NotFound when it cannot be read any more."""
    done = 0
    try:
        with open(place, "rb") as source:
            while piece := source.read(_PIECE):
                done += len(piece)
                told(f"sending {place.name}", done, size)
                yield piece
    except OSError as problem:
        raise NotFound(f"{place} cannot be read: {problem.strerror}") from problem


def _told(pieces: Iterator[bytes], told: Progress) -> Iterator[bytes]:
    done = 0
    for piece in pieces:
        done += len(piece)
        told("sending the model", done, 0)
        yield piece


def _named(path: str, wanted: Sequence[str]) -> bool:
    return any(path == one or path.startswith(one.rstrip("/") + "/") for one in wanted)


def _checked(path: str) -> str:
    """A path to write to; the service checked it, and a file is where mistakes would end up."""
    if path_problem(path, backslash=False) is not None:
        raise Refused(f"the model's file {path[:100]!r} would be written elsewhere")
    return path


def _save(
    client: Client,
    model: str,
    entry: Mapping[str, Any],
    place: Path,
    progress: Callable[[int], object],
    done: int,
) -> None:
    path, expected = str(entry["path"]), str(entry["sha256"])
    partial = place.with_name(f".{place.name}.{expected[:16]}.partial")
    digest = hashlib.sha256()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        have = 0
        if partial.exists():  # what an earlier try left of the same content
            with open(partial, "rb") as before:
                while block := before.read(_PIECE):
                    digest.update(block)
                    have += len(block)
        with open(partial, "ab") as out:
            for block in client.read("models", "download", model=model, path=path, offset=have):
                out.write(block)
                digest.update(block)
                have += len(block)
                progress(done + have)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != expected:
            partial.unlink()
            raise RemoteError(
                f"{path} arrived with another content than was registered",
                "download it again; if it stays so, what is kept here was damaged: register it again",
            )
        os.replace(partial, place)
    except OSError as problem:
        raise StoreError(
            f"cannot write {place}: {problem.strerror}", "choose another place with --to"
        ) from problem
