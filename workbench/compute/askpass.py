"""Answering the questions of the system's ssh: a helper it starts asks us over a private socket.

Nothing secret stands in a command line, the environment or a file: the helper prints what it is sent.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

MAX_QUESTION = 65536

_HELPER = """\
import json, os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ask"))
text = " ".join(sys.argv[1:])
question = {"text": text, "manner": os.environ.get("SSH_ASKPASS_PROMPT", "")}
link.sendall(json.dumps(question).encode("ascii") + b"\\n")
answer = b""
while not answer.endswith(b"\\n"):
    block = link.recv(4096)
    if not block:
        sys.exit(1)
    answer += block
sys.stdout.buffer.write(json.loads(answer.decode("ascii")).encode("utf-8", "surrogateescape") + b"\\n")
"""


class Question(NamedTuple):
    """What ssh wants to know, in its own words; manner: "" wants an answer, "none" only tells something."""

    text: str
    manner: str


class Askpass:
    """A folder with the helper and the socket it asks at; `folder` (0700) may hold other private things.

    answer: returns the answer, or None to refuse, in which case ssh is told that nobody answered.
    """

    def __init__(self, answer: Callable[[Question], Awaitable[str | None]]) -> None:
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self.folder = Path(tempfile.mkdtemp(prefix="wb-"))
        """Short, since the paths of sockets must be."""

    async def start(self) -> None:
        """Be ready to be asked. Raises OSError."""
        helper = self.folder / "helper.py"
        script = self.folder / "askpass"
        helper.write_text(_HELPER)
        script.write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S {shlex.quote(str(helper))} "$@"\n'
        )
        script.chmod(0o700)
        self._server = await asyncio.start_unix_server(self._serve, self.folder / "ask", limit=MAX_QUESTION)

    def environment(self) -> dict[str, str]:
        """What ssh must find in its environment to ask here and nowhere else."""
        # Before OpenSSH 8.4 the helper is used only where a display seems to be there.
        return {
            "SSH_ASKPASS": str(self.folder / "askpass"),
            "SSH_ASKPASS_REQUIRE": "force",
            "DISPLAY": os.environ.get("DISPLAY") or "none:0",
        }

    async def close(self) -> None:
        """Answer nothing any more and remove the folder."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._asking:
            task.cancel()
        if self._asking:
            await asyncio.wait(self._asking)
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._asking.add(task)
        try:
            asked = json.loads(await reader.readline())
            answer = await self._answer(Question(str(asked["text"]), str(asked["manner"])))
            if answer is not None:
                writer.write(json.dumps(answer).encode("ascii") + b"\n")
                await writer.drain()
        except (ValueError, KeyError, TypeError, OSError):
            return  # the helper was killed, or is none of ours: it gets no answer
        except asyncio.CancelledError:
            return  # by `close`, the only one who knows this task
        finally:
            self._asking.discard(task)
            writer.close()
