"""Services over HTTP: one route, four shapes of answer.

CALL and WRITE answer {"ok": value} or {"error": ...}; ITEMS answers one JSON line an item and {"end": true};
READ answers blocks of 4-byte length and bytes, a zero length, then {"ok"} or {"error"}; DUPLEX takes and
answers pieces (`duplex_form.py`), the first one it takes its parameters. A stream whose client goes away is
ended at once (`make_runner`); a call that began is finished.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from types import MappingProxyType
from typing import Any

from aiohttp import web

from workbench import long_json
from workbench.entities.encoding import encode, light, pieces
from workbench.errors import UsageError, WorkbenchError
from workbench.services.conversing import arriving, converse, failure, while_connected
from workbench.services.operation import Arguments, Kind, Operation, find

_LENGTH = struct.Struct(">I")
MAX_PARAMETERS = 64 << 20  # a manifest of 100,000 entries fits
MAX_HEADER = 1 << 16  # the parameters of an upload are one, and paths in them are four kilobytes, escaped
BLOCK = 1 << 18
"""Bytes of JSON from which on it is worked on in a thread, so that other calls are served meanwhile."""

Lookup = Callable[[str], Awaitable[Mapping[str, Operation]]]


class _Calls:
    """Calls in progress: one that began is finished, also when its client does not wait for it any more."""

    def __init__(self) -> None:
        self._running: set[asyncio.Future[Any]] = set()

    async def answer(self, request: web.Request, work: Awaitable[Any]) -> web.StreamResponse:
        """The answer to a CALL or WRITE."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._done)
        try:
            value = await asyncio.shield(task)
            blocks = [encode(value)] if light(value) else await asyncio.to_thread(_blocks, value)
        except Exception as problem:  # the rim: whatever broke inside becomes an answer and a log entry
            return _error(problem)
        if len(blocks) == 1:
            return web.Response(body=b'{"ok":' + blocks[0] + b"}", content_type="application/json")
        response = web.StreamResponse()
        response.content_type = "application/json"
        await response.prepare(request)
        with suppress(ConnectionResetError):  # the client does not wait for it any more
            for block in (b'{"ok":', *blocks, b"}"):
                await response.write(block)
            await response.write_eof()
        return response

    def _done(self, task: asyncio.Future[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen: it was answered, or nobody waits for the answer

    async def close(self, _: web.Application) -> None:
        """End what is still in progress."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


def _blocks(value: Any) -> list[bytes]:
    """A long value's JSON in blocks that are worth a write each."""
    blocks, waiting = [], bytearray()
    for piece in pieces(value):
        waiting += piece
        if len(waiting) >= BLOCK:
            blocks.append(bytes(waiting))
            waiting.clear()
    return [*blocks, bytes(waiting)]


def _error(problem: Exception) -> web.Response:
    body = b'{"error":' + encode(failure(problem)) + b"}"
    return web.Response(body=body, content_type="application/json")


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
        tail = b'{"error":' + encode(failure(problem)) + b"}\n"
    with suppress(ConnectionResetError):
        await response.write((_LENGTH.pack(0) if reading else b"") + tail)
        await response.write_eof()
    return response


async def _both_ways(request: web.Request, operation: Operation) -> web.StreamResponse:
    async with aclosing(arriving(request.content.iter_any())) as source:
        first = await anext(source, None)
        arguments = operation.arguments({} if first is None else first.value)
        response = web.StreamResponse()
        response.content_type = "application/octet-stream"
        await response.prepare(request)
        with suppress(ConnectionError):  # the client went away: its right
            async with while_connected(request.get_extra_info("socket")):
                await converse(operation, arguments, source, response.write)
                await response.write_eof()
    return response


async def _arguments(request: web.Request, operation: Operation) -> Arguments:
    body = await request.read() or b"{}"
    if len(body) <= BLOCK:
        return operation.arguments(_parsed(body, json.loads))
    return await asyncio.to_thread(lambda: operation.arguments(_parsed(body, long_json.loads)))


def _parsed(body: bytes, loads: Callable[[bytes], Any]) -> Any:
    try:
        return loads(body)
    except ValueError as problem:
        raise UsageError("the parameters are not JSON") from problem


def _handler(
    lookup: Lookup, own: Mapping[str, Operation], calls: _Calls
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def found(workspace: str, noun: str, method: str) -> Operation:
        try:
            return find(await lookup(workspace), noun, method)
        except WorkbenchError:
            if f"{noun}.{method}" not in own:
                raise
            return own[f"{noun}.{method}"]

    async def handle(request: web.Request) -> web.StreamResponse:
        match = request.match_info
        try:
            operation = await found(match["workspace"], match["noun"], match["method"])
            if operation.kind is Kind.WRITE:
                given = json.loads(request.headers.get("X-Parameters", "{}"))
                source = request.content.iter_chunked(BLOCK)
                return await calls.answer(request, operation.write(given, source))
            if operation.kind is Kind.DUPLEX:
                return await _both_ways(request, operation)
            arguments = await _arguments(request, operation)
            if operation.kind is Kind.CALL:
                return await calls.answer(request, operation.call(arguments))
            return await _stream(request, operation, arguments)
        except (WorkbenchError, ValueError) as problem:
            return _error(problem)

    return handle


def make_app(
    lookup: Lookup, touched: Callable[[int], None], own: Mapping[str, Operation] = MappingProxyType({})
) -> web.Application:
    """The application; lookup gives the operations of a workspace, touched counts requests (+1, -1).

    own: operations that are answered though the workspace does not open.
    """

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
    app.router.add_post("/v1/{workspace}/{noun}/{method}", _handler(lookup, own, calls))
    return app


def make_runner(app: web.Application, shutdown_timeout: float) -> web.AppRunner:
    """What serves the application: to a client that goes away nothing is streamed any more."""
    return web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        handler_cancellation=True,
        shutdown_timeout=shutdown_timeout,
        max_field_size=MAX_HEADER,
    )
