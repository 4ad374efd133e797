"""Tasks that last: one that breaks is told of, one that is cancelled is not."""

from __future__ import annotations

import asyncio

import pytest

from workbench.compute.lasting import lasting


async def test_one_that_breaks_says_so_and_one_that_is_cancelled_does_not(caplog: pytest.LogCaptureFixture) -> None:
    async def breaks() -> None:
        raise ValueError("of ours")

    broken, ended = lasting(breaks(), "the minutes"), lasting(asyncio.sleep(60), "another")
    await asyncio.wait([broken])
    ended.cancel()
    await asyncio.wait([ended])
    await asyncio.sleep(0)
    assert [record.getMessage() for record in caplog.records] == ["the minutes broke"]
    assert "of ours" in caplog.text
