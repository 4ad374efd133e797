"""Child runs that a script makes in its own process: each has an id made here and record files of its own.

Nothing is asked of anybody, so it works with every connection cut; this side's workbench makes rows of them
when it reads the files. Loaded with the first child.
"""

import os
from json import loads

from workbench.remote.forms import record_form as form
from workbench.remote.forms.record_text import flat_text, name_text
from workbench.remote.forms.run_ids import new_run_id
from workbench.remote.tracking import run as tracking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

    from workbench.remote.tracking.run_children import RunChildren

FOLDER = "children"
"""Where files of children lie, below outputs/ of the run they were made in."""
MOST = 20000
"""Children that one call makes."""
ENDED = frozenset(("Completed", "Failed", "Canceled"))


class ChildRun(tracking.Run):
    """A run made inside another; it has all of Run's calls. As a context manager it ends itself (AZ-81)."""

    def __init__(self, parent: "RunChildren", identity: str, name: "Optional[str]") -> None:
        tracking.Run.__init__(self, identity, parent.directory, parent.attempt, str(parent.experiment))
        self.parent = parent
        self._above = parent
        self._asked = {"name": name} if name else {}
        told = {"id": identity}
        if name:
            told["name"] = name
        if isinstance(parent, ChildRun):
            told["parent"] = parent.id
        self._records = parent._child_records(told)

    @classmethod
    def begin(cls, parent: "RunChildren", name: "Any") -> "ChildRun":
        """A new child of parent, under way."""
        child = cls(parent, new_run_id(), None if name is None else name_text(name)[0])
        child._record('{"k":"status","v":"Running"', "status")
        return child

    @property
    def type(self) -> str:
        """What kind of run it is: one that was made inside another."""
        return "child"

    def complete(self) -> None:
        """Say that this child is Completed."""
        tracking.Run.complete(self)
        self._records.file.rest()

    def fail(self, message: "Any" = "", error_code: "Any" = None, error_details: "Any" = None) -> None:
        """Say that this child Failed, and why."""
        tracking.Run.fail(self, message, error_code, error_details)
        self._records.file.rest()

    def _keep(self, name: str, source: "Any") -> str:
        return self._above._keep("%s/%s/%s" % (FOLDER, self.id, name), source)

    def __reduce__(self) -> "Tuple[Callable[..., ChildRun], Tuple[Any, ...]]":
        return ChildRun, (self._above, self.id, (self._asked or {}).get("name"))

    def _root_id(self) -> str:
        return self._above._root_id()

    def _child_records(self, told: "Dict[str, str]") -> "Any":
        return self._above._child_records(told)


def make_many(
    parent: "RunChildren", count: "Any", tag_key: "Any", tag_values: "Any", name: "Any"
) -> "List[ChildRun]":
    """count children, or one a value of tag_values, tagged with it (AZ-81). Raises ValueError."""
    values = None if tag_values is None else [flat_text(value) for value in tag_values]
    if values is not None and tag_key is None:
        raise ValueError("tag_values wants a tag_key")
    if count is None and values is None:
        raise ValueError("say how many: count=, or tag_key= and tag_values=")
    many = int(count) if values is None else len(values)
    if values is not None and count is not None and int(count) != many:
        raise ValueError("count is %s, there are %d tag_values" % (count, many))
    if not 0 <= many <= MOST:
        raise ValueError("0 to %d children" % MOST)
    found = []
    for place in range(many):
        child = ChildRun.begin(parent, None if name is None else "%s %d" % (name, place + 1))
        if values is not None:
            child.tag(tag_key, values[place])
        found.append(child)
    return found


class KnownChild(object):
    """A child as the run's records tell of it, whichever process made it."""

    def __init__(self, identity: str, name: "Optional[str]", parent: str) -> None:
        self.id = identity
        self.name = name or identity
        self.parent_id = parent
        self.type = "child"
        self.status = "Running"
        self.tags: "Dict[str, Optional[str]]" = {}
        self.properties: "Dict[str, str]" = {}

    def get_tags(self) -> "Dict[str, Optional[str]]":
        """Its tags so far."""
        return dict(self.tags)

    def get_properties(self) -> "Dict[str, str]":
        """Its properties so far."""
        return dict(self.properties)

    def get_status(self) -> str:
        """Running, or how it said that it ended."""
        return self.status

    def __repr__(self) -> str:
        return "ChildRun(%s, %s)" % (self.name, self.status)


def find(
    directory: str,
    root: str,
    of: str,
    recursive: bool = False,
    tags: "Any" = None,
    properties: "Any" = None,
    type: "Optional[str]" = None,
    status: "Optional[str]" = None,
) -> "List[KnownChild]":
    """The children of the run `of` that the record files in a run's folder tell of, the oldest first (AZ-84).

    tags: a name, or names and values; properties: names and values. All given must fit.
    """
    known = _read(directory, root)
    below = {of}
    found = []
    for child in sorted(known.values(), key=lambda item: item.id):
        if child.parent_id in below:
            below.update((child.id,) if recursive else ())
            found.append(child)
    wanted = {tags: None} if isinstance(tags, str) else tags or {}
    return [
        child
        for child in found
        if _has(child.tags, wanted)
        and _has(child.properties, properties or {})
        and type in (None, child.type)
        and status in (None, child.status)
    ]


def _has(entries: "Mapping[str, Any]", wanted: "Mapping[str, Any]") -> bool:
    return all(
        name in entries and (value is None or entries[name] == flat_text(value))
        for name, value in wanted.items()
    )


def _read(directory: str, root: str) -> "Dict[str, KnownChild]":
    found: "Dict[str, KnownChild]" = {}
    folder = os.path.join(directory, "records")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        lines = _lines(os.path.join(folder, name))
        told = next(lines, {}).get("child")
        if isinstance(told, dict) and isinstance(told.get("id"), str):
            child = KnownChild(told["id"], told.get("name"), told.get("parent") or root)
            child = found.setdefault(told["id"], child)
            for record in lines:
                _take(child, record)
    return found


def _take(child: KnownChild, record: "Mapping[str, Any]") -> None:
    kind = record.get("k")
    if kind == form.RECORD_TAG:
        child.tags[record["n"]] = record.get("v")
    elif kind == form.RECORD_PROPERTY:
        child.properties.setdefault(record["n"], record["v"])
    elif kind == form.RECORD_STATUS and child.status not in ENDED:
        child.status = record["v"]


def _lines(path: str) -> "Iterator[Dict[str, Any]]":
    """The header, then only the records that say what a child is: metrics are the many."""
    with open(path, "rb") as opened:
        for place, line in enumerate(opened):
            if place and not line.startswith((b'{"k":"tag"', b'{"k":"property"', b'{"k":"status"')):
                continue
            try:
                found = loads(line.decode("utf-8"))
            except ValueError:
                continue
            if isinstance(found, dict):
                yield found
            elif not place:
                return
