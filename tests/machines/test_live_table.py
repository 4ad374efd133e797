"""What a dashboard lives on: a page of runs and the stream of what changed since, over real runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.services import Services, services
from workbench.errors import UsageError

TRAIN = """python3 -c '
from workbench import Run
run = Run.get_context()
run.log_params({"lr": 0.1})
for step in range(20):
    run.log("loss", 1 / (step + 1), step=step)
'"""
OVER = ("Completed", "Failed", "Canceled")


async def kept_up(live: Services, rows: dict[str, Any], since: int, until: Any) -> list[dict[str, Any]]:
    """Do what a dashboard does: on an event of runs ask for their rows again, until it is enough."""
    seen = []
    async for event in live.items("events.watch", after=since):
        seen.append(event)
        subject = event["subject"]
        if "/runs/" in subject:
            run_id = subject.rpartition("/")[2]
            page = await live.call("runs.table", ids=[run_id], archived=None)
            rows.update({row["id"]: row for row in page["rows"]})
        if until(event):
            return seen
    raise AssertionError("the stream of events ended")


async def test_a_page_and_the_events_after_it_show_every_change(tmp_path: Path) -> None:
    """AZ-16 in part, AZ-19: runs, targets, experiments, activities; whoever listens needs no second look."""
    async with services(tmp_path) as live, asyncio.timeout(120):
        page = await live.call("runs.table")
        assert (page["rows"], page["total"]) == ([], 0)
        rows: dict[str, Any] = {}
        over = asyncio.create_task(
            kept_up(live, rows, page["sequence"], lambda event: event["data"].get("name_before"))
        )
        run = await live.submit(1, TRAIN, experiment="digits")
        async for change in live.items("runs.watch", run=run["id"]):
            run = change["run"]
        assert run["status"] == "Completed", run
        await live.call("experiments.set", name="digits", tags={"team": "vision"})
        await live.call("compute.set", name="local", changes={"grace": 3})
        await live.call("runs.tag", run=run["id"], set={"good": None})
        await live.call("runs.describe", run=run["id"], name="best-one")
        seen = await over

        (row,) = rows.values()
        (now,) = (await live.call("runs.table", experiment="digits", sort="best"))["rows"]
        assert {**row, "as_of": None} == {**now, "as_of": None}
        assert (row["status"], row["name"], row["params"]) == ("Completed", "best-one", {"lr": "0.1"})
        assert (row["metric"], row["last"], row["best"], row["last_step"]) == ("loss", 0.05, 0.05, 19)
        assert (row["sparkline"][0], row["sparkline"][-1]) == (1.0, 0.05)

        data = {kind: [event["data"] for event in seen if event["kind"] == kind] for kind in KINDS}
        assert [one["state"] for one in data["RunStatusChanged"]][-1] == "Completed"
        assert any(one["metrics"].get("loss") for one in data["RunRecords"])
        assert any(
            one.get("metric") or one.get("primary_metric") == "loss" for one in data["ExperimentChanged"]
        )
        assert any(one.get("tags") == {"team": "vision"} for one in data["ExperimentChanged"])
        assert any("settings" in one["changed"] for one in data["TargetChanged"])
        assert any("state" in one["changed"] for one in data["TargetChanged"])
        assert any(one["kind"] == "submit" and one["state"] == "done" for one in data["ActivityChanged"])
        assert any(one.get("tags") == {"good": None} for one in data["RunChanged"])
        sequences = [event["sequence"] for event in seen]
        assert sequences == sorted(set(sequences))


KINDS = (
    "RunCreated",
    "RunStatusChanged",
    "RunRecords",
    "RunChanged",
    "TargetChanged",
    "ExperimentChanged",
    "ActivityChanged",
)


async def test_pages_columns_and_refusals_through_the_service(tmp_path: Path) -> None:
    async with services(tmp_path) as live, asyncio.timeout(120):
        ids = [(await live.submit(number, "true", name=f"run-{number}"))["id"] for number in (1, 2, 3)]
        page = await live.call("runs.table", sort="name", descending=True, limit=2, offset=1)
        assert ([row["id"] for row in page["rows"]], page["total"]) == ([ids[1], ids[0]], 3)
        page = await live.call("runs.table", limit=2)
        assert ([row["id"] for row in page["rows"]], "total" in page) == ([ids[2], ids[1]], False)
        assert await live.call("runs.count") == {"count": 3}
        for run_id in ids:
            async for _ in live.items("runs.watch", run=run_id):
                pass
        assert (await live.call("runs.table", status=["completed"]))["total"] == 3
        assert await live.call("runs.columns") == {"params": [], "tags": [], "metrics": []}
        for wrong in ({"limit": 0}, {"limit": 10_000}, {"sort": "colour"}, {"columns": ["x"]}):
            with pytest.raises(UsageError):
                await live.call("runs.table", **wrong)
