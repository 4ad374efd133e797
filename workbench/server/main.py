"""The local server's process: one a home, started on demand, ended when idle."""

from __future__ import annotations

import asyncio
import gc
import logging
import logging.handlers
import math
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from workbench.entities.encoding import encode
from workbench.errors import Refused, WorkbenchError
from workbench.home import Home, find_home, private_folder
from workbench.server.app import make_app, make_runner
from workbench.server.hand_over import newer, seconds
from workbench.server.own_code import OwnCode
from workbench.services.hub import Hub
from workbench.services.operation import operations
from workbench.services.operation_table import OperationTable
from workbench.services.server import ServerService
from workbench.settings import load_settings
from workbench.unix_socket import same_user
from workbench.version import __version__

log = logging.getLogger(__name__)
IDLE_LOOK = 2.0
"""Seconds between two looks whether anybody still needs it; fewer where it may idle less long."""
LAST_CALLERS = 0.2
"""Seconds in which who connected before the end is told to ask the next server, instead of nothing at all."""


class LocalServer:
    """Serves one home until asked to stop or idle for long enough."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._settings = load_settings(home.settings_file)
        self._stop = asyncio.Event()
        self._code = OwnCode()
        self._requests = 0
        self._ending = False
        self._last = time.monotonic()
        self._hub = Hub(home, self._settings, self._stop.set, home.socket)

    def _touched(self, change: int) -> None:
        self._requests += change
        self._last = time.monotonic()

    async def _lookup(self, workspace: str) -> OperationTable:
        return (await self._hub.workspace(workspace)).operations

    async def run(self) -> None:
        """Serve until the end; raises ServerError when another server owns the home."""
        private_folder(self._home.runtime)
        try:
            await self._hub.start()
            async with self._listening():
                await self._until_the_end()
        finally:
            await self._hub.close()

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        own = operations([("server", ServerService(self._hub.facts, self._stop.set))])
        app = make_app(self._lookup, self._touched, own)
        app.middlewares.insert(0, self._gate())
        runner = make_runner(app, 1.0)
        await runner.setup()
        path = self._home.socket
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            await web.UnixSite(runner, str(path)).start()
        finally:
            os.umask(before)
        log.info("serving %s as process %d, version %s", path, os.getpid(), __version__)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            self._ending = True
            await asyncio.sleep(LAST_CALLERS)
            await runner.cleanup()

    def _gate(self) -> Any:
        @web.middleware
        async def gate(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            connection = request.transport.get_extra_info("socket") if request.transport else None
            if connection is None or not same_user(connection):
                refusal = Refused("this server belongs to another user").to_wire()
                return web.Response(status=403, body=b'{"error":' + encode(refusal) + b"}")
            why = await self._outdated(request)
            if self._ending:  # perhaps since it came: until here it kept nobody from ending
                return web.Response(status=426)  # nothing of it was done: a change, too, may be asked again
            if why is None:
                return await handler(request)
            log.info("handing over: %s", why)
            self._home.socket.unlink(missing_ok=True)
            self._stop.set()
            return web.Response(status=426)

        return gate

    async def _outdated(self, request: web.Request) -> str | None:
        """Why this server makes room for the one that this client would start; None when it does not."""
        if newer(request.headers.get("X-Version", ""), __version__):
            return "the client's version is newer"
        workspace, noun, method = (*request.path.split("/")[2:5], "", "", "")[:3]
        began = seconds(request.headers.get("X-Began", ""))
        if not self._hub.loaded(workspace, f"{noun}.{method}"):
            began = math.inf  # what would be loaded for it is the new code, whoever asks
        if not await self._code.outdated_for(began):
            return None
        why = f"its code was changed: {self._code.changed}"
        if noun == "server":  # who asks how it is may see it as it is
            self._hub.notice = f"{why}; the next command starts it anew"
            return None
        return why

    def _reachable(self) -> bool:
        """Whether anybody can find it; of a home on the network neither socket nor lock lies in the home."""
        return self._home.socket.exists() and self._hub.owns and self._home.root.is_dir()

    async def _until_the_end(self) -> None:
        loop = asyncio.get_running_loop()
        pause = min(IDLE_LOOK, max(0.1, self._settings.server.idle / 4))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        while not self._stop.is_set():
            try:
                await asyncio.wait_for(self._stop.wait(), pause)
            except TimeoutError:
                if not await asyncio.to_thread(self._reachable):
                    log.info("the socket or the home is gone: ending")
                    return
                if self._hub.busy or self._requests:
                    self._last = time.monotonic()
                elif time.monotonic() - self._last > self._settings.server.idle:
                    log.info("idle: ending")
                    return


def _collect_seldom() -> None:
    """Look for garbage less often: what hundreds of machines say a second has no cycles, but is counted."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def main() -> int:
    """The process' entry: logs to the home's server.log, exits 0, or 1 with a line on stderr."""
    home = find_home()
    if not home.root.is_dir():  # the client made it; whoever removed it since wants no server there
        print(f"error: {home.root} is gone", file=sys.stderr)
        return 1
    private_folder(home.root)
    handler = logging.handlers.RotatingFileHandler(
        home.server_log, maxBytes=2 << 20, backupCount=2, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    _collect_seldom()
    try:
        asyncio.run(LocalServer(home).run())
    except WorkbenchError as problem:
        log.info("%s", problem.message)
        print(f"error: {problem.message}", file=sys.stderr)
        return 1
    return 0
