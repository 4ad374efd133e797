"""What a folder's transfer has to do: what goes alone, what goes together, what is there already. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from workbench.errors import Conflict, HostileArchive
from workbench.remote.forms.tree_paths import clash, link_leaves, path_problem, target_problem

LARGE = 4 << 20
"""Bytes from which on a file goes alone, so that a cut costs no more than the rest of it."""
BUNDLE_BYTES = 32 << 20
BUNDLE_FILES = 2000
SAME_TIME = 0.01
"""Seconds that two times of the same file may differ by, file systems being what they are."""


class Item(NamedTuple):
    """One thing of a folder: its path below it, its kind (file, dir, link), and of a link where it leads."""

    path: str
    kind: str
    size: int = 0
    mode: int | None = None
    modified: float | None = None
    target: str | None = None


class Plan(NamedTuple):
    """The steps, in order."""

    folders: list[Item]
    """Those with nothing in them, so that no file makes them."""
    bundles: list[list[Item]]
    """Small files that go together."""
    alone: list[Item]
    links: list[Item]
    there: int
    """Files that are at the other end already, as they are here."""
    left_out: list[str]
    """Paths of what cannot be sent: pipes, sockets, devices, links that lead out of the folder."""

    @property
    def total(self) -> int:
        """Bytes to be sent."""
        return sum(item.size for item in self.alone) + sum(
            item.size for bundle in self.bundles for item in bundle
        )


def make_plan(wanted: Iterable[Item], known: Mapping[str, Item], overwrite: bool) -> Plan:
    """How to bring wanted to where known is.

    A file there of the same size and time is the same: that is how a transfer that was cut goes on. Raises
    Conflict for one that differs unless it may be overwritten, HostileArchive for paths that make no sense.
    """
    items = {item.path: item for item in wanted if item.path}
    _check(items)
    links = {path: item.target or "" for path, item in items.items() if item.kind == "link"}
    plan = Plan([], [], [], [], 0, [])
    small: list[Item] = []
    parents = {path.rpartition("/")[0] for path in items}
    there = 0
    for path, item in items.items():
        found = known.get(path)
        if item.kind == "dir":
            if found is not None and found.kind != "dir":
                raise Conflict(f"{path} is no folder there", "move it away first")
            if path not in parents and found is None:
                plan.folders.append(item)
        elif item.kind not in ("file", "link") or (item.kind == "link" and link_leaves(path, links)):
            plan.left_out.append(path)
        elif found is not None and same(item, found):
            there += 1
        elif found is not None and (not overwrite or found.kind == "dir"):
            raise Conflict(f"{path} is there and differs", "add --overwrite to replace what differs")
        elif item.kind == "link":
            plan.links.append(item)
        elif item.size >= LARGE:
            plan.alone.append(item)
        else:
            small.append(item)
    return plan._replace(bundles=list(_bundles(small)), there=there)


def same(item: Item, other: Item) -> bool:
    """Whether one is the other's copy, as far as size and time tell."""
    if item.kind != other.kind:
        return False
    if item.kind == "link":
        return item.target == other.target
    if item.modified is None or other.modified is None:
        return False
    return item.size == other.size and abs(item.modified - other.modified) <= SAME_TIME


def _check(items: Mapping[str, Item]) -> None:
    for path, item in items.items():
        problem = path_problem(path)
        if problem is None and item.kind == "link":
            problem = target_problem(item.target)
        if problem is not None:
            raise HostileArchive(f"{path!r:.200} cannot be written: {problem}", "nothing was written")
    through = clash({path: item.kind for path, item in items.items()})
    if through is not None:
        raise HostileArchive(f"{through!r:.200} lies below what is no folder", "nothing was written")


def _bundles(items: list[Item]) -> Iterable[list[Item]]:
    bundle: list[Item] = []
    size = 0
    for item in items:
        if bundle and (size + item.size > BUNDLE_BYTES or len(bundle) >= BUNDLE_FILES):
            yield bundle
            bundle, size = [], 0
        bundle.append(item)
        size += item.size
    if bundle:
        yield bundle
