"""What a server sends to machines is of the version that the server is."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.compute import payload
from workbench.home import find_home, private_folder
from workbench.services.hub import Hub
from workbench.settings import Settings


async def test_the_payload_is_read_when_the_server_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at the first connection: an upgrade that is under way by then would be sent in part."""
    before = payload.build_payload()
    payload.build_payload.cache_clear()
    place = private_folder(tmp_path / "home")
    hub = Hub(find_home({"WORKBENCH_HOME": str(place), "HOME": str(tmp_path)}), Settings(), lambda: None)
    try:
        await hub.start()
        monkeypatch.setattr(payload, "payload_files", lambda: {"__main__.py": b"of another version"})
        assert payload.build_payload() == before
    finally:
        await hub.close()


def test_a_payload_is_known_by_what_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a machine is sent what was edited, or installed again, under the same version."""
    before = payload.build_payload()
    files = payload.payload_files()
    name = "workbench/remote/link.py"
    monkeypatch.setattr(payload, "payload_files", lambda: {**files, name: files[name] + b"# edited\n"})
    payload.build_payload.cache_clear()
    try:
        assert payload.build_payload().sha != before.sha
    finally:
        monkeypatch.undo()
        payload.build_payload.cache_clear()
    assert payload.build_payload() == before
