"""Services over HTTP: one route, three shapes of answer.

CALL and WRITE answer {"ok": value} or {"error": ...}; ITEMS answers one JSON line an item and {"end": true};
READ answers blocks of 4-byte length and bytes, a zero length, then {"ok"} or {"error"}. A stream whose client
goes away is ended at once (the runner needs handler_cancellation); a call that began is finished.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

from aiohttp import web

from workbench.entities.base import to_wire
from workbench.errors import UsageError, WorkbenchError
from workbench.services.operation import Kind, Operation, find

_LENGTH = struct.Struct(">I")
MAX_PARAMETERS = 64 << 20  # a manifest of 100,000 entries fits
log = logging.getLogger(__name__)

Lookup = Callable[[str], Awaitable[dict[str, Operation]]]


def encode(value: Any) -> bytes:
    """A value as JSON bytes."""
    return json.dumps(to_wire(value), separators=(",", ":"), allow_nan=False).encode("ascii")


def _failure(problem: Exception) -> dict[str, Any]:
    if isinstance(problem, WorkbenchError):
        return problem.to_wire()
    log.error("an operation broke", exc_info=problem)
    return WorkbenchError(
        f"internal error: {type(problem).__name__}", "wb server logs shows the details"
    ).to_wire()


class _Calls:
    """Calls in progress: one that began is finished, also when its client does not wait for it any more."""

    def __init__(self) -> None:
        self._running: set[asyncio.Future[Any]] = set()

    async def answer(self, work: Awaitable[Any]) -> web.Response:
        """The answer to a CALL or WRITE."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._done)
        try:
            body = b'{"ok":' + encode(await asyncio.shield(task)) + b"}"
        except Exception as problem:  # the rim: whatever broke inside becomes an answer and a log entry
            body = b'{"error":' + encode(_failure(problem)) + b"}"
        return web.Response(body=body, content_type="application/json")

    def _done(self, task: asyncio.Future[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen: it was answered, or nobody waits for the answer

    async def close(self, _: web.Application) -> None:
        """End what is still in progress."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


async def _stream(request: web.Request, operation: Operation, parameters: Any) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_type = (
        "application/x-ndjson" if operation.kind is Kind.ITEMS else "application/octet-stream"
    )
    await response.prepare(request)
    reading = operation.kind is Kind.READ
    try:
        async with aclosing(operation.iterate(parameters)) as values:
            async for value in values:
                if reading:
                    await response.write(_LENGTH.pack(len(value)) + value if value else b"")
                else:
                    await response.write(b'{"item":' + encode(value) + b"}\n")
        tail = b'{"ok":null}' if reading else b'{"end":true}\n'
    except ConnectionResetError:
        return response  # the client stopped listening: its right
    except Exception as problem:  # the rim, as above
        tail = b'{"error":' + encode(_failure(problem)) + b"}\n"
    await response.write((_LENGTH.pack(0) if reading else b"") + tail)
    await response.write_eof()
    return response


async def _parameters(request: web.Request) -> Any:
    try:
        return json.loads(await request.read() or b"{}")
    except ValueError as problem:
        raise UsageError("the parameters are not JSON") from problem


def _handler(lookup: Lookup, calls: _Calls) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        match = request.match_info
        try:
            table = await lookup(match["workspace"])
            operation = find(table, match["noun"], match["method"])
            if operation.kind is Kind.WRITE:
                given = json.loads(request.headers.get("X-Parameters", "{}"))
                return await calls.answer(operation.write(given, request.content.iter_chunked(1 << 18)))
            parameters = await _parameters(request)
            if operation.kind is Kind.CALL:
                return await calls.answer(operation.call(parameters))
            return await _stream(request, operation, parameters)
        except (WorkbenchError, ValueError) as problem:
            return web.Response(
                body=b'{"error":' + encode(_failure(problem)) + b"}", content_type="application/json"
            )

    return handle


def make_app(lookup: Lookup, touched: Callable[[int], None]) -> web.Application:
    """The application; lookup gives the operations of a workspace, touched counts requests (+1, -1)."""

    @web.middleware
    async def count(request: web.Request, handler: Callable[[web.Request], Awaitable[Any]]) -> Any:
        touched(1)
        try:
            return await handler(request)
        finally:
            touched(-1)

    calls = _Calls()
    app = web.Application(client_max_size=MAX_PARAMETERS, middlewares=[count])
    app.on_cleanup.append(calls.close)
    app.router.add_post("/v1/{workspace}/{noun}/{method}", _handler(lookup, calls))
    return app
