"""What the dashboard changes for its user: keys in a settings file, settings of machines, tags, and undoing."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import ConfigurationError
from workbench.home import find_home
from workbench.tui.actions.key_setting import with_key
from workbench.tui.actions.table import ACTIONS
from workbench.tui.model import away
from workbench.tui.model.memory import Memory
from workbench.tui.model.undo import DEPTH, Undo
from workbench.tui.screens.compute import settings
from workbench.tui.screens.runs import noting, tagging

FILE = """# mine
[server]
idle = 60.0  # a minute

[keys]
# vim
"list.down" = "down,j"

[snapshots]
max_files = 10
"""


def test_a_key_is_changed_and_everything_else_stays() -> None:
    changed = with_key(FILE, "list.down", "n")
    assert changed == FILE.replace('"down,j"', '"n"')
    added = with_key(FILE, "runs.cancel", "ctrl+k")
    assert '[keys]\n"runs.cancel" = "ctrl+k"\n# vim' in added
    assert with_key(added, "runs.cancel", None) == FILE
    assert with_key("", "runs.cancel", "k") == '[keys]\n"runs.cancel" = "k"\n'
    assert tomllib.loads(with_key("[server]\nidle = 5\n", "a.b", "x"))["keys"] == {"a.b": "x"}
    assert with_key(FILE, "runs.tag", None) == FILE


def test_a_file_that_cannot_be_changed_here_is_left_alone() -> None:
    with pytest.raises(ConfigurationError, match="the settings file"):
        with_key("[keys\n", "a.b", "x")
    with pytest.raises(ConfigurationError, match="a way of its own"):
        with_key('keys = {"a.b" = "y"}\n', "a.b", "x")
    with pytest.raises(ConfigurationError, match="a way of its own"):
        with_key('[keys]\n"a.b" = """\nx"""\n', "a.b", "x")


@given(
    st.lists(
        st.tuples(
            st.sampled_from([action.id for action in ACTIONS][:8]),
            st.one_of(st.none(), st.sampled_from(["a", "ctrl+b", "f1,f2"])),
        ),
        max_size=12,
    )
)
def test_any_row_of_changes_ends_where_it_should(changes: list[tuple[str, str | None]]) -> None:
    text, wanted = FILE, {"list.down": "down,j"}
    for action, keys in changes:
        text = with_key(text, action, keys)
        wanted.pop(action, None)
        if keys is not None:
            wanted[action] = keys
    assert tomllib.loads(text)["keys"] == wanted
    assert tomllib.loads(text)["server"] == {"idle": 60.0}
    assert "# vim" in text


TARGET: dict[str, Any] = {
    "name": "gpu1",
    "settings": {"gpus": 1, "grace": 10.0, "python": "/usr/bin/python3", "setup": ["module load cuda"]},
}


def values(**changes: str) -> dict[str, str]:
    return {field.id: field.value for field in settings.fields(TARGET)} | changes


def test_only_what_was_changed_in_a_machines_form_is_set() -> None:
    assert settings.changes(TARGET, values()) == {}
    wanted = values(gpus="2", python="", protected="yes", grace="30s")
    assert settings.changes(TARGET, wanted) == {"gpus": 2, "python": None, "protected": True, "grace": 30.0}
    line = settings.command_line(TARGET, wanted | {"default": "yes"})
    assert line == "wb compute set gpu1 python= gpus=2 grace=30.0 protected=true --default"
    with pytest.raises(ValueError, match="gpus is a number"):
        settings.changes(TARGET, values(gpus="many"))


def test_several_setup_lines_are_not_made_one() -> None:
    two = {**TARGET, "settings": {"setup": ["a", "b"]}}
    filled = {field.id: field.value for field in settings.fields(two)}
    assert filled["setup"] == "a; b"
    assert settings.changes(two, filled) == {}
    assert settings.changes(two, filled | {"setup": "c"}) == {"setup": ["c"]}


def test_tags_are_read_as_they_are_written() -> None:
    assert tagging.read('best arch=vit "note=two words" -old') == (
        {"best": None, "arch": "vit", "note": "two words"},
        ["old"],
    )
    tags = {"best": None, "note": "two words", "empty": ""}
    assert tagging.read(tagging.written(tags)) == (tags, [])
    with pytest.raises(ValueError, match="no name before"):
        tagging.read("=x")
    with pytest.raises(ValueError, match="quotation"):
        tagging.read('"open')


async def test_undo_takes_the_newest_back() -> None:
    said: list[int] = []
    undo = Undo()
    assert undo.next is None

    def remember(number: int) -> None:
        async def back() -> None:
            said.append(number)

        undo.add(f"step {number}", back)

    for number in range(DEPTH + 3):
        remember(number)
    assert await undo.back() == f"step {DEPTH + 2}"
    assert await undo.back() == f"step {DEPTH + 1}"
    assert said == [DEPTH + 2, DEPTH + 1]
    for _ in range(DEPTH - 2):
        await undo.back()
    assert undo.next is None


class Desk:
    """As much of the dashboard as a note needs; its runs remember what is written about them."""

    def __init__(self) -> None:
        self.services, self.undo, self.environ = self, Undo(), {"EDITOR": "ed -s"}
        self.description, self.told = "as it was\n", []

    async def call(self, noun: str, method: str, **said: Any) -> Any:
        if method == "describe":
            self.description = said["description"]
        return {"description": self.description}

    def notify(self, text: str, **_: Any) -> None:
        self.told.append(text)

    def tell(self, _: object) -> None:
        pass


async def test_a_note_is_what_the_editor_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    desk: Any = Desk()
    run = {"id": "1", "name": "calm/otter"}
    wrote: list[str | int] = ["# better\n\nlr was too high\n", 3, "# better\n\nlr was too high\n"]
    seen: list[str] = []

    def edited(app: object, command: list[str]) -> int:
        assert command[:2] == ["ed", "-s"]
        seen.append(Path(command[2]).read_text())
        step = wrote.pop(0)
        if isinstance(step, int):
            return step
        Path(command[2]).write_text(step)
        return 0

    monkeypatch.setattr(noting, "run_outside", edited)
    await noting.note(desk, run)
    assert desk.description == "# better\n\nlr was too high"
    await noting.note(desk, run)
    assert desk.told == ["the editor ended with 3: nothing was changed"]
    await noting.note(desk, run)
    assert seen == ["as it was\n", desk.description, desk.description]
    assert await desk.undo.back() == "the note of calm/otter"
    assert desk.description == "as it was\n"
    assert desk.undo.next is None, "what was not changed cannot be taken back"
    assert noting.editor({"VISUAL": "'", "EDITOR": "nano"}) == ["vi"]


class Ended:
    """Services that know runs by when they ended, and three events of alerts."""

    def __init__(self, *moments: str | None) -> None:
        self._rows = [{"id": str(n), "status": "Completed", "ended": when} for n, when in enumerate(moments)]

    async def call(self, noun: str, method: str, **_: Any) -> Any:
        events = [
            {"kind": "AlertCleared", "data": {}},
            {"kind": "AlertRaised", "data": {"silenced_until": "2026-11-25T00:00:00Z"}},
            {"kind": "AlertRaised", "data": {"rule": "ecc"}},
        ]
        return {"rows": self._rows} if noun == "runs" else events


async def test_what_ended_while_nobody_looked() -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    world: Any = Ended("2026-11-24T11:00:00Z", "2026-11-24T08:30:00Z", "2026-11-23T08:00:00Z", None)
    found = await away.since(world, now - timedelta(hours=4), now)
    assert [row["id"] for row in found.runs] == ["0", "1"]
    assert [event["data"] for event in found.alerts] == [{"rule": "ecc"}]
    assert away.summary(found) == "2 completed, 1 alert"
    assert not await away.since(world, now - timedelta(minutes=2), now)
    assert not await away.since(world, None, now)


def test_the_memory_outlives_a_visit_and_a_broken_file(tmp_path: Path) -> None:
    home = find_home({"WORKBENCH_HOME": str(tmp_path)})
    Memory(home, "default").keep("theme", "nord")
    Memory(home, "other").keep("theme", "dracula")
    assert Memory(home, "default").get("theme") == "nord"
    assert Memory(home, "other").get("theme") == "dracula"
    (tmp_path / "dashboard.json").write_text('{"default": ')
    assert Memory(home, "default").get("theme", "usual") == "usual"
    (tmp_path / "dashboard.json").write_text('[1, {"default": 3}]')
    assert Memory(home, "default").get("theme", "usual") == "usual"


def test_a_machine_without_facts_has_no_figures() -> None:
    """Absent is not zero."""
    from workbench.tui.screens.compute.columns import Setting, cells
    from workbench.tui.table.cell import Cell
    from workbench.views.fleet import row

    bare = {"name": "box", "kind": "ssh", "state": "unknown", "settings": {}, "facts": {}}
    setting = Setting(datetime.now(UTC), ascii=True)
    shown = [cell.text for cell in cells(bare, row(bare, None), Cell(""), None, (), setting)]
    assert not any(figure in text for text in shown for figure in "0123456789")
    assert shown.count("-") >= 8
