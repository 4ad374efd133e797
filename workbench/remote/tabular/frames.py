"""A table as what other packages call one; each is imported only here, and only when it is asked for."""

import math
from datetime import datetime
from typing import Any, Dict, List

from workbench.remote.tabular.reading import BadTable

EARLIEST, LATEST = datetime(1677, 9, 21, 0, 12, 44), datetime(2262, 4, 11, 23, 47, 16)


def _wanted(name: str) -> Any:
    try:
        return __import__(name)
    except ImportError:
        raise BadTable("this needs the package %s: pip install %s" % (name, name))


def pandas_frame(table: Any, on_error: str, out_of_range: str) -> Any:
    """A pandas DataFrame; whole numbers and booleans with gaps become what pandas makes of them."""
    pandas = _wanted("pandas")
    types = table.shape.types
    series = {}
    for name, values in table.columns(on_error).items():
        kind = types.get(name)
        gaps = None in values
        if kind == "datetime":
            series[name] = pandas.Series(_times(values, out_of_range))
        elif kind == "float" or (kind == "integer" and gaps):
            series[name] = pandas.Series([math.nan if v is None else v for v in values], dtype="float64")
        elif kind == "integer":
            series[name] = pandas.Series(values, dtype="int64")
        elif kind == "boolean" and not gaps:
            series[name] = pandas.Series(values, dtype="bool")
        else:
            series[name] = pandas.Series(values, dtype="object")
    return pandas.DataFrame(series, columns=table.shape.columns)


def _times(values: List[Any], out_of_range: str) -> Any:
    """Times as pandas holds them, in nanoseconds."""
    numpy = _wanted("numpy")
    found = numpy.array(values, dtype="datetime64[us]")
    outside = (found < numpy.datetime64(EARLIEST)) | (found > numpy.datetime64(LATEST))
    if outside.any():
        if out_of_range == "error":
            first = values[int(outside.argmax())]
            raise BadTable("%s is out of the range of times that pandas holds" % first)
        found[outside] = numpy.datetime64("NaT")
    return found.astype("datetime64[ns]")


def arrow_table(table: Any, on_error: str) -> Any:
    """A pyarrow Table."""
    arrow = _wanted("pyarrow")
    kinds = {
        "integer": arrow.int64(),
        "float": arrow.float64(),
        "boolean": arrow.bool_(),
        "datetime": arrow.timestamp("us"),
        "text": arrow.string(),
    }
    types = table.shape.types
    columns = table.columns(on_error)
    arrays = [
        arrow.array(_fit(values, types.get(name, "text")), type=kinds[types.get(name, "text")])
        for name, values in columns.items()
    ]
    return arrow.Table.from_arrays(arrays, names=list(columns))


def polars_frame(table: Any, on_error: str) -> Any:
    """A polars DataFrame."""
    polars = _wanted("polars")
    kinds = {
        "integer": polars.Int64,
        "float": polars.Float64,
        "boolean": polars.Boolean,
        "datetime": polars.Datetime("us"),
        "text": polars.String,
    }
    types = table.shape.types
    columns: Dict[str, List[Any]] = table.columns(on_error)
    fitted = {name: _fit(values, types.get(name, "text")) for name, values in columns.items()}
    return polars.DataFrame(fitted, schema={name: kinds[types.get(name, "text")] for name in columns})


def _fit(values: List[Any], kind: str) -> List[Any]:
    if kind == "float":
        return [None if value is None else float(value) for value in values]
    if kind == "text":
        return [value if value is None or isinstance(value, str) else str(value) for value in values]
    return values
