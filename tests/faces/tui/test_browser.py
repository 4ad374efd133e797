"""The dashboard in a real browser, by textual-serve: it is drawn, keys work, what cannot be done there says so."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.machines.rig import free_port, need
from tests.store_making import put_run
from tests.terminal.browser import CHROMIUM, browser
from workbench.home import Home, find_home, private_folder
from workbench.store.blocking_store import Store
from workbench.workspace import Workspace

DEADLINE = 60.0
PIXELS = """
[...document.querySelectorAll("canvas")].some(canvas =>
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(value => value > 0))
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Home]:
    """A home with three runs; its server is ended."""
    home = find_home({"WORKBENCH_HOME": str(private_folder(tmp_path / "wb")), "HOME": str(tmp_path)})
    store = Store.open(private_folder(home.workspace("default")))
    for number in range(1, 4):
        put_run(store, number, experiment="mnist")
    store.close()
    yield home
    with Workspace.open("default", embedded=False, home=home) as workspace:
        workspace.call("server", "stop")


@pytest.fixture
async def address(place: Home, tmp_path: Path) -> str:  # type: ignore[misc]
    """Where the dashboard is served, on loopback alone."""
    environ = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "SSH_TTY")}
    environ |= {"WORKBENCH_HOME": str(place.root), "HOME": str(tmp_path), "TERM": "dumb", "LC_ALL": "C"}
    command = shlex.join([sys.executable, "-m", "workbench.cli.main", "dashboard"])
    for _ in range(3):
        port = free_port()
        words = [sys.executable, "-m", "tests.terminal.serving", str(port), command]
        process = _served(words, environ, tmp_path / "serving.log")
        if await _answers(process, port):
            break
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # it, and the dashboards it runs
        process.wait()


def _served(words: list[str], environ: dict[str, str], told: Path) -> subprocess.Popen[bytes]:
    with open(told, "wb") as log:
        return subprocess.Popen(
            words, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


async def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether it listens; False when it ended, somebody else having taken the port."""
    deadline = time.monotonic() + DEADLINE
    async with aiohttp.ClientSession() as session:
        while process.poll() is None:
            try:
                async with session.get(f"http://127.0.0.1:{port}/"):
                    return True
            except aiohttp.ClientError:
                assert time.monotonic() < deadline, "textual-serve did not start"
                await asyncio.sleep(0.05)
    return False


@pytest.fixture
def quick() -> None:
    """A browser takes real time."""


async def test_the_dashboard_in_a_browser(address: str, place: Home, tmp_path: Path) -> None:
    need(CHROMIUM)
    folder = tmp_path / "browser"
    folder.mkdir()
    async with browser(folder) as page:
        await page.call("Network.enable")
        await page.call("Page.enable")
        permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        await page.call("Browser.grantPermissions", origin=address, permissions=permissions)
        await page.call("Page.navigate", url=address)
        await page.until(lambda: page.text.count("calm-otter-") == 3, "the rows")
        assert "▾ mnist" in page.text  # whatever the terminal draws that it was served from
        assert await page.evaluate(PIXELS)
        await page.evaluate("document.querySelector('textarea').focus()")

        await page.press("y")
        await page.until(lambda: "id copied" in page.text, "the toast")
        copied = await page.evaluate("navigator.clipboard.readText()")
        with Workspace.open("default", embedded=False, home=place) as workspace:
            assert copied == workspace.call("runs", "list")[0]["id"]

        await page.press("!")
        await page.until(lambda: "not possible in a browser" in page.text, "the refusal")
        await page.press("j")
        await page.press("2")
        await page.until(lambda: re.search(r"local +- +no GPU", page.text), "the machines")
        assert _listening(int(address.rpartition(":")[2].rstrip("/"))) == ["0100007F"]


def _listening(port: int) -> list[str]:
    """The addresses something of this machine listens on at a port, as the kernel writes them."""
    lines = [
        line.split()
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
    ]
    listens = "0A"
    return [
        words[1].split(":")[0] for words in lines if words[3] == listens and int(words[1][-4:], 16) == port
    ]
