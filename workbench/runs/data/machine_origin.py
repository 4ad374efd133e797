"""Data in a folder of another machine: read over our connection to that one, and sent on as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from workbench.compute.fleet import Fleet
from workbench.errors import RemoteError
from workbench.remote.forms.tree_paths import path_problem
from workbench.runs.data.origins import OriginFile, Tell, changed
from workbench.text.sanitize import clean_name
from workbench.text.sizes import short

MOST_FILES = 500_000


class MachineOrigin:
    """Files of a compute target."""

    def __init__(self, fleet: Fleet, target: str, paths: list[str]) -> None:
        self._fleet = fleet
        self._target = target
        self._paths = paths
        self._base = ""
        self.identity = f"{target}:" + "\n".join(paths)
        self.single = False
        self.linked: list[str] = []

    async def files(self, tell: Tell) -> list[OriginFile]:
        """All of them; raises what the machine says, Unreachable."""
        link = await self._fleet.link(self._target)
        found: list[OriginFile] = []
        async with link.stream("data_files", {"paths": self._paths}) as stream:
            async for message in stream:
                if not isinstance(message, dict):
                    continue
                if "bytes" in message:
                    tell(f"looking at {self._target}: {short(_whole(message['bytes']))}")
                found += [_file(row) for row in message.get("entries") or []]
                if len(found) > MOST_FILES:
                    raise RemoteError(f"{self._target} has more files there than a run can be given")
            answer = await stream.result()
        self._base = str(answer.get("base") or "")
        self.linked = [str(path) for path in answer.get("linked") or []]
        if len(found) == 1 and found[0].path == "":
            self.single = True
            name = self._base.rstrip("/").rpartition("/")[2]
            self._base = self._base.rstrip("/").rpartition("/")[0] or "/"
            found = [found[0]._replace(path=name)]
        for file in found:
            if path_problem(file.path) is not None:
                raise RemoteError(f"{self._target} told a path that leaves its folder")
        return found

    def blocks(self, file: OriginFile, offset: int) -> AsyncGenerator[bytes, None]:
        """The bytes from offset on; raises Conflict when the file is not as it was, Unreachable."""
        return self._read(file, offset, False)

    def content(self, file: OriginFile, offset: int) -> AsyncGenerator[bytes, None]:
        """As `blocks`, and then the 32 bytes of the sha256 of all of it, also of what lies before offset."""
        return self._read(file, offset, True)

    async def _read(self, file: OriginFile, offset: int, whole: bool) -> AsyncGenerator[bytes, None]:
        path = f"{self._base.rstrip('/')}/{file.path}"
        link = await self._fleet.link(self._target)
        asked = {"path": path, "offset": offset, "hash": whole}
        last: bytes | None = None
        size = offset
        async with link.stream("get", asked) as stream:
            async for block in stream:
                if isinstance(block, bytes):
                    if last is not None:
                        yield last
                    last = block
                    size += len(block)
                    if size > file.size:
                        raise changed(clean_name(f"{self._target}:{path}", 200))
            answer = await stream.result()
        modified = answer.get("modified")
        same = isinstance(modified, float) and abs(int(file.token) - modified * 1e9) < 1000
        if size != file.size or not same:
            raise changed(clean_name(f"{self._target}:{path}", 200))
        if last is not None:
            yield last
        if whole:
            yield _digest(answer.get("sha256"))

    async def url(self, file: OriginFile) -> str | None:
        """None: it is reached over SSH alone."""
        return None


def _file(row: Any) -> OriginFile:
    try:
        path, size, modified = row
        if isinstance(path, str) and isinstance(size, int) and size >= 0 and isinstance(modified, int):
            return OriginFile(path, size, str(modified))
    except (TypeError, ValueError):
        pass
    raise RemoteError("the machine told of a file what makes no sense")


def _digest(text: Any) -> bytes:
    try:
        found = bytes.fromhex(text)
    except (TypeError, ValueError):
        found = b""
    if len(found) != 32:
        raise RemoteError("the machine did not tell the hash of a file")
    return found


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0
