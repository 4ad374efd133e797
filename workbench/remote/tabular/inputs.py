"""Tabular inputs of a run as its script has them: paths, which are read as tables when that is asked for."""

import os
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from workbench.remote.tabular.definition import DELIMITED, JSON_LINES, PARQUET
from workbench.remote.tabular.reading import BadTable
from workbench.remote.tabular.table import Table, files_at

SUFFIXES: "Dict[str, Dict[str, Any]]" = {
    ".csv": {"format": DELIMITED},
    ".tsv": {"format": DELIMITED, "separator": "\t"},
    ".jsonl": {"format": JSON_LINES},
    ".ndjson": {"format": JSON_LINES},
    ".parquet": {"format": PARQUET},
}


class InputTable(str):
    """The path of an input, whose files are a table. Nothing is read before rows are asked for.

    It is a text, so what takes a path takes it. Tables made of it by steps (take, keep_columns ...) are read
    from the same files; none of it changes.
    """

    definition = None  # type: Optional[Dict[str, Any]]

    @classmethod
    def of(cls, path: str, definition: "Dict[str, Any]") -> "InputTable":
        """The table at a path that is read so."""
        made = cls(path)
        made.definition = dict(definition)
        return made

    def _with(self, **step: Any) -> "InputTable":
        definition = dict(self.definition or {})
        definition["steps"] = list(definition.get("steps") or []) + [step]
        return InputTable.of(str(self), definition)

    def take(self, count: int) -> "InputTable":
        """Its first rows."""
        return self._with(op="take", n=count)

    def skip(self, count: int) -> "InputTable":
        """All but its first rows."""
        return self._with(op="skip", n=count)

    def take_sample(self, probability: float, seed: int = 0) -> "InputTable":
        """Each row with this probability; the same seed takes the same rows."""
        return self._with(op="share", low=0.0, high=probability, seed=seed)

    def random_split(self, percentage: float, seed: int = 0) -> "Tuple[InputTable, InputTable]":
        """Two parts without a row in common: about this share of the rows (0 to 1), and the rest."""
        rest = self._with(op="share", low=percentage, high=1.0, seed=seed)
        return self.take_sample(percentage, seed), rest

    def keep_columns(self, columns: "Union[str, Sequence[str]]") -> "InputTable":
        """These columns alone."""
        return self._with(op="keep", columns=_names(columns))

    def drop_columns(self, columns: "Union[str, Sequence[str]]") -> "InputTable":
        """All but these columns."""
        return self._with(op="drop", columns=_names(columns))

    def table(self) -> Table:
        """The table itself; raises BadTable (a ValueError) for what is none."""
        return Table(self.definition or {}, files_at(str(self)))

    @property
    def columns(self) -> "List[str]":
        """Names of its columns."""
        return self.table().shape.columns

    @property
    def types(self) -> "Dict[str, str]":
        """Column -> integer, float, boolean, datetime or text."""
        return self.table().shape.types

    def rows(self, on_error: str = "null") -> "Iterator[List[Any]]":
        """Rows one at a time, in the order of `columns`; with nothing but the standard library.

        on_error: null, or fail for a value that is not of its column's type.
        """
        return self.table().rows(on_error)

    def records(self, on_error: str = "null") -> "Iterator[Dict[str, Any]]":
        """Rows one at a time, as mappings."""
        return self.table().records(on_error)

    def to_records(self, on_error: str = "null") -> "List[Dict[str, Any]]":
        """All of it as mappings."""
        return list(self.records(on_error))

    def to_pandas_dataframe(self, on_error: str = "null", out_of_range_datetime: str = "null") -> Any:
        """All of it as a pandas DataFrame (AZ-52), where pandas is in the run's environment."""
        return self.table().to_pandas(on_error, out_of_range_datetime)

    to_pandas = to_pandas_dataframe

    def to_polars(self, on_error: str = "null") -> Any:
        """All of it as a polars DataFrame, where polars is there."""
        return self.table().to_polars(on_error)

    def to_arrow(self, on_error: str = "null") -> Any:
        """All of it as a pyarrow Table, where pyarrow is there."""
        return self.table().to_arrow(on_error)


def _names(columns: "Union[str, Sequence[str]]") -> "List[str]":
    return [columns] if isinstance(columns, str) else list(columns)


def tables_of(paths: "Dict[str, str]", spec: "Dict[str, Any]") -> "Dict[str, str]":
    """Inputs by name: those that the run's spec knows as tables can be read as such."""
    told = _told(spec)
    found = {}  # type: Dict[str, str]
    for name, path in paths.items():
        definition = (told.get(name) or {}).get("table")
        found[name] = InputTable.of(path, definition) if isinstance(definition, dict) else path
    return found


def named(inputs: "Dict[str, str]", spec: "Dict[str, Any]", dataset: str) -> "Optional[str]":
    """The input that a version of this name (NAME or NAME:VERSION) is; None where none is."""
    for name, item in sorted(_told(spec).items()):
        asset = str((item or {}).get("asset") or "").partition(":")[2]
        if dataset in (asset, asset.rpartition(":")[0]) and name in inputs:
            return inputs[name]
    return None


def _told(spec: "Dict[str, Any]") -> "Dict[str, Any]":
    data = spec.get("data")
    inputs = data.get("inputs") if isinstance(data, dict) else None
    return inputs if isinstance(inputs, dict) else {}


def opened(inputs: "Dict[str, str]", name: str, definition: "Dict[str, Any]") -> InputTable:
    """The input of that name as a table; definition: how it is read, where the run does not know.

    Without both it is read by its suffix (.csv, .tsv, .jsonl, .parquet; .gz behind it). Raises BadTable.
    """
    if name not in inputs:
        known = ", ".join(sorted(inputs)) or "none"
        raise BadTable("this run has no input %.80r; its inputs: %s" % (name, known))
    found = inputs[name]
    if definition:
        return InputTable.of(str(found), dict({"format": DELIMITED}, **definition))
    if isinstance(found, InputTable):
        return found
    files = files_at(found)
    name_of = files[0].path.lower() if files else ""
    base = name_of[: -len(".gz")] if name_of.endswith(".gz") else name_of
    guessed = SUFFIXES.get(os.path.splitext(base)[1])
    if guessed is None:
        words = "the input %.80r is no table that is known: say how it is read, such as format='delimited'"
        raise BadTable(words % name)
    return InputTable.of(str(found), guessed)
