"""What a datastore's page says to be copied, whatever its files are called."""

from __future__ import annotations

import shlex
from types import SimpleNamespace
from typing import Any

import pytest

from workbench.text.location import Location
from workbench.tui.screens.datastores.datastore import DatastorePage


@pytest.mark.parametrize("folder", ["scans", "a b", "$(touch gone)", "x; touch gone", "it's"])
def test_its_command_names_the_folder_and_nothing_else(folder: str) -> None:
    page = DatastorePage(Location("datastores", ("lake",), {"path": folder}))
    assert shlex.split(page.command_line()) == ["wb", "datastore", "ls", "lake", folder]


@pytest.mark.parametrize(
    ("cursor", "reference"),
    [
        ("..", "datastore:lake/scans"),
        ("v1..v2.csv", "datastore:lake/scans/v1..v2.csv"),
        ("deep/", "datastore:lake/scans/deep"),
    ],
)
def test_what_the_cursor_is_on_is_named_as_it_is_called(cursor: str, reference: str) -> None:
    page: Any = DatastorePage(Location("datastores", ("lake",), {"path": "scans"}))
    page.table = SimpleNamespace(cursor=cursor)
    assert page.chosen_id() == reference
