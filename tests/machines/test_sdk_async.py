"""The SDK's asynchronous face, and the workspace's own methods, on a real machine."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from pathlib import Path

import pytest

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from workbench import Workspace, aio
from workbench.entities.configuration import RunConfiguration
from workbench.errors import Conflict, HostKeyUnknown, NotFound, RunFailed, WaitTimeout
from workbench.home import Home, find_home
from workbench.workspace.facade import Workspace as Local

TRAINER = """
import os, workbench
for step in range(5):
    workbench.log("loss", 1 / (step + 1), step=step)
os.makedirs("outputs/deep", exist_ok=True)
open("outputs/deep/weights.bin", "wb").write(os.urandom(300_000))
print("trained")
"""


@pytest.fixture
def home(wb: Wb, server: SshServer) -> Home:
    """The home of a workspace whose default target is a real machine."""
    attach(wb, server)
    return find_home(wb.environ)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "train.py").write_text(TRAINER)
    return folder


@pytest.fixture(params=[False, True], ids=["server", "embedded"])
def embedded(request: pytest.FixtureRequest, wb: Wb, home: Home) -> bool:
    """Over the local server, and with the services in this process."""
    if request.param:
        wb("server", "stop")
    return bool(request.param)


async def test_runs_are_submitted_waited_for_and_fetched_side_by_side(
    home: Home, code: Path, tmp_path: Path, embedded: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """AZ-14, AZ-65, AZ-82, AZ-88, AZ-99, AZ-117: one body, awaited."""
    async with aio.Workspace.open("default", embedded=embedded, home=home) as workspace:
        asked = workspace.configure(command=["python", "train.py"], code=str(code), experiment="side")
        experiment = aio.Experiment(workspace, "by-side")
        assert await experiment.get_runs() == []
        runs = await asyncio.gather(*(experiment.submit(asked, tags={"n": str(n)}) for n in range(3)))
        ends = await asyncio.gather(*(run.wait_for_completion() for run in runs))
        assert [end["status"] for end in ends] == ["Completed"] * 3
        assert {run.id for run in await experiment.get_runs()} == {run.id for run in runs}
        assert [run.id for run in await experiment.get_runs(tags={"n": "1"})] == [runs[1].id]
        assert (await runs[0].get_metrics())["loss"] == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
        saved = await asyncio.gather(*(run.download_files("outputs/", tmp_path / run.id) for run in runs))
        assert [path.stat().st_size for paths in saved for path in paths] == [300_000] * 3
        zipped = await runs[0].restore_snapshot(tmp_path)
        assert zipped.suffix == ".zip"
        child = await runs[0].submit_child(workspace.configure(command="exit 3"))
        with pytest.raises(RunFailed):
            await child.wait_for_completion(show_output=True)
        above = await child.parent()
        assert above is not None
        assert above.id == runs[0].id
        assert set(await runs[0].get_metrics(recursive=True)) == {runs[0].id, child.id}
        assert set(await workspace.experiments()) >= {"by-side"}
        (machine,) = [item for item in await aio.ComputeTarget.list(workspace) if item.name != "local"]
        assert await machine.get_status() == "connected"
        async for view in machine.watch():
            if view["freshness"] == "fresh":
                break
        capsys.readouterr()


async def test_who_cancels_a_wait_ends_the_wait_alone(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """AZ-15."""
    async with aio.Workspace.open("default", embedded=False, home=home) as workspace:
        run = await workspace.submit(workspace.configure(command="sleep 600"))
        waiting = asyncio.create_task(run.wait_for_completion())
        await asyncio.sleep(0.5)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert f"wb cancel {run.name}" in capsys.readouterr().err
        with pytest.raises(WaitTimeout):
            await run.wait_for_completion(timeout=0.1)
        await run.cancel(grace=1)


async def test_work_beside_the_loop_ends_with_who_waits_for_it(home: Home) -> None:
    """What runs in a thread asks nothing more once nobody waits."""
    session = aio.Workspace.open("default", embedded=False, home=home).session
    begun, ended = threading.Event(), threading.Event()

    def work(local: Local) -> None:
        try:
            while True:
                local.call("runs", "list", limit=1)
                begun.set()
        except concurrent.futures.CancelledError:
            ended.set()
            raise

    task = asyncio.create_task(session.aside(work))
    await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 30)
    with pytest.raises(NotFound):
        await session.aside(lambda local: local.call("runs", "get", run="nobody"))
    await session.close()


async def test_a_machine_is_attached_when_its_key_was_compared(wb: Wb, server: SshServer) -> None:
    """AZ-29, AZ-30: an unknown host key is never accepted silently."""
    settings = {
        "ssh_config": str(server.ssh_config), "root": str(server.home / "wb"),
        "lease_dir": str(server.home / "lease"),
    }  # fmt: skip
    async with aio.Workspace.open("default", embedded=False, home=find_home(wb.environ)) as workspace:
        try:
            machine = await aio.ComputeTarget.attach(workspace, server.name, **settings)
        except HostKeyUnknown as problem:
            machine = await aio.ComputeTarget.attach(
                workspace, server.name, accept_key=str(problem.data["fingerprint"]), **settings
            )
        assert set(await workspace.compute_targets()) == {"local", server.name}
        assert (await machine.update(grace=3))["settings"]["grace"] == 3
        run = await workspace.submit(RunConfiguration(command="echo there", target=machine.name))
        await run.wait_for_completion()
        await machine.detach()
        assert set(await workspace.compute_targets()) == {"local"}
    assert (server.home / "wb" / "runs" / run.id).is_dir(), "the machine keeps what it has"


def test_workspaces_are_made_described_and_deleted(
    wb: Wb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AZ-2, AZ-4, AZ-7, AZ-8."""
    home = find_home(wb.environ)
    with Workspace.create("team", description="**all**", tags={"a": None}, embedded=False, home=home) as team:
        with pytest.raises(Conflict):
            Workspace.create("team", embedded=False, home=home)
        again = Workspace.create("team", friendly_name="The team", exist_ok=True, embedded=False, home=home)
        details = again.get_details()
        assert (details["friendly_name"], details["description"], details["tags"]) == (
            "The team",
            "**all**",
            {"a": None},
        )
        monkeypatch.chdir(tmp_path)
        team.write_config()
        assert Workspace.from_config(embedded=False, home=home).name == "team"
    with Workspace.open("default", embedded=False, home=home) as other:
        assert [item["name"] for item in other.workspaces()] == ["default", "team"]
        assert other.delete("team", dry_run=True)["removed"] is False
        assert other.delete("team")["removed"] is True
        assert [item["name"] for item in other.workspaces()] == ["default"]
        with pytest.raises(NotFound):
            other.delete("team")
