"""The registry: versions, their facts, what may be removed, how they are found and handed out."""

from __future__ import annotations

import asyncio
import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from tests.model_making import register, send
from tests.services import services
from tests.store_making import FILE, header, lines, make_run, metric, run_id
from workbench.entities.configuration import RunConfiguration
from workbench.entities.run import RunState
from workbench.errors import Conflict, NotFound, Refused, UsageError, WorkbenchError
from workbench.store.arriving.offsets import offsets
from workbench.store.registry import manifests, model_versions
from workbench.store.runs import kept_runs
from workbench.text.asset_reference import AssetReference

MLMODEL = b"""flavors:
  python_function: {loader_module: mlflow.sklearn}
  sklearn: {pickled_model: model.pkl, sklearn_version: 1.5.2}
signature: {inputs: '[{"type": "double", "name": "x"}]', outputs: null}
saved_input_example_info: {artifact_path: input_example.json}
"""


async def test_registering_an_existing_name_is_the_next_version(tmp_path: Path) -> None:
    """AZ-164, AZ-172: name and integer version, from files of this side."""
    async with services(tmp_path) as live:
        one = await register(live)
        two = await register(live, files={"model.bin": b"others"})
        assert [(one["version"], two["version"])] == [(1, 2)]
        assert (one["files"], one["size"], one["manifest"] != two["manifest"]) == (1, 7, True)
        model = await live.call("models.get", name="churn")
        assert (model["versions"], model["latest"], model["aliases"]) == (2, 2, {})
        # A number that was given out is not given out again.
        await live.call("models.remove", model="churn:2")
        assert (await register(live))["version"] == 3
        assert (await live.call("models.version", model="churn@latest"))["version"] == 3
        assert (await live.call("models.version", model="churn"))["version"] == 3


async def test_names_and_facts_that_cannot_be_are_refused(tmp_path: Path) -> None:
    """AZ-168: a framework's version without a framework."""
    async with services(tmp_path) as live:
        for name in ("../x", "", "a/b", "-x", ".x", "a:1", "a@b", "x" * 129, "a\x1b[2J"):
            with pytest.raises(UsageError):
                await register(live, name)
        with pytest.raises(UsageError, match="framework"):
            await register(live, framework_version="1.5")
        assert await live.call("models.list") == []
        for paths in (["../evil"], ["/etc/passwd"], ["A", "a"]):
            with pytest.raises(UsageError):
                await register(live, files=dict.fromkeys(paths, b"x"))
        assert await live.call("models.list") == []


async def test_files_that_never_came_are_no_model(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        manifest = await send(live, {"model.bin": b"weights"})
        found = await live.store.read(manifests.get, manifest)
        live.store.blob_path(found.entries[0].sha256).unlink()
        with pytest.raises(NotFound):
            await live.call("models.register", name="churn", manifest=manifest)
        with pytest.raises(NotFound):
            await live.call("models.register", name="churn", manifest="0" * 64)


async def test_a_large_file_goes_up_as_it_is_and_only_if_it_is_what_it_says(tmp_path: Path) -> None:
    """No zip, so no limit of one: what is another content, or cut, leaves nothing behind."""
    async with services(tmp_path) as live:
        operation = live.workspace.operations["snapshots.content"]

        async def pieces(*blocks: bytes) -> Any:
            for block in blocks:
                if not block:
                    raise ConnectionResetError("cut")
                yield block

        sha256 = hashlib.sha256(b"weights").hexdigest()
        assert await operation.write({"sha256": sha256}, pieces(b"wei", b"ghts")) == {"stored": 7}
        assert live.store.blob_path(sha256).read_bytes() == b"weights"
        other = hashlib.sha256(b"other").hexdigest()
        with pytest.raises(Refused, match="not what it was said to be"):
            await operation.write({"sha256": other}, pieces(b"weights"))
        with pytest.raises(WorkbenchError):
            await operation.write({"sha256": other}, pieces(b"oth", b"", b"er"))
        for wrong in ("", "../../x", "A" * 64):
            with pytest.raises(UsageError):
                await operation.write({"sha256": wrong}, pieces(b"x"))
        assert not live.store.blob_path(other).exists()
        assert not list(live.store.blob_path(other).parents[2].glob("upload-*"))
        await register(live, files={"w.bin": b"weights"})


async def test_tags_and_description_change_properties_are_only_added(tmp_path: Path) -> None:
    """AZ-166."""
    async with services(tmp_path) as live:
        await register(live, tags={"stage": "beta", "bare": None}, properties={"licence": "MIT"})
        found = await live.call("models.tag", model="churn:1", set={"stage": "gold"}, remove=["bare"])
        assert found["tags"] == {"stage": "gold"}
        found = await live.call("models.add_properties", model="churn:1", properties={"owner": "ann"})
        assert found["properties"] == {"licence": "MIT", "owner": "ann"}
        await live.call("models.add_properties", model="churn:1", properties={"licence": "MIT"})
        with pytest.raises(Conflict):
            await live.call("models.add_properties", model="churn:1", properties={"licence": "GPL"})
        found = await live.call("models.describe", model="churn:1", description="# Why")
        assert found["description"] == "# Why"
        assert (await live.call("models.describe", model="churn:1", description="")).get(
            "description"
        ) is None


async def test_versions_are_found_by_what_is_known_of_them(tmp_path: Path) -> None:
    """AZ-167: name, tags, properties, run, dataset, framework, latest. AZ-171: datasets with a relation."""
    async with services(tmp_path) as live:
        await live.store.write(kept_runs.insert, make_run(1), RunConfiguration(command="x"))
        training = [{"relation": "training data", "name": "digits", "version": 3}]
        await register(live, "churn", tags={"a": "1"}, framework="pytorch", datasets=training)
        await register(live, "churn", tags={"a": "2"}, properties={"p": "q"})
        await register(live, "other", tags={"a": None})
        for asked, expected in (
            ({}, ["other:1", "churn:2", "churn:1"]),
            ({"name": "churn"}, ["churn:2", "churn:1"]),
            ({"tags": {"a": None}}, ["other:1", "churn:2", "churn:1"]),
            ({"tags": {"a": "1"}}, ["churn:1"]),
            ({"tags": {"a": "1", "b": None}}, []),
            ({"properties": {"p": "q"}}, ["churn:2"]),
            ({"framework": "pytorch"}, ["churn:1"]),
            ({"dataset": "digits"}, ["churn:1"]),
            ({"dataset": "data:digits:3"}, ["churn:1"]),
            ({"dataset": "digits:4"}, []),
            ({"latest": True}, ["other:1", "churn:2"]),
            ({"run": run_id(1)}, []),
            ({"limit": 1}, ["other:1"]),
            ({"limit": 1, "offset": 2}, ["churn:1"]),
        ):
            found = await live.call("models.versions", **asked)
            assert [f"{one['name']}:{one['version']}" for one in found] == expected, asked
        (one,) = await live.call("models.versions", dataset="digits")
        assert one["datasets"] == training
        with pytest.raises(NotFound):
            await live.call("models.versions", name="nobody")
        assert [model["name"] for model in await live.call("models.list", text="OTH")] == ["other"]


async def test_a_version_in_use_is_not_removed_and_told_by_whom(tmp_path: Path) -> None:
    """AZ-169: the refusal names the users."""
    async with services(tmp_path) as live:
        await register(live)
        await live.call("models.alias", name="churn", alias="champion", version=1, by="ann")
        await live.call("models.mark_deployed", model="churn:1", deployment="shop")
        for parameters in ({"model": "churn:1"}, {"model": "churn", "whole": True}):
            with pytest.raises(Refused) as caught:
                await live.call("models.remove", **parameters)
            assert "alias champion" in caught.value.message
            assert "deployment shop" in caught.value.message
            assert (caught.value.data["aliases"], caught.value.data["deployments"]) == (
                ["champion"],
                ["shop"],
            )
        await live.call("models.alias", name="churn", alias="champion", by="ann")
        with pytest.raises(Refused, match="deployment shop"):
            await live.call("models.remove", model="churn:1")
        await live.call("models.mark_deployed", model="churn:1", deployment="shop", on=False)
        assert await live.call("models.remove", model="churn", whole=True) == {"removed": [1]}
        assert await live.call("models.list") == []
        # Its history is still told, and its numbers are not given out again.
        assert len(await live.call("models.history", name="churn")) == 2
        assert (await register(live))["version"] == 2


async def test_an_mlflow_folder_is_read_and_its_pickle_is_badged(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        folder = {
            "MLmodel": MLMODEL,
            "model.pkl": pickle.dumps({"a": 1}),
            "requirements.txt": b"scikit-learn==1.5.2\n",
            "input_example.json": b'{"columns": ["x"], "data": [[1.0]]}',
        }
        found = await register(live, files=folder)
        assert (found["format"], found["framework"], found["framework_version"]) == (
            "mlflow",
            "scikit-learn",
            "1.5.2",
        )
        assert found["runs_code"] == ["model.pkl"]
        details = await live.call("models.details", model="churn:1")
        assert details["signature"]["inputs"] == [{"type": "double", "name": "x"}]
        assert details["input_example"]["data"] == [[1.0]]
        assert details["requirements"] == "scikit-learn==1.5.2\n"
        assert details["formats"] == {"MLmodel": "mlflow", "model.pkl": "pickle"}
        said = await register(live, files=folder, framework="mine", signature={"inputs": []})
        assert (said["framework"], said.get("framework_version")) == ("mine", None)
        with pytest.raises(UsageError, match="MLmodel"):
            await register(live, files={"MLmodel": b"flavors: !!python/name:os.system {}"})


async def test_files_are_handed_out_and_outlive_a_prune(tmp_path: Path) -> None:
    """AZ-165: one file or a folder; the contents of a version stay as long as it."""
    async with services(tmp_path) as live:
        folder = {"a/b.bin": b"x" * 3_000_000, "c.txt": b"hello"}
        await register(live, files=folder)
        entries = await live.call("models.files", model="churn:1")
        assert [(entry["path"], entry["size"]) for entry in entries] == [("a/b.bin", 3_000_000), ("c.txt", 5)]
        _age(live, tmp_path)
        await live.call("workspace.prune", dry_run=False)
        for path, content in folder.items():
            whole = b"".join(
                [block async for block in live.read("models.download", model="churn", path=path)]
            )
            assert whole == content
        rest = b"".join(
            [block async for block in live.read("models.download", model="churn", path="c.txt", offset=3)]
        )
        assert rest == b"lo"
        for path in ("../../store.db", "a", "a/%2e%2e/c.txt", "/etc/passwd", "c.txt\x00"):
            with pytest.raises(NotFound):
                [block async for block in live.read("models.download", model="churn", path=path)]
        sha256 = entries[0]["sha256"]
        await live.call("models.remove", model="churn:1")
        _age(live, tmp_path)
        await live.call("workspace.prune", dry_run=False)
        assert not live.store.blob_path(sha256).exists()


def _age(live: Any, tmp_path: Path) -> None:
    """Let everything that is kept be old enough for a prune."""
    import os
    import sqlite3

    for place in (tmp_path / "home").rglob("blobs/*/*"):
        os.utime(place, (1, 1))
    (database,) = [p for p in (tmp_path / "home").rglob("*.db") if "workspaces" in str(p)] or [None]
    assert database is not None
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE manifests SET created = 1")


async def test_a_runs_metrics_go_with_the_version_and_follow_while_it_goes_on(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        for number, status in ((1, RunState.COMPLETED), (2, RunState.RUNNING)):
            await live.store.write(kept_runs.insert, make_run(number), RunConfiguration(command="x"))
            await _feed(live, run_id(number), [metric("acc", 0.9)])
            await live.store.write(_set_status, run_id(number), status)
        manifest = await send(live, {"m": b"weights"})
        for number in (1, 2):
            run = await live.call("runs.get", run=run_id(number))
            assert run["metrics"]["acc"]["last"] == 0.9
            await live.store.write(_register_of, run_id(number), manifest, run["status"] == "Completed")
        for number in (1, 2):
            await _feed(live, run_id(number), [metric("acc", 0.95, step=1)])
        found = await live.call("models.versions", name="churn")
        assert [one["metrics"] for one in found] == [{"acc": 0.95}, {"acc": 0.9}]
        assert found[0]["run_name"] == "calm-otter-2"
        await live.store.write(kept_runs.remove, run_id(1))
        assert (await live.call("models.version", model="churn:1"))["metrics"] == {"acc": 0.9}


async def _feed(live: Any, run: str, records: list[Any]) -> None:
    have = await live.store.read(offsets, live.store.spool, run)
    start = have.records.get(FILE, 0)
    first = [] if start else [{**header(), "run": run}]
    await live.store.write(live.store.intake.take, run, FILE, start, lines([*first, *records]))


def _set_status(change: Any, run: str, status: RunState) -> None:
    change.execute("UPDATE runs SET status = ? WHERE id = ?", (status.value, run))


def _register_of(change: Any, run: str, manifest: str, settled: bool) -> None:
    from datetime import UTC, datetime

    from workbench.entities.model import ModelDetails, ModelVersion

    version = ModelVersion(
        name="churn", version=0, created=datetime.now(UTC), manifest=manifest, files=1, size=7, run=run,
        metrics={"acc": 0.9},
    )  # fmt: skip
    model_versions.register(change, version, ModelDetails(), settled)


async def test_events_tell_of_models_and_a_subscription_filters_by_a_tags_value(tmp_path: Path) -> None:
    """AZ-16, AZ-17: ModelRegistered of models/NAME:V. AZ-18: filters on the event's data. AZ-19: a sequence."""
    async with services(tmp_path) as live:
        out = tmp_path / "heard"
        await live.call(
            "subscriptions.add",
            name="gold",
            sink="command",
            command=f"cat >> {out}; echo >> {out}",
            filter={"kinds": ["ModelRegistered"], "prefix": "models/churn:", "data": {"tags.stage": "gold"}},
        )
        before = (await live.call("events.last"))["sequence"]
        for stage in ("beta", "gold"):
            await register(live, tags={"stage": stage})
        await register(live, "other", tags={"stage": "gold"})
        await live.call("models.alias", name="churn", alias="champion", version=2, by="ann")
        told = await live.call("events.list", after=before)
        kinds = [(event["kind"], event["subject"]) for event in told if event["kind"].startswith("Model")]
        assert kinds == [
            ("ModelRegistered", "models/churn:1"),
            ("ModelRegistered", "models/churn:2"),
            ("ModelRegistered", "models/other:1"),
            ("ModelAliasMoved", "models/churn:2"),
        ]
        sequences = [event["sequence"] for event in told]
        assert sequences == sorted(set(sequences))
        moved = told[-1]["data"] if told[-1]["kind"] == "ModelAliasMoved" else None
        assert moved is None or (moved["who"], moved["alias"], moved["version"]) == ("ann", "champion", 2)
        for _ in range(1200):
            if out.exists() and out.read_text().strip():
                break
            await asyncio.sleep(0.05)
        (heard,) = [json.loads(line) for line in out.read_text().splitlines() if line.strip()]
        assert heard["subject"] == "models/churn:2"


async def test_a_reference_by_alias_is_read(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await register(live)
        await register(live)
        await live.call("models.alias", name="churn", alias="candidate", version=1)
        assert (await live.call("models.version", model="churn@candidate"))["version"] == 1
        assert str(AssetReference("churn", alias="candidate")) == "churn@candidate"
        for wrong in ("churn@nobody", "churn:9", "nobody"):
            with pytest.raises(NotFound):
                await live.call("models.version", model=wrong)
