"""The store: everything the workbench keeps on this side, behind one class.

Calls block; asyncio goes through `Keeper`. The thread that opened a store is its writer; any thread may read.
Every change writes its events in its own transaction, and `on_events` hears of them after the commit.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from workbench.entities.base import Entity
from workbench.entities.configuration import RunConfiguration
from workbench.entities.event import Activity, Event
from workbench.entities.experiment import Experiment, Goal
from workbench.entities.metric import Bucket, Evaluation, Point, SeriesSummary
from workbench.entities.run import Resources, Run, RunFile, Transition
from workbench.entities.run_row import RunTable
from workbench.entities.snapshot import Manifest, Snapshot
from workbench.entities.target import Target
from workbench.store import (
    activities,
    environments,
    evaluations,
    events,
    experiments,
    files,
    ingest,
    manifests,
    opening,
    references,
    run_entries,
    run_order,
    run_rows,
    run_status,
    run_table,
    runs,
    series,
    spool,
    summaries,
    tables,
    targets,
)
from workbench.store.blobs import Blobs, Pruned
from workbench.store.codec import moment_of_seconds
from workbench.store.database import Database
from workbench.store.ingest import RecordFile
from workbench.store.line_index import LineIndex
from workbench.store.lines import LineAssembler
from workbench.store.ordering import find
from workbench.store.orders import Orders
from workbench.store.problems import explained
from workbench.store.query import RunQuery
from workbench.store.records import RecordBatch, parse_records

PRUNE_GRACE = 3600.0


class Offsets(Entity, frozen=True, kw_only=True):
    """How much of a run is here: where a follower goes on."""

    seq: int = 0
    """All transitions up to this one."""
    stream: int = 0
    """Bytes of output, gaps counted."""
    records: dict[str, int] = msgspec.field(default_factory=dict)
    """Bytes taken in, by record file."""


class Store:
    """Made by `Store.open`. Every method raises StoreError for a full disk or a damaged database."""

    def __init__(self, directory: Path, database: Database) -> None:
        self.directory = directory
        self._db = database
        self._blobs = Blobs(directory / "blobs")
        self._spool = directory / "spool"
        self._lines: dict[tuple[str, str], LineAssembler] = {}
        self._orders = Orders()

    @classmethod
    def open(cls, directory: Path, actor: str = "local") -> Store:
        """The store in directory, made or migrated when needed; the calling thread becomes its writer.

        actor: who changes things, in events. Raises StoreTooNew, StoreError (damaged, locked, full, on a
        network file system: see `location.choose_directory`).
        """
        return cls(directory, opening.open_database(directory, actor))

    def close(self) -> None:
        """Close the database; idempotent."""
        self._db.close()

    def claim(self) -> None:
        """Make the calling thread the writer instead of the one before, which must be done."""
        self._db.claim()

    @property
    def on_events(self) -> Callable[[list[Event]], None] | None:
        """Called in the writer's thread after each commit with the events it brought."""
        return self._db.on_events

    @on_events.setter
    def on_events(self, listener: Callable[[list[Event]], None] | None) -> None:
        self._db.on_events = listener

    # events

    def events(self, after: int = 0, limit: int = 1000) -> list[Event]:
        """Up to limit events later than the sequence after, oldest first."""
        with self._db.read() as connection:
            return events.after(connection, after, limit)

    def last_sequence(self) -> int:
        """The newest event's sequence; 0 before the first."""
        with self._db.read() as connection:
            return events.last_sequence(connection)

    # targets

    def put_target(self, target: Target) -> None:
        """Keep a target, new or changed; when it is the default, no other is."""
        with self._db.write() as change:
            targets.put(change, target)

    def change_target(self, name: str, change_it: Callable[[Target], Target]) -> Target:
        """Change a target by a function of what it is now, so that no change is lost; raises NotFound."""
        with self._db.write() as change:
            target = change_it(targets.get(change.connection, name))
            targets.put(change, target)
            return target

    def targets(self) -> list[Target]:
        """All targets by name."""
        with self._db.read() as connection:
            return targets.every(connection)

    def target(self, name: str) -> Target:
        """One target; raises NotFound."""
        with self._db.read() as connection:
            return targets.get(connection, name)

    def remove_target(self, name: str) -> None:
        """Forget a target, not its runs; raises NotFound."""
        with self._db.write() as change:
            targets.remove(change, name)

    # experiments

    def ensure_experiment(self, name: str, now: datetime) -> Experiment:
        """The active experiment of that name, made when there is none; raises UsageError for a bad name."""
        with self._db.write() as change:
            experiments.ensure(change, name, now)
            return experiments.get(change.connection, name)

    def experiments(self, archived: bool = False) -> list[Experiment]:
        """The active experiments by name; with archived, those too."""
        with self._db.read() as connection:
            return experiments.every(connection, archived)

    def experiment(self, name: str) -> Experiment:
        """The experiment of that name (the active one first) or id; raises NotFound."""
        with self._db.read() as connection:
            return experiments.get(connection, name)

    def update_experiment(
        self,
        name: str,
        *,
        primary_metric: str | None = None,
        goal: Goal | None = None,
        tags: dict[str, str | None] | None = None,
        archived: bool | None = None,
    ) -> Experiment:
        """Change what is given; tags replace all tags. Raises NotFound, Conflict (name taken)."""
        with self._db.write() as change:
            return experiments.update(change, name, primary_metric, goal, tags, archived)

    # runs

    def insert_run(
        self, run: Run, configuration: RunConfiguration, diff: str | None = None
    ) -> tuple[Run, bool]:
        """Add a run; with an id that is there already the row as it is, and False."""
        with self._db.write() as change:
            new = runs.insert(change, run, configuration, diff)
            return run_rows.get(change.connection, run.id), new

    def run(self, run_id: str) -> Run:
        """One run with tags, params and the plain view of its metrics; raises NotFound."""
        with self._db.read() as connection:
            return run_rows.get(connection, run_id)

    def configuration(self, run_id: str) -> RunConfiguration:
        """What the run was asked to do; raises NotFound."""
        with self._db.read() as connection:
            return runs.configuration(connection, run_id)

    def diff_text(self, run_id: str) -> str | None:
        """The uncommitted changes it was submitted with; raises NotFound."""
        with self._db.read() as connection:
            return runs.diff_text(connection, run_id)

    def transitions(self, run_id: str) -> list[Transition]:
        """All its machine said, by attempt and seq; raises NotFound."""
        with self._db.read() as connection:
            return run_status.known_transitions(connection, run_rows.number(connection, run_id))

    def find_runs(self, query: RunQuery) -> list[Run]:
        """The runs that fit, in the order asked for; raises NotFound (experiment), UsageError."""
        with self._db.read() as connection:
            return run_rows.load(connection, find(connection, query))

    def table(self, query: RunQuery, columns: run_table.Columns) -> RunTable:
        """A page of the table of runs; raises NotFound (experiment), UsageError."""
        with self._db.read() as connection:
            return run_table.page(connection, self._orders, query, columns)

    def order(self, query: RunQuery, *, grouped: bool) -> tuple[list[str], list[tuple[str, int]]]:
        """All ids that fit, in order, and the groups; raises NotFound (experiment), UsageError."""
        with self._db.read() as connection:
            return run_order.order(connection, self._orders, query, grouped=grouped)

    def active_runs(self) -> list[tuple[str, str, int]]:
        """How many runs can still change, as (target, status, number)."""
        with self._db.read() as connection:
            return run_order.active(connection)

    def column_names(self, query: RunQuery) -> dict[str, list[str]]:
        """The names of params, tags and metrics of the runs that fit; raises NotFound, UsageError."""
        with self._db.read() as connection:
            return run_table.names(connection, query)

    def resolve(self, reference: str, experiment: str | None = None) -> str:
        """The id that an id, unique prefix, name, @N or @best means; raises NotFound, Ambiguous."""
        with self._db.read() as connection:
            return references.resolve(connection, reference, experiment)

    def apply_status(
        self,
        run_id: str,
        transitions: list[Transition],
        *,
        gpus: list[str] | None = None,
        resources: Resources | None = None,
        note: str | None = None,
        as_of: datetime,
    ) -> Run:
        """Take over what its machine says, however late, in any order, any number of times (AZ-72).

        note: the queue's reason; the run's message while it has no other. None for gpus and resources: as
        before. Raises NotFound.
        """
        with self._db.write() as change:
            run_status.apply_status(change, run_id, transitions, gpus, resources, note, as_of)
            return run_rows.get(change.connection, run_id)

    def tag(self, run_id: str, set: Mapping[str, str | None], remove: list[str] | None = None) -> Run:
        """Set and remove tags (AZ-78); raises NotFound."""
        with self._db.write() as change:
            runs.change_tags(change, run_id, set, remove or [])
            return run_rows.get(change.connection, run_id)

    def add_properties(self, run_id: str, properties: Mapping[str, str]) -> Run:
        """Add properties; raises Conflict when one has another value (AZ-78), NotFound."""
        with self._db.write() as change:
            runs.add_properties(change, run_id, properties)
            return run_rows.get(change.connection, run_id)

    def describe(self, run_id: str, description: str | None = None, name: str | None = None) -> Run:
        """Change description or name, where given; raises NotFound."""
        with self._db.write() as change:
            runs.describe(change, run_id, description, name)
            return run_rows.get(change.connection, run_id)

    def archive(self, run_id: str, archived: bool = True) -> Run:
        """Hide a run from lists, or show it again; raises NotFound."""
        with self._db.write() as change:
            runs.archive(change, run_id, archived)
            return run_rows.get(change.connection, run_id)

    def remove_run(self, run_id: str) -> None:
        """Forget a run, its records and its output; blobs stay until pruned. Raises NotFound."""
        with self._db.write() as change:
            runs.remove(change, run_id)
        for key in [key for key in self._lines if key[0] == run_id]:
            del self._lines[key]
        with explained(self._spool):
            self.spool_path(run_id).unlink(missing_ok=True)
            self._line_index_path(run_id).unlink(missing_ok=True)

    def put_files(self, run_id: str, listing: list[RunFile]) -> None:
        """Make this the listing of the run's files; unsafe paths are left out. Raises NotFound."""
        with self._db.write() as change:
            refused = files.put(change, run_id, listing)
            if refused:
                number = run_rows.number(change.connection, run_id)
                run_entries.warn(change, number, ["some files have names that cannot be kept"])

    def files(self, run_id: str) -> list[RunFile]:
        """Its files by path; raises NotFound."""
        with self._db.read() as connection:
            return files.every(connection, run_id)

    def mark_collected(self, run_id: str, path: str, sha256: str) -> None:
        """Say that a file's bytes are a blob here; raises NotFound."""
        with self._db.write() as change:
            files.mark_collected(change, run_id, path, sha256)

    def next_number(self) -> int:
        """1, 2, 3 ...: for display names."""
        with self._db.write() as change:
            return runs.next_number(change)

    # records

    def offsets(self, run_id: str) -> Offsets:
        """How much of a run is here; raises NotFound."""
        with self._db.read() as connection:
            number = run_rows.number(connection, run_id)
            return Offsets(
                seq=run_status.reached_seq(connection, number),
                stream=spool.length(connection, number, self.spool_path(run_id)),
                records=ingest.stops(connection, number),
            )

    def ingest(
        self, run_id: str, file: str, batch: RecordBatch, end_offset: int, start_offset: int | None = None
    ) -> None:
        """Keep a batch and the offset of file it ends at, together; one that was kept before is passed over.

        Raises NotFound; Conflict when start_offset is given and is not where the file stands.
        """
        with self._db.write() as change:
            number = run_rows.number(change.connection, run_id)
            ingest.take(change, number, file, batch, end_offset, start_offset)

    def ingest_bytes(self, run_id: str, file: str, offset: int, data: bytes) -> RecordBatch | None:
        """Read and keep what data, from offset of file on, brings that is new: the batch, None without any.

        Chunks may be cut anywhere and come twice. A line waits, in memory, for its end. Raises NotFound;
        Conflict when bytes between are missing (go on from what `offsets` says).
        """
        self._db.check_writer()
        key = (run_id, file)
        try:
            with self._db.read() as connection:
                known = ingest.record_file(connection, run_rows.number(connection, run_id), file)
            assembler = self._lines.get(key)
            if assembler is None or assembler.done != known.stop:
                assembler = self._lines[key] = LineAssembler(known.stop)
            lines = assembler.feed(offset, data)
            if assembler.idle:
                del self._lines[key]
            if lines is None:
                return None
            _, batch, _ = parse_records(lines.data, known.header)
            batch.bad += lines.too_long
            self.ingest(run_id, file, batch, lines.stop, lines.start)
            return batch
        except BaseException:
            self._lines.pop(key, None)  # what was read is not kept: it has to be read again
            raise

    def record_file(self, run_id: str, file: str) -> RecordFile:
        """How far a record file was taken in, its header, and its bad lines; raises NotFound."""
        with self._db.read() as connection:
            return ingest.record_file(connection, run_rows.number(connection, run_id), file)

    def series(self, run_id: str) -> list[SeriesSummary]:
        """One summary a metric, rank and attempt; raises NotFound."""
        with self._db.read() as connection:
            return summaries.of_run(connection, run_rows.number(connection, run_id))

    def columns(
        self, run_id: str, name: str, rank: int | None = None, limit: int | None = None
    ) -> tuple[array[int], array[float], array[float]]:
        """Steps, times (seconds since 1970) and values of a metric, by step.

        rank None: the plain view. limit: only the last so many. Raises NotFound (run, metric).
        """
        with self._db.read() as connection:
            return series.columns(connection, run_rows.number(connection, run_id), name, rank, limit)

    def points(
        self, run_id: str, name: str, rank: int | None = None, limit: int | None = None
    ) -> list[Point]:
        """The same as `columns`, as points."""
        return [
            Point(step=step, time=moment_of_seconds(time), value=value)
            for step, time, value in zip(*self.columns(run_id, name, rank, limit), strict=True)
        ]

    def envelope(
        self,
        run_id: str,
        name: str,
        buckets: int,
        selection: summaries.Selection = summaries.ALL,
    ) -> list[Bucket]:
        """What is selected of a metric as at most so many buckets of min, max and last; raises NotFound."""
        with self._db.read() as connection:
            run = run_rows.number(connection, run_id)
            return summaries.envelope(connection, run, name, buckets, selection)

    def rows(self, run_id: str, name: str | None = None) -> dict[str, dict[str, list[Any]]]:
        """Tables by name, each a mapping of columns; raises NotFound (run)."""
        with self._db.read() as connection:
            return tables.rows(connection, run_rows.number(connection, run_id), name)

    def texts(self, run_id: str, name: str | None = None) -> dict[str, list[tuple[int | None, str | None]]]:
        """Metrics whose values are texts, by name: (step, text); raises NotFound (run)."""
        with self._db.read() as connection:
            return tables.texts(connection, run_rows.number(connection, run_id), name)

    def distributions(self, run_id: str) -> dict[str, dict[str, str]]:
        """What was installed where it ran, name to version, by interpreter; raises NotFound (run)."""
        with self._db.read() as connection:
            return environments.distributions(connection, run_rows.number(connection, run_id))

    def evaluations(self, run_id: str, name: str | None = None) -> dict[str, list[Evaluation]]:
        """How well models did, by name, as logged in stated schemas; raises NotFound (run)."""
        with self._db.read() as connection:
            return evaluations.of_run(connection, run_rows.number(connection, run_id), name)

    def artifacts(self, run_id: str) -> dict[str, str]:
        """What the run called some of its files: label to path; raises NotFound."""
        with self._db.read() as connection:
            return tables.artifacts(connection, run_rows.number(connection, run_id))

    def warnings(self, run_id: str) -> list[str]:
        """The different warnings of a run, oldest first; raises NotFound."""
        with self._db.read() as connection:
            return run_entries.warnings(connection, run_id)

    # manifests and blobs

    def has_manifest(self, snapshot_id: str) -> bool:
        """Whether the snapshot's manifest is here."""
        with self._db.read() as connection:
            return manifests.has(connection, snapshot_id)

    def put_manifest(self, manifest: Manifest) -> str:
        """Keep a manifest; returns the snapshot's id."""
        with self._db.write() as change:
            return manifests.put(change, manifest)

    def has_snapshot(self, snapshot_id: str) -> bool:
        """Whether the manifest and all its contents are here; what is stays for a submit under way."""
        with self._db.write() as change:
            if not manifests.renew(change, snapshot_id):
                return False
            needed = manifests.hashes(change.connection, snapshot_id)
        return not self.missing_blobs(needed)

    def manifest(self, snapshot_id: str) -> Manifest:
        """The manifest of a snapshot; raises NotFound."""
        with self._db.read() as connection:
            return manifests.get(connection, snapshot_id)

    def snapshot(self, snapshot_id: str) -> Snapshot:
        """A snapshot's figures; raises NotFound."""
        with self._db.read() as connection:
            return manifests.row(connection, snapshot_id)

    def missing_blobs(self, hashes: Iterable[str]) -> list[str]:
        """Those of these contents that are not here."""
        with explained(self._blobs.folder):
            return self._blobs.missing(hashes)

    def blob_path(self, sha256: str) -> Path:
        """Where the content is, or would be; never opened for writing by anybody else."""
        return self._blobs.path(sha256)

    def put_blob(self, source: Path | bytes | BinaryIO, sha256: str) -> None:
        """Keep a content, whole or not at all; any thread may. Raises Refused when the hash differs."""
        with explained(self._blobs.folder):
            self._blobs.put(source, sha256)

    def prune_blobs(self, dry_run: bool = True, grace: float = PRUNE_GRACE) -> Pruned:
        """Remove manifests of no run and contents nothing refers to, older than grace seconds."""
        with self._db.write() as change:
            unused = manifests.unused(change.connection, grace)
            needed = manifests.needed_blobs(change.connection, set(unused))
            if not dry_run:
                change.executemany("DELETE FROM manifests WHERE id = ?", [(name,) for name in unused])
        with explained(self._blobs.folder):
            pruned = self._blobs.prune(needed, dry_run, grace)
        return pruned._replace(manifests=len(unused))

    # the stream

    def spool_path(self, run_id: str) -> Path:
        """The file of the run's output; only its first `offsets(run_id).stream` bytes are sure."""
        return self._spool / f"{run_id}.log"

    def line_index(self, run_id: str) -> LineIndex:
        """The line numbers of the run's output; it may be used in any thread."""
        return LineIndex(self.spool_path(run_id), self._line_index_path(run_id))

    def _line_index_path(self, run_id: str) -> Path:
        return self._spool / f"{run_id}.lines"

    def append_stream(self, run_id: str, offset: int, data: bytes) -> int:
        """Keep output that starts at offset; returns how much is here. What is here already is passed over.

        Raises NotFound; Conflict when bytes between are missing and no gap was recorded.
        """
        number, have = self._stream(run_id)
        new = spool.wanted(have, offset, data)
        if not new:
            return have
        with explained(self._spool):
            spool.write(self.spool_path(run_id), have, new)
        with self._db.write() as change:
            spool.mark(change, number, have)
            spool.commit(change, number, have + len(new))
        return have + len(new)

    def stream_offset_since(self, run_id: str, seconds: float) -> int:
        """From which byte of the stream on came what came in the last so many seconds, by this side's clock.

        A few seconds more rather than less; the stream's length when nothing came. Raises NotFound.
        """
        with self._db.read() as connection:
            number = run_rows.number(connection, run_id)
            end = spool.length(connection, number, self.spool_path(run_id))
            return spool.since(connection, number, seconds, end)

    def add_gap(self, run_id: str, start: int, stop: int) -> int:
        """Record that the machine no longer has bytes start to stop; returns how much is here, as appended.

        Raises NotFound; Conflict when bytes before start are missing too.
        """
        number, have = self._stream(run_id)
        spool.wanted(have, start, b"")
        if stop <= have:
            return have
        with explained(self._spool):
            spool.stretch(self.spool_path(run_id), stop)
        with self._db.write() as change:
            spool.add_gap(change, number, have, stop)
            spool.commit(change, number, stop)
        return stop

    def gaps(self, run_id: str) -> list[tuple[int, int]]:
        """The stretches of the stream that are gone, as (start, stop); raises NotFound."""
        with self._db.read() as connection:
            return spool.gaps(connection, run_rows.number(connection, run_id))

    def _stream(self, run_id: str) -> tuple[int, int]:
        """A run's row number and how much of its stream is here, for a change."""
        self._db.check_writer()
        with self._db.read() as connection:
            number = run_rows.number(connection, run_id)
            return number, spool.length(connection, number, self.spool_path(run_id))

    # activities

    def put_activity(self, activity: Activity) -> None:
        """Keep an activity, new or changed (AZ-13)."""
        with self._db.write() as change:
            activities.put(change, activity)

    def activities(self, limit: int = 50, active: bool = False) -> list[Activity]:
        """The newest activities; with active, those that go on."""
        with self._db.read() as connection:
            return activities.newest(connection, limit, active)
