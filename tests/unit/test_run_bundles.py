"""What a bundle keeps of runs that had a hard life: attempts, ranks, gaps, children, values that are no numbers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.services import Services, services
from tests.store_making import make_run, run_id
from workbench.entities.configuration import OnEnd, RunConfiguration
from workbench.entities.run import RunState, Transition
from workbench.errors import Conflict
from workbench.runs.bundles import Bundle
from workbench.services.run_bundles import RunBundleService
from workbench.store.runs import kept_runs, run_status

ROOT, CHILD = run_id(1), run_id(2)
SECRET = "https://hooks.example/token-of-somebody"


def records(attempt: int, rank: int) -> bytes:
    """A record file with everything a process may leave."""
    lines: list[dict[str, Any]] = [
        {"k": "header", "v": 1, "attempt": attempt, "rank": rank, "wall": 1.7e9, "mono": 3.0}
    ]
    for step in range(5000):
        lines.append(
            {"k": "metric", "n": "loss", "v": attempt + rank / 7 + step / 3, "s": step, "t": step / 1000}
        )
    for value in ("nan", "inf", "-inf", 0.1, -0.0, 1e308, 5e-324):
        lines.append({"k": "metric", "n": 'odd name/ü "x"', "v": value, "t": 9.5})
    lines.append({"k": "metric", "n": "back", "v": 1.0, "s": 9, "t": 1.0})
    lines.append({"k": "metric", "n": "back", "v": 2.0, "s": 3, "t": 0.5})
    lines.append({"k": "metric", "n": "phase", "text": "warm up", "s": 0, "t": 1.0})
    lines.append({"k": "metric", "n": "phase", "text": None, "t": 2.0})
    lines.append({"k": "row", "n": "rows", "v": {"a": 1, "b": "x"}, "s": 0, "t": 1.0})
    lines.append({"k": "table", "n": "table", "v": {"c": [1, "nan"]}, "t": 1.0})
    lines.append(
        {
            "k": "table",
            "n": "cm",
            "schema": "confusion_matrix",
            "schema_version": "v1",
            "v": {"m": [[1]]},
            "t": 1.0,
        }
    )
    lines.append(
        {
            "k": "environment",
            "s": 0,
            "python": "/p",
            "version": "3.11",
            "platform": "linux",
            "distributions": {"numpy": "2"},
            "more": 3,
        }
    )
    lines.append({"k": "artifact", "n": "best", "path": "outputs/m.bin"})
    lines.append({"k": "warning", "v": "careful"})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@asynccontextmanager
async def hard_life(folder: Path) -> AsyncIterator[Services]:
    """A home with a run of two attempts and two ranks, with gaps in its output, and a child made inside it."""
    async with services(folder) as live:
        store = live.store
        configuration = RunConfiguration(
            command="x",
            environment_variables={"A": "1", "HF_TOKEN": SECRET},
            on_end=[OnEnd(webhook=SECRET)],
            inputs={"n": 1},
        )
        run = make_run(
            1,
            status=RunState.FAILED,
            cause="exit",
            message="it broke",
            exit_code=3,
            attempt=2,
            description="# why",
        )
        await store.write(kept_runs.insert, run, configuration, "diff --git a/x b/x\n")
        child = make_run(2, status=RunState.COMPLETED, parent=ROOT, inside=ROOT)
        await store.write(kept_runs.insert, child, RunConfiguration(command="x"))
        steps = [
            Transition(seq=seq, attempt=attempt, state=RunState.RUNNING, time=datetime.now(UTC))
            for attempt in (1, 2)
            for seq in (1, 2)
        ]
        await store.write(lambda change: run_status.keep(change, 1, steps))
        for attempt in (1, 2):
            for rank in (0, 1):
                name = f"records/{attempt}-{rank}.jsonl"
                await store.write(store.intake.take, ROOT, name, 0, records(attempt, rank))
        await store.write(store.intake.take, CHILD, "records/child.jsonl", 0, records(1, 0))
        await store.write(store.spool.append, ROOT, 0, b"head\n" * 1000)
        await store.write(store.spool.add_gap, ROOT, 5000, 900_000)
        await store.write(store.spool.append, ROOT, 900_000, b"tail\n" * 1000)
        await store.write(store.spool.add_gap, ROOT, 905_000, 905_010)
        yield live


async def everything(live: Services, run: str) -> dict[str, Any]:
    """All that can be asked of a run."""
    found: dict[str, Any] = {}
    for method in ("get", "metrics", "values", "rows", "texts", "evaluations", "distributions", "artifacts", "warnings",
                   "git_diff", "log_extent", "children"):  # fmt: skip
        found[method] = await live.call(f"runs.{method}", run=run)
    for series in found["metrics"]:
        for rank in (0, 1):
            if series["rank"] == rank:
                key = f"{series['name']} {rank}"
                found[key] = await live.call("runs.points", run=run, name=series["name"], rank=rank)
    found["log"] = b"".join([block async for block in live.read("runs.logs", run=run)])
    found["transitions"] = await live.store.read(run_status.transitions, run)
    return found


async def bundled(live: Services, *runs: str) -> bytes:
    return b"".join([block async for block in live.read("runs.bundle", runs=list(runs))])


async def unbundled(live: Services, data: bytes) -> list[str]:
    async def blocks() -> AsyncIterator[bytes]:
        yield data

    found = await live.workspace.operations["runs.unbundle"].write({}, blocks())
    return [item["state"] for item in found["runs"]]


async def test_a_hard_life_is_told_whole(tmp_path: Path) -> None:
    async with hard_life(tmp_path / "giver") as giver, services(tmp_path / "taker") as taker:
        data = await bundled(giver, CHILD)  # the run it was made in comes along
        assert await unbundled(taker, data) == ["new", "new"]
        for run in (ROOT, CHILD):
            here, there = await everything(giver, run), await everything(taker, run)
            for name in here:
                assert repr(there[name]) == repr(here[name]), (run, name)
        assert SECRET.encode() not in data
        kept = await taker.call("runs.configuration", run=ROOT)
        assert kept["configuration"]["environment_variables"] == {"A": "1"}
        assert kept["configuration"]["on_end"] == []
        with pytest.raises(Conflict, match="came in a bundle"):
            await taker.call("runs.resume", run=ROOT)


async def test_an_import_that_was_cut_off_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hard_life(tmp_path / "giver") as giver, services(tmp_path / "taker") as taker:
        data = await bundled(giver, ROOT)

        async def killed(*_: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(RunBundleService, "_bring_output", killed)
            with pytest.raises(KeyboardInterrupt):
                await unbundled(taker, data)
        assert (await taker.call("runs.log_extent", run=ROOT))["size"] == 0
        assert (await taker.call("runs.get", run=ROOT))["description"] == "# why"
        assert await unbundled(taker, data) == ["updated", "new"]
        assert repr(await everything(taker, ROOT)) == repr(await everything(giver, ROOT))
        assert await unbundled(taker, data) == ["known", "known"]


@pytest.mark.parametrize("turn", [1, 2])
async def test_a_bundle_that_opens_after_its_import_was_given_up_is_closed(
    turn: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that opens it cannot be stopped: what it brings is given back, at either look at it."""
    asked, go, done = threading.Event(), threading.Event(), threading.Event()
    made: list[Bundle] = []

    def slow(place: Path) -> Bundle:
        made.append(Bundle(place))
        if len(made) == turn:
            asked.set()
            go.wait()
        return made[-1]

    def closed(bundle: Bundle) -> None:
        close(bundle)
        if bundle in made[turn - 1 : turn]:
            done.set()

    close = Bundle.close
    async with hard_life(tmp_path / "giver") as giver, services(tmp_path / "taker") as taker:
        data = await bundled(giver, ROOT)
        monkeypatch.setattr("workbench.services.run_bundles.Bundle", slow)
        monkeypatch.setattr(Bundle, "close", closed)
        task = asyncio.create_task(unbundled(taker, data))
        await asyncio.to_thread(asked.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()
        assert await asyncio.to_thread(done.wait, 30)
        assert await unbundled(taker, data) == ["new", "new"]


async def test_what_was_written_here_outlives_a_newer_bundle_that_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hard_life(tmp_path / "giver") as giver, services(tmp_path / "taker") as taker:
        await unbundled(taker, await bundled(giver, ROOT))
        await taker.call("runs.describe", run=ROOT, description="mine")
        await giver.call("runs.describe", run=ROOT, description="theirs", name="newer")
        newer = await bundled(giver, ROOT)
        await taker.call("runs.tag", run=CHILD, set={"mine": "1"})
        assert await unbundled(taker, newer) == ["updated", "updated"]
        assert (await taker.call("runs.get", run=CHILD))["tags"] == {"mine": "1"}
        await giver.call("runs.describe", run=ROOT, name="newest")
        newer = await bundled(giver, ROOT)

        async def killed(*_: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(RunBundleService, "_bring_files", killed)
            with pytest.raises(KeyboardInterrupt):
                await unbundled(taker, newer)
        assert await unbundled(taker, newer) == ["updated", "new"]  # the child went with its run
        assert (await taker.call("runs.get", run=CHILD))["inside"] == ROOT
        found = await taker.call("runs.get", run=ROOT)
        assert (found["description"], found["name"]) == ("mine", "newest")


async def test_output_that_packs_very_well_is_no_bomb(tmp_path: Path) -> None:
    async with services(tmp_path / "giver") as giver, services(tmp_path / "taker") as taker:
        await giver.store.write(
            kept_runs.insert, make_run(1, status=RunState.COMPLETED), RunConfiguration(command="x")
        )
        for at in range(20):
            await giver.store.write(giver.store.spool.append, ROOT, at << 20, bytes(1 << 20))
        data = await bundled(giver, ROOT)
        assert len(data) < 1 << 18
        assert await unbundled(taker, data) == ["new"]
        assert (await taker.call("runs.log_extent", run=ROOT))["size"] == 20 << 20
