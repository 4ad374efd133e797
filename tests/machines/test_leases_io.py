"""The queue of a machine with real runs: order, no overlap, priority, hold, slots, the dead."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, untagged, until
from workbench.remote.disk import filelock
from workbench.remote.machine import Machine
from workbench.remote.queue.queue_files import Queue
from workbench.remote.supervision.cancel import cancel

__all__ = ["ground", "untagged"]

DEVICES = ["a0", "b1"]


def last(status: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = status["transitions"][-1]
    return found


def recorded(ground: Ground, devices: int, name: str) -> dict[str, Any]:
    """A run that notes when it begins and ends, and with what."""
    journal = ground.folder / "journal"
    line = f'echo "begin {name} $CUDA_VISIBLE_DEVICES" >> {journal}; echo "end {name}" >> {journal}'
    return {"command": line, "gpus": devices, "devices": DEVICES}


def test_forty_submits_at_once_keep_their_order_and_never_share_a_device(ground: Ground) -> None:
    holders = [ground.submit("sleep 1000", gpus=1, devices=DEVICES) for _ in range(2)]
    for holder in holders:
        ground.wait(holder, "Running")
    assert {ground.status(holder)["gpus"][0] for holder in holders} == set(DEVICES)
    runs = [ground.submit(**recorded(ground, 1, f"{number:02}")) for number in range(40)]
    for run in runs:
        ground.wait(run, "Queued")
    for holder in holders:
        cancel(ground.machine, holder)
    for run in runs:
        assert last(ground.wait(run))["state"] == "Completed"
    using: dict[str, str] = {}
    began: dict[str, list[str]] = {device: [] for device in DEVICES}
    for line in (ground.folder / "journal").read_text().splitlines():
        what, name, *device = line.split()
        if what == "begin":
            assert device[0] in DEVICES
            assert device[0] not in using.values(), f"{name} shares {device[0]}: {using}"
            using[name] = device[0]
            began[device[0]].append(name)
        else:
            del using[name]
    assert sorted(began["a0"] + began["b1"]) == [f"{number:02}" for number in range(40)]
    assert all(names == sorted(names) for names in began.values()), began
    assert os.listdir(ground.machine.queue) == os.listdir(ground.machine.leases) == []


def test_one_device_is_given_in_the_order_of_submitting(ground: Ground) -> None:
    holder = ground.submit("sleep 1000", gpus=1, devices=["a0"])
    ground.wait(holder, "Running")
    asks = [{**recorded(ground, 1, f"{number}"), "devices": ["a0"]} for number in range(8)]
    runs = [ground.submit(**ask) for ask in asks]
    for run in runs:
        ground.wait(run, "Queued")
    cancel(ground.machine, holder)
    for run in runs:
        ground.wait(run)
    lines = (ground.folder / "journal").read_text().splitlines()
    assert [line.split()[:2] for line in lines] == [
        [what, str(n)] for n in range(8) for what in ("begin", "end")
    ]


def test_a_run_gets_as_many_devices_as_it_wants(ground: Ground) -> None:
    line = "echo $CUDA_VISIBLE_DEVICES"
    assert ground.finish(line, gpus=2, devices=["b1", "a0", "c2"])[1] == b"b1,a0\n"
    assert ground.finish(line, gpus=2, devices=["b1", "a0", "c2"], setup=["true"])[1] == b"b1,a0\n"


def test_nobody_holds_a_device_during_its_setup(ground: Ground) -> None:
    """Preparing comes before Queued and before the lease."""
    slow = ground.submit("echo slow", gpus=1, devices=["a0"], setup=["echo $$ > ../here; sleep 1000"])
    ground.noted(slow, "here")
    assert last(ground.finish("echo quick", gpus=1, devices=["a0"])[0])["state"] == "Completed"


def test_priority_goes_first(ground: Ground) -> None:
    """AZ-40."""
    holder = ground.submit("sleep 1000", gpus=1, devices=["a0"])
    ground.wait(holder, "Running")
    for name, priority in (("plain", 0), ("urgent", 5), ("later", -1)):
        ask = {**recorded(ground, 1, name), "devices": ["a0"], "priority": priority}
        ground.wait(ground.submit(**ask), "Queued")
    cancel(ground.machine, holder)
    for run in ground.runs:
        ground.wait(run)
    lines = (ground.folder / "journal").read_text().splitlines()
    assert [line.split()[1] for line in lines if line.startswith("begin")] == ["urgent", "plain", "later"]


def test_slots_cap_how_many_run_at_once(ground: Ground) -> None:
    """AZ-71: Queued is waiting for what the machine has, and the reason is told."""
    first = ground.submit("sleep 1000", slots=1)
    ground.wait(first, "Running")
    second = ground.submit("echo second", slots=1)
    note = ground.wait(second, "Queued")["note"]
    assert note.startswith("1 run at once here, now calm-otter-")
    assert note.endswith("(ann)")
    cancel(ground.machine, first)
    assert last(ground.wait(second))["state"] == "Completed"


def test_a_run_on_hold_waits_until_it_is_released(ground: Ground) -> None:
    holder = ground.submit("sleep 1000", gpus=1, devices=["a0"])
    ground.wait(holder, "Running")
    held = ground.submit("echo held", gpus=1, devices=["a0"])
    ground.wait(held, "Queued")
    ground.path(held, "hold").write_text("")
    cancel(ground.machine, holder)
    ground.wait(holder)
    until(lambda: ground.status(held).get("note") == "on hold", "the hold to be seen")
    assert last(ground.finish("echo other", gpus=1, devices=["a0"])[0])["state"] == "Completed"
    ground.path(held, "hold").unlink()
    assert last(ground.wait(held))["state"] == "Completed"


def test_more_than_the_machine_has_waits_and_says_so(ground: Ground) -> None:
    run = ground.submit("echo never", gpus=3, devices=DEVICES)
    assert ground.wait(run, "Queued")["note"] == "3 GPUs wanted, but only 2 can be used here"
    assert last(ground.finish("true", gpus=2, devices=DEVICES)[0])["state"] == "Completed"


def test_files_of_the_dead_are_removed_and_broken_ones_ignored(ground: Ground) -> None:
    run = "01" + "Z" * 24
    entry = {"run": run, "devices": ["a0"], "boot": ground.machine.boot_id, "pidns": ground.machine.pidns}
    dead = {**entry, "keepers": [[os.getpid(), 1]], "folder": "/nowhere"}
    Path(ground.machine.leases, run + ".json").write_text(json.dumps(dead))
    Path(ground.machine.queue, run + ".json").write_text(json.dumps({**dead, "boot": "before"}))
    Path(ground.machine.queue, "01" + "Y" * 24 + ".json").write_text("{broken")
    Path(ground.machine.queue, "readme.txt").write_text("not a ticket")
    assert last(ground.finish("true", gpus=1, devices=["a0"])[0])["state"] == "Completed"
    assert os.listdir(ground.machine.leases) == []
    assert sorted(os.listdir(ground.machine.queue)) == ["01" + "Y" * 24 + ".json", "readme.txt"]


def test_a_device_somebody_else_computes_on_is_left_alone(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\ncase $1 in --query-compute-apps=*) cat {tmp_path}/used;; *) exit 1;; esac\n")
    tool.chmod(0o755)
    (tmp_path / "used").write_text("GPU-aa, 4711\n")
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    ask = {"gpus": 1, "devices": ["GPU-aa", "GPU-bb"]}
    first = ground.submit("echo $CUDA_VISIBLE_DEVICES; sleep 1000", **ask)
    ground.wait(first, "Running")
    assert ground.status(first)["gpus"] == ["GPU-bb"]
    second = ground.submit("echo $CUDA_VISIBLE_DEVICES", **ask)
    assert "1 GPU in use outside the queue" in ground.wait(second, "Queued")["note"]
    (tmp_path / "used").write_text("")
    assert last(ground.wait(second))["state"] == "Completed"
    assert ground.output(second) == b"GPU-aa\n"


def test_numbers_are_drawn_once(ground: Ground) -> None:
    drawn: list[int] = []

    def draw() -> None:
        drawn.extend(Queue(ground.machine).draw_number() for _ in range(10))

    threads = [threading.Thread(target=draw) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(drawn) == list(range(1, 81))


def test_a_lock_file_removed_while_it_is_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    first = filelock.try_lock(path)
    assert first is not None
    assert filelock.try_lock(path) is None
    filelock.remove_locked(path, first)
    second = filelock.try_lock(path)
    assert second is not None
    os.unlink(path)  # a cleaner: the lock now guards nothing, and the next one gets a new file
    third = filelock.try_lock(path)
    assert third is not None
    os.close(second)
    os.close(third)


def test_a_lease_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    taken = tmp_path / "taken"
    taken.mkdir()
    os.chown(taken, 12345, 12345)
    with pytest.raises(PermissionError):
        Machine(str(tmp_path / "root"), str(taken))
    taken.chmod(0o2770)  # shared with a group on purpose
    shared = Machine(str(tmp_path / "root"), str(taken))
    assert os.stat(shared.queue).st_mode & 0o7777 == 0o2770


def test_a_lease_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(PermissionError):
        Machine(str(tmp_path / "root"), str(tmp_path / "link"))


def test_the_folders_are_private(tmp_path: Path) -> None:
    machine = Machine(str(tmp_path / "root"), str(tmp_path / "leases"))
    for folder in (machine.root, machine.lease_dir, machine.runs, machine.locks):
        assert os.stat(folder).st_mode & 0o777 == 0o700
