"""The list of runs: rows, filters, order, marks, and what one does with runs."""

from __future__ import annotations

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import row


async def test_opens_with_every_experiment_as_a_group(stage: Open) -> None:
    async with stage() as it:
        await it.see("mnist", "imagenet", "calm-otter-42", "CUDA out of memory", "2 GPUs wanted")
        assert "8 runs" in it.lines[1]
        assert "best by highest acc" in it.text


async def test_a_row_changes_in_place_and_the_cursor_stays(stage: Open) -> None:
    async with stage() as it:
        await it.see("calm-otter-42")
        await it.press("j", "j")
        before, line = it.table.cursor, next(n for n, text in enumerate(it.lines) if "calm-otter" in text)
        it.world.change("calm-otter-42", status="Completed", ended="2026-11-23T12:04:29Z")
        await it.see("completed *calm-otter-42")
        assert it.table.cursor == before
        assert "calm-otter-42" in it.lines[line]
        it.world.add(row(50, "new-newt-50"))
        await it.see("new-newt-50", "9 runs")
        assert it.table.cursor == before
