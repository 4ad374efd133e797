"""Comparisons that are kept: their runs, their notes, and what becomes of them when a run is removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services import services
from tests.store_making import make_run, run_id
from workbench.entities.configuration import RunConfiguration
from workbench.entities.run import RunState
from workbench.errors import NotFound, UsageError
from workbench.store.runs import kept_runs


async def test_a_comparison_is_kept_noted_found_and_forgotten(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        for number in (1, 2, 3):
            run = make_run(number, name=f"calm-otter-{number}", status=RunState.COMPLETED)
            await live.store.write(kept_runs.insert, run, RunConfiguration(command="x"))
        one, two, three = (run_id(number) for number in (1, 2, 3))
        saved = await live.call(
            "comparisons.save", name="sweep", runs=["calm-otter-2", one], note="# Why\nlr"
        )
        assert (saved["runs"], saved["gone"], saved["note"]) == ([two, one], [], "# Why\nlr")
        again = await live.call("comparisons.save", name="sweep", runs=[three, one])
        assert (again["note"], again["created"]) == (saved["note"], saved["created"])
        assert await live.call("comparisons.list") == [again]
        for words, count in (("WHY", 1), ("otter-3 sweep", 1), ("otter-2", 0)):
            assert len(await live.call("comparisons.list", text=words)) == count
        assert (await live.call("comparisons.describe", name="sweep", note="")).get("note") is None
        await live.store.write(kept_runs.remove, three)
        assert (await live.call("comparisons.get", name="sweep"))["gone"] == [three]
        for wrong in (
            {"name": "../x", "runs": [one, two]},
            {"name": "x", "runs": [one]},
            {"name": "x", "runs": [one] * 21},
        ):
            with pytest.raises(UsageError):
                await live.call("comparisons.save", **wrong)
        with pytest.raises(UsageError):
            await live.call("comparisons.describe", name="sweep", note="x" * ((1 << 20) + 1))
        with pytest.raises(NotFound):
            await live.call("comparisons.save", name="x", runs=[one, "nobody"])
        await live.call("comparisons.remove", name="sweep")
        for method in ("get", "remove"):
            with pytest.raises(NotFound):
                await live.call(f"comparisons.{method}", name="sweep")


async def test_notes_of_runs_are_searched(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        for number in (1, 2):
            await live.store.write(kept_runs.insert, make_run(number), RunConfiguration(command="x"))
        await live.call(
            "runs.describe", run=run_id(1), description="# Finding\nthe **warm-up** was too short"
        )
        for filter in ("note~warm-up", "note~'too short'", "description~Finding", "warm-up"):
            assert [run["id"] for run in await live.call("runs.list", filter=filter)] == [run_id(1)]
