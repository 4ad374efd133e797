"""Where data comes from: its files, what tells their contents apart, and their bytes from any place on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import NamedTuple, Protocol

from workbench.errors import Conflict
from workbench.remote.data.cache import unverified_id

BLOCK = 1 << 20
Tell = Callable[[str], None]
"""Is told in words how far looking is."""


class OriginFile(NamedTuple):
    """One file as it was when it was looked at."""

    path: str
    """Below the origin, with "/" between names; of one that is a single file its name."""
    size: int
    token: str
    """Time or etag: another content has another."""
    sha256: str | None = None
    """Of its content, where that is known."""


class Origin(Protocol):
    """Files of one place that belong together."""

    identity: str
    """What the files are of, without anything that lets one in; part of the id of what no hash names."""
    single: bool
    """Whether it is one file, not a folder."""
    linked: list[str]
    """Links to folders that were left out, known once its files were looked at."""

    async def files(self, tell: Tell) -> list[OriginFile]:
        """All of them. Raises WorkbenchError when it cannot be looked at, Unreachable when not now."""
        ...

    def blocks(self, file: OriginFile, offset: int) -> AsyncGenerator[bytes, None]:
        """The bytes of a file from offset on; raises Conflict when it is not as it was, as `files` does."""
        ...

    async def url(self, file: OriginFile) -> str | None:
        """An address from which the machine gets it by itself, for a while; None where there is none."""
        ...


def entries_of(origin: Origin, files: Iterable[OriginFile]) -> list[tuple[str, int, str]]:
    """[path, size, id] of each as machines take them (`remote/data/cache.py`), sorted by path."""
    found = [
        (
            file.path,
            file.size,
            file.sha256 or unverified_id(origin.identity, file.path, file.size, file.token),
        )
        for file in files
    ]
    return sorted(found, key=lambda entry: entry[0].encode("utf-8", "surrogateescape"))


def changed(name: str) -> Conflict:
    """The error for a file that is not what it was when it was looked at."""
    return Conflict(
        f"{name} changed while it was sent",
        "submit again when nobody writes to it",
        changed=True,
    )


async def held_back(
    blocks: AsyncGenerator[bytes, None], check: Callable[[], object]
) -> AsyncGenerator[bytes, None]:
    """The same blocks; check is called before the last one goes, so that nothing is whole that is wrong."""
    last: bytes | None = None
    async with aclosing(blocks):
        async for block in blocks:
            if last is not None:
                yield last
            last = block
    check()
    if last is not None:
        yield last
