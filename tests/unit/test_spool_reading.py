"""Reading files of a spool that come and go."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.services.spool_reading import blocks


async def test_a_file_that_goes_away_after_somebody_looked_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "exists", lambda path: True)
    assert [block async for block in blocks(tmp_path / "gone", 0, 10)] == []


async def test_bytes_from_a_place_on(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"0123456789")
    assert b"".join([block async for block in blocks(tmp_path / "log", 3, 6)]) == b"345"
    assert [block async for block in blocks(tmp_path / "log", 6, 6)] == []
