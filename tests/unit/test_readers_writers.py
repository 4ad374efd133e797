"""Who has a file open to write to it, told without asking for what else is open."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from workbench.remote.readers import writers


def test_only_who_writes_counts_also_through_a_link_and_another_name_of_before(tmp_path: Path) -> None:
    before, path, link = tmp_path / "metrics.tmp", tmp_path / "metrics.csv", tmp_path / "latest.csv"
    before.touch()
    link.symlink_to(path)
    with before.open("ab"):
        before.rename(path)
        assert writers.written_to(str(path))
        assert writers.written_to(str(link))
    with path.open("rb"):
        assert not writers.written_to(str(path))


def test_what_else_is_open_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may lie on a file system that never answers, and who asks would wait for ever."""
    path, other = tmp_path / "metrics.csv", tmp_path / "far.csv"
    path.touch()
    asked = []

    def stat(place: str) -> os.stat_result:
        asked.append(os.path.realpath(place))
        return os.stat(place)

    known = {name: getattr(os, name) for name in ("path", "listdir", "readlink", "O_ACCMODE", "O_RDONLY")}
    monkeypatch.setattr(writers, "os", SimpleNamespace(stat=stat, **known))
    with path.open("ab"), other.open("ab"):
        assert writers.written_to(str(path))
        path.rename(tmp_path / "gone.csv")
        path.touch()
        assert not writers.written_to(str(path))
    assert set(asked) == {str(path)}
