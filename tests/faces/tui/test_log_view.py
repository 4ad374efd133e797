"""The log view over a log in memory, driven by keys."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.faces.tui.log_desk import HEIGHT, ROOM, WIDTH, Desk, desk, numbered, until
from tests.faces.tui.memory_log import MemoryLog
from workbench.errors import ServerError
from workbench.tui.logs.view import LogView


async def test_opens_at_the_end_and_reads_only_there() -> None:
    log = MemoryLog(numbered(400_000))
    async with desk(log) as (app, pilot):
        assert app.view.lines == [f"line {number}" for number in range(400_000 - ROOM, 400_000)]
        assert sum(length for _, length in log.reads) < 600_000
        await until(pilot, lambda: "399,991-400,000 of 400,000" in app.status)
        assert "following" in app.status
        assert "100%" in app.status


async def test_moves_by_keys_and_stops_at_both_ends() -> None:
    log = MemoryLog(numbered(50))
    async with desk(log) as (app, pilot):
        await pilot.press("g")
        await until(pilot, lambda: app.view.lines[0] == "line 0")
        await pilot.press("up", "j", "down")
        await until(pilot, lambda: app.view.lines[0] == "line 2")
        await pilot.press("pagedown")
        await until(pilot, lambda: app.view.lines[0] == f"line {2 + ROOM - 1}")
        await pilot.press("ctrl+u", "k")
        await until(pilot, lambda: app.view.lines[0] == f"line {2 + ROOM - 1 - ROOM // 2 - 1}")
        await pilot.press("pagedown", "pagedown", "pagedown", "pagedown", "pagedown", "pagedown")
        await until(pilot, lambda: app.view.lines[-1] == "line 49")
        assert app.view.following


async def test_following_lets_go_when_one_scrolls_up_and_holds_again_at_the_end() -> None:
    log = MemoryLog(numbered(50))
    async with desk(log) as (app, pilot):
        log.grow(numbered(5, 50))
        await until(pilot, lambda: app.view.lines[-1] == "line 54")
        await pilot.press("k")
        await until(pilot, lambda: app.view.lines[-1] == "line 53")
        assert not app.view.following
        log.grow(numbered(100, 55))
        await until(pilot, lambda: "below" in app.status)
        assert app.view.lines[-1] == "line 53"
        assert "holding" in app.status
        await pilot.press("G")
        await until(pilot, lambda: app.view.lines[-1] == "line 154")
        assert app.view.following
        await pilot.press("f")
        log.grow(numbered(5, 155))
        await until(pilot, lambda: "below" in app.status)
        assert app.view.lines[-1] == "line 154"
        await pilot.press("f")
        await until(pilot, lambda: app.view.lines[-1] == "line 159")


async def test_a_short_log_goes_on_being_followed_whatever_one_presses() -> None:
    log = MemoryLog(b"one\n")
    async with desk(log) as (app, pilot):
        await pilot.press("k", "pageup", "j")
        log.grow(b"two\n")
        await until(pilot, lambda: app.view.lines == ["one", "two"])
        assert app.view.following


async def test_new_output_repaints_only_lines_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    log = MemoryLog(b"first\n 10%|#   |")
    async with desk(log) as (app, pilot):
        painted: list[int] = []
        refresh = app.view.refresh

        def noted(*regions: object, **options: bool) -> LogView:
            painted.extend(region.y for region in regions)  # type: ignore[attr-defined]
            return refresh(*regions, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(app.view, "refresh", noted)
        log.grow(b"\r 20%|##  |")
        await until(pilot, lambda: app.view.lines == ["first", " 20%|##  |"])
        assert painted == [1]


async def test_many_news_are_few_repaints(monkeypatch: pytest.MonkeyPatch) -> None:
    log = MemoryLog(numbered(3))
    async with desk(log) as (app, pilot):
        drawn = 0
        draw = app.view._draw

        def counted() -> None:
            nonlocal drawn
            drawn += 1
            draw()

        monkeypatch.setattr(app.view, "_draw", counted)
        for number in range(200):
            log.grow(b"more %d\n" % number)
            await asyncio.sleep(0)
        await until(pilot, lambda: app.view.lines[-1] == "more 199")
        assert drawn <= 3


async def test_the_end_of_the_log_is_said() -> None:
    log = MemoryLog(numbered(3))
    async with desk(log) as (app, pilot):
        assert "following" in app.status
        log.grow(b"bye\n", ended=True)
        await until(pilot, lambda: "end" in app.status and app.view.lines[-1] == "bye")
        assert "following" not in app.status


async def test_a_gap_is_one_quiet_line_and_never_read() -> None:
    data = numbered(3) + b"\0" * 3_000_000 + numbered(3, 90)
    start = len(numbered(3))
    log = MemoryLog(data, ((start, start + 3_000_000),))
    async with desk(log) as (app, pilot):
        await pilot.press("number_sign")
        await until(pilot, lambda: "4 line 90" in app.screen_lines[4])
        shown = app.screen_lines
        assert [line.strip("│┃ ") for line in shown[:3]] == ["1 line 0", "2 line 1", "3 line 2"]
        assert "2.86 MiB of output were not kept" in shown[3]
        assert "not kept" in app.status
        await pilot.press("g", "j", "j", "j", "j", "E")


async def test_a_log_that_became_shorter_is_shown_as_it_is() -> None:
    log = MemoryLog(numbered(5000))
    async with desk(log) as (app, pilot):
        await pilot.press("k")
        log.change(numbered(4, 700))
        await until(pilot, lambda: app.view.lines == [f"line {number}" for number in range(700, 704)])
        log.data = b"cut\n"  # without news: the next read finds out
        app.view._reader.forget()
        await pilot.press("g")
        await until(pilot, lambda: app.view.lines == ["cut"])


async def test_wrapped_lines_move_by_lines_of_the_screen() -> None:
    long = bytes(range(97, 123)) * 10
    log = MemoryLog(b"short\n" + long + b"\n" + numbered(40))
    async with desk(log) as (app, pilot):
        await pilot.press("w", "g")
        width = WIDTH - 1
        text = long.decode()
        parts = [text[at : at + width] for at in range(0, len(text), width)]
        await until(pilot, lambda: app.view.lines[: 1 + len(parts)] == ["short", *parts])
        await pilot.press("j", "j")
        await until(pilot, lambda: app.view.lines[0] == parts[1])
        await pilot.press("k")
        await until(pilot, lambda: app.view.lines[0] == parts[0])
        await pilot.press("w")
        await until(pilot, lambda: app.view.lines[0] == text)
        await pilot.press("right")
        await until(pilot, lambda: app.screen_lines[0].startswith(text[16:30]))


HOSTILE = [
    b"\x1b]0;owned\x07title\n",
    b"\x1b[2J\x1b[Hgone\n",
    "abc\u202efdp.exe\u2067\n".encode(),
    b"\xff\xfe\xc3(\x00nul\n",
    ("漢字" * 60 + "\n").encode(),
    ("e" + "\u0301" * 500 + "x\n").encode(),
    ("\u0301alone\n").encode(),
    "\U0001f469\u200d\U0001f680\U0001f3f3\ufe0f\u200d\U0001f308 ok\n".encode(),
    b"a\tb\x0b\x0c\x85c\n",
    b"\x1b[38;2;1;2;3;4;5mcolour\x1b[999m\x1b[;;;m\n",
    b"\r\r\r\n",
    b"\x1b[41;97;7;1;4;9mloud\x1b[0m\n",
]


@pytest.mark.parametrize("wrap", [False, True])
async def test_hostile_lines_break_no_cell(wrap: bool) -> None:
    log = MemoryLog(b"".join(HOSTILE))
    async with desk(log, size=(WIDTH, 60)) as (app, pilot):
        app.view.wrap = wrap
        app.view.search("o")
        await until(pilot, lambda: "/" in app.view.status.found)
        for left in range(0, 160, 16):
            for y in range(app.view.size.height):
                strip = app.view.render_line(y)
                assert strip.cell_length == WIDTH
                for segment in strip:
                    assert not any(
                        ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2067\u200d"
                        for c in segment.text
                    )
            await pilot.press("right")
            await until(pilot, lambda wanted=left + 16: wrap or app.view._left == wanted)  # type: ignore[misc]


async def test_a_line_without_an_end_hurts_nobody() -> None:
    log = MemoryLog(b"x" * 20_000_000)
    async with desk(log) as (app, pilot):
        assert sum(length for _, length in log.reads) < 2_000_000
        assert app.screen_lines[0].startswith("xxx")
        await pilot.press("g", "w", "pagedown", "w", "number_sign", "l")
        await until(pilot, lambda: "1 x" in app.screen_lines[0])


async def test_an_old_last_word_is_dated() -> None:
    log = MemoryLog(numbered(3))
    log.as_of = datetime.now(UTC) - timedelta(minutes=3)
    async with desk(log, size=(80, HEIGHT)) as (app, pilot):
        await until(pilot, lambda: "as of 3m" in app.status)


async def test_trouble_is_said_and_got_over() -> None:
    log = MemoryLog(numbered(3))
    log.problem = ServerError("the local server does not answer")
    app = Desk(log)
    async with app.run_test(size=(80, HEIGHT)) as pilot:
        await until(pilot, lambda: "does not answer" in app.status)
        log.problem = None
        await until(pilot, lambda: app.view.lines == ["line 0", "line 1", "line 2"])
        assert "answer" not in app.status


async def test_the_mouse_moves_the_log_and_chooses_a_line() -> None:
    log = MemoryLog(numbered(1000))
    async with desk(log) as (app, pilot):
        await pilot.click(LogView, offset=(3, 2))
        await until(pilot, lambda: app.view.chosen_line == f"line {1000 - ROOM + 2}")
        await pilot.click(LogView, offset=(WIDTH - 1, 0))
        await until(pilot, lambda: app.view.lines[0] == "line 0")
        await pilot.click(LogView, offset=(WIDTH - 1, ROOM - 1))
        await until(pilot, lambda: app.view.lines[-1] == "line 999")


async def test_a_change_of_size_and_of_theme_draws_anew() -> None:
    log = MemoryLog(numbered(100))
    async with desk(log) as (app, pilot):
        await pilot.resize_terminal(60, 21)
        await until(pilot, lambda: len(app.view.lines) == 20)
        assert app.view.lines[-1] == "line 99"
        before = app.view.render_line(0)
        app.theme = "textual-light"
        await until(pilot, lambda: app.view.render_line(0) != before)
        await pilot.resize_terminal(20, 5)
        await until(pilot, lambda: len(app.view.lines) == 4)


async def test_a_log_nobody_looks_at_costs_nothing() -> None:
    log = MemoryLog(numbered(100))
    async with desk(log) as (app, pilot):
        await until(pilot, lambda: log.listeners == 1)
        app.pane.display = False
        await until(pilot, lambda: log.listeners == 0)
        log.grow(b"more\n")
        reads = len(log.reads)
        await pilot.pause(0.3)
        assert len(log.reads) == reads
        app.pane.display = True
        await until(pilot, lambda: app.view.lines[-1] == "more" and log.listeners == 1)


async def test_every_action_has_its_method() -> None:
    from workbench.tui.actions.table import conflicts

    assert not conflicts((*LogView.PLACES, "app"))
    for action in LogView.actions():
        assert callable(getattr(LogView, action.method)), action.id


async def test_over_a_slow_link_output_waits_and_keys_do_not() -> None:
    log = MemoryLog(numbered(50))
    async with desk(log) as (app, pilot):
        app.flush = 3600.0  # type: ignore[attr-defined]
        await until(pilot, lambda: app.view.lines[-1] == "line 49")
        log.grow(numbered(50, 50))
        await until(pilot, lambda: app.view._latest is not None)
        await pilot.pause()
        assert app.view.lines[-1] == "line 49"
        await pilot.press("G")
        await until(pilot, lambda: app.view.lines[-1] == "line 99")
