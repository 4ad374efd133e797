"""Searching in the log view, driven by keys."""

from __future__ import annotations

from textual.widgets import Input

from tests.faces.tui.log_desk import desk, numbered, until
from tests.faces.tui.memory_log import MemoryLog
from workbench.tui.logs.pane import SearchLine


async def test_search_counts_and_goes_round() -> None:
    log = MemoryLog(numbered(300))
    async with desk(log) as (app, pilot):
        await pilot.press("g", "slash", *"LINE 1", "enter")
        await until(pilot, lambda: "no match" in app.status)
        assert "regex" not in app.status
        await pilot.press("slash", "ctrl+u", *"line \\d", "enter")
        await until(pilot, lambda: "no match as a text; /line \\d/ is a regex" in app.status)
        await pilot.press("slash")
        await until(pilot, lambda: bool(app.pane.query(SearchLine)))
        app.pane.query_one(Input).value = "/e 1?5$/"
        await pilot.press("enter")
        await until(pilot, lambda: "1/2" in app.status)
        assert app.view.chosen_line == "line 5"
        await pilot.press("n")
        await until(pilot, lambda: "2/2" in app.status)
        assert app.view.chosen_line == "line 15"
        await pilot.press("n")
        await until(pilot, lambda: "1/2" in app.status)
        await pilot.press("N")
        await until(pilot, lambda: app.view.chosen_line == "line 15")


async def test_matches_are_lit_in_plain_and_in_coloured_lines() -> None:
    log = MemoryLog(b"loss is lo\x1b[31mss\x1b[0m here\nnothing\n")
    async with desk(log) as (app, pilot):
        app.view.search("loss")
        await until(pilot, lambda: "1/1" in app.status)
        grounds = {}
        for segment in app.view.render_line(0):
            if segment.style is not None:
                grounds.setdefault(segment.style.bgcolor, []).append(segment.text)
        assert "".join(max(grounds.values(), key=lambda texts: "loss" in "".join(texts))).startswith("loss")
        assert any("".join(texts) == "lossloss" for texts in grounds.values())


async def test_escape_leaves_the_search_line() -> None:
    async with desk(MemoryLog(numbered(3))) as (app, pilot):
        await pilot.press("slash", "x", "escape")
        await until(pilot, lambda: not app.pane.query(SearchLine))
        assert app.focused is app.view
        assert app.view.status.search == ""


async def test_a_pattern_that_is_none_is_said() -> None:
    async with desk(MemoryLog(numbered(3))) as (app, pilot):
        app.view.search("/(/")
        await until(pilot, lambda: "regular expression" in app.view.status.notice)


async def test_first_error_then_the_next() -> None:
    log = MemoryLog(numbered(100) + b"Traceback (most recent call last):\n" + numbered(100) + b"Killed\n")
    async with desk(log) as (app, pilot):
        await pilot.press("g", "E")
        await until(pilot, lambda: (app.view.chosen_line or "").startswith("Traceback"))
        await pilot.press("E")
        await until(pilot, lambda: app.view.chosen_line == "Killed")
        await pilot.press("E")
        await until(pilot, lambda: "no further error" in app.view.status.notice)


async def test_a_search_is_stepped_out_of() -> None:
    async with desk(MemoryLog(numbered(3))) as (app, pilot):
        assert not app.pane.step_out()
        app.view.search("line 1")
        await until(pilot, lambda: app.view.chosen_line == "line 1")
        assert app.pane.step_out()
        await until(pilot, lambda: app.view.chosen_line is None and app.view.status.search == "")
