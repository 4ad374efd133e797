"""The files of machines as a service: looked at, fetched, brought, changed; all that their users may see."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

from workbench.compute.link import Link
from workbench.compute.machine_files import read_entries, read_entry, read_names, read_use, read_walk
from workbench.entities.machine_file import DiskUse
from workbench.errors import RemoteError
from workbench.runs.activity import activity
from workbench.services.context import Context
from workbench.services.operation import call, items, read, write
from workbench.store.fleet import targets
from workbench.text.numbers import whole_amount
from workbench.text.sanitize import clean_name

Names = list[str]


class MachineFileService:
    """Paths are absolute, begin with ~, or lie below the home of the machine's user."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    async def _link(self, target: str) -> Link:
        await self._store.read(targets.get, target)
        return await self._context.link(target)

    @call
    async def list(
        self,
        target: str,
        path: str = "~",
        sort: str = "name",
        descending: bool = False,
        hidden: bool = True,
        offset: int = 0,
        limit: int = 1000,
        names: Names | None = None,
    ) -> dict[str, Any]:
        """A page of a folder: {"path", "total", "entries": [MachineFile]}; only names of it where given.

        sort: name (folders first), size, modified, kind. hidden: whether names with a dot count.
        """
        asked = {"path": path, "sort": sort, "descending": descending, "hidden": hidden}
        asked |= {"offset": offset, "limit": limit} if names is None else {"names": names}
        answer = await (await self._link(target)).call("listing", asked)
        entries = read_entries(answer.get("entries"))
        return {"path": answer.get("path"), "total": whole_amount(answer.get("total")), "entries": entries}

    @call
    async def order(
        self,
        target: str,
        path: str = "~",
        sort: str = "name",
        descending: bool = False,
        hidden: bool = True,
    ) -> dict[str, Any]:
        """The names of all that is in a folder, in order: {"path", "names"}."""
        asked = {"path": path, "sort": sort, "descending": descending, "hidden": hidden, "order": True}
        answer = await (await self._link(target)).call("listing", asked)
        return {"path": answer.get("path"), "names": read_names(answer.get("names"))}

    @call
    async def stat(self, target: str, path: str, token: str | None = None) -> dict[str, Any]:
        """{"path", "home", "free" (bytes there), "entry"?: MachineFile}; raises NotFound.

        With the token of an upload also "arrived", the bytes of it that are there, and no NotFound.
        """
        asked = {"path": path} | ({} if token is None else {"token": token})
        answer = await (await self._link(target)).call("stat", asked)
        entry = read_entry({**answer, "name": answer["name"] or "/"}) if "name" in answer else None
        found = {key: answer[key] for key in ("path", "home") if key in answer}
        found |= {key: whole_amount(answer[key]) for key in ("free", "arrived") if key in answer}
        return {**found, "entry": entry} if entry is not None else found

    @read
    async def get(
        self, target: str, path: str, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """A file's bytes; of a whole one the machine's hash is checked, else RemoteError is raised."""
        whole = offset == 0 and length is None
        asked = {"path": path, "offset": offset, "length": length, "hash": whole}
        digest = hashlib.sha256()
        async with (await self._link(target)).stream("get", asked) as stream:
            async for block in stream:
                if isinstance(block, bytes):
                    digest.update(block)
                    yield block
            answer = await stream.result()
        if whole and answer.get("sha256") != digest.hexdigest():
            raise RemoteError(f"{path} changed while it was read", "fetch it again")

    @call
    async def hash(self, target: str, path: str) -> dict[str, Any]:
        """{"size", "sha256"} of a file as it is now."""
        answer = await (await self._link(target)).call("get", {"path": path, "length": 0})
        return {"size": answer.get("size"), "sha256": answer.get("sha256")}

    @write
    async def put(
        self,
        target: str,
        path: str,
        token: str,
        size: int,
        source: AsyncIterator[bytes],
        offset: int = 0,
        mode: int | None = None,
        modified: float | None = None,
        overwrite: bool = False,
    ) -> dict[str, Any]:
        """Put a file on a machine: bytes from offset on, then the 32 bytes of the whole's sha256.

        token: 8 to 64 hexadecimal digits; the same one goes on with what a cut left. Answers {"path", "size",
        "sha256"}.
        """
        asked: dict[str, Any] = {"path": path, "token": token, "size": size, "offset": offset}
        asked |= {"mode": mode, "modified": modified, "overwrite": overwrite}
        link = await self._link(target)
        told = f"sending {clean_name(path, 100)}"
        async with activity(self._store, "upload", f"compute/{target}", told) as progress:
            counted = progress.counted(source, told, offset, size)
            async with link.stream("put", asked, counted) as stream:
                answer: dict[str, Any] = await stream.result()
                return answer

    @items
    async def walk(self, target: str, path: str) -> AsyncIterator[dict[str, Any]]:
        """All at and below a path: {"entries": [MachineFile]} again and again, names are paths below it.

        At the end {"count", "unread", "unreadable"}: what of it could not be read.
        """
        async with (await self._link(target)).stream("walk", {"path": path}) as stream:
            async for event in stream:
                if isinstance(event, dict):
                    yield {"entries": read_walk(event.get("entries"))}
            answer = await stream.result()
        yield {key: answer.get(key) for key in ("count", "unread", "unreadable")}

    @read
    async def bundle(self, target: str, path: str, names: Names) -> AsyncIterator[bytes]:
        """Files below a folder as one stream, in the form of `remote.bundle_form`."""
        async with (await self._link(target)).stream("bundle", {"path": path, "names": names}) as stream:
            async for block in stream:
                if isinstance(block, bytes):
                    yield block
            await stream.result()

    @write
    async def unbundle(
        self, target: str, path: str, size: int, source: AsyncIterator[bytes], overwrite: bool = False
    ) -> dict[str, Any]:
        """Files of one stream put below a folder; size: their bytes. {"count", "bytes"}."""
        link = await self._link(target)
        asked = {"path": path, "size": size, "overwrite": overwrite}
        async with link.stream("unbundle", asked, source) as stream:
            answer: dict[str, Any] = await stream.result()
            return answer

    @call
    async def mkdir(self, target: str, path: str, parents: bool = False) -> dict[str, Any]:
        """Make a folder; {"path"}."""
        answer: dict[str, Any] = await (await self._link(target)).call(
            "mkdir", {"path": path, "parents": parents}
        )
        return answer

    @call
    async def rename(self, target: str, path: str, to: str, overwrite: bool = False) -> dict[str, Any]:
        """Give a file or folder another name; {"path"}. Raises Refused for what is guarded, Conflict."""
        asked = {"path": path, "to": to, "overwrite": overwrite}
        answer: dict[str, Any] = await (await self._link(target)).call("rename", asked)
        return answer

    @items
    async def copy(
        self, target: str, path: str, to: str, recursive: bool = False, overwrite: bool = False
    ) -> AsyncIterator[dict[str, Any]]:
        """Copy on the machine: {"count", "bytes"} as it goes, at the end also "left_out" and "path"."""
        asked = {"path": path, "to": to, "recursive": recursive, "overwrite": overwrite}
        async for item in self._long(target, "copy", asked, f"copying {clean_name(path, 100)}"):
            yield item

    @items
    async def delete(self, target: str, path: str, recursive: bool = False) -> AsyncIterator[dict[str, Any]]:
        """Remove a file or folder for good: {"count", "bytes"} as it goes, and of all at the end.

        Never /, the home, the workbench's own folder there, or what they lie in. Links are not followed.
        """
        asked = {"path": path, "recursive": recursive}
        async for item in self._long(target, "delete", asked, f"removing {clean_name(path, 100)}"):
            yield item

    async def _long(
        self, target: str, method: str, asked: dict[str, Any], told: str
    ) -> AsyncIterator[dict[str, Any]]:
        link = await self._link(target)
        async with activity(self._store, method, f"compute/{target}", told) as progress:
            async with link.stream(method, asked) as stream:
                async for event in stream:
                    if isinstance(event, dict):
                        await progress.report(told, event.get("count"))
                        yield event
                answer = await stream.result()
        yield answer

    @items
    async def usage(self, target: str, path: str = "~") -> AsyncIterator[DiskUse]:
        """Where the room of a folder went, on one disk: what is known so far, all of it at the end."""
        async with (await self._link(target)).stream("usage", {"path": path}) as stream:
            async for event in stream:
                if isinstance(event, dict):
                    yield read_use(event)
            answer = await stream.result()
        yield read_use(answer)
