"""The embedded servers of the demo: what a session ran is ended with it, and its pipes are closed."""

from __future__ import annotations

import os
from pathlib import Path

import asyncssh
import pytest

from tests.machines.links import alive
from workbench.demo import sessions
from workbench.demo.machines import EmbeddedMachine


def open_files() -> set[str]:
    return {name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")}


@pytest.mark.parametrize(
    "command",
    ["echo $$; exec sleep 1000", "trap '' TERM; echo $$; while :; do sleep 1; done", "echo $$; exec yes"],
    ids=["hears nothing of its input", "does not hear TERM", "writes all the time"],
)
async def test_a_cut_session_leaves_no_process_and_no_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(sessions, "GRACE", 1.0)
    key = asyncssh.generate_private_key("ssh-ed25519")
    machine = EmbeddedMachine("atlas", tmp_path / "atlas")
    before = open_files()
    await machine.start(key)
    client = await asyncssh.connect(
        "127.0.0.1", machine.port, client_keys=[key], known_hosts=None, config=None
    )
    process = await client.create_process(command)
    pid = int(await process.stdout.readline())
    client.abort()
    await machine.stop()
    assert not alive(pid)
    assert open_files() == before
