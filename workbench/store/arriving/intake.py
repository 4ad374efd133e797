"""Bytes of record files, cut anywhere, into the tables: whole lines, each once."""

from __future__ import annotations

from workbench.store.arriving import ingest
from workbench.store.records.lines import LineAssembler
from workbench.store.records.record_batch import parse_records
from workbench.store.runs import run_rows
from workbench.store.sqlite.database import Transaction


class Intake:
    """Keeps the lines that wait for their end, by run and file. Used from the writer's thread only."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], LineAssembler] = {}

    def take(self, change: Transaction, run_id: str, file: str, offset: int, data: bytes) -> bool:
        """Read and keep what data, from offset of file on, brings that is new; whether there was any.

        Chunks may be cut anywhere and come twice. A line waits, in memory, for its end. Raises NotFound;
        Conflict when bytes between are missing (go on from what `offsets` says).
        """
        key = (run_id, file)
        try:
            number = run_rows.number(change.connection, run_id)
            known = ingest.record_file(change.connection, number, file)
            assembler = self._lines.get(key)
            # What was read and then not committed is not done: it has to be read again.
            if assembler is None or assembler.done != known.stop:
                assembler = self._lines[key] = LineAssembler(known.stop)
            lines = assembler.feed(offset, data)
            if assembler.idle:
                del self._lines[key]
            if lines is None:
                return False
            _, batch, _ = parse_records(lines.data, known.header)
            batch.bad += lines.too_long
            ingest.take(change, number, file, batch, lines.stop, lines.start)
            return True
        except BaseException:
            self._lines.pop(key, None)
            raise

    def forget(self, run_id: str) -> None:
        """Drop what waits for a run that is removed."""
        for key in [key for key in self._lines if key[0] == run_id]:
            del self._lines[key]
