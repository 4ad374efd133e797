"""`--to -` is standard output, or refused in words: it never makes a file of that name."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.faces.conftest import Wb
from tests.faces.scripted import RUNS, World
from tests.faces.test_cli_jobs import SAVED

FILES = [
    {"path": "outputs/sub/a.txt", "size": 3, "collected": True},
    {"path": "outputs/b.txt", "size": 3, "collected": True},
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def test_lists_schemas_and_logs_are_printed(wb: Wb, here: Path) -> None:
    assert json.loads(wb("ps", "-o", "json", "--to", "-").out)[0]["name"] == RUNS[0]["name"]
    assert wb("ps", "--to", "-").out == wb("ps").out != ""
    assert json.loads(wb("schema", "job", "--to", "-").out) == json.loads(wb("schema", "job").out)
    world = World(runs__logs=[b"one\n", b"two\n"])
    assert wb("run", "logs", "@1", "--to", "-", world=world).out == "one\ntwo\n"
    assert list(here.iterdir()) == []


def test_a_job_file_is_printed(wb: Wb, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = here / "project"
    shutil.copytree(SAVED, project)
    monkeypatch.chdir(project)
    world = World()
    told = wb("submit", "-c", "sklearn", "--to", "-", world=world)
    assert (told.code, world.submitted) == (0, [])
    assert yaml.safe_load(told.out)["code"] == "."
    assert not (project / "-").exists()
    assert wb("submit", "-c", "sklearn", "--to", "./-", world=world).out == ""
    assert yaml.safe_load((project / "-").read_text())["code"] == ".", "as everywhere a file is named so"


def test_one_file_of_a_run_is_printed_and_several_are_refused(wb: Wb, here: Path) -> None:
    world = World(runs__files=FILES)
    assert (
        wb("run", "download", "@1", "outputs/sub/a.txt", "--to", "-", world=world).out == "outputs/sub/a.txt"
    )
    several = wb("run", "download", "@1", "--to", "-", world=world)
    assert (several.code, several.out) == (5, "")
    assert "takes one file" in several.err
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("words", [("run", "export", "@1"), ("model", "download", "churn:1")])
def test_what_makes_files_refuses_it(wb: Wb, here: Path, words: tuple[str, ...]) -> None:
    refused = wb(*words, "--to", "-")
    assert (refused.code, refused.out) == (2, "")
    assert "standard output" in refused.err
    assert list(here.iterdir()) == []


def test_a_history_says_which_moves_nobody_judged(wb: Wb) -> None:
    """A rollback of a protected alias is marked in csv as it is on the screen."""
    move = {"id": 2, "name": "churn", "alias": "champion", "version": 1, "previous": 2, "action": "rollback",
            "time": "2026-11-26T12:00:00Z", "who": "ann", "why": "bad", "forced": False, "unjudged": True}  # fmt: skip
    told = wb("model", "history", "churn", "-o", "csv", world=World(models__history=[move]))
    [row] = csv.DictReader(io.StringIO(told.out))
    assert (row["unjudged"], row["forced"]) == ("true", "false")
