# Written by docs/make_sdk.py from workbench/aio/tabular_dataset.py: change it there.
"""Datasets that are tables: read row by row, others made of them by steps (AZ-47 to AZ-54)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Self

from workbench.errors import UsageError
from workbench.home import user_at_host
from workbench.sdk.file_dataset import FileDataset
from workbench.workspace.tag_texts import tag_texts

if TYPE_CHECKING:
    from workbench.sdk.run_handle import RunHandle
    from workbench.sdk.workspace import Workspace

Tags = Mapping[str, str | None]


class TabularDataset(FileDataset):
    """A table: rows of files, or of a query; others are made of it by steps (AZ-53)."""

    kind = "tabular"

    def _with(self, *steps: dict[str, Any]) -> Self:
        table = dict(self.table or {})
        table["steps"] = [*table.get("steps", []), *steps]
        derived = type(self)(self.source, table, workspace=self.workspace)
        derived._read = self._read or (self.id if self.details else None)
        return derived

    _read: str | None = None
    """The version whose files it reads, where it was made of one."""

    def take(self, count: int) -> Self:
        """Its first rows."""
        return self._with({"op": "take", "n": count})

    def skip(self, count: int) -> Self:
        """All but its first rows."""
        return self._with({"op": "skip", "n": count})

    def take_sample(self, probability: float, seed: int = 0) -> Self:
        """Each row with this probability; the same seed takes the same rows."""
        return self._with({"op": "share", "low": 0.0, "high": probability, "seed": seed})

    def random_split(self, percentage: float, seed: int = 0) -> tuple[Self, Self]:
        """Two parts without a row in common: about this share of the rows (0 to 1), and the rest."""
        first = {"op": "share", "low": 0.0, "high": percentage, "seed": seed}
        rest = {"op": "share", "low": percentage, "high": 1.0, "seed": seed}
        return self._with(first), self._with(rest)

    def keep_columns(self, columns: str | Sequence[str]) -> Self:
        """These columns alone."""
        return self._with({"op": "keep", "columns": _names(columns)})

    def drop_columns(self, columns: str | Sequence[str]) -> Self:
        """All but these columns."""
        return self._with({"op": "drop", "columns": _names(columns)})

    def filter(self, condition: str) -> Self:
        """The rows for which a condition is true: "age > 5 and (state = 'CA' or not name is null)"."""
        from workbench.text.row_filter import read_condition

        if not isinstance(condition, str):
            raise UsageError("a condition is a text", "such as: filter(\"age > 5 and state = 'CA'\")")
        return self._with({"op": "filter", "where": read_condition(condition)})

    def with_timestamp_columns(
        self, timestamp: str | None = None, partition_timestamp: str | None = None
    ) -> Self:
        """Say which columns hold a row's time, for `time_before` and the others (AZ-54)."""
        return self._with(
            {"op": "timestamps", "timestamp": timestamp, "partition_timestamp": partition_timestamp}
        )

    def time_before(self, end_time: Any, include_boundary: bool = True) -> Self:
        """Rows of before a time (a datetime, or text such as 2026-11-26)."""
        return self._timed([("<=" if include_boundary else "<", end_time)])

    def time_after(self, start_time: Any, include_boundary: bool = True) -> Self:
        """Rows of after a time."""
        return self._timed([(">=" if include_boundary else ">", start_time)])

    def time_between(self, start_time: Any, end_time: Any, include_boundary: bool = True) -> Self:
        """Rows of between two times."""
        equal = "=" if include_boundary else ""
        return self._timed([(f">{equal}", start_time), (f"<{equal}", end_time)])

    def time_recent(self, time_delta: Any, include_boundary: bool = True) -> Self:
        """Rows of the last days, hours ...: a timedelta, counted back from now (UTC)."""
        from datetime import UTC, datetime

        return self.time_after(datetime.now(UTC) - time_delta, include_boundary)

    def _timed(self, bounds: Sequence[tuple[str, Any]]) -> Self:
        said = [step for step in (self.table or {}).get("steps", []) if step["op"] == "timestamps"]
        column = said and (said[-1].get("timestamp") or said[-1].get("partition_timestamp"))
        if not column:
            raise UsageError("no column is known to hold times", ".with_timestamp_columns(timestamp=NAME)")
        parts = [[sign, column, _time(value)] for sign, value in bounds]
        return self._with({"op": "filter", "where": parts[0] if len(parts) == 1 else ["and", *parts]})

    def register(
        self,
        workspace: Workspace,
        name: str,
        *,
        description: str | None = None,
        tags: Tags | None = None,
        create_new_version: bool = False,
        locations: Mapping[str, str] | None = None,
    ) -> Self:
        """See FileDataset.register; one that was made of a version says so in its properties."""
        if self._read is None or locations:
            return super().register(
                workspace,
                name,
                description=description,
                tags=tags,
                create_new_version=create_new_version,
                locations=locations,
            )
        base = workspace.session.call("datasets", "get", dataset=self._read)
        before = len((base.get("table") or {}).get("steps", []))
        details = workspace.session.call(
            "datasets",
            "derive",
            dataset=self._read,
            name=name,
            steps=(self.table or {})["steps"][before:],
            description=description,
            tags=tag_texts(tags),
            new_version=create_new_version,
            created_by=user_at_host(),
        )
        return type(self)(self.source, details.get("table"), workspace=workspace, details=details)

    def snapshot(
        self,
        name: str,
        *,
        datastore: str | None = None,
        path: str | None = None,
        description: str | None = None,
        tags: Tags | None = None,
        create_new_version: bool = False,
    ) -> Self:
        """Keep what a query brings now, as a dataset that stays so: its rows go to a datastore.

        Raises UsageError for a table of files, Conflict for a name that is there.
        """
        asked = {
            "dataset": self.id,
            "name": name,
            "datastore": datastore,
            "path": path,
            "description": description,
            "tags": tag_texts(tags),
            "new_version": create_new_version,
            "created_by": user_at_host(),
        }
        details: dict[str, Any] = {}
        with closing(self._at().session.items("datasets", "snapshot", **asked)) as stream:
            for item in stream:
                details = item.get("version") or details
        return type(self)(details["source"], details.get("table"), workspace=self.workspace, details=details)

    def to_pandas_dataframe(self, on_error: str = "null", out_of_range_datetime: str = "null") -> Any:
        """All of it as a pandas DataFrame (AZ-52); pandas is the caller's own.

        on_error: null, or fail for a value that is not of its column's type. Raises UsageError.
        """
        return self._all(lambda table: table.to_pandas(on_error, out_of_range_datetime))

    def to_pandas(self, on_error: str = "null", out_of_range_datetime: str = "null") -> Any:
        """The same as `to_pandas_dataframe`."""
        return self.to_pandas_dataframe(on_error, out_of_range_datetime)

    def to_polars(self, on_error: str = "null") -> Any:
        """All of it as a polars DataFrame; polars is the caller's own. Raises UsageError."""
        return self._all(lambda table: table.to_polars(on_error))

    def to_arrow(self, on_error: str = "null") -> Any:
        """All of it as a pyarrow Table; pyarrow is the caller's own. Raises UsageError."""
        return self._all(lambda table: table.to_arrow(on_error))

    def to_records(self, on_error: str = "null") -> tuple[dict[str, Any], ...]:
        """All of it as mappings of column to value, without any package. Raises UsageError."""
        return tuple(self._all(lambda table: list(table.records(on_error))))

    def _all(self, work: Any) -> Any:
        from workbench.workspace.tables import open_table, told

        reference = self._read or (self.id if self.details else None)
        if self.workspace is None:
            return told(lambda: work(open_table(None, None, self.source, self.table or {})))
        return self.workspace.session.aside(
            lambda local: told(
                lambda: work(open_table(local.client, reference, self.source, self.table or {}))
            )
        )

    def submit_profile_run(self, target: str | None = None) -> RunHandle:
        """A run that counts, per column, min, max, mean, quantiles, missing, distinct (AZ-61)."""
        from workbench.sdk.run_handle import RunHandle

        session = self._at().session
        return RunHandle(session, session.call("datasets", "make_profile", dataset=self.id, target=target))

    def get_profile(self) -> dict[str, Any]:
        """What the newest profile found: {run, status, columns: [{column, type, count, missing, ...}]}."""
        found: dict[str, Any] = self._at().session.call("datasets", "profile", dataset=self.id)
        return found


def _names(columns: str | Sequence[str]) -> list[str]:
    return [columns] if isinstance(columns, str) else [*columns]


def _time(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
