"""A table over several files: rows one at a time, or all of it for pandas, polars or Arrow where they are."""

import os
from itertools import islice
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from workbench.remote.tabular.definition import PARQUET, checked
from workbench.remote.tabular.partitions import Partitions
from workbench.remote.tabular.reading import (
    BadTable,
    RowReader,
    columns_of,
    first_rows,
    header_of,
    raw_rows,
    types_of,
)
from workbench.remote.tabular.steps import Shape, apply_steps

ON_ERROR = ("null", "fail")
OUT_OF_RANGE = ("null", "error")
PATH = "Path"
AT_ONCE = 2000
# Its name and path below the dataset, and what opens it for reading.
File = NamedTuple("File", [("path", str), ("open", Callable[[], Any])])


class Table(object):
    """The rows of a tabular dataset. files: in the order they are read; hidden ones are none of it."""

    def __init__(self, definition: Dict[str, Any], files: Iterable[File]) -> None:
        self.definition = checked(definition)
        given = list(files)
        self.files = [file for file in given if not _hidden(file.path)] or given
        self._partitions: Optional[Partitions] = None
        if self.definition["partition_format"] is not None:
            self._partitions = Partitions(self.definition["partition_format"])
        self._shape: Optional[Shape] = None
        self._rows_seen = self._known()

    def _own(self) -> Shape:
        """The columns of the files with what stands in their paths, before any step."""
        if self._shape is None:
            if not self.files:
                raise BadTable("the table has no files")
            rows: List[Tuple[List[str], Any]] = []
            # A query is asked once where it is known what it brings.
            for file in [] if self._known() else self.files:
                rows = self._look(file, first_rows)
                if rows:
                    break
            self._rows_seen = self._rows_seen or bool(rows)
            columns = columns_of(rows) if rows else list(self.definition.get("columns", ())) or self._header()
            types = types_of(self.definition, rows, columns)
            if self.definition["include_path"]:
                columns, types = [PATH] + columns, dict(types, **{PATH: "text"})
            for name, kind in self._partitions.columns if self._partitions is not None else []:
                columns, types = columns + [name], dict(types, **{name: kind})
            self._shape = Shape(columns, types)
        return self._shape

    def _header(self) -> List[str]:
        """The columns of files without a row: what the first that names any says."""
        for file in self.files:
            found = self._look(file, header_of)
            if found:
                return found
        return []

    def _look(self, file: File, reading: "Callable[[Dict[str, Any], Any, str], List[Any]]") -> List[Any]:
        opened = file.open()
        try:
            return reading(self.definition, opened, file.path)
        finally:
            opened.close()

    def _known(self) -> bool:
        columns = self.definition.get("columns") or []
        types = dict(self.definition["types"], **self.definition["set_column_types"])
        return bool(columns) and all(name in types for name in columns)

    @property
    def shape(self) -> Shape:
        """The columns behind all steps, and their types. Raises BadTable, ValueError."""
        return apply_steps(self.definition["steps"], self._own(), iter(())).shape

    @property
    def inferred(self) -> Dict[str, str]:
        """The types of the files' own columns; none where no row tells of them yet."""
        own = self._own()
        if not self._rows_seen:
            return {}
        extra = [PATH] if self.definition["include_path"] else []
        if self._partitions is not None:
            extra += [name for name, _ in self._partitions.columns]
        return {name: kind for name, kind in own.types.items() if name not in extra}

    def rows(self, on_error: str = "null") -> Iterator[List[Any]]:
        """Rows behind all steps. on_error: null, or fail for a value that is not of its column's type."""
        if on_error not in ON_ERROR:
            raise ValueError("on_error is one of %s" % ", ".join(ON_ERROR))
        own = self._own()
        return apply_steps(self.definition["steps"], own, self._read(own, on_error == "fail")).rows

    def records(self, on_error: str = "null") -> Iterator[Dict[str, Any]]:
        """Rows as mappings."""
        columns = self.shape.columns
        return (dict(zip(columns, row)) for row in self.rows(on_error))

    def _read(self, own: Shape, strict: bool) -> Iterator[List[Any]]:
        extra = len(self._partitions.columns) if self._partitions is not None else 0
        lead = 1 if self.definition["include_path"] else 0
        columns = own.columns[lead : len(own.columns) - extra]
        reader = RowReader(self.definition, columns, own.types, strict)
        for file in self.files:
            before = [file.path] if lead else []
            after: List[Any] = []
            if self._partitions is not None:
                found = self._partitions.values(file.path)
                after = [found[name] for name, _ in self._partitions.columns]
            opened = file.open()
            try:
                raw = raw_rows(self.definition, opened, file.path, strict)
                for number, (names, values) in enumerate(raw, 1):
                    row = reader.row(names, values, file.path, number)
                    yield before + row + after if before or after else row
            finally:
                opened.close()

    def columns(self, on_error: str = "null") -> Dict[str, List[Any]]:
        """Every column's values."""
        names = self.shape.columns
        found: List[List[Any]] = [[] for _ in names]
        rows = self.rows(on_error)
        while True:
            some = list(islice(rows, AT_ONCE))
            if not some:
                return dict(zip(names, found))
            for column, values in zip(found, zip(*some)):
                column.extend(values)

    def to_pandas(self, on_error: str = "null", out_of_range_datetime: str = "null") -> Any:
        """A pandas DataFrame. out_of_range_datetime: null or error, for times that pandas cannot hold."""
        from workbench.remote.tabular.frames import pandas_frame

        if out_of_range_datetime not in OUT_OF_RANGE:
            raise ValueError("out_of_range_datetime is one of %s" % ", ".join(OUT_OF_RANGE))
        return pandas_frame(self, on_error, out_of_range_datetime)

    def to_polars(self, on_error: str = "null") -> Any:
        """A polars DataFrame."""
        from workbench.remote.tabular.frames import polars_frame

        return polars_frame(self, on_error)

    def to_arrow(self, on_error: str = "null") -> Any:
        """A pyarrow Table."""
        from workbench.remote.tabular.frames import arrow_table

        return arrow_table(self, on_error)

    def head(self, count: int) -> List[Dict[str, Any]]:
        """The first rows, as mappings."""
        return list(islice(self.records(), count))

    @property
    def is_parquet(self) -> bool:
        """Whether its files have types of their own."""
        return bool(self.definition["format"] == PARQUET)


def _hidden(path: str) -> bool:
    """Whether a file is none of the table's: .part, _SUCCESS and their like, as other readers have it."""
    return any(part.startswith((".", "_")) for part in path.split("/"))


def files_at(path: str) -> List[File]:
    """The files at and below a path of this machine, in order of their paths."""
    if not os.path.isdir(path):
        return [File(os.path.basename(path), _opener(path))]
    found = []
    for folder, _, names in os.walk(path):
        for name in names:
            whole = os.path.join(folder, name)
            found.append(File(os.path.relpath(whole, path), _opener(whole)))
    return sorted(found, key=lambda file: file.path)


def _opener(path: str) -> Callable[[], Any]:
    return lambda: open(path, "rb")
