"""A run as a script inside it sees it, in this process: for tests of what its calls record."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.record_files import read_run
from workbench.remote.forms import protocol
from workbench.remote.tracking import run as tracking
from workbench.remote.tracking.run import Run

RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The current run, with its folder in tmp_path."""
    monkeypatch.setenv(protocol.ENV_RUN_ID, RUN)
    monkeypatch.setenv(protocol.ENV_RUN_DIR, str(tmp_path))
    monkeypatch.setenv(protocol.ENV_EXPERIMENT, "cifar")
    monkeypatch.setenv(protocol.ENV_WORKSPACE, "lab")
    monkeypatch.setattr(tracking, "_current", None)
    found = Run.get_context()
    yield found
    if found._records.file._fd >= 0:
        os.close(found._records.file._fd)


def recorded(run: Run, kind: str) -> list[dict[str, Any]]:
    """The run's records of a kind, without their times."""
    found = [r for r in read_run(Path(run.directory)) if r["k"] == kind]
    return [{k: v for k, v in r.items() if k not in ("t", "k")} for r in found]
