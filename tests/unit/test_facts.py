"""What a machine says of itself: formats of /proc and of tools, and the judgement over them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from workbench.remote.disk import mounts
from workbench.remote.doctor import checks
from workbench.remote.doctor.facts import doctor, facts, parse_quota
from workbench.remote.gpus import devices
from workbench.remote.gpus.gpu_sampling import provisional_rows
from workbench.remote.machine import Machine
from workbench.remote.processes.detaching import LoginManager, choose_detachment, guard_environment
from workbench.remote.queue import foreign_use

MOUNTINFO = r"""22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:30 / /home rw shared:2 - autofs auto rw
31 30 0:31 / /home/ann rw shared:3 - nfs4 filer:/ann rw,vers=4.2
40 22 0:40 / /my\040data rw - lustre mgs@tcp:/l rw
41 22 0:41 / /home2 rw - xfs /dev/sdb rw
a broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/etc", "ext4"),
        ("/home/ann/x", "nfs4"),
        ("/home/annika", "autofs"),
        ("/my data/a", "lustre"),
        ("/home2", "xfs"),
    ],
)
def test_the_longest_mount_above_a_path(path: str, kind: str) -> None:
    mount = mounts.mount_of(path, mounts.parse_mounts(MOUNTINFO))
    assert mount is not None
    assert mount.kind == kind


def test_the_latest_of_two_mounts_on_one_point_is_seen() -> None:
    lines = ["1 0 8:1 / / rw - ext4 a rw", "2 1 8:2 / /d rw - xfs b rw", "3 2 0:9 / /d rw - tmpfs c rw"]
    table = mounts.parse_mounts("\n".join(lines))
    found = mounts.mount_of("/d/e", table)
    assert found is not None
    assert found.kind == "tmpfs"


def test_network_file_systems() -> None:
    assert all(mounts.is_network(kind) for kind in ("nfs", "nfs4", "lustre", "gpfs", "cifs", "fuse.sshfs"))
    assert not any(mounts.is_network(kind) for kind in ("ext4", "xfs", "tmpfs", "overlay", ""))


@pytest.mark.parametrize(
    ("manager", "scope", "ask", "risky"),
    [
        (LoginManager(False, False, None), False, False, False),
        (LoginManager(True, True, True), True, False, False),
        (LoginManager(True, True, None), True, False, False),
        (LoginManager(True, False, False), False, False, False),
        (LoginManager(True, False, None), False, False, True),
        (LoginManager(True, False, True), False, True, True),
    ],
)
def test_where_a_guard_outlives_the_connection(
    manager: LoginManager, scope: bool, ask: bool, risky: bool
) -> None:
    choice = choose_detachment(manager)
    assert (choice.scope, choice.ask_linger, bool(choice.risk)) == (scope, ask, risky)


def test_a_guard_is_marked_and_belongs_to_no_other_run() -> None:
    found = guard_environment({"WORKBENCH_RUN_ID": "outer", "WORKBENCH_GUARD": "outer", "A": "b"}, "inner")
    assert found["WORKBENCH_GUARD"] == "inner"
    assert "WORKBENCH_RUN_ID" not in found
    assert found["A"] == "b"


def test_gpus_from_the_drivers_files(tmp_path: Path) -> None:
    for address, text in {
        "0000:81:00.0": "Model: \t\t NVIDIA B\nGPU UUID: \t GPU-bbbb-1\nDevice Minor: \t 1\n",
        "0000:01:00.0": "Model: \t\t NVIDIA A\nGPU UUID: \t GPU-aaaa-0\nDevice Minor: \t 0\n",
        "0000:02:00.0": "Model: X\nGPU UUID: GPU-????????-0000\n",
    }.items():
        (tmp_path / address).mkdir()
        (tmp_path / address / "information").write_text(text)
    assert devices.list_gpus(str(tmp_path)) == [
        {"uuid": "GPU-aaaa-0", "name": "NVIDIA A"},
        {"uuid": "GPU-bbbb-1", "name": "NVIDIA B"},
    ]
    rows = provisional_rows(3, str(tmp_path))
    assert [row.get("name") for row in rows] == ["NVIDIA A", None, "NVIDIA B"], "what hangs has a name"
    assert [row["uuid"] for row in rows] == ["GPU-aaaa-0", "GPU-unknown-1", "GPU-bbbb-1"]
    assert [row["uuid"] for row in provisional_rows(2, str(tmp_path))] == ["GPU-unknown-0", "GPU-unknown-1"]


def fake_nvidia_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    folder.mkdir()
    program = folder / "nvidia-smi"
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_gpus_from_the_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        'case "$1" in\n'
        "-L) echo 'GPU 0: NVIDIA H100 80GB (UUID: GPU-11-22)';"
        " echo '  MIG 1g.10gb Device 0: (UUID: MIG-1)';;\n"
        "--query-compute-apps=*) echo 'GPU-11-22, 4711';;\n"
        "--query-gpu=uuid,memory.total*) echo 'GPU-11-22, 81559';;\nesac\n"
    )
    fake_nvidia_smi(tmp_path / "bin", monkeypatch, script)
    assert devices.list_gpus(str(tmp_path)) == [{"uuid": "GPU-11-22", "name": "NVIDIA H100 80GB"}]
    assert foreign_use.busy_devices(["GPU-11-22", "GPU-33"]) == {"GPU-11-22": "used"}
    assert devices.gpu_memory() == {"GPU-11-22": 81559 << 20}


@pytest.mark.parametrize("script", ["exit 9", "echo 'No devices were found'", "printf '\\377\\n,,,\\nGPU-1'"])
def test_a_tool_that_fails_means_no_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    fake_nvidia_smi(tmp_path / "bin", monkeypatch, script)
    assert devices.list_gpus(str(tmp_path)) == []
    assert foreign_use.busy_devices(["GPU-1"]) == {}
    assert devices.gpu_memory() == {}


def test_quotas() -> None:
    text = (
        "Disk quotas for user ann (uid 1000): \n"
        "     Filesystem  blocks   quota   limit   grace   files   quota   limit   grace\n"
        "filer:/home 5000* 4000 6000 6days 10 0 0\n"
        "/dev/sdb 100 0 0 10 0 0\n"
    )
    assert parse_quota(text) == [
        {"source": "filer:/home", "used": 5000 << 10, "limit": 6000 << 10},
        {"source": "/dev/sdb", "used": 100 << 10, "limit": 0},
    ]


def measured(**changes: Any) -> dict[str, Any]:
    return {
        "python": {"executable": "/usr/bin/python3", "version": "3.6.8"},
        "uid": 1000,
        "home_fs": "ext4",
        "root": "/r",
        "root_fs": "ext4",
        "root_free": 100 << 30,
        "quota": None,
        "lease_dir": "/l",
        "lease_fs": "ext4",
        "systemd": False,
        "linger": False,
        "kill_user_processes": None,
        "gpus": [],
        **changes,
    }


def state(name: str, **changes: Any) -> str:
    return next(item for item in checks.judge(measured(**changes)) if item["name"] == name)["state"]


def test_the_doctors_judgement() -> None:
    assert {item["state"] for item in checks.judge(measured())} == {"ok"}
    assert state("space", root_free=5 << 30) == "warn"
    assert state("space", root_free=1 << 20) == "bad"
    assert state("root", root_fs="nfs4") == "warn"
    assert state("leases", lease_fs="lustre") == "bad"
    assert state("logout", systemd=True, kill_user_processes=True) == "bad"
    assert state("logout", systemd=True, kill_user_processes=False) == "ok"
    assert state("quota", quota=[{"source": "x", "used": 99 << 30, "limit": 100 << 30}]) == "warn"
    assert state("files", root_files=5) == "bad"
    assert state("home", home_fs="nfs4") == "ok"
    sick = measured(
        root_fs="nfs", lease_fs="nfs", root_free=0, root_files=0, systemd=True, kill_user_processes=True
    )
    found = [*checks.judge(sick), checks.judge_writing(OSError(13, "no")), checks.judge_reaping(False)]
    for item in found:
        assert item["state"] == "ok" or (item["hint"] and item["fix"]), item["name"]
    better = next(
        item
        for item in checks.judge(measured(root_fs="nfs", better_root="/my disk/w"))
        if item["name"] == "root"
    )
    assert better["fix"] == "wb compute set NAME root='/my disk/w'"


def test_this_machine(tmp_path: Path) -> None:
    machine = Machine(str(tmp_path / "root"), str(tmp_path / "leases"))
    found = facts(machine)
    assert found["hostname"] == os.uname().nodename
    assert found["machine_id"].startswith(found["hostname"] + "/")
    assert found["cpus"] >= 1
    assert found["memory"] > 1 << 20
    assert found["home_free"] > 0
    report = doctor(machine)
    assert {item["name"] for item in report} >= {
        "python",
        "space",
        "leases",
        "logout",
        "writing",
        "processes",
    }
    assert all(item["state"] in ("ok", "warn", "bad") for item in report)
    assert os.listdir(machine.root) == ["runs"]
