"""When log files grew, as the companion noted it: read from any place, whatever stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.remote.machine import Machine
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.supervision.log_clock import NAME, noted

RUN = "01M3250V010000000000000001"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(Machine(str(tmp_path / "root"), str(tmp_path / "leases")), RUN)
    Path(made.logs).mkdir(parents=True)
    return made


@pytest.mark.parametrize(
    ("start", "marks"),
    [
        (0, [(0, 1.0), (10, 2.0), (30, 4.0)]),
        (10, [(10, 2.0), (30, 4.0)]),
        (15, [(15, 2.0), (30, 4.0)]),
        (99, [(99, 4.0)]),
    ],
)
def test_notes_of_one_file_from_a_place_on(
    folder: RunFolder, start: int, marks: list[tuple[int, float]]
) -> None:
    lines = "1.000 0 logs/a b\n1.500 0 logs/other\n2.000 10 logs/a b\nrubbish\n3.0 x logs/a b\n4.000 30 logs/a b\n5.0"
    Path(folder.inside(NAME)).write_text(lines)
    assert noted(folder, ["logs/a b"], {"logs/a b": start}) == {"logs/a b": marks}
    assert noted(folder, ["logs/none"], {}) == {"logs/none": []}


def test_a_file_that_is_begun_anew_begins_anew(folder: RunFolder) -> None:
    Path(folder.inside(NAME)).write_text("1.000 0 logs/a\n2.000 10 logs/a\n3.000 0 logs/a\n4.000 5 logs/a\n")
    assert noted(folder, ["logs/a"], {}) == {"logs/a": [(0, 3.0), (5, 4.0)]}


def test_without_notes_nothing_is_known(folder: RunFolder) -> None:
    assert noted(folder, ["logs/a"], {"logs/a": 3}) == {"logs/a": []}
