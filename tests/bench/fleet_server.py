"""A local server whose ssh machines are scripts in its own process: all of it is real but the SSH underneath."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from typing import Any

from tests.bench.fleet_machines import messages
from workbench.compute import machine as machine_module
from workbench.compute.local import LocalHost
from workbench.entities.target import Target, TargetKind
from workbench.remote.forms import protocol
from workbench.remote.wire import frames
from workbench.server.main import main

SAID: list[bytes] = []
HELLO = {
    "version": "0",
    "capabilities": [],
    "root": "/",
    "lease_dir": "/",
    "machine": "m",
    "boot": "b",
    "pid": 1,
}


class ScriptedChannel:
    """A far end: it greets, answers pings, and has a probe."""

    def __init__(self) -> None:
        self._out: deque[bytes] = deque()
        self._ready = asyncio.Event()
        self._parser: frames.Parser | None = None
        self._probes: dict[int, asyncio.Task[None]] = {}
        self._every: dict[int, float] = {}

    def _say(self, data: bytes) -> None:
        self._out.append(data)
        self._ready.set()

    async def read(self, n: int) -> bytes:
        while not self._out:
            self._ready.clear()
            await self._ready.wait()
        return self._out.popleft()

    async def write(self, data: bytes) -> None:
        if self._parser is None:  # stage 0
            self._parser = frames.Parser()
            self._say(protocol.MAGIC + b'{"need": false}\n')
            self._say(b"".join(frames.encode_message(protocol.EVENT, 0, HELLO)))
            return
        for frame in self._parser.feed(data):
            self._take(frame)

    def _take(self, frame: frames.Frame) -> None:
        stream = frame.stream
        if frame.type == protocol.REQUEST:
            asked = frames.decode_json(frame.body)
            if asked["method"] == "probe":
                self._every[stream] = asked["params"]["every"]
                self._probes[stream] = asyncio.create_task(self._probe(stream))
            else:
                self._say(b"".join(frames.encode_message(protocol.RESPONSE, stream, {"ok": {}})))
        elif frame.type == protocol.DATA and stream in self._every:
            for line in frame.body.splitlines():
                self._every[stream] = json.loads(line).get("every", self._every[stream])
        elif frame.type == protocol.CANCEL and stream in self._probes:
            self._probes.pop(stream).cancel()
            self._say(b"".join(frames.encode_message(protocol.RESPONSE, stream, {"ok": {}})))

    async def _probe(self, stream: int) -> None:
        while True:
            for message in SAID:
                self._say(frames.encode(protocol.EVENT, stream, message))
                await asyncio.sleep(self._every[stream])

    async def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        for task in self._probes.values():
            task.cancel()
        self._say(b"")

    async def wait(self) -> int | None:
        return 0

    def stderr_tail(self) -> str:
        return ""


class ScriptedHost:
    """A machine that is reached at once."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def connect(self) -> None:
        pass

    async def open(self, line: str) -> Any:
        return ScriptedChannel()

    async def close(self) -> None:
        pass

    def describe(self) -> str:
        return self._name


def make_host(target: Target, **_: Any) -> Any:
    """A script for an ssh machine, this machine itself for the local one."""
    return LocalHost() if target.kind is TargetKind.LOCAL else ScriptedHost(target.name)


if __name__ == "__main__":
    SAID.extend(messages(300))
    machine_module.make_host = make_host
    sys.exit(main())
