"""Links to this machine over real processes: the far end runs as it would on any other machine."""

from __future__ import annotations

import asyncio
import contextlib
import glob
import json
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from workbench.compute.link import Link
from workbench.compute.local import LocalHost
from workbench.compute.payload import build_payload
from workbench.remote.forms import protocol

RUN = "01HZZZZZZZZZZZZZZZZZZZZZZZ"
DEADLINE = 60.0
MakeLink = Callable[..., Awaitable[Link]]


def interpreter(version: str) -> Path:
    """The interpreter of a minor version such as 3.6; skips where there is none, fails with CI=true."""
    found = sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python{version}")))
    path = found[-1] if found else shutil.which(f"python{version}")
    if path is None:
        reason = f"python{version} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(path)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait until condition() is true."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {DEADLINE} s for {what}")
        await asyncio.sleep(0.01)


class RunOnDisk:
    """A run's folder as its supervisor would leave it, for tests that are about reading it."""

    def __init__(self, root: Path, run: str = RUN) -> None:
        self.id = run
        self.folder = root / "runs" / run
        for name in ("outputs", "logs", "records"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.states: list[str] = []

    def enter(self, state: str, **more: Any) -> None:
        """Write a status with one more transition."""
        self.states.append(state)
        transitions = [
            {"seq": n, "state": state, "time": 1.7e9 + n, "attempt": 1}
            for n, state in enumerate(self.states, 1)
        ]
        partial = self.folder / "status.partial"
        partial.write_bytes(protocol.dumps({"v": 1, "run": self.id, "transitions": transitions, **more}))
        partial.rename(self.folder / "status.json")

    def append(self, name: str, data: bytes) -> None:
        """Add bytes to a file of the run."""
        with (self.folder / name).open("ab") as file:
            file.write(data)

    def spec(self, **fields: Any) -> None:
        """Write its spec."""
        (self.folder / "spec.json").write_text(json.dumps({"v": 1, "run": self.id, **fields}))


@pytest_asyncio.fixture
async def make_link(tmp_path: Path) -> AsyncIterator[MakeLink]:
    """`await make_link(host=None, **changes)`: a link with its root at tmp_path/"root"."""
    links: list[Link] = []
    hosts: list[LocalHost] = []

    async def make(host: LocalHost | None = None, **changes: Any) -> Link:
        host = host or LocalHost()
        hosts.append(host)
        values: dict[str, Any] = {
            "root": str(tmp_path / "root"),
            "lease_dir": str(tmp_path / "leases"),
            "python": None,
            "payload": build_payload(),
        }
        link = await Link.open(host, **{**values, **changes})
        links.append(link)
        return link

    yield make
    for link in links:
        with contextlib.suppress(OSError):
            await link.close()
    for host in hosts:
        await host.close()
