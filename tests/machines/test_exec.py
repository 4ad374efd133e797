"""Commands over a link: output as it comes, input, exit codes, time limits, and their whole tree ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.links import MakeLink, alive, make_link, until
from workbench.compute.link import Link
from workbench.errors import NotFound, RemoteError

__all__ = ["make_link"]

# A child, a setsid child, and a double-forked one that left its session and ignores TERM.
TREE = """
sleep 1000 & echo $! >> {pids}
setsid sleep 1000 & echo $! >> {pids}
(setsid sh -c 'trap "" TERM; echo $$ >> {pids}; while :; do sleep 1000; done' &)
echo $$ >> {pids}
sleep 1000
"""


async def run(link: Link, **params: Any) -> tuple[str, str, dict[str, Any]]:
    """Output, error output and answer of a command."""
    text = {"out": "", "err": ""}
    async with link.stream("exec", params) as stream:
        async for event in stream:
            assert isinstance(event, dict)
            for name, part in event.items():
                text[name] += part
        return text["out"], text["err"], await stream.result()


async def test_argv_is_exact(make_link: MakeLink) -> None:
    link = await make_link()
    out, err, answer = await run(link, argv=["printf", "%s|", "a b", "$HOME", "*"])
    assert (out, err, answer) == ("a b|$HOME|*|", "", {"exit_code": 0})


async def test_a_shell_line_and_both_streams(make_link: MakeLink) -> None:
    link = await make_link()
    out, err, answer = await run(link, shell="echo out; echo err >&2; exit 7")
    assert (out, err, answer) == ("out\n", "err\n", {"exit_code": 7})


async def test_cwd_and_environment(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    out, _, _ = await run(link, shell="pwd; echo $COLOUR", cwd=str(tmp_path), env={"COLOUR": "blue"})
    assert out == f"{tmp_path}\nblue\n"


async def test_output_comes_while_the_command_runs(make_link: MakeLink) -> None:
    link = await make_link()

    async def answer_when_asked() -> AsyncIterator[bytes]:
        await asked.wait()
        yield b"ann\n"

    asked = asyncio.Event()
    async with link.stream(
        "exec", {"shell": "echo name?; read n; echo hi $n"}, answer_when_asked()
    ) as stream:
        assert await anext(stream) == {"out": "name?\n"}
        asked.set()
        assert await anext(stream) == {"out": "hi ann\n"}
        assert await stream.result() == {"exit_code": 0}


async def test_big_input_and_output_both_ways(make_link: MakeLink) -> None:
    link = await make_link()
    line = b"0123456789abcdef" * 4096

    async def source() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield line

    size = 0
    async with link.stream("exec", {"argv": ["cat"]}, source()) as stream:
        async for event in stream:
            assert isinstance(event, dict)
            size += len(event["out"])
        assert await stream.result() == {"exit_code": 0}
    assert size == 64 * len(line)


async def test_a_command_that_does_not_read_its_input(make_link: MakeLink) -> None:
    link = await make_link()

    async def source() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 100_000

    stream = link.stream("exec", {"shell": "exec <&-; echo done"}, source())
    async with stream:
        assert [event async for event in stream] == [{"out": "done\n"}]


async def test_bytes_that_are_no_text_and_characters_cut_in_two(make_link: MakeLink) -> None:
    link = await make_link()
    out, _, _ = await run(link, shell=r"printf '\303'; sleep 0.1; printf '\251\377|'")
    assert out == "é�|"


async def test_all_output_of_a_fast_command_with_a_slow_reader(make_link: MakeLink) -> None:
    link = await make_link()
    size = 0
    async with link.stream("exec", {"shell": "head -c 3000000 /dev/zero | tr '\\0' x"}) as stream:
        await until(lambda: stream._waiting_size >= 1 << 20, "the window to fill")
        await asyncio.sleep(1.0)  # longer than a finished command's output is waited for
        async for event in stream:
            assert isinstance(event, dict)
            size += len(event["out"])
    assert size == 3_000_000


async def test_a_signal_is_told_from_an_exit(make_link: MakeLink) -> None:
    link = await make_link()
    assert (await run(link, shell="kill -9 $$"))[2] == {"exit_code": 137, "signal": 9}


async def test_a_program_that_is_not_there(make_link: MakeLink) -> None:
    link = await make_link()
    with pytest.raises(NotFound, match="no-such-program"):
        await run(link, argv=["no-such-program"])
    with pytest.raises(NotFound, match="/no/such/folder"):
        await run(link, argv=["true"], cwd="/no/such/folder")


async def test_a_background_child_that_keeps_the_output_open(make_link: MakeLink, tmp_path: Path) -> None:
    """The answer does not wait for it, and it lives on: it ended nothing and nobody gave it up."""
    link = await make_link()
    out, _, answer = await run(link, shell=f"sleep 1000 & echo $! > {tmp_path}/pid; echo started")
    pid = int((tmp_path / "pid").read_text())
    try:
        assert (out, answer) == ("started\n", {"exit_code": 0})
        assert alive(pid)
    finally:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("chatter", ["yes", "sh -c 'while :; do echo x; sleep 0.05; done'"])
async def test_a_background_child_that_goes_on_writing(
    chatter: str, make_link: MakeLink, tmp_path: Path
) -> None:
    """The answer does not wait for its end either: nobody can tell when that comes."""
    link = await make_link()
    words = "printf %s " + "y" * 50_000
    try:
        async with asyncio.timeout(30):
            out, _, answer = await run(link, shell=f"{words}; {chatter} & echo $! > {tmp_path}/pid")
        assert answer == {"exit_code": 0}
        assert out.startswith("y" * 50_000)
    finally:
        with contextlib.suppress(ProcessLookupError):  # it may have noticed that nobody reads it
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def pids_in(path: Path) -> list[int]:
    """The pids a tree wrote down so far."""
    return [int(word) for word in path.read_text().split()] if path.exists() else []


@pytest.mark.parametrize("end", ["cancel", "close", "hang up", "timeout"])
async def test_the_whole_tree_is_ended(end: str, make_link: MakeLink, tmp_path: Path) -> None:
    """A cancel, a timeout and the end of the link leave nothing behind, however it left its session."""
    link = await make_link()
    file = tmp_path / "pids"
    timeout = 2.0 if end == "timeout" else None
    stream = link.stream("exec", {"shell": TREE.format(pids=file), "timeout": timeout})
    await until(lambda: len(pids_in(file)) == 4, "the tree to stand")
    pids = pids_in(file)
    try:
        if end == "timeout":
            assert await stream.result() == {"exit_code": 124, "timed_out": True}
        elif end == "cancel":
            stream.cancel()
            with pytest.raises(RemoteError, match="cancelled"):
                await stream.result()
        elif end == "close":
            await link.close()
        else:
            os.kill(link.hello["pid"], signal.SIGHUP)
            await link.closed.wait()
        await until(lambda: not any(alive(pid) for pid in pids), "the tree to end")
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


async def test_leaving_the_context_cancels(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    async with link.stream("exec", {"shell": f"echo $$ > {tmp_path}/pid; echo up; sleep 1000"}) as stream:
        await anext(stream)
    pid = int((tmp_path / "pid").read_text())
    await until(lambda: not alive(pid), "the command to end")
    assert (await link.call("ping"))["time"] > 0


async def test_zombies_do_not_pile_up(make_link: MakeLink) -> None:
    link = await make_link()
    for _ in range(5):
        await run(link, argv=["true"])
    assert children(link.hello["pid"]) == ""


def children(pid: int) -> str:
    """The pids of a process's children, as /proc has them."""
    return "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
