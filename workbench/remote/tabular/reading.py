"""The rows of one file, of each format, as lists of values in the order of the table's columns."""

import csv
import gzip
import io
import json
import zlib
from datetime import datetime
from itertools import chain, islice
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

from workbench.remote.tabular.definition import DELIMITED, ENCODINGS, JSON_LINES, PARQUET, SQL, SQLITE
from workbench.remote.tabular.values import INT64, LOOKED_AT, QUICK, READERS, BadValue, inferred, type_of

LONGEST_FIELD = 64 << 20
LINES = 500  # that are read at once
MOST_COLUMNS = 20000
Opened = Any  # a binary file


class BadTable(ValueError):
    """What cannot be read as the table it should be."""


def raw_rows(
    definition: Dict[str, Any], file: Opened, name: str, strict: bool
) -> "Iterator[Tuple[List[str], Any]]":
    """(names of columns, values) of each row, before types. strict: whether what is wrong is raised."""
    if definition["format"] == DELIMITED:
        return _delimited(definition, file, name, strict)
    if definition["format"] in (JSON_LINES, SQL):
        return _json_lines(definition, file, name, strict)
    if definition["format"] == SQLITE:
        return _queried(definition, file, name)
    return _parquet(file, name)


def _plain(file: Opened, name: str) -> Opened:
    return gzip.GzipFile(fileobj=file, mode="rb") if name.endswith(".gz") else file


def _lines(definition: Dict[str, Any], file: Opened, name: str, strict: bool) -> Iterator[List[str]]:
    """The lines of a file with their ends, many at once; raises BadTable for what is no text."""
    errors = "strict" if strict else "replace"
    text = io.TextIOWrapper(_plain(file, name), ENCODINGS[definition["encoding"]], errors, newline="")
    number = 0
    try:
        lines: List[str] = [""]
        while lines:
            lines = []
            try:
                lines.extend(islice(text, LINES))  # before what is wrong in them they are good
            finally:
                number += len(lines)
                if lines:
                    yield lines
    except (UnicodeError, EOFError, zlib.error) as problem:
        raise BadTable("%.100s, behind line %d: %s" % (name, number, problem))
    except OSError as problem:
        if problem.errno is not None:
            raise
        raise BadTable("%.100s is not packed by gzip: %s" % (name, problem))
    finally:
        if not text.closed:
            text.detach()  # the file is closed by who opened it, also when not all of it was read


def _delimited(
    definition: Dict[str, Any], file: Opened, name: str, strict: bool
) -> "Iterator[Tuple[List[str], Any]]":
    csv.field_size_limit(LONGEST_FIELD)
    separator = definition["separator"]
    alone = not definition["support_multi_line"]
    blocks = (_readable(lines, separator, alone) for lines in _lines(definition, file, name, strict))
    reader = csv.reader(chain.from_iterable(blocks), delimiter=separator, strict=strict)
    columns: List[str] = []
    try:
        for row in reader:
            if row:
                columns = names_of(row if definition["header"] else [""] * len(row))
                if not definition["header"]:
                    yield columns, row
                break
        for row in reader:
            if not row:
                continue
            if strict and len(row) != len(columns):
                words = "%.100s, line %d: %d values where there are %d columns"
                raise BadTable(words % (name, reader.line_num, len(row), len(columns)))
            yield columns, row
    except csv.Error as problem:
        raise BadTable("%.100s, line %d: %s" % (name, reader.line_num, problem))


def _readable(lines: List[str], separator: str, alone: bool) -> List[str]:
    """Lines as the reader takes them: without NUL; alone: and none goes on in the next."""
    whole = "".join(lines)
    if "\0" in whole:
        lines = [line.replace("\0", "") for line in lines]
    if alone and '"' in whole:
        lines = [line if line.count('"') % 2 == 0 else _one_line(line, separator) for line in lines]
    return lines


def _one_line(line: str, separator: str) -> str:
    """A line whose quotes are closed at its end: a row never goes on in the next one."""
    if '"' not in line or line.count('"') % 2 == 0:
        return line
    quoted, start = False, True
    for character in line:
        if character == '"' and (start or quoted):
            quoted = not quoted  # a doubled one ends it and begins it again
            start = not quoted
        else:
            start = not quoted and character == separator
    return line.rstrip("\r\n") + '"\n' if quoted else line


def names_of(row: List[str]) -> List[str]:
    """Names of columns: each once, Column1 ... where there is none."""
    if len(row) > MOST_COLUMNS:
        raise BadTable("%d columns are too many" % len(row))
    found: List[str] = []
    seen: Dict[str, int] = {}
    for number, text in enumerate(row):
        name = text.strip() or "Column%d" % (number + 1)
        seen[name] = seen.get(name, 0) + 1
        while seen[name] > 1 and "%s_%d" % (name, seen[name]) in row:
            seen[name] += 1
        found.append(name if seen[name] == 1 else "%s_%d" % (name, seen[name]))
    return found


def _json_lines(
    definition: Dict[str, Any], file: Opened, name: str, strict: bool
) -> "Iterator[Tuple[List[str], Any]]":
    """A line that is no mapping is a row without values: it is seen to be missing, and rows stay as many."""
    for number, line in enumerate(chain.from_iterable(_lines(definition, file, name, strict)), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as problem:
            if strict:
                raise BadTable("%.100s, line %d: %s" % (name, number, problem))
            row = None
        if strict and not isinstance(row, dict):
            raise BadTable("%.100s, line %d is no mapping" % (name, number))
        yield [], row if isinstance(row, dict) else {}


def _parquet(file: Opened, name: str) -> "Iterator[Tuple[List[str], Any]]":
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise BadTable("a parquet file is read by the package pyarrow: install it where this runs")
    try:
        opened = parquet.ParquetFile(file)
        columns = [str(column) for column in opened.schema_arrow.names]
        for batch in opened.iter_batches(batch_size=4096):
            columns_of = [batch.column(place).to_pylist() for place in range(batch.num_columns)]
            for row in zip(*columns_of):
                yield columns, [plain_value(value) for value in row]
    except (OSError, ValueError) as problem:
        raise BadTable("%.100s is no parquet file: %.200s" % (name, problem))


def _queried(definition: Dict[str, Any], file: Opened, name: str) -> "Iterator[Tuple[List[str], Any]]":
    try:
        from workbench.remote.tabular.queries import QueryProblem, rows_of
    except ImportError:
        raise BadTable("a database is read by the module sqlite3, which this Python was built without")

    columns: List[str] = []
    try:
        for names, values in rows_of(file, name, definition["query"], definition["query_timeout"]):
            columns = columns or names_of(names)
            yield columns, values
    except QueryProblem as problem:
        raise BadTable(str(problem))


def plain_value(value: Any) -> Any:
    """A value of parquet or a database as rows have it: times of a zone in UTC, what is strange as text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "year"):
        if not isinstance(value, datetime):
            return datetime(value.year, value.month, value.day)
        offset = value.utcoffset()
        return (value - offset).replace(tzinfo=None) if offset is not None else value
    return value if isinstance(value, (bytes, list, dict)) else str(value)


def first_rows(
    definition: Dict[str, Any], file: Opened, name: str, most: int = LOOKED_AT
) -> "List[Tuple[List[str], Any]]":
    """The rows by which types are inferred."""
    return list(islice(raw_rows(definition, file, name, False), most))


def header_of(definition: Dict[str, Any], file: Opened, name: str) -> List[str]:
    """The columns of a file that has no rows, where it tells of them all the same."""
    if definition["format"] == DELIMITED and definition["header"]:
        lines = first_rows(dict(definition, header=False), file, name, 1)
        return names_of(lines[0][1]) if lines else []
    if definition["format"] == PARQUET:
        import pyarrow.parquet as parquet

        return [str(column) for column in parquet.ParquetFile(file).schema_arrow.names]
    return []


def columns_of(rows: "List[Tuple[List[str], Any]]") -> List[str]:
    """The columns of rows: those of a header, or every key of JSON lines as it is first met."""
    found: List[str] = []
    for columns, values in rows:
        if columns:
            return list(columns)
        found += [str(key) for key in values if str(key) not in found]
        if len(found) > MOST_COLUMNS:
            raise BadTable("%d columns are too many" % len(found))
    return found


def types_of(
    definition: Dict[str, Any], rows: "List[Tuple[List[str], Any]]", columns: List[str]
) -> Dict[str, str]:
    """The type of each column by these rows, and by what was said and inferred before."""
    known = dict(definition["types"], **definition["set_column_types"])
    found = {}
    for place, column in enumerate(columns):
        if column in known:
            found[column] = known[column]
        elif definition["format"] != DELIMITED:
            values = [row.get(column) if isinstance(row, dict) else row[place] for _, row in rows]
            found[column] = type_of(values)
        elif definition["infer_column_types"] and not definition["types"]:
            found[column] = inferred(row[place] if place < len(row) else None for _, row in rows)
        else:
            found[column] = "text"
    return found


_KINDS: Dict[str, Any] = {"integer": int, "float": float, "boolean": bool, "datetime": datetime}


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


class RowReader(object):
    """Makes rows of raw ones. strict: a value that is not of its column's type is raised, else None."""

    def __init__(
        self, definition: Dict[str, Any], columns: List[str], types: Dict[str, str], strict: bool
    ) -> None:
        self._columns = columns
        self._strict = strict
        self._said = definition["set_column_types"]
        self._delimited = definition["format"] == DELIMITED
        self._queried = definition["format"] in (SQLITE, SQL)
        self._empty = "" if definition["empty_as_string"] else None
        self._kinds = [types[column] for column in columns]
        self._readers: List[Optional[Callable[[str], Any]]] = [
            None if types[column] == "text" else READERS[types[column]] for column in columns
        ]
        self._quick = [QUICK[kind] for kind in self._kinds]
        if definition["empty_as_string"]:
            self._quick = [str if kind == "text" else QUICK[kind] for kind in self._kinds]
        self._same: Any = None
        self._dated = [self._queried and kind == "datetime" for kind in self._kinds]
        self._places: Dict[Tuple[str, ...], List[int]] = {}

    def row(self, columns: List[str], values: Any, name: str, number: int) -> List[Any]:
        """One row; raises BadTable when strict."""
        if self._delimited and len(values) == len(self._quick) and self._in_order(columns):
            try:
                return [read(text) for read, text in zip(self._quick, values)]
            except BadValue:
                pass  # which one it is, and what becomes of it, is told below
        if isinstance(values, dict):
            found = [values.get(column) for column in self._columns]
        else:
            found = values if columns == self._columns else self._moved(columns, values)
            if len(found) < len(self._columns):
                found = list(found) + [None] * (len(self._columns) - len(found))
            elif len(found) > len(self._columns):
                found = found[: len(self._columns)]
        if self._delimited:
            return [self._value(place, text, name, number) for place, text in enumerate(found)]
        return [self._typed(place, value, name, number) for place, value in enumerate(found)]

    def _in_order(self, columns: List[str]) -> bool:
        if columns is not self._same and columns == self._columns:
            self._same = columns  # the same list comes with every row of a file
        return columns is self._same

    def _moved(self, columns: List[str], values: List[Any]) -> List[Any]:
        """The values of a file whose columns stand in another order."""
        key = tuple(columns)
        if key not in self._places:
            self._places[key] = [columns.index(c) if c in columns else -1 for c in self._columns]
        count = len(values)
        return [values[place] if 0 <= place < count else None for place in self._places[key]]

    def _value(self, place: int, text: Optional[str], name: str, number: int) -> Any:
        reader = self._readers[place]
        if text is None:
            return None
        if reader is None:
            return text if text else self._empty
        text = text.strip()
        if not text:
            return None
        try:
            return reader(text)
        except BadValue:
            return self._bad(place, text, name, number)

    def _typed(self, place: int, value: Any, name: str, number: int) -> Any:
        """A value that has a type already, of JSON, parquet or a database."""
        if value is None:
            return None
        kind = self._kinds[place]
        if isinstance(value, str) and (self._columns[place] in self._said or self._dated[place]):
            return self._value(place, value, name, number)
        if kind == "boolean" and self._queried and value in (0, 1):
            return bool(value)
        if kind == "text":
            return value if isinstance(value, str) else _as_text(value)
        if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool)):
            if kind != "integer" or -INT64 <= value < INT64:
                return value
        return self._bad(place, _as_text(value), name, number)

    def _bad(self, place: int, text: str, name: str, number: int) -> Any:
        if self._strict:
            words = "%.100s, row %d: %.60r is no %s, which the column %.60r holds"
            raise BadTable(words % (name, number, text, self._kinds[place], self._columns[place]))
        return None
