"""Terminals, connections, stacks and tools with the oldest and the newest Python at the far end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.machines.ground import Ground, ground, untagged
from tests.machines.ground import until as wait_until
from tests.machines.links import MakeLink, interpreter, make_link
from tests.machines.tcp import PAGE, MakeServe, page, serve
from tests.machines.test_stacks import HANGS
from tests.machines.test_terminals import Typing
from tests.machines.test_tools import TOOL, install
from workbench.compute.link import Link
from workbench.entities.identity import make_run_id

__all__ = ["ground", "make_link", "serve", "untagged"]


@pytest.fixture(params=["3.6", "3.7", "3.13"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def link(ground: Ground, make_link: MakeLink, version: str) -> Link:
    found = await make_link(
        root=ground.machine.root, lease_dir=ground.machine.lease_dir, python=str(interpreter(version))
    )
    assert found.hello["python_version"].startswith(version + ".")
    return found


async def test_a_terminal(link: Link) -> None:
    typing = Typing(link, argv=["bash", "--norc", "--noprofile", "-i"], env={"PS1": "ready> "}, term="xterm")
    async with typing.stream:
        await typing.wait_for(b"ready> ")
        await link.call("terminal_size", {"terminal": typing.stream.id, "rows": 31, "cols": 97})
        typing.type(b"stty size; sh -c 'echo sleeping; exec sleep 1000'\r")
        await typing.wait_for(b"31 97")
        await typing.wait_for(b"sleeping\r\n")
        typing.seen = b""
        typing.type(b"\x03")
        await typing.wait_for(b"ready> ")
        typing.type(b"exit 7\r")
        assert await typing.end() == {"exit_code": 7}


async def test_a_connection(link: Link, serve: MakeServe) -> None:
    async def request() -> AsyncIterator[bytes]:
        yield b"GET / HTTP/1.0\r\n\r\n"

    async with link.stream("connect", {"port": await serve(page)}, request()) as stream:
        assert b"".join([item async for item in stream if isinstance(item, bytes)]) == PAGE


async def test_where_a_run_hangs(ground: Ground, link: Link, version: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(HANGS)
    word = tmp_path / "word"
    command = ["python", str(tmp_path / "script.py"), str(word)]
    run = ground.submit(command, python=str(interpreter(version)))
    wait_until(word.exists, "the script to hang")
    answer = await link.call("stack", {"run": run}, timeout=60)
    assert any("in inner_wait" in process.get("python", "") for process in answer["processes"])


async def test_a_tool(ground: Ground, link: Link, version: str, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    install(packages, "jupyterlab", TOOL)
    run = ground.submit(
        "true", python=str(interpreter(version)), environment_variables={"PYTHONPATH": str(packages)}
    )
    ground.wait(run, "Completed")
    key = make_run_id(1_790_000_000_000, b"0123456789")
    asked = {"key": key, "tool": "jupyter", "run": run}
    async with link.stream("tool", asked) as stream:
        event = await anext(stream)
        assert isinstance(event, dict)
        assert event["path"].startswith("/lab?token=")
    async with link.stream("tool", asked) as again:
        assert await anext(again) == event, "it is found again"
    await link.call("tool_end", {"key": key}, timeout=60)
    assert list((Path(ground.machine.root) / "tools").iterdir()) == []
