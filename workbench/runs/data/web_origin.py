"""Data on the web: fetched by the machine itself where it gets there, else by us and sent on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

from workbench.compute.link import Link
from workbench.errors import NotFound, Refused, RemoteError, Unreachable, UsageError, WorkbenchError
from workbench.remote.data import fetching
from workbench.remote.forms.tree_paths import path_problem
from workbench.remote.wire.problems import RequestError
from workbench.runs.data.origins import BLOCK, OriginFile, Tell, changed
from workbench.text.sanitize import clean_name

UNMARKED = "unmarked "
"""What the token of a file begins with of which its server tells neither etag nor time."""
_KINDS = {"not_found": NotFound, "refused": Refused, "usage": UsageError}


class WebOrigin:
    """Files by their addresses; each is called as its address ends."""

    def __init__(self, link: Link, urls: list[str]) -> None:
        self._link = link
        self._urls = urls
        self._places: dict[str, str] = {}
        self._direct = True
        self.identity = "web:" + "\n".join(urls)
        self.single = len(urls) == 1
        self.linked: list[str] = []

    async def files(self, tell: Tell) -> list[OriginFile]:
        """All of them, as the machine sees them, else as this side does; raises what looking raises."""
        found = []
        for url in self._urls:
            tell(f"looking at {clean_name(fetching.shown(url), 100)}")
            seen = await self._look(url)
            name = str(seen.get("name"))
            if path_problem(name) is not None:
                name = "data"
            if name in self._places:
                raise UsageError(f"two of the addresses end with {clean_name(name, 80)}", "name one of them")
            self._places[name] = url
            token = str(seen.get("etag") or seen.get("modified") or "")
            if not token:  # nothing would tell another content of this size: it is fetched each time
                token = f"{UNMARKED}{time.time_ns()}"
            found.append(OriginFile(name, int(seen["size"]), token))
        return found

    async def _look(self, url: str) -> dict[str, Any]:
        if self._direct:
            try:
                answer: dict[str, Any] = await self._link.call("data_look", {"url": url})
                return answer
            except RemoteError as problem:
                if problem.data.get("code") != "unreachable":
                    raise
                self._direct = False  # a machine without a way out: this side is asked
        try:
            return await asyncio.to_thread(fetching.look, url)
        except RequestError as problem:
            raise _KINDS.get(problem.code, WorkbenchError)(problem.message, problem.hint) from problem
        except OSError as problem:
            raise Unreachable(
                f"neither the machine nor this side reaches {clean_name(fetching.shown(url), 200)}:"
                f" {fetching.reason(problem)}",
                "it is tried again by itself; cancel the run if the address is wrong",
            ) from problem

    async def blocks(self, file: OriginFile, offset: int) -> AsyncGenerator[bytes, None]:
        """The bytes from offset on, by way of this side; raises Conflict, Unreachable."""
        url = self._places[file.path]
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            answer = await asyncio.to_thread(fetching.ask, url, headers)
            with answer:
                token = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
                if not file.token.startswith(UNMARKED) and token != file.token:
                    raise changed(clean_name(fetching.shown(url), 200))
                at = offset if answer.status == 206 else 0
                while block := await asyncio.to_thread(fetching.piece, answer, BLOCK):
                    piece = block[max(0, offset - at) :]
                    at += len(block)
                    if piece:
                        yield piece
        except RequestError as problem:
            raise _KINDS.get(problem.code, WorkbenchError)(problem.message, problem.hint) from problem
        except OSError as problem:
            raise Unreachable(
                f"the web: {fetching.reason(problem)}", "it is tried again by itself"
            ) from problem
        if at != file.size:
            raise Unreachable("the connection to the web ended early", "it is tried again by itself")

    async def url(self, file: OriginFile) -> str | None:
        """Its address, where the machine gets there."""
        return self._places[file.path] if self._direct else None
