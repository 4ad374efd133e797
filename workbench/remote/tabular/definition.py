"""How a table is read: its format, its options and the steps taken since, as plain JSON. Pure."""

from typing import Any, Dict, List

DELIMITED, PARQUET, JSON_LINES = "delimited", "parquet", "json_lines"
SQLITE = "sqlite"  # a query on a database that is a file
SQL = "sql"  # what a query of another database brought, as JSON lines
FORMATS = (DELIMITED, PARQUET, JSON_LINES, SQLITE, SQL)
TYPES = ("integer", "float", "boolean", "datetime", "text")
ENCODINGS = {
    "utf8": "utf-8-sig",
    "utf8bom": "utf-8-sig",
    "ascii": "ascii",
    "latin1": "latin-1",
    "iso88591": "latin-1",
    "windows1252": "cp1252",
    "utf16": "utf-16",
    "utf32": "utf-32",
}
DEFAULTS: Dict[str, Any] = {
    "separator": ",",
    "header": True,
    "infer_column_types": True,
    "validate": True,
    "encoding": "utf8",
    "empty_as_string": False,
    "support_multi_line": False,
    "include_path": False,
    "partition_format": None,
    "set_column_types": {},
    "types": {},
    "steps": [],
}
FLAGS = (
    "header",
    "infer_column_types",
    "validate",
    "empty_as_string",
    "support_multi_line",
    "include_path",
)
QUERY_DEFAULTS: Dict[str, Any] = {"query": None, "query_timeout": 30, "columns": []}
"""Of tables of queries alone. query_timeout: seconds that the next row may take; columns: as were found."""
LONGEST_QUERY = 64 << 10
LONGEST_WAIT = 24 * 3600
MOST_STEPS = 200
MOST_COLUMNS = 20000


def checked(definition: Any) -> Dict[str, Any]:
    """The definition with every option; raises ValueError that says what is wrong with it.

    types: columns that were inferred when it was made; set_column_types: those its author said.
    """
    if not isinstance(definition, dict):
        raise ValueError("a table is defined by a mapping")
    queried = definition.get("format") in (SQLITE, SQL)
    known = dict(DEFAULTS, **QUERY_DEFAULTS) if queried else DEFAULTS
    unknown = sorted(str(key) for key in definition if key not in known and key != "format")
    if unknown:
        raise ValueError("a table has no option %.60r" % unknown[0])
    found = dict(known, **definition)
    if found.get("format") not in FORMATS:
        raise ValueError("the format of a table is one of %s" % ", ".join(FORMATS))
    if queried:
        _check_query(found)
    for name in FLAGS:
        if not isinstance(found[name], bool):
            raise ValueError("%s is true or false" % name)
    if not found["validate"] and found["infer_column_types"]:
        raise ValueError("validate=False needs infer_column_types=False: types are inferred by looking")
    separator = found["separator"]
    if not isinstance(separator, str) or len(separator) != 1 or separator in '\r\n"\0':
        raise ValueError("the separator is one character: %.20r is not" % (separator,))
    encoding = str(found["encoding"]).lower().replace("-", "").replace("_", "")
    if encoding not in ENCODINGS:
        raise ValueError("the encoding is one of %s" % ", ".join(ENCODINGS))
    found["encoding"] = encoding
    for name in ("set_column_types", "types"):
        found[name] = _types(found[name])
    _check_partition(found["partition_format"])
    found["steps"] = _steps(found["steps"])
    return found


def _check_query(found: Dict[str, Any]) -> None:
    query, wait, columns = found["query"], found["query_timeout"], found["columns"]
    if query is None and found["format"] == SQLITE:
        raise ValueError("a table of a database needs a query")
    if query is not None:
        check_query(query)
    if isinstance(wait, bool) or not isinstance(wait, (int, float)) or not 0 < wait <= LONGEST_WAIT:
        raise ValueError("query_timeout is a number of seconds")
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise ValueError("columns are a list of names")
    if len(columns) > MOST_COLUMNS:
        raise ValueError("%d columns are too many" % len(columns))


def check_query(query: Any) -> None:
    """Raise ValueError for what is no text of a query; what it says is the database's to judge."""
    if not isinstance(query, str) or not query.strip() or "\0" in query:
        raise ValueError("a query is a text")
    if len(query) > LONGEST_QUERY:
        raise ValueError("a query has %d characters at most" % LONGEST_QUERY)


def _types(types: Any) -> Dict[str, str]:
    if not isinstance(types, dict) or len(types) > MOST_COLUMNS:
        raise ValueError("types of columns are a mapping of names to types")
    for column, kind in types.items():
        if not isinstance(column, str) or kind not in TYPES:
            raise ValueError("the type of %.60r is one of %s" % (column, ", ".join(TYPES)))
    return dict(types)


def _check_partition(text: Any) -> None:
    if text is None:
        return
    from workbench.remote.tabular.partitions import Partitions

    if not isinstance(text, str):
        raise ValueError("partition_format is a text")
    Partitions(text)


def _steps(steps: Any) -> List[Dict[str, Any]]:
    from workbench.remote.tabular.steps import check_step

    if not isinstance(steps, list) or len(steps) > MOST_STEPS:
        raise ValueError("the steps of a table are a list of %d at most" % MOST_STEPS)
    for step in steps:
        check_step(step)
    return list(steps)
