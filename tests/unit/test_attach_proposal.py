"""What attach proposes for a machine, and what it tells about it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from workbench.compute.machine_card import card
from workbench.compute.measurement import Disk, Measurement, parse_disks
from workbench.compute.proposal import propose
from workbench.entities.target import Target, TargetKind, TargetSettings
from workbench.remote.disk import disks

GIB = 1 << 30
GPU = {"uuid": "GPU-1", "name": "NVIDIA H100", "memory": 80 * GIB}
GOOD_HOME = {"home": "/home/ann", "home_fs": "ext4", "home_free": 500 * GIB, "user": "ann", "uid": 1000}
SCRATCH = Disk(path="/scratch/ann", fs="xfs", free=2000 * GIB, own=True)
SHARED = Disk(path="/data", fs="ext4", free=4000 * GIB)


def measured(facts: dict[str, Any] | None = None, **fields: Any) -> Measurement:
    return Measurement(facts={**GOOD_HOME, **(facts or {})}, **fields)


def proposed(measurement: Measurement, **settings: Any) -> tuple[TargetSettings, list[str]]:
    return propose(measurement, TargetSettings(address="gpu1", **settings))


def test_a_good_machine_keeps_the_defaults_but_its_python() -> None:
    settings, notes = proposed(measured(python="/usr/bin/python3", disks=[SCRATCH]))
    assert settings == TargetSettings(address="gpu1", python="/usr/bin/python3")
    assert notes == []


def test_a_gpu_machine_gives_each_run_one() -> None:
    assert proposed(measured({"gpus": [GPU, GPU]}))[0].gpus == 1
    assert proposed(measured({"gpus": [GPU]}), gpus=4)[0].gpus == 4
    assert proposed(measured({"gpus": []}))[0].gpus == 0
    assert proposed(measured({"gpus": "many"}))[0].gpus == 0


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"home_fs": "nfs4"}, "on the network (nfs4)"),
        ({"home_free": 5 * GIB}, "5.00 GiB free"),
        (
            {"quota": [{"limit": 0, "used": 9}, {"limit": 50 * GIB, "used": 45 * GIB}]},
            "quota (5.00 GiB left)",
        ),
    ],
)
def test_a_poor_home_gives_way_to_a_local_disk(facts: dict[str, Any], reason: str) -> None:
    """AZ-26: the fast local place."""
    settings, notes = proposed(measured(facts, disks=[SHARED, SCRATCH]))
    assert settings.root == "/scratch/ann/.workbench"
    assert len(notes) == 1
    assert reason in notes[0]
    assert "/scratch/ann/.workbench (xfs" in notes[0]
    assert proposed(measured(facts, disks=[SHARED]))[0].root == "/data/workbench-ann"


@pytest.mark.parametrize("quota", [None, [], [{"limit": 0, "used": 1}], "odd", [3], [{"limit": "x"}]])
def test_no_quota_is_no_reason(quota: object) -> None:
    assert proposed(measured({"quota": quota}, disks=[SCRATCH])) == (TargetSettings(address="gpu1"), [])


def test_a_root_the_user_chose_stays() -> None:
    settings, notes = proposed(measured({"home_fs": "nfs"}, disks=[SCRATCH]), root="/home/ann/wb")
    assert (settings.root, notes) == ("/home/ann/wb", [])


def test_no_better_disk_is_said_not_made_up() -> None:
    small = Disk(path="/tmp2", fs="ext4", free=GIB)
    settings, notes = proposed(measured({"home_fs": "lustre"}, disks=[small]))
    assert settings.root is None
    assert "root=PATH" in notes[0]


def test_a_disk_inside_the_home_or_no_roomier_is_no_better() -> None:
    inside = Disk(path="/home/ann/big", fs="ext4", free=900 * GIB, own=True)
    assert proposed(measured({"home_fs": "nfs"}, disks=[inside]))[0].root is None
    same = Disk(path="/data", fs="ext4", free=60 * GIB)
    quota = {"quota": [{"limit": 100 * GIB, "used": 45 * GIB}]}
    assert proposed(measured(quota, disks=[same]))[0].root is None


def test_a_user_name_that_is_no_path_becomes_the_number() -> None:
    settings, _ = proposed(measured({"home_fs": "nfs", "user": "../../etc"}, disks=[SHARED]))
    assert settings.root == "/data/workbench-1000"


def test_noise_and_slow_start_up_files_are_named() -> None:
    _, notes = proposed(
        measured(noise="WELCOME\x07 to gpu1", noise_size=812, round_trip=0.001, channel=0.351)
    )
    assert len(notes) == 2
    assert "812 B" in notes[0]
    assert "WELCOME to gpu1" in notes[0]
    assert "347 ms" in notes[1]


def test_a_far_machine_is_not_taken_for_slow_start_up_files() -> None:
    assert proposed(measured(round_trip=0.12, channel=0.5))[1] == []
    assert proposed(measured(round_trip=0.12, channel=None))[1] == []


def test_unsupported_keywords_are_passed_on() -> None:
    assert proposed(measured(unsupported=["controlmaster: x"]))[1] == ["controlmaster: x"]


def test_the_card_says_what_is_known_and_no_more() -> None:
    facts = {"hostname": "gpu1\x1b[2J", "cpus": 64, "memory": 512 * GIB, "gpus": [GPU, GPU, {"uuid": "x"}]}
    measurement = measured(facts, python="/usr/bin/python3", round_trip=0.0004, channel=0.006)
    target = Target(name="gpu1", kind=TargetKind.SSH, settings=TargetSettings(), created=datetime.now(UTC))
    assert card(target, measurement) == [
        "gpu1: ann on gpu1",
        "64 CPUs, 512 GiB memory",
        "GPU 2 x NVIDIA H100, 80.0 GiB",
        "GPU 1 x of unknown make",
        "python /usr/bin/python3",
        "root ~/.workbench (ext4, 500 GiB free)",
        "round trip 0.4 ms, a new channel 6 ms",
    ]
    assert card(target, Measurement())[1:] == ["-", "no GPU", "python -", "root ~/.workbench"]


def test_only_writable_local_mounts_count() -> None:
    mounts = (
        "/dev/sda1 / ext4 rw 0 0\nnas:/home /home nfs4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n"
        "/dev/sdb1 /scratch xfs rw,noatime 0 0\n/dev/sdc1 /my\\040disk ext4 rw 0 0\n"
        "/dev/sdd1 /frozen ext4 ro,noatime 0 0\n/dev/sde1 /boot/efi ext4 rw 0 0\nshort\n"
        "/dev/sdf1 /over ext4 rw 0 0\nnas:/x /over nfs rw 0 0\n"
    )
    assert disks.parse_mounts(mounts) == [("/", "ext4"), ("/scratch", "xfs"), ("/my disk", "ext4")]


def test_the_users_own_folder_comes_first(tmp_path: Path) -> None:
    (tmp_path / "scratch" / "ann").mkdir(parents=True)
    (tmp_path / "shut").mkdir(mode=0o500)
    found = disks.writable_disks([(str(tmp_path), "xfs"), (str(tmp_path / "missing"), "xfs")], "ann")
    assert [(disk["path"], disk["own"]) for disk in found] == [(str(tmp_path / "scratch" / "ann"), True)]
    assert int(str(found[0]["free"])) > 0
    found = disks.writable_disks([(str(tmp_path), "xfs")], "bob")
    assert [(disk["path"], disk["own"]) for disk in found] == [(str(tmp_path), False)]
    assert not any(own is False and path == "/" for path, own in disks.places("/", "ann"))


@pytest.mark.parametrize(
    "output", ["", "nonsense", "[]", '{"disks": 3}', '{"disks": [1, {"path": "relative"}, {}]}']
)
def test_a_machine_that_answers_rubbish_has_no_disks(output: str) -> None:
    assert parse_disks(output) == []


def test_disks_are_read_with_care() -> None:
    output = (
        '{"disks": [{"path": "/d", "fs": "x\\u001b[2Jfs", "free": "all"}, {"path": "/a\\nb", "free": 1}]}'
    )
    assert parse_disks(output) == [Disk(path="/d", fs="xfs", free=0)]
