"""Runs in one file: how its entries are called, and reading one that nobody vouches for.

Nothing is taken from an archive that its manifest does not name with size and hash; the places things go to
follow from ids and from paths that were checked, never from names in the archive.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from workbench.entities.base import from_wire, replace
from workbench.entities.configuration import RunConfiguration
from workbench.entities.experiment import valid_experiment_name
from workbench.entities.run import Run
from workbench.entities.run_bundle import FORM, VERSION, BundledRun, BundleEntry, BundleManifest
from workbench.entities.snapshot import Manifest, entry_from_line
from workbench.errors import UsageError
from workbench.remote.forms import protocol
from workbench.remote.forms.tree_paths import clash
from workbench.remote.snapshots import manifest as snapshot_form
from workbench.remote.snapshots.archive import Archive, ArchiveError, Item, Limits
from workbench.runs.collect import safe_path
from workbench.text.sanitize import clean_name

MANIFEST = "bundle.json"
LIMITS = Limits(300_000, 1 << 40, 200, 6, 64 << 20)
MOST_RUNS = 1000
MOST_JSON = 64 << 20
"""Bytes of one entry that is read whole."""
MOST_MACHINE = 1 << 16
"""Characters of what is told of a machine."""
MOST_STEPS = 100_000
"""Transitions of one run."""
HINT = "nothing of it was brought in; ask for the bundle again"

_RUN = r"runs/[0-9A-HJKMNP-TV-Z]{26}"
_NAMES = re.compile(
    rf"{_RUN}/(run\.json|output|times|records/[0-9]{{1,6}}|files/[0-9]{{1,6}})"
    r"|snapshots/[0-9a-f]{64}\.json|blobs/[0-9a-f]{64}"
)
_SECRET = re.compile(r"(?i)token|secret|passw|passphrase|credential|api_?key|access_?key|private_?key|auth")
T = TypeVar("T")


def handed_on(configuration: RunConfiguration) -> RunConfiguration:
    """What is told to others of what was asked for.

    Without what was to be done at the run's end, since addresses may be secrets, and without variables whose
    names say that they are.
    """
    told = {
        name: value for name, value in configuration.environment_variables.items() if not _SECRET.search(name)
    }
    return replace(configuration, on_end=[], environment_variables=told)


def own_digest(run: str, entries: dict[str, BundleEntry]) -> str:
    """What tells one state of a run in a bundle from another: over all entries that are its own."""
    begin, digest = f"runs/{run}/", hashlib.sha256()
    for name in sorted(name for name in entries if name.startswith(begin)):
        digest.update(f"{name} {entries[name].size} {entries[name].sha256}\n".encode("ascii"))
    return digest.hexdigest()


class Bundle:
    """An open bundle whose names were checked; its contents are as they are read. A context manager.

    Raises UsageError with a sentence about what is wrong, OSError.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._archive = Archive(str(path), LIMITS)
        except ArchiveError as problem:
            raise UsageError(f"this is no bundle: {problem.message}", HINT) from problem
        try:
            self._items = {item.path: item for item in self._archive.items}
            self.manifest = self._read_manifest()
        except BaseException:
            self._archive.__exit__()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its file."""
        self._archive.__exit__()

    def has(self, name: str) -> bool:
        """Whether there is such an entry."""
        return name in self.manifest.entries

    def pieces(self, name: str) -> Iterator[bytes]:
        """The bytes of an entry; raises UsageError when they are not those the manifest tells of."""
        known = self.manifest.entries.get(name)
        if known is None:
            raise _bad(f"{name} is missing")
        digest, size = hashlib.sha256(), 0
        for piece in self._chunks(self._items[name]):
            digest.update(piece)
            size += len(piece)
            if size > known.size:
                break
            yield piece
        if size != known.size or digest.hexdigest() != known.sha256:
            raise _bad(f"{name} is not what the bundle says it is")

    def bundled(self, run: str) -> BundledRun:
        """A run of the bundle, checked. Raises UsageError."""
        found = self._json(f"runs/{run}/run.json", BundledRun)
        _check(run, found)
        for count, kind in ((len(found.records), "records"), (len(found.stored), "files")):
            for at in range(count):
                if not self.has(f"runs/{run}/{kind}/{at}"):
                    raise _bad(f"{kind}/{at} of run {run} is missing")
        return found

    def snapshot(self, identity: str) -> Manifest:
        """The manifest of a snapshot; raises UsageError when it is another's."""
        lines = self._json(f"snapshots/{identity}.json", list[Any])
        try:
            entries = snapshot_form.check_entries(lines)
            found = Manifest(entries=tuple(entry_from_line(*entry) for entry in entries))
        except (snapshot_form.BadManifest, TypeError, ValueError) as problem:
            raise _bad(f"the manifest of snapshot {identity[:12]} is damaged") from problem
        if found.id != identity:
            raise _bad(f"the manifest of snapshot {identity[:12]} is of another one")
        return found

    def _read_manifest(self) -> BundleManifest:
        item = self._items.pop(MANIFEST, None)
        if item is None:
            raise _bad(f"it has no {MANIFEST}")
        said = _load(b"".join(self._limited(item)), MANIFEST)
        form, version = (said.get("form"), said.get("version")) if isinstance(said, dict) else (None, None)
        if form != FORM:
            raise _bad("it is an archive of another kind")
        if version != VERSION:
            known = clean_name(str(version), 20)
            raise UsageError(
                f"the bundle has version {known}; this workbench reads version {VERSION}",
                "upgrade this workbench, or have the bundle made by an older one",
            )
        found = _convert(said, BundleManifest, MANIFEST)
        if found.made.tzinfo is None or len(found.runs) > MOST_RUNS:
            raise _bad("its manifest is damaged")
        if set(found.entries) != set(self._items):
            raise _bad("its entries are not those it tells of")
        for name in found.entries:
            if not _NAMES.fullmatch(name) or self._items[name].kind != "file":
                raise _bad(f"there is no place for an entry called {clean_name(name, 100)!r}")
        for run, digest in found.runs.items():
            if not self.has_run(found, run) or digest != own_digest(run, found.entries):
                raise _bad(f"what it tells of run {clean_name(run, 40)} does not fit")
        return found

    @staticmethod
    def has_run(manifest: BundleManifest, run: str) -> bool:
        """Whether a run is in there."""
        return protocol.valid_run_id(run) and f"runs/{run}/run.json" in manifest.entries

    def _json(self, name: str, kind: type[T]) -> T:
        size = self.manifest.entries[name].size if self.has(name) else 0
        if size > MOST_JSON:
            raise _bad(f"{name} is too large")
        return _convert(_load(b"".join(self.pieces(name)), name), kind, name)

    def _limited(self, item: Item) -> Iterator[bytes]:
        size = 0
        for piece in self._chunks(item):
            size += len(piece)
            if size > MOST_JSON:
                raise _bad(f"{item.path} is too large")
            yield piece

    def _chunks(self, item: Item) -> Iterator[bytes]:
        try:
            yield from self._archive.chunks(item)
        except ArchiveError as problem:
            raise _bad(problem.message) from problem


def _check(run: str, found: BundledRun) -> None:
    """Refuse a run that could not have been exported by us."""
    row = found.run
    problem = None
    if row.id != run:
        problem = "it is that of another one"
    elif not row.status.terminal:
        problem = "it is not over"
    elif not valid_experiment_name(row.experiment):
        problem = "its experiment has no name"
    elif row.snapshot is not None and not protocol.SHA256.match(row.snapshot):
        problem = "its snapshot has no id"
    elif any(other is not None and not protocol.valid_run_id(other) for other in (row.parent, row.inside)):
        problem = "the run above it has no id"
    elif not 0 < row.attempt <= 1_000_000 or not 0 <= row.warnings < 1 << 40:
        problem = "its figures cannot be"
    elif any(moment is not None and moment.tzinfo is None for moment in _moments(found)):
        problem = "its times say no zone"
    elif len(found.transitions) > MOST_STEPS:
        problem = f"it has more than {MOST_STEPS} transitions"
    elif not all(safe_path(path) for path in found.stored) or len(set(found.stored)) < len(found.stored):
        problem = "its files have names that cannot be kept"
    elif clash(dict.fromkeys(found.stored, "file")) is not None:
        problem = "one of its files lies below another"
    elif not all(_RECORDS.fullmatch(name) for name in found.records):
        problem = "its record files have names that cannot be kept"
    elif len(json.dumps(found.machine)) > MOST_MACHINE:
        problem = "it tells too much of its machine"
    elif any(not 0 <= start < stop < 1 << 60 for start, stop in found.gaps):
        problem = "its output has gaps that cannot be"
    if problem is not None:
        raise _bad(f"run {run}: {problem}")


_RECORDS = re.compile(r"records/[^/\x00-\x1f\x7f]{1,250}")


def _moments(found: BundledRun) -> Iterator[Any]:
    row: Run = found.run
    yield from (row.created, row.started, row.ended, row.as_of)
    yield from (step.time for step in found.transitions)
    yield from (file.modified for file in found.files)


def _load(data: bytes, name: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise _bad(f"{name} cannot be read") from problem


def _convert(value: Any, kind: type[T], name: str) -> T:
    try:
        return from_wire(kind, value)
    except (msgspec.ValidationError, RecursionError, ValueError) as problem:
        raise _bad(f"{name} is not as it should be: {clean_name(str(problem), 300)}") from problem


def _bad(what: str) -> UsageError:
    return UsageError(f"the bundle is damaged: {what}", HINT)
