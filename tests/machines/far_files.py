"""Files of a machine, asked for over a link."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.compute.link import Link


async def drain(link: Link, method: str, path: Path, **params: Any) -> tuple[list[Any], dict[str, Any]]:
    async with link.stream(method, {"path": str(path), **params}) as stream:
        events = [event async for event in stream]
        return events, await stream.result()


async def delete(link: Link, path: Path | str, **params: Any) -> dict[str, Any]:
    return (await drain(link, "delete", Path(path), **params))[1]
