"""The action table: one meaning a key, a method an action, keys people can change."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench.tui
from workbench.tui.actions.acting import Acting
from workbench.tui.actions.keymap import checked
from workbench.tui.actions.keys import all_shown, shown
from workbench.tui.actions.table import ACTIONS, by_id, conflicts, of_places

ROOT = Path(__file__).parents[2]


def everybody() -> Iterator[type[Acting]]:
    """Every class that owns places."""
    for module in pkgutil.walk_packages(workbench.tui.__path__, "workbench.tui."):
        importlib.import_module(module.name)
    waiting = [Acting]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            waiting.append(kind)
            if kind.PLACES and kind.__module__.startswith("workbench."):
                yield kind


def test_ids_are_unique_and_places_are_owned() -> None:
    assert len(by_id()) == len(ACTIONS)
    owned = {place for kind in everybody() for place in kind.PLACES}
    assert {action.place for action in ACTIONS} == owned


def test_every_action_of_a_place_has_its_method() -> None:
    lacking = [
        f"{kind.__name__} has no {action.method}"
        for kind in everybody()
        if not inspect.isabstract(kind)
        for action in kind.actions()
        if not callable(getattr(kind, action.method, None))
    ]
    assert lacking == []


def test_every_key_is_written_as_it_stands_on_the_keyboard() -> None:
    assert [action.id for action in ACTIONS if "_" in all_shown(action.keys)] == []


def test_no_key_has_two_actions_in_one_place() -> None:
    found = [
        f"{kind.__name__}: {key} is {one} and {other}"
        for kind in everybody()
        for key, one, other in conflicts(kind.PLACES)
        if one not in kind.LACKS and other not in kind.LACKS
    ]
    assert found == []


@pytest.mark.parametrize("place", sorted({action.place for action in ACTIONS} - {"app"}))
def test_no_place_takes_a_key_of_the_whole(place: str) -> None:
    """Keys that work everywhere work everywhere; a dialog's own way out is the same key for the same thing."""
    whole = {key: action for action in of_places(("app",)) for key in action.keys.split(",")}
    taken = {
        (action.id, key)
        for action in of_places((place,))
        for key in action.keys.split(",")
        if key in whole and whole[key].id != "app.back"
    }
    assert taken == set()


def test_every_action_says_what_it_does() -> None:
    for action in ACTIONS:
        assert action.help.endswith("."), action.id
        assert action.help[0].isupper(), action.id
        assert len(action.label) <= 18, action.id
        assert len(action.help) <= 70, action.id


def test_keys_are_written_for_people() -> None:
    assert shown("ctrl+p") == "^p"
    assert shown("question_mark") == "?"
    assert shown("shift+left") == "shift+←"
    assert shown("down", ascii_only=True) == "down"
    assert all_shown("g,home") == "g home"


def test_the_page_of_keys_is_current() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "docs" / "make_keys.py"), "--check"], check=False)
    assert done.returncode == 0, "run: python docs/make_keys.py"
    page = (ROOT / "docs" / "keys.md").read_text("utf-8")
    assert [action.id for action in ACTIONS if f"`{action.id}`" not in page] == []


def test_a_key_map_is_checked_entry_by_entry() -> None:
    good, wrong = checked(
        {"runs.cancel": "ctrl+k", "runs.nonsense": "z", "list.down": " ", "runs.again": "x"}
    )
    assert good == {"runs.cancel": "ctrl+k", "runs.again": "x"}
    assert wrong == ["there is no action runs.nonsense", "list.down has no key"]
    _, clashing = checked({"runs.again": "R"})
    assert clashing == ["runs.again and runs.new both have the key R"]


def test_no_key_is_bound_outside_the_table() -> None:
    """Bindings written by hand are those of dialogs and of leaving, which nothing may take away."""
    allowed = {"actions/acting.py", "actions/keys_screen.py", "app.py"}
    root = Path(workbench.tui.__path__[0])
    bound = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if re.search(r"^ *BINDINGS\b|\bBinding\(", path.read_text("utf-8"), re.MULTILINE)
    }
    assert bound <= allowed
