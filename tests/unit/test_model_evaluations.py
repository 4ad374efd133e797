"""Evaluations: which runs a gate asks for, of whom, and what it then judges by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.model_making import register, send
from tests.services import Services, services
from tests.store_making import make_run, run_id
from tests.unit.test_model_promotion import judged
from workbench.entities.configuration import DataInput, RunConfiguration
from workbench.entities.dataset import DatasetVersion, DataSource
from workbench.entities.run import RunState
from workbench.errors import NotFound, Refused, UsageError
from workbench.registry.evaluating import evaluation_of
from workbench.store.registry import datasets, model_evaluations
from workbench.store.runs import kept_runs, run_rows
from workbench.store.sqlite.database import Transaction
from workbench.text.asset_reference import AssetReference

JOB_RULE = "evaluation job:eval.yml on data:test:1: score > 0.5 and score >= champion.score"
SCRIPT = b"""
import json, sys
from workbench import Run

wanted = float(open(sys.argv[2] + "/wanted.txt").read())
run = Run.get_context()
for worth in (9.0, 1 - abs(float(open(sys.argv[1] + "/model.bin").read()) - wanted)):
    run.log("score", worth)
"""


async def data(live: Services, count: int, folder: Path | None = None) -> None:
    """Versions 1 to count of the dataset test."""

    def put(change: Transaction) -> None:
        for number in range(1, count + 1):
            place = "/nowhere" if folder is None else str(folder)
            source = DataSource(target="local", paths=[place])
            # Each with another description, so that none is the same as the one before.
            made = DatasetVersion(
                name="test", version=0, source=source, created=datetime.now(UTC), description=str(number)
            )
            datasets.register(change, made, new_version=True)

    await live.store.write(put)


async def recipe(live: Services, script: bytes, command: str = "python eval.py") -> dict[str, Any]:
    """A job that evaluates, its code sent."""
    configuration = {
        "command": f"{command} ${{{{inputs.model}}}} ${{{{inputs.data}}}}",
        "experiment": "eval",
        "target": "local",
        "data_inputs": {
            "model": {"type": "custom_model", "path": "azureml:churn@champion"},
            "data": {"path": "azureml:test"},
        },
    }
    return {"configuration": configuration, "snapshot": await send(live, {"eval.py": script})}


async def ends(live: Services, operation: str, **parameters: Any) -> tuple[list[Mapping[str, Any]], Any]:
    """What an operation told of evaluations, and its last item."""
    items = [item async for item in live.items(operation, **parameters)]
    told = {item["evaluation"]["run"]["id"]: item["evaluation"] for item in items if "evaluation" in item}
    return list(told.values()), items[-1]


async def test_a_job_file_evaluates_a_version_and_the_champion_on_the_same_data(tmp_path: Path) -> None:
    """Really run on this machine: both are measured once, min and max of an evaluation are known too."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "wanted.txt").write_text("0.9")
    async with services(tmp_path) as live:
        await data(live, 1, tmp_path / "data")
        for worth in (b"0.5", b"0.8", b"0.2"):
            await register(live, files={"model.bin": worth})
        with pytest.raises(NotFound, match=r"eval\.yml is not here"):
            await live.call("models.set", name="churn", gate=[JOB_RULE])
        how = await recipe(live, SCRIPT)
        await live.call("models.set", name="churn", gate=[JOB_RULE], recipes={"job:eval.yml": how})
        told, last = await ends(live, "models.judge", model="churn:1", alias="champion", evaluate=True)
        assert [(one["model"], one["run"]["status"]) for one in told] == [("churn:1", "Completed")]
        assert last["verdict"]["passed"], "nobody is champion yet"
        await live.call("models.promote", model="churn:1", alias="champion")

        # The champion is measured already: only the new one runs. Then without what measured the champion.
        told, last = await ends(live, "models.judge", model="churn:2", alias="champion", evaluate=True)
        assert [one["model"] for one in told] == ["churn:2"]
        (line,) = last["verdict"]["lines"]
        assert (line["passed"], line["said"]) == (
            True, "score 0.9 > 0.5 and score 0.9 >= champion.score 0.6",
        )  # fmt: skip
        (first,) = await live.call("models.evaluations", model="churn:1")
        await live.store.write(kept_runs.remove, first["run"])
        assert "champion churn:1 was not evaluated" in (await judged(live, "churn:2"))["lines"][0]["said"]
        told, last = await ends(live, "models.evaluate", model="churn:2")
        assert [one["model"] for one in told] == ["churn:1"]
        (measured,) = last["evaluations"]
        assert (measured["recipe"], measured["dataset"], measured["metrics"]) == (
            "job:eval.yml", "test:1", {"score": 0.9},
        )  # fmt: skip
        told, _ = await ends(live, "models.evaluate", model="churn:2", again=True)
        assert [one["model"] for one in told] == ["churn:2"]
        await ends(live, "models.judge", model="churn:3", alias="champion", evaluate=True)
        with pytest.raises(Refused, match=r"score 0\.3 > 0\.5: no"):
            await live.call("models.promote", model="churn:3", alias="champion")

        # Another figure of the same runs; a changed job measures anew.
        peak = JOB_RULE.partition(": ")[0] + ": max(score) = 9 and min(score) < 1"
        await live.call("models.set", name="churn", gate=[peak])
        assert (await judged(live, "churn:2"))["passed"], "one that is not sent again stays as it was"
        other = await recipe(live, SCRIPT + b"# another")
        await live.call("models.set", name="churn", gate=[peak], recipes={"job:eval.yml": other})
        assert "churn:2 was not evaluated" in (await judged(live, "churn:2"))["lines"][0]["said"]


async def test_another_job_than_the_gates_measures_but_does_not_count_for_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "wanted.txt").write_text("0.9")
    async with services(tmp_path) as live:
        await data(live, 2, tmp_path / "data")
        await register(live, files={"model.bin": b"0.5"})
        how = await recipe(live, SCRIPT)
        await live.call("models.set", name="churn", gate=[JOB_RULE], recipes={"job:eval.yml": how})
        kind = await recipe(live, SCRIPT.replace(b"1 - abs", b"2 - abs"))
        ask = {"model": "churn:1", "dataset": "data:test:1", "name": "eval.yml"}
        told, last = await ends(live, "models.evaluate", job=kind, **ask)
        assert (len(told), last["evaluations"][0]["metrics"]) == (1, {"score": 1.6})
        assert await live.call("models.evaluations", model="churn:1") == []
        _, last = await ends(live, "models.evaluate", job=how, **ask)
        assert [one["metrics"] for one in await live.call("models.evaluations", model="churn:1")] == [
            {"score": 0.6}
        ]
        for wrong in ({"dataset": "data:test"}, {"dataset": None}, {"name": None}):
            with pytest.raises(UsageError):
                await ends(live, "models.evaluate", **{**ask, **wrong}, job=how)
        with pytest.raises(NotFound):
            await ends(live, "models.evaluate", **{**ask, "dataset": "test:9"}, job=how)


async def test_one_that_fails_keeps_the_version_out_and_is_tried_again(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await data(live, 1, tmp_path)
        await register(live)
        broken = await recipe(live, b"import sys; sys.exit(3)")
        await live.call("models.set", name="churn", gate=[JOB_RULE], recipes={"job:eval.yml": broken})
        for _ in range(2):
            told, last = await ends(live, "models.judge", model="churn:1", alias="champion", evaluate=True)
            assert [one["run"]["status"] for one in told] == ["Failed"]
            (line,) = last["verdict"]["lines"]
            assert not line["passed"]
            assert line["said"] == (
                f"churn:1 was evaluated in {told[0]['run']['name']}, which ended Failed, on test:1 by eval.yml"
            )
        assert (await live.store.read(run_rows.get, line["run"])).status is RunState.FAILED


async def test_an_evaluation_is_run_once_and_judged(tmp_path: Path) -> None:
    """A rule's evaluation is a run like another, of the version and its data; its metrics are judged."""
    async with services(tmp_path) as live:
        await register(live)
        await data(live, 3)
        configuration = RunConfiguration(
            command="true",
            experiment="eval",
            data_inputs={
                "model": DataInput(type="custom_model", path="model:churn:1"),
                "data": DataInput(path="data:test:1"),
            },
        )
        await live.store.write(
            kept_runs.insert, make_run(1, name="like-this", experiment="eval", target="local"), configuration
        )
        await live.store.write(
            kept_runs.insert, make_run(2, name="no", experiment="eval"), RunConfiguration(command="x")
        )
        for rule in (
            "evaluation eval/nobody on data:test:3: acc > 0.9",
            "evaluation nothing/like-this on data:test:3: acc > 0.9",
        ):
            with pytest.raises(NotFound):
                await live.call("models.set", name="churn", gate=[rule])
        with pytest.raises(UsageError, match="cannot evaluate"):
            await live.call("models.set", name="churn", gate=["evaluation eval/no on data:test:3: acc > 0.9"])
        rule = "evaluation eval/like-this on data:test:3: acc > 0.9"
        await live.call("models.set", name="churn", gate=[rule])
        # The run it is asked for like may go: how it was asked for is kept.
        await live.store.write(kept_runs.remove, run_id(1))
        # What the gate keeps is there when it is written again, though its run is gone; another rule with it.
        await live.call("models.set", name="churn", gate=[rule, "safe"])
        await live.call("models.set", name="churn", gate=[rule])
        with pytest.raises(NotFound, match="no version 4"):
            await live.call("models.set", name="churn", gate=[rule.replace("test:3", "test:4")])
        verdict = await judged(live, "churn:1")
        assert "was not evaluated" in verdict["lines"][0]["said"]
        with pytest.raises(Refused, match="was not evaluated"):
            await live.call("models.promote", model="churn:1", alias="champion")
        kept = await live.store.read(model_evaluations.recipe, "churn", "eval/like-this")
        asked = evaluation_of(kept.configuration, AssetReference("churn", 1), "test:3")
        assert kept.snapshot is None
        assert (asked.data_inputs["model"].asset, asked.data_inputs["data"].asset) == (
            "model:churn:1",
            "data:test:3",
        )
        await live.store.write(
            kept_runs.insert, make_run(5, status=RunState.COMPLETED), RunConfiguration(command="x")
        )
        # A run that was submitted before the gate asked for it in another way counts for nothing.
        before = kept._replace(configuration={**kept.configuration, "command": "another"})
        put = (model_evaluations.put, AssetReference("churn", 1))
        assert not await live.store.write(*put, before, "test:3", run_id(5))
        assert await live.store.read(model_evaluations.every, AssetReference("churn", 1)) == []
        assert await live.store.write(*put, kept, "test:3", run_id(5))
        verdict = await judged(live, "churn:1")
        assert verdict["lines"][0]["said"] == "churn:1 has no metric acc"
        assert verdict["lines"][0]["run"] == run_id(5)
