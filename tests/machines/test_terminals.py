"""Programs on terminals over a link: what a terminal is, how large, how it ends, and how it holds back."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.links import MakeLink, alive, make_link, until
from workbench.compute.link import Link
from workbench.compute.link_stream import LinkStream
from workbench.errors import NotFound, RemoteError, UsageError
from workbench.remote.forms import protocol

__all__ = ["make_link"]


class Typing:
    """One who types: what they send, and all that came so far."""

    def __init__(self, link: Link, **params: Any) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.stream: LinkStream = link.stream("terminal", params, self._keys())
        self.seen = b""
        self.events: list[dict[str, Any]] = []

    async def _keys(self) -> AsyncIterator[bytes]:
        while (keys := await self._queue.get()) is not None:
            yield keys

    def type(self, keys: bytes | None) -> None:
        """Press keys; None: no more will come."""
        self._queue.put_nowait(keys)

    async def take(self) -> bool:
        """Take what comes next; False at the end."""
        item = await anext(self.stream, None)
        if isinstance(item, dict):
            self.events.append(item)
        elif item is not None:
            self.seen += item
        return item is not None

    async def wait_for(self, text: bytes) -> None:
        """Take until text was seen."""
        try:
            async with asyncio.timeout(60):
                while text not in self.seen:
                    assert await self.take(), self.seen
        except TimeoutError:
            pytest.fail(f"{text!r} did not come: {self.seen!r}")

    async def end(self) -> dict[str, Any]:
        """Take the rest; the answer."""
        async with asyncio.timeout(60):
            while await self.take():
                pass
            return dict(await self.stream.result())


async def whole(link: Link, **params: Any) -> tuple[bytes, dict[str, Any]]:
    """Output and answer of a program that needs nobody."""
    typing = Typing(link, **params)
    async with typing.stream:
        answer = await typing.end()
    return typing.seen, answer


async def test_it_is_a_terminal_of_its_size_and_type(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    line = "test -t 0 && test -t 1 && test -t 2 && stty size && echo $TERM && pwd && echo $COLOUR && tty && ps -o stat= -p $$"
    seen, answer = await whole(
        link, shell=line, rows=33, cols=101, term="xterm", cwd=str(tmp_path), env={"COLOUR": "blue"}
    )
    assert answer == {"exit_code": 0}
    size, term, directory, colour, name, state = seen.decode().split("\r\n")[:6]
    assert (size, term, directory, colour) == ("33 101", "xterm", str(tmp_path), "blue")
    assert name.startswith("/dev/pts/")
    assert "s" in state, "it leads a session, so it has a controlling terminal"


async def test_ctrl_c_interrupts_what_runs_and_leaves_the_shell(make_link: MakeLink) -> None:
    link = await make_link()
    typing = Typing(link, argv=["bash", "--norc", "--noprofile", "-i"], env={"PS1": "ready> "})
    async with typing.stream:
        await typing.wait_for(b"ready> ")
        typing.type(b"sh -c 'echo sleeping; exec sleep 1000'\r")
        await typing.wait_for(b"sleeping\r\n")
        typing.seen = b""
        typing.type(b"\x03")
        await typing.wait_for(b"^C")
        await typing.wait_for(b"ready> ")
        typing.type(b"echo still $((40+2))\r")
        await typing.wait_for(b"still 42")
        typing.type(b"exit 7\r")
        assert await typing.end() == {"exit_code": 7}


async def test_the_login_shell_is_the_users_own(make_link: MakeLink) -> None:
    link = await make_link()
    typing = Typing(link, env={"SHELL": "/bin/bash", "HOME": "/nonexistent"}, cwd="/")
    async with typing.stream:
        typing.type(b"shopt login_shell; echo name $0; exit\r")
        await typing.end()
    assert b"login_shell" in typing.seen
    assert b"\ton" in typing.seen
    assert b"name -bash" in typing.seen


async def test_another_size_is_told(make_link: MakeLink) -> None:
    link = await make_link()
    line = "trap 'stty size; exit' WINCH; echo waiting; while :; do sleep 0.05; done"
    typing = Typing(link, argv=["bash", "-c", line], rows=24, cols=80)
    async with typing.stream:
        await typing.wait_for(b"waiting")
        await link.call("terminal_size", {"terminal": typing.stream.id, "rows": 50, "cols": 132})
        await typing.wait_for(b"50 132")
        assert await typing.end() == {"exit_code": 0}
    with pytest.raises(NotFound):
        await link.call("terminal_size", {"terminal": typing.stream.id, "rows": 50, "cols": 132})


async def test_what_cannot_be_started_is_said(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    for params, error in (
        ({"argv": ["/no/such/program"]}, NotFound),
        ({"argv": ["no-such-program"]}, NotFound),
        ({"argv": ["true"], "cwd": str(tmp_path / "no")}, NotFound),
        ({"argv": [str(tmp_path)]}, Exception),
        ({"argv": ["true"], "shell": "true"}, UsageError),
        ({"argv": []}, UsageError),
        ({"argv": ["true"], "rows": 0}, UsageError),
        ({"argv": ["true"], "cols": "80"}, UsageError),
    ):
        with pytest.raises(error):
            await whole(link, **params)
    assert (await whole(link, argv=["true"]))[1] == {"exit_code": 0}


async def test_a_signal_is_told_as_shells_do(make_link: MakeLink) -> None:
    link = await make_link()
    assert (await whole(link, shell="kill -9 $$"))[1] == {"exit_code": 137, "signal": 9}


async def test_all_that_a_fast_end_wrote_comes(make_link: MakeLink) -> None:
    link = await make_link()
    seen, _ = await whole(link, shell="stty -opost; head -c 2000000 /dev/zero | tr '\\0' x; printf END")
    assert len(seen) == 2_000_003
    assert seen.endswith(b"xEND")


async def test_what_it_left_running_does_not_hold_it_open(make_link: MakeLink) -> None:
    link = await make_link()
    seen, answer = await whole(link, shell="trap '' HUP; sleep 1000 & echo $!")
    assert answer == {"exit_code": 0}
    pid = int(seen)
    try:
        assert alive(pid), "what ignores the hang-up goes on, as with any login"
    finally:
        os.kill(pid, 9)


@pytest.mark.parametrize("how", ["cancel", "close"])
async def test_it_hangs_up_with_its_stream_and_with_its_link(make_link: MakeLink, how: str) -> None:
    link = await make_link()
    typing = Typing(link, argv=["bash", "--norc", "-i"])
    typing.type(b"echo shell $$; sleep 1000 & echo back $!; sh -c 'echo front $$; exec sleep 999'\r")
    async with asyncio.timeout(60):  # what the shell only begins to start may miss the hang-up
        while len(told := re.findall(rb"(?:shell|back|front) (\d+)\r\n", typing.seen)) < 3:
            assert await typing.take()
    pids = [int(pid) for pid in told]
    assert all(alive(pid) for pid in pids)
    if how == "cancel":
        async with typing.stream:
            pass
    else:
        await link.close()
    await until(lambda: not any(alive(pid) for pid in pids), "the shell and its jobs to end")


async def test_a_reader_that_stopped_stops_the_program(make_link: MakeLink) -> None:
    link = await make_link()
    typing = Typing(link, argv=["yes", "x" * 60])
    async with typing.stream:
        await until(lambda: typing.stream._waiting_size >= protocol.TERMINAL_WINDOW - 65536, "the window")
        await asyncio.sleep(0.5)
        assert typing.stream._waiting_size <= protocol.TERMINAL_WINDOW + 65536
        pings = await link.call("ping")
        assert "time" in pings
        typing.type(b"\x03")
        assert await typing.end() == {"exit_code": 130, "signal": 2}


async def test_a_long_paste_waits_for_its_reader(make_link: MakeLink) -> None:
    link = await make_link()
    reading = asyncio.Event()
    sent = 0

    async def paste() -> AsyncIterator[bytes]:
        nonlocal sent
        await reading.wait()
        for _ in range(100):
            sent += 1 << 20
            yield b"p" * (1 << 20)

    line = "stty raw -echo; echo reading; sleep 1; head -c 104857600 | wc -c"
    stream = link.stream("terminal", {"shell": line}, paste())
    seen = b""
    async with stream:
        async for item in stream:
            if isinstance(item, bytes):
                if b"reading" in item:
                    reading.set()
                    await asyncio.sleep(0.5)
                    assert sent <= 4 << 20, "no more is taken than what may be on its way"
                seen += item
        assert (await stream.result())["exit_code"] == 0
    assert b"104857600" in seen


async def test_no_more_input_is_an_end_of_file(make_link: MakeLink) -> None:
    link = await make_link()
    typing = Typing(link, argv=["cat"])
    async with typing.stream:
        typing.type(b"word\n")
        typing.type(None)
        assert await typing.end() == {"exit_code": 0}
    assert typing.seen.count(b"word") == 2, "once as an echo, once as output"


async def test_there_is_a_most(make_link: MakeLink) -> None:
    link = await make_link()
    streams = [Typing(link, argv=["cat"]) for _ in range(64)]
    try:
        for typing in streams:
            while not typing.events:
                await typing.take()
        with pytest.raises(RemoteError, match="64 terminals are open"):
            await whole(link, argv=["true"])
        assert "python" in link.hello
        assert (await link.call("facts"))["hostname"]
    finally:
        for typing in streams:
            typing.stream.cancel()
