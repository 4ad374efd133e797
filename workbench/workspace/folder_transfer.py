"""A folder to a machine or from it: small files in bundles, large ones alone, what is there not again."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import Conflict, HostileArchive, NotFound, RemoteError
from workbench.remote.forms import bundle_form
from workbench.text.times import parse
from workbench.workspace.client import Client
from workbench.workspace.file_transfer import (
    BLOCK,
    Counted,
    FileTransfer,
    Moved,
    cannot_write,
    check_room,
    finish,
    put_in_place,
)
from workbench.workspace.persistence import persist
from workbench.workspace.transfer_plan import Item, Plan, make_plan, same

SPECIAL = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link"}


class FolderTransfer:
    """Folders between this side and one machine."""

    def __init__(self, client: Client, target: str, *, overwrite: bool, moved: Moved) -> None:
        self._client = client
        self._target = target
        self._overwrite = overwrite
        self._tell = moved
        self._files = FileTransfer(client, target, overwrite=overwrite, moved=moved)

    def plan_sending(self, source: Path, to: str) -> Plan:
        """What bringing a folder to a path of the machine takes; raises what `make_plan` raises."""
        try:
            known = persist(lambda: self.listed(to))
        except NotFound:
            known = {}
        return make_plan(local_items(source), known, self._overwrite)

    def send(self, plan: Plan, source: Path, to: str) -> None:
        """Carry a plan out."""
        self._ask("mkdir", path=to, parents=True)
        for items in (plan.folders, *plan.bundles):
            self._send_bundle(items, source, to)
        for item in plan.alone:
            place = f"{to}/{item.path}"
            self._ask("mkdir", path=os.path.dirname(place), parents=True)
            self._files.send(source / item.path, place)
        self._send_bundle(plan.links, source, to)

    def _ask(self, method: str, **parameters: Any) -> Any:
        """A question between two pieces, which a cut may hit as well; all of them can be put again."""
        return persist(lambda: self._client.call("files", method, target=self._target, **parameters))

    def _send_bundle(self, items: Sequence[Item], source: Path, to: str) -> None:
        left = list(items)
        counted = Counted(self._tell)
        first = True

        def attempt() -> None:
            nonlocal left, first
            if not first:
                known = self.listed(to)
                left = [item for item in items if not (item.path in known and same(item, known[item.path]))]
            first = False
            size = sum(item.size for item in left)
            counted.at(sum(item.size for item in items) - size)
            if left:
                records = _records(left, source, counted)
                self._client.write(
                    "files", "unbundle", records, target=self._target, path=to, size=size,
                    overwrite=self._overwrite,
                )  # fmt: skip

        persist(attempt, lambda: counted.moved)

    def plan_fetching(self, path: str, to: Path) -> Plan:
        """What bringing a machine's folder to a place of this side takes."""
        known = {item.path: item for item in local_items(to)} if to.is_dir() else {}
        plan = make_plan(persist(lambda: self.listed(path)).values(), known, self._overwrite)
        check_room(_existing(to), plan.total)
        return plan

    def fetch(self, plan: Plan, path: str, to: Path) -> None:
        """Carry a plan out."""
        try:
            to.mkdir(parents=True, exist_ok=True)
            for item in plan.folders:
                (to / item.path).mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise cannot_write(to, problem) from problem
        for items in plan.bundles:
            self._fetch_bundle(items, path, to)
        for item in plan.alone:
            place = to / item.path
            place.parent.mkdir(parents=True, exist_ok=True)
            entry = self._ask("stat", path=f"{path}/{item.path}")
            self._files.fetch(f"{path}/{item.path}", entry["entry"], place)
        for item in plan.links:
            place = to / item.path
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_symlink() and self._overwrite:
                place.unlink()
            place.symlink_to(item.target or "")

    def _fetch_bundle(self, items: Sequence[Item], path: str, to: Path) -> None:
        left = {item.path: item for item in items}
        counted = Counted(self._tell)

        def attempt() -> None:
            counted.at(sum(item.size for item in items) - sum(item.size for item in left.values()))
            stream = self._client.read("files", "bundle", target=self._target, path=path, names=list(left))
            for name in _unpack(_Incoming(stream, counted), to, left, self._overwrite):
                del left[name]

        persist(attempt, lambda: counted.moved)

    def listed(self, path: str) -> dict[str, Item]:
        """All below a folder of the machine; raises NotFound."""
        found = {}
        for part in self._client.items("files", "walk", target=self._target, path=path):
            for entry in part.get("entries", []):
                modified = parse(entry.get("modified"))
                found[entry["name"]] = Item(
                    entry["name"], entry["kind"], int(entry["size"]), entry.get("mode"),
                    None if modified is None else modified.timestamp(), entry.get("target"),
                )  # fmt: skip
            if part.get("unread"):
                unread = ", ".join(map(str, part.get("unreadable") or []))
                raise RemoteError(
                    f"{part['unread']} folders there cannot be read: {unread}", "leave them out, or open them"
                )
        return found


def local_items(folder: Path) -> Iterator[Item]:
    """All below a folder of this side, links not followed; raises Conflict for what cannot be read."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            found = sorted(os.scandir(folder / below), key=lambda entry: entry.name, reverse=True)
            for entry in reversed(found):
                facts = entry.stat(follow_symlinks=False)
                path = f"{below}/{entry.name}" if below else entry.name
                kind = SPECIAL.get(stat.S_IFMT(facts.st_mode), "other")
                target = os.readlink(entry.path) if kind == "link" else None
                yield Item(path, kind, facts.st_size, facts.st_mode & 0o777, facts.st_mtime, target)
            waiting += [
                f"{below}/{entry.name}" if below else entry.name
                for entry in found
                if entry.is_dir(follow_symlinks=False)
            ]
        except OSError as problem:
            name = problem.filename or folder
            raise Conflict(f"{name}: {problem.strerror}", "leave it out, or make it readable") from problem


def _records(items: Sequence[Item], source: Path, counted: Counted) -> Iterator[bytes]:
    """A bundle of local things; raises Conflict when one changes while it is read."""
    waiting = bytearray()
    for item in items:
        if item.kind == "dir":
            waiting += bundle_form.header({"p": item.path, "d": True})
        elif item.kind == "link":
            waiting += bundle_form.header({"p": item.path, "l": item.target})
        else:
            for piece in _record(item, source / item.path, counted):
                waiting += piece
                if len(waiting) >= BLOCK:
                    yield bytes(waiting)
                    waiting.clear()
    yield bytes(waiting)


def _record(item: Item, path: Path, counted: Counted) -> Iterator[bytes]:
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as handle:
            facts = os.fstat(handle.fileno())
            fields = {"p": item.path, "s": item.size, "m": facts.st_mode & 0o777, "t": facts.st_mtime}
            yield bundle_form.header(fields)
            left = item.size
            if facts.st_size != left:
                raise Conflict(f"{path} changed while it was sent", "send it again")
            while left:
                block = handle.read(min(BLOCK, left))
                if not block:
                    raise Conflict(f"{path} changed while it was sent", "send it again")
                digest.update(block)
                left -= len(block)
                yield block
                counted.more(len(block))
    except OSError as problem:
        raise Conflict(f"{path}: {problem.strerror}", "send it again") from problem
    yield digest.digest()


class _Incoming:
    """A stream of bytes, cut where the reader says."""

    def __init__(self, stream: Iterator[bytes], counted: Counted) -> None:
        self._stream = stream
        self._counted = counted
        self._have = memoryview(b"")

    def more(self) -> bool:
        """Whether anything still comes."""
        while not self._have:
            block = next(self._stream, None)
            if block is None:
                return False
            self._have = memoryview(block)
        return True

    def pieces(self, size: int) -> Iterator[memoryview]:
        """The next size bytes; raises RemoteError when less come."""
        while size:
            if not self.more():
                raise RemoteError("the machine sent less than it said", "fetch it again")
            piece, self._have = self._have[:size], self._have[size:]
            size -= len(piece)
            yield piece

    def content(self, size: int) -> Iterator[memoryview]:
        """The same of a file, counted as moved."""
        for piece in self.pieces(size):
            self._counted.more(len(piece))
            yield piece

    def exact(self, size: int) -> bytes:
        """The next size bytes as one."""
        return b"".join(self.pieces(size))


def _unpack(incoming: _Incoming, to: Path, wanted: dict[str, Item], overwrite: bool) -> Iterator[str]:
    """Write what comes of a bundle; each path once it is in its place, or gone at the machine."""
    while incoming.more():
        try:
            size = bundle_form.length(incoming.exact(bundle_form.LENGTH.size))
            fields = bundle_form.read_header(incoming.exact(size))
        except bundle_form.BadBundle as problem:
            raise HostileArchive(problem.message, problem.hint) from problem
        name = fields["p"]
        if name not in wanted or not ("gone" in fields or "s" in fields):
            raise HostileArchive(f"the machine sent {name!r:.200}, which was not asked for")
        if "s" in fields:
            _write(incoming, fields, to / name, overwrite)
        yield name


def _write(incoming: _Incoming, fields: dict[str, Any], place: Path, overwrite: bool) -> None:
    partial = place.with_name(f".{os.getpid()}-{os.urandom(6).hex()}.partial")
    digest = hashlib.sha256()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "xb") as out:
            for piece in incoming.content(fields["s"]):
                digest.update(piece)
                out.write(piece)
        if incoming.exact(bundle_form.DIGEST) != digest.digest():
            raise RemoteError(f"{fields['p']} changed on its way", "fetch it again")
        finish(partial, {"mode": fields.get("m")})
        if "t" in fields:
            os.utime(partial, (fields["t"], fields["t"]))
        put_in_place(partial, place, overwrite)
    except OSError as problem:
        raise cannot_write(place.parent, problem) from problem
    finally:
        partial.unlink(missing_ok=True)


def _existing(place: Path) -> Path:
    """The nearest folder above a place that is there."""
    while not place.is_dir():
        place = place.parent
    return place
