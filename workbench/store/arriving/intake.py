"""Bytes of record files, cut anywhere, into the tables: whole lines, each once."""

from __future__ import annotations

from workbench.store.arriving import ingest
from workbench.store.records.lines import LineAssembler
from workbench.store.records.record_batch import parse_records
from workbench.store.runs import run_rows
from workbench.store.sqlite.database import Transaction

MOST_WAITING = 64 << 20
"""Bytes that the lines of one run which wait for their end may take: its machine may begin any number."""


class Intake:
    """Keeps the lines that wait for their end, by run and file. Used from the writer's thread only."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], LineAssembler] = {}
        self._held: dict[str, int] = {}

    def held(self, run_id: str) -> int:
        """Bytes of memory, about, that lines of a run take which wait for their end."""
        return self._held.get(run_id, 0)

    def take(self, change: Transaction, run_id: str, file: str, offset: int, data: bytes) -> bool:
        """Read and keep what data, from offset of file on, brings that is new; whether there was any.

        Chunks may be cut anywhere and come twice. A line waits, in memory, for its end; where too many
        do it is forgotten, and has to come again. Raises NotFound; Conflict when bytes between are missing:
        go on from what `offsets` says.
        """
        key = (run_id, file)
        try:
            number = run_rows.number(change.connection, run_id)
            known = ingest.record_file(change.connection, number, file)
            assembler = self._drop(key)
            # What was read and then not committed is not done: it has to be read again.
            if assembler is None or assembler.done != known.stop:
                assembler = LineAssembler(known.stop)
            lines = assembler.feed(offset, data)
            if not assembler.idle:
                self._keep(key, assembler)
            if lines is None:
                return False
            _, batch, _ = parse_records(lines.data, known.header)
            batch.bad += lines.too_long
            ingest.take(change, number, file, batch, lines.stop, lines.start)
            return True
        except BaseException:
            self._drop(key)
            raise

    def _keep(self, key: tuple[str, str], assembler: LineAssembler) -> None:
        """Have a line wait, if there is room."""
        held = self.held(key[0]) + assembler.held
        if held <= MOST_WAITING:
            self._lines[key], self._held[key[0]] = assembler, held

    def _drop(self, key: tuple[str, str]) -> LineAssembler | None:
        """Let go of a line that waits."""
        assembler = self._lines.pop(key, None)
        if assembler is not None:
            self._held[key[0]] -= assembler.held
        return assembler

    def forget(self, run_id: str) -> None:
        """Drop what waits for a run that is removed."""
        for key in [key for key in self._lines if key[0] == run_id]:
            del self._lines[key]
        self._held.pop(run_id, None)
