"""How datastores and datasets look. Pure: JSON in, cells out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.text import sizes, times
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.text.style import Look, paint
from workbench.text.tables import Cell, pairs
from workbench.views.runs import mapping

KIND = {"folder": "folder", "machine": "machine", "s3": "S3", "fsspec": "fsspec", "sql": "database"}


def place(datastore: Mapping[str, Any]) -> str:
    """Where a datastore is."""
    root = clean_name(str(datastore["root"]), 1000)
    if datastore["kind"] == "machine":
        return f"{clean_name(str(datastore.get('target') or '?'))}:{root}"
    return f"s3://{root}" if datastore["kind"] == "s3" else root


def datastore_name(datastore: Mapping[str, Any]) -> Cell:
    """Its name, with a mark when it is the default one."""
    name = clean_name(str(datastore["name"]))
    return Cell(f"{name} *" if datastore.get("default") else name, "bold")


def source(version: Mapping[str, Any], most: int = 1) -> str:
    """Where a version's data is, by its first paths."""
    found = version.get("source") or {}
    if _asked(version):
        return f"datastore:{clean_name(str(found['datastore']))}"
    paths = [clean_name(str(path), 1000) for path in found.get("paths") or []]
    before = ""
    if found.get("datastore"):
        before = f"datastore:{clean_name(str(found['datastore']))}/"
    elif found.get("target"):
        before = f"{clean_name(str(found['target']))}:"
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(before + path for path in paths[:most]) + more


def query(version: Mapping[str, Any]) -> str:
    """The query whose rows a table is, in one line; empty where it is none."""
    table = version.get("table") or {}
    paths = (version.get("source") or {}).get("paths") or []
    found = table.get("query") or ("".join(str(path) for path in paths) if _asked(version) else "")
    return clean_name(" ".join(str(found).split()), 2000)


def _asked(version: Mapping[str, Any]) -> bool:
    """Whether it is a query on a datastore that is a database: its path is the query."""
    table, source = version.get("table") or {}, version.get("source") or {}
    return bool(table.get("format") == "sql" and source.get("datastore") and not table.get("query"))


def files(version: Mapping[str, Any]) -> str:
    """How many files it had when somebody looked; "-" when nobody did."""
    found = version.get("fingerprint")
    return str(found["files"]) if found else "-"


def size(version: Mapping[str, Any]) -> str:
    """How large it was when somebody looked."""
    found = version.get("fingerprint")
    return sizes.short(found["bytes"]) if found else "-"


def fingerprint(version: Mapping[str, Any]) -> str:
    """What its files were told by, short."""
    found = version.get("fingerprint")
    if not found:
        return ""
    by = "contents" if found.get("content") else "paths, sizes and times"
    where = f" on {clean_name(str(found['made_on']))}" if found.get("made_on") else ""
    return f"{clean_name(str(found['hash']))[:16]} of {by}{where}"


def locations(version: Mapping[str, Any]) -> str:
    """Where the same files lie on machines."""
    found = (version.get("locations") or {}).items()
    return ", ".join(f"{clean_name(str(target))}:{clean_name(str(path), 1000)}" for target, path in found)


def cached(copies: Sequence[Mapping[str, Any]], now: datetime) -> str:
    """Which machines' caches hold a version: how much, and when a run wanted it last there."""
    told = []
    for copy in copies:
        said = [sizes.short(copy["bytes"])] if copy.get("bytes") is not None else []
        used = times.parse(copy.get("used"))
        age = times.ago(used, now)
        said.append(
            "not asked now" if used is None else f"wanted {age}" if age == "now" else f"wanted {age} ago"
        )
        told.append(f"{clean_name(str(copy['target']), 60)} ({', '.join(said)})")
    return ", ".join(told)


def dataset_name(dataset: Mapping[str, Any]) -> Cell:
    """Its name; one of which all versions are archived is quiet, and says so."""
    name = clean_name(str(dataset["name"]))
    return Cell(f"{name} (archived)", "quiet") if dataset["latest"].get("archived") else Cell(name, "bold")


def version_number(version: Mapping[str, Any]) -> Cell:
    """A version's number; one that is archived is quiet, and says so."""
    if version.get("archived"):
        return Cell(f"archived {version['version']}", "quiet")
    return Cell(str(version["version"]))


def facts(
    item: Mapping[str, Any], now: datetime, copies: Sequence[Mapping[str, Any]] = ()
) -> list[tuple[str, Cell | str]]:
    """What there is to say of a version. copies: the caches that hold it."""
    columns = ", ".join(f"{clean_name(c['name'])} {clean_name(c['type'])}" for c in item.get("schema") or [])
    return [
        ("name", clean_name(item["name"])),
        ("version", str(item["version"])),
        ("kind", clean_name(item["kind"])),
        ("where", source(item, 5)),
        ("query", query(item)),
        ("locations", locations(item)),
        ("in caches of", cached(copies, now)),
        ("files", files(item)),
        ("size", size(item)),
        ("fingerprint", fingerprint(item)),
        ("columns", columns),
        ("read as", read_as(item)),
        ("description", clean_name(str(item.get("description") or ""), 1000)),
        ("tags", mapping(item.get("tags"))),
        ("properties", mapping(item.get("properties"))),
        ("archived", "yes" if item.get("archived") else ""),
        ("made by run", clean_name(str(item.get("run") or ""))),
        ("created", times.local(times.parse(item.get("created")), now)),
        ("created by", clean_name(str(item.get("created_by") or ""))),
    ]


def item_path(item: Mapping[str, Any]) -> Cell:
    """A file or folder of a datastore."""
    return Cell(clean_name(str(item["path"]), 1000), "bold" if item.get("kind") == "folder" else "")


def item_size(item: Mapping[str, Any]) -> str:
    """How large it is; "-" for a folder."""
    return sizes.short(item["size"]) if "size" in item else "-"


NUMBERS = ("integer", "float")
"""Types of columns that stand to the right."""


def read_as(version: Mapping[str, Any]) -> str:
    """How a table is read, where that is not by default; and by how many steps."""
    found = version.get("table")
    if not isinstance(found, Mapping):
        return ""
    words = [clean_name(str(found.get("format")))]
    if found.get("partition_format"):
        words.append(clean_name(str(found["partition_format"]), 200))
    steps = [
        clean_name(str(step.get("op"))) for step in found.get("steps") or [] if isinstance(step, Mapping)
    ]
    return " ".join(words) + (f", then {', '.join(steps)}" if steps else "")


def shown_value(value: Any) -> str:
    """One value of a table; "-" for none."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return clean_name(str(value), 200)


def value_of(place: int) -> Callable[[Mapping[str, Any]], str]:
    """What shows the value of a row in one column."""
    return lambda row: shown_value(row.get(str(place)))


def figure(name: str) -> Callable[[Mapping[str, Any]], str]:
    """What shows one figure of a column's profile."""
    return lambda row: shown_value(row.get(name))


def distinct(row: Mapping[str, Any]) -> str:
    """How many values of a column are distinct; "~" where that is estimated."""
    return ("~" if row.get("estimated") else "") + shown_value(row.get("distinct"))


def bringing(item: Mapping[str, Any]) -> str:
    """How far bringing a dataset to a machine is, in a line."""
    doing, total = clean_name(str(item.get("doing") or ""), 200), item.get("total")
    return f"{doing}: {sizes.short(item.get('done') or 0)} of {sizes.short(total)}" if total else doing


def came(end: Mapping[str, Any]) -> str:
    """What was brought of it; nothing where it lay there."""
    if end.get("files") is None:
        return "nothing: it lies there"
    found = f"{counted(int(end['files']), 'file')}, {sizes.short(end.get('bytes'))}"
    return (
        f"{found}, {sizes.short(end['sent'])} of it sent now"
        if end.get("sent")
        else f"{found}, all there before"
    )


def reference(version: Mapping[str, Any]) -> str:
    """NAME:VERSION."""
    return f"{clean_name(str(version['name']), 128)}:{version['version']}"


def version_line(version: Mapping[str, Any]) -> str:
    """A version in a line: kind, size, where it is, what it is."""
    found = version.get("fingerprint")
    large = f"{counted(int(found['files']), 'file')}, {sizes.short(found['bytes'])}" if found else ""
    said = clean_name(str(version.get("description") or ""), 200)
    parts = (
        clean_name(str(version["kind"])),
        large or "nobody looked at its files yet",
        source(version),
        "archived" if version.get("archived") else "",
        said,
    )
    return "   ".join(part for part in parts if part)


def version_lines(
    version: Mapping[str, Any], now: datetime, how: Look, copies: Sequence[Mapping[str, Any]] = ()
) -> list[str]:
    """A version's page, painted: what it is, and how a run takes it. copies: the caches that hold it."""
    told = [(name, said) for name, said in facts(version, now, copies) if said not in ("", "-")]
    named = f"data:{reference(version)}"
    head = paint("A run takes it as", "title", how.colour)
    used = [f"  wb submit --input data={named} -- python train.py '${{{{inputs.data}}}}'"]
    used.append(f"  inputs: {{data: {{path: {named}}}}}     in a job file")
    return [*pairs(told, *how), "", head, *used]
