"""What runs logged besides numbers, gathered for a report: under each name what each run has there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from workbench.errors import Unreachable, UsageError, WorkbenchError
from workbench.text import sizes
from workbench.workspace.client import Client

MOST_NAMES = 50
"""Names of one kind."""
MOST_ROWS = 50
"""Rows of a table: the last ones."""
MOST_IMAGE = 4 << 20
"""Bytes of one picture."""
MOST_IMAGES = 24 << 20
"""Bytes of all pictures."""

EVALUATIONS, IMAGES, TABLES, TEXTS = "evaluations", "images", "tables", "texts"
_SECTIONS: Final = {"image": IMAGES, "table": TABLES, "text": TEXTS}
"""Which section a kind of `runs.logged` belongs to; all others are schemas of evaluations."""

Run = Mapping[str, Any]
Found = dict[str, Any]


def gather(client: Client, runs: Sequence[Run], *, images: bool) -> list[Found]:
    """A section a kind: [{"kind", "names": [{"name", "of": [{"place", "count", ...}]}], "more"}].

    place: which of the runs. more: how many names are left out. A text has {"step", "text"} beside that, an
    evaluation {"schema", "data"}, a table {"columns", "more"?}, an image {"id", "path"} and, where images are
    wanted, {"data"} or {"problem"}.
    """
    logged = [_logged(client, run) for run in runs]
    asking = {
        EVALUATIONS: _Last(client, "evaluations", _evaluation).of,
        IMAGES: _Images(client, images).of,
        TABLES: lambda run, item: _table(client, run, item),
        TEXTS: _Last(client, "texts", _text).of,
    }
    sections = []
    for kind, ask in asking.items():
        names = list(dict.fromkeys(name for found in logged for name in found[kind]))
        if names:
            told = [
                {"name": name, "of": _of_each(runs, logged, kind, name, ask)} for name in names[:MOST_NAMES]
            ]
            sections.append({"kind": kind, "names": told, "more": max(0, len(names) - MOST_NAMES)})
    return sections


def _logged(client: Client, run: Run) -> dict[str, dict[str, Found]]:
    """What there is of each kind, by name."""
    found: dict[str, dict[str, Found]] = {kind: {} for kind in (EVALUATIONS, IMAGES, TABLES, TEXTS)}
    for item in client.call("runs", "logged", run=run["id"]):
        found[_SECTIONS.get(item["kind"], EVALUATIONS)][item["name"]] = item
    return found


def _of_each(
    runs: Sequence[Run],
    logged: Sequence[Mapping[str, Mapping[str, Found]]],
    kind: str,
    name: str,
    ask: Callable[[Run, Found], Found | None],
) -> list[Found]:
    found = []
    for place, (run, items) in enumerate(zip(runs, logged, strict=True)):
        item = items[kind].get(name)
        told = None if item is None else ask(run, item)
        if item is not None and told is not None:
            found.append({"place": place, "count": item["count"], **told})
    return found


class _Last:
    """What was logged last under each name; a run is asked once for all of its names."""

    def __init__(self, client: Client, method: str, told: Callable[[Any], Found]) -> None:
        self._client = client
        self._method = method
        self._told = told
        self._known: dict[str, Any] = {}

    def of(self, run: Run, item: Found) -> Found | None:
        """What is told of a name; None where it is gone."""
        id = run["id"]
        if id not in self._known:
            self._known[id] = self._client.call("runs", self._method, run=id, limit=1)
        found = self._known[id].get(item["name"])
        return self._told(found[-1]) if found else None


def _text(logged: Sequence[Any]) -> Found:
    return {"step": logged[0], "text": logged[1] or ""}


def _evaluation(logged: Mapping[str, Any]) -> Found:
    return {"schema": logged["schema_type"], "data": logged["data"]}


def _table(client: Client, run: Run, item: Found) -> Found | None:
    """The last rows of a table, and how many more there are.

    Rows came one by one, or many in one part, and only parts are counted unread: "more" may not be known.
    """
    name = item["name"]
    columns = client.call("runs", "rows", run=run["id"], name=name, limit=MOST_ROWS).get(name)
    if not columns:
        return None
    height = max(len(cells) for cells in columns.values())
    unread = max(0, item["count"] - MOST_ROWS)
    more = max(0, height - MOST_ROWS) + unread
    known = not unread or height == MOST_ROWS
    told = {"columns": {title: cells[-MOST_ROWS:] for title, cells in columns.items()}}
    return {**told, "more": more} if known else told


class _Images:
    """Pictures out of runs' folders, as many as fit; a machine that did not answer is not asked again."""

    def __init__(self, client: Client, wanted: bool) -> None:
        self._client = client
        self._wanted = wanted
        self._files: dict[str, dict[str, Found]] = {}
        self._silent: dict[str, str] = {}
        self._room = MOST_IMAGES

    def of(self, run: Run, item: Found) -> Found | None:
        told = {"id": run["id"], "path": item["path"]}
        if not self._wanted:
            return told
        try:
            data = self._data(run, item["path"])
        except WorkbenchError as problem:  # a report without one picture is one all the same
            return {**told, "problem": problem.message}
        self._room -= len(data)
        return {**told, "data": data}

    def _data(self, run: Run, path: str) -> bytes:
        """Its bytes: from here where it was collected, else from its machine. Raises WorkbenchError."""
        id, target = run["id"], run.get("target", "")
        if id not in self._files:
            files = self._client.call("runs", "files", run=id, ask=False)
            self._files[id] = {file["path"]: file for file in files}
        known = self._files[id].get(path, {})
        self._check(int(known.get("size", 0)))
        if target in self._silent and not known.get("collected"):
            raise Unreachable(self._silent[target])
        try:
            return self._read(id, path)
        except Unreachable as problem:
            self._silent[target] = problem.message
            raise

    def _read(self, id: str, path: str) -> bytes:
        blocks, size = [], 0
        for block in self._client.read("runs", "download", run=id, path=path):
            size += len(block)
            self._check(size)
            blocks.append(block)
        return b"".join(blocks)

    def _check(self, size: int) -> None:
        if size > MOST_IMAGE:
            raise UsageError(f"it is over {sizes.short(MOST_IMAGE)}")
        if size > self._room:
            raise UsageError(f"the report has {sizes.short(MOST_IMAGES)} of images already")
