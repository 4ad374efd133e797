"""When a probe gives way to a new process, which opens the driver anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from workbench.remote.probe.driver_renewal import TROUBLED, installed, is_due

WELL: dict[str, Any] = {"source": "nvml", "version": "570.124.06"}
SICK: dict[str, Any] = {"source": "nvml", "error": "the driver's library is another version"}
ROW: dict[str, Any] = {"uuid": "GPU-1"}
LOST = {**ROW, "error": "lost"}
HUNG = {**ROW, "error": "hung"}


@pytest.mark.parametrize(
    ("age", "changed", "driver", "rows", "due"),
    [
        (1e6, False, WELL, [ROW], False),
        (60, True, WELL, [ROW], False),  # it works: it stays
        (60, True, SICK, [], True),  # upgraded, or its module loaded anew
        (60, True, {}, [], True),  # a driver where there was none
        (1e6, False, {}, [], False),  # a machine without one
        (60, False, SICK, [], False),
        (TROUBLED, False, SICK, [], True),
        (TROUBLED, False, WELL, [ROW, LOST], True),  # a reset brings it back for new processes only
        (60, False, WELL, [ROW, LOST], False),
        (1e6, True, WELL, [LOST, HUNG], False),  # it would hang the next one, too
        (1e6, True, {"source": "nvidia-smi", "error": "hung"}, [], False),  # which is started anew itself
    ],
)
def test_when_it_is_due(
    age: float, changed: bool, driver: dict[str, Any], rows: list[Any], due: bool
) -> None:
    assert is_due(age, changed, driver, rows) is due


def test_what_is_installed_tells_one_driver_from_another(tmp_path: Path) -> None:
    module, library = tmp_path / "version", tmp_path / "libnvidia-ml.so.1"

    def now() -> tuple[str, ...]:
        return installed(str(module), [str(library)])

    nothing = now()
    assert now() == nothing
    module.write_text("NVRM version: 570.124.06\n")
    loaded = now()
    assert loaded != nothing
    library.write_bytes(b"one")
    there = now()
    assert there != loaded
    other = tmp_path / "other"
    other.write_bytes(b"two")
    os.replace(other, library)
    assert now() != there
