"""The main job while servers, followers, submits and links are killed: nothing is lost, nothing comes twice."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach, project
from tests.machines.wb import Wb

__all__ = ["project"]


def test_every_byte_and_metric_once_though_server_and_followers_are_killed(
    wb: Wb, server: SshServer, project: Path, full: bool
):
    """Server and clients killed -9 at random points of follow: nothing lost, nothing doubled."""
    attach(wb, server)
    steps = 3000 if full else 600
    run = wb("submit", "--", "python", "slow.py", str(steps), cwd=project).split()[0]
    chance = random.Random(7)
    for _ in range(25 if full else 5):
        follower = wb.start("logs", run, "-f")
        time.sleep(chance.uniform(0.0, 0.8))
        if chance.random() < 0.7:
            wb.kill_server()
        follower.kill()
        follower.communicate()
    assert wb.wait(run)["status"] == "Completed"
    expected = "".join(f"line {step} {'x' * 50}\n" for step in range(steps))
    assert wb("logs", run) == expected
    points = wb.json("run", "metrics", run, "loss")
    assert [point["step"] for point in points] == list(range(steps))


def test_submits_killed_at_random_points_lose_no_run_and_double_none(
    wb: Wb, server: SshServer, project: Path, full: bool
):
    """Client or server killed -9 during submit: what the list shows ran exactly once, nothing else ran."""
    attach(wb, server)
    chance = random.Random(11)
    witness = project.parent / "witness"
    witness.mkdir()
    command = f"echo x >> {witness}/$WORKBENCH_RUN_ID"
    for index in range(25 if full else 6):
        (project / "changed.txt").write_text(str(index))
        submit = wb.start("submit", "--", command, cwd=project)
        time.sleep(chance.uniform(0.1, 1.2))
        if chance.random() < 0.6:
            wb.kill_server()
        else:
            submit.kill()
        submit.communicate()
    wb.until(lambda: all(_over(run) for run in wb.json("run", "ls", "-n", "100")), "every run to end")
    known = {run["id"]: run for run in wb.json("run", "ls", "-n", "100")}
    ran = {file.name: file.read_text() for file in witness.iterdir()}
    assert set(ran) == {id for id, run in known.items() if run["status"] == "Completed"}
    assert set(ran.values()) <= {"x\n"}
    adopted = wb.json("compute", "adopt", server.name)["adopted"]
    assert not adopted, "a run on the machine was not in the store"


def _over(run: dict[str, Any]) -> bool:
    return run["status"] in ("Completed", "Failed", "Canceled")


async def test_a_cut_link_changes_nothing_but_the_wait(
    wb: Wb, server: SshServer, make_proxy: Any, project: Path
):
    """The link is cut while a run goes on; afterwards every byte and metric is there exactly once."""
    import asyncio

    proxy = await make_proxy(server)
    await asyncio.to_thread(attach, wb, server)
    run = (await asyncio.to_thread(wb, "submit", "--", "python", "slow.py", "300", cwd=project)).split()[0]
    await asyncio.sleep(0.5)
    proxy.cut()
    await asyncio.sleep(3)
    shown = await asyncio.to_thread(wb.show, run)
    assert shown["status"] in ("Running", "NotStarted", "Preparing")
    proxy.heal()
    assert (await asyncio.to_thread(wb.wait, run))["status"] == "Completed"
    assert (await asyncio.to_thread(wb, "logs", run)).count("\n") == 300
    points = await asyncio.to_thread(wb.json, "run", "metrics", run, "loss")
    assert [point["step"] for point in points] == list(range(300))


def test_a_follow_does_not_notice_that_the_server_was_killed(wb: Wb, server: SshServer, project: Path):
    attach(wb, server)
    run = wb("submit", "--", "python", "slow.py", "400", cwd=project).split()[0]
    logs, follower = wb.start("logs", run, "-f"), wb.start("run", "wait", run)
    for _ in range(3):
        time.sleep(0.8)
        wb.kill_server()
    out, said = logs.communicate(timeout=120)
    assert logs.returncode == 0, said
    assert out.decode() == "".join(f"line {step} {'x' * 50}\n" for step in range(400))
    follower.communicate(timeout=60)
    assert follower.returncode == 0
