"""Removing what is not needed on a machine, while others submit: nothing that lives or is needed goes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, new_run_id, untagged
from tests.machines.links import MakeLink, RunOnDisk, make_link
from tests.machines.rig import MakeServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from workbench.compute.link import Link
from workbench.remote.pruning.payload_use import hold
from workbench.remote.pruning.removal import prune
from workbench.remote.pruning.run_removal import remove_run
from workbench.remote.snapshots.blobs import store_blobs
from workbench.remote.snapshots.layout import lay_out
from workbench.remote.snapshots.manifest import snapshot_id
from workbench.remote.snapshots.trees import accept_manifest, blob_path, load_manifest
from workbench.remote.wire.problems import Cancelled, RequestError

__all__ = ["ground", "make_link", "untagged"]
DAY = 86400.0


class Root:
    """A machine's folder with snapshots in it."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)

    def snapshot(self, *contents: bytes, age: float = 3 * DAY) -> str:
        """A snapshot of files with these contents; it was wanted so long ago."""
        entries = [
            [f"f{number}", "file", 0o644, len(content), hashlib.sha256(content).hexdigest()]
            for number, content in enumerate(contents)
        ]
        name = snapshot_id(entries)
        missing = accept_manifest(self, name, None, [], entries)["missing"]
        self.upload({hashlib.sha256(content).hexdigest(): content for content in contents}, missing)
        self.age(name, age)
        return name

    def upload(self, contents: dict[str, bytes], missing: list[str]) -> None:
        if missing:
            place = Path(self.root) / "blobs" / f"upload-test-{threading.get_ident()}"
            place.parent.mkdir(exist_ok=True)
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                for name in missing:
                    archive.writestr(name, contents[name])
            place.write_bytes(packed.getvalue())
            store_blobs(self.root, str(place))
            place.unlink()

    def manifest(self, name: str) -> Path:
        return Path(self.root, "trees", name + ".json")

    def age(self, name: str, age: float) -> None:
        os.utime(self.manifest(name), (time.time() - age,) * 2)

    def has(self, content: bytes) -> bool:
        return os.path.exists(blob_path(self.root, hashlib.sha256(content).hexdigest()))


async def pruned(link: Link, **params: Any) -> tuple[list[Any], dict[str, Any]]:
    async with link.stream("prune", {"dry_run": False, "blobs": True, **params}) as stream:
        events = [event async for event in stream]
        return events, await stream.result()


def over(root: Path, run: str, snapshot: str | None = None, state: str = "Completed") -> RunOnDisk:
    found = RunOnDisk(root, run)
    found.enter(state, machine=os.uname().nodename)
    found.spec(**({"snapshot": snapshot} if snapshot else {}))
    found.append("outputs/model", b"x" * 100_000)
    return found


async def test_what_goes_goes_and_a_dry_run_says_the_same(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    place = tmp_path / "root"
    root = Root(place)
    needed, old, young = (
        root.snapshot(b"a", b"shared"),
        root.snapshot(b"b", b"shared"),
        root.snapshot(b"c", age=60),
    )
    first, second, third = (new_run_id() for _ in range(3))
    over(place, first, needed)
    over(place, second, old)
    living = over(place, third, old, state="Running")
    asked = {"runs": [first, second, third], "trees": [needed, old, young]}
    held = await link.call("holdings")
    assert {run["run"] for run in held["runs"]} == {first, second, third}
    assert (held["blobs"]["count"], len(held["trees"])) == (4, 3)
    assert held["total"] == sum(
        p.lstat().st_blocks * 512
        for p in place.rglob("*")
        if p not in (place / "runs", place / "trees", place / "blobs", place / "payload")
    )
    before = shutil.disk_usage(place).free
    _, said = await pruned(link, **asked, dry_run=True)
    assert shutil.disk_usage(place).free == before or Path(place, "runs", first).exists()
    events, done = await pruned(link, **asked)
    # `old` is still needed by the run that lives, `young` may be on its way to its first run.
    kept = {
        value for event in events if "kept" in event for key, value in event["kept"].items() if key != "why"
    }
    assert kept == {third, old, young}
    assert (done["runs"], done["trees"], done["blobs"]) == (2, 1, 1)
    assert {**said, "bytes": 0} == {**done, "bytes": 0}
    assert abs(said["bytes"] - done["bytes"]) <= 8192
    assert [root.has(content) for content in (b"a", b"shared", b"b", b"c")] == [False, True, True, True]
    assert living.folder.is_dir()
    assert not root.manifest(needed).exists()
    assert [path.name for path in (place / "blobs").iterdir() if len(path.name) != 2] == []


async def test_old_copies_of_our_program_go_and_those_in_use_stay(
    make_link: MakeLink, tmp_path: Path
) -> None:
    """A guard names its copy in its command line, a link holds a lock, a living run's commands import from it."""
    link = await make_link()
    root = tmp_path / "root"
    folder = root / "payload"
    folder.mkdir(exist_ok=True)
    unused, guarded, linked, imported, young = (letter * 64 for letter in "abcde")
    for sha in (unused, guarded, linked, imported, young):
        (folder / f"{sha}.pyz").write_bytes(b"x" * 5000)
        os.utime(folder / f"{sha}.pyz", (time.time() - (60 if sha == young else DAY),) * 2)
    (folder / f"{unused}.pyz.cpython-311-a70d0d0a").write_bytes(b"y" * 5000)
    run = over(root, new_run_id(), state="Running")
    (run.folder / "site").mkdir()
    (run.folder / "site" / "sitecustomize.py").write_text(f"sys.path.append('{folder}/{imported}.pyz')")
    handle = hold(str(folder / f"{linked}.pyz"))
    assert handle is not None
    words = [sys.executable, "-c", "print(flush=True); input()", f"{folder}/{guarded}.pyz"]
    guard = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert guard.stdout is not None
    guard.stdout.readline()  # while it begins, its command line cannot be read
    try:
        asked = [copy["payload"] for copy in (await link.call("holdings"))["copies"]]
        assert set(asked) == {unused, guarded, linked, imported, young}, "the one at work is not among them"
        for dry_run in (True, False):
            events, done = await pruned(link, payloads=asked, dry_run=dry_run)
            assert [event["removed"]["payload"] for event in events if "removed" in event] == [unused]
            assert done["payloads"] == 1
        left = {path.name[:64] for path in folder.iterdir()}
        assert {guarded, linked, imported, young} <= left
        assert unused not in left, "with what was compiled of it"
    finally:
        os.close(handle)
        guard.communicate(b"\n")
    events, _ = await pruned(link, payloads=[guarded, linked, imported])
    assert {event["removed"]["payload"] for event in events if "removed" in event} == {guarded, linked}
    assert (await link.call("ping"))["time"], "the one at work is whole"


async def test_a_run_somebody_is_at_stays(make_link: MakeLink, ground: Ground) -> None:
    run = ground.submit("sleep 1000")
    ground.wait(run, "Running")
    with pytest.raises(RequestError, match="is not over"):
        remove_run(ground.machine, run)
    from workbench.remote.disk.filelock import remove_locked, try_lock

    done = ground.submit("true")
    ground.wait(done)
    handle = try_lock(ground.folder_of(done).lock + ".submit")
    assert handle is not None
    with pytest.raises(RequestError, match="is being submitted"):
        remove_run(ground.machine, done)
    remove_locked(ground.folder_of(done).lock + ".submit", handle)
    assert remove_run(ground.machine, done) > 0
    assert not os.path.exists(ground.folder_of(done).path)


class Nobody:
    """An exchange whose near end listens to nothing and never gives up."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.credit = 1

    def check(self) -> None:
        return

    def wait_credit(self) -> int:
        return 1

    def event(self, value: dict[str, Any]) -> None:
        return


class GivenUp(Nobody):
    """One whose near end gives up after so many looks."""

    def __init__(self, params: dict[str, Any], looks: int) -> None:
        super().__init__(params)
        self._looks = looks

    def check(self) -> None:
        self._looks -= 1
        if self._looks < 0:
            raise Cancelled


@pytest.mark.parametrize("looks", range(1, 12))
def test_one_that_is_given_up_puts_back_what_it_put_aside(ground: Ground, looks: int) -> None:
    root = Root(Path(ground.machine.root))
    contents = [b"%d" % number for number in range(6)]
    root.manifest(root.snapshot(*contents)).unlink()
    asked = {"blobs": True, "dry_run": False}
    try:
        prune(GivenUp(asked, looks), ground.machine)
    except Cancelled:
        assert all(root.has(content) for content in contents)
    else:
        assert not any(root.has(content) for content in contents)
    assert [path.name for path in Path(root.root, "blobs").iterdir() if len(path.name) != 2] == []


def test_a_submit_at_the_same_time_loses_nothing(ground: Ground, tmp_path: Path) -> None:
    """Old snapshots are pruned again and again while they are submitted again: each can be laid out."""
    root = Root(Path(ground.machine.root))
    contents = [[b"%d-%d" % (number, part) for part in range(20)] + [b"shared"] for number in range(6)]
    names = [root.snapshot(*parts) for parts in contents]
    ended = threading.Event()
    problems: list[BaseException] = []
    removed = [0]

    def prune_on() -> None:
        try:
            while not ended.is_set():
                answer = prune(Nobody({"trees": names, "blobs": True, "dry_run": False}), ground.machine)
                removed[0] += answer["trees"]
        except BaseException as problem:
            problems.append(problem)

    def submit_on(number: int) -> None:
        try:
            for turn in range(60):
                parts, name = contents[number], names[number]
                entries = [
                    [f"f{place}", "file", 0o644, len(part), hashlib.sha256(part).hexdigest()]
                    for place, part in enumerate(parts)
                ]
                missing = accept_manifest(ground.machine, name, None, [], entries)["missing"]
                root.upload({hashlib.sha256(part).hexdigest(): part for part in parts}, missing)
                place = tmp_path / f"out-{number}-{turn}"
                assert lay_out(ground.machine, name, str(place)) == len(parts)
                assert (place / "f0").read_bytes() == parts[0]
                shutil.rmtree(place)
                root.age(name, 3 * DAY)
        except BaseException as problem:
            problems.append(problem)

    pruner = threading.Thread(target=prune_on)
    submitters = [threading.Thread(target=submit_on, args=(number,)) for number in range(4)]
    for thread in (pruner, *submitters):
        thread.start()
    for thread in submitters:
        thread.join()
    ended.set()
    pruner.join()
    assert problems == []
    assert removed[0] > 2, "the snapshots did go, again and again"


def test_what_is_damaged_holds_nothing_up(ground: Ground) -> None:
    root = Root(Path(ground.machine.root))
    name = root.snapshot(b"a")
    Path(root.root, "trees", "0" * 64 + ".json").write_text("{broken")
    answer = prune(Nobody({"trees": [], "blobs": True, "dry_run": False}), ground.machine)
    assert answer["blobs"] == 0
    assert load_manifest(ground.machine, name) is not None
    run = new_run_id()
    over(Path(ground.machine.root), run)
    Path(ground.machine.runs, run, "spec.json").write_text("{broken")
    with pytest.raises(RequestError, match=run):  # what it needs is not known
        prune(Nobody({"trees": [name], "dry_run": False}), ground.machine)


def test_old_runs_go_by_the_rules_and_their_rows_stay(
    wb: Wb, make_server: MakeServer, tmp_path: Path
) -> None:
    server = make_server()
    attach(wb, server)
    (tmp_path / "code").mkdir()
    script = "from workbench import Run; import sys; Run.get_context().log('loss', float(sys.argv[1]))"
    (tmp_path / "code" / "train.py").write_text(script)

    def submit(*words: str, experiment: str = "mnist") -> str:
        return wb("submit", "-e", experiment, "--wait", *words, cwd=tmp_path / "code").split()[0]

    best = submit("--", "python train.py 0.1")
    tagged = submit("--tag", "keep", "--", "python train.py 0.5")
    worse = submit("--no-outputs", "--", "python train.py 0.9; echo model > outputs/model")
    root = server.home / "wb"
    used = wb.json("compute", "du", server.name)
    assert {run["id"] for run in used["runs"]} == {best, tagged, worse}
    assert "prune" in wb.run("compute", "du", server.name, "-o", "table").stdout + "prune"
    assert json.loads(wb("compute", "prune", server.name, "--dry-run", "-o", "json"))[0]["remove"] == [], (
        "all are young"
    )
    planned = wb.json("compute", "prune", server.name, "--older", "0s", "--dry-run")[0]
    assert [(item["kind"], item["id"]) for item in planned["remove"]] == [("run", worse)]
    assert "were to stay there" in planned["remove"][0]["warning"]
    assert [file["path"] for file in wb.json("run", "files", worse)] == ["outputs/model"]
    planned = wb.json("compute", "prune", server.name, "--older", "0s", "--dry-run")[0]
    assert planned["remove"][0]["warning"].startswith("1 file (6 B) not fetched")
    assert planned["kept"] == {"best": 1, "tagged": 1}
    listed = wb("compute", "prune", server.name, "--older", "0s", "--dry-run", "-o", "table")
    assert wb.show(worse)["name"] in listed
    assert (root / "runs" / worse).is_dir()
    assert wb.run("compute", "prune", server.name, "--older", "0s").returncode == 5, "nobody said yes"
    wb("compute", "prune", server.name, "--older", "0s", "--yes")
    assert sorted(path.name for path in (root / "runs").iterdir()) == sorted([best, tagged])
    shown = wb.show(worse)
    assert shown["status"] == "Completed"
    assert "workbench.pruned" in shown["properties"]
    assert wb.json("run", "files", worse) == []
    assert wb.json("run", "metrics", worse)[0]["last"] == 0.9
    # All snapshots are young: the next submit finds what it needs there.
    again = submit("--", "python train.py 0.2")
    assert wb.show(again)["status"] == "Completed"
    old = root / "payload" / f"{'0' * 64}.pyz"
    old.write_bytes(b"an earlier release")
    os.utime(old, (time.time() - DAY,) * 2)
    planned = wb.json("compute", "prune", server.name, "--older", "0s", "--keep", "none", "--dry-run")[0]
    assert [item["kind"] for item in planned["remove"]] == ["run"] * 3 + ["payload"], (
        "young code is not named"
    )
    for tree in (root / "trees").glob("*.json"):
        os.utime(tree, (time.time() - 3 * DAY,) * 2)
    wb("compute", "prune", "--all", "--older", "0s", "--keep", "none", "--yes")
    assert list((root / "runs").iterdir()) == []
    assert list((root / "trees").iterdir()) == []
    assert not old.exists()
    assert [path for path in (root / "blobs").rglob("*") if path.is_file()] == []
    rerun = wb("run", "rerun", again, "--wait").split()[0]
    assert wb.show(rerun)["status"] == "Completed", "code comes from this side again"


def test_this_side_gives_back_what_belongs_to_nothing(
    wb: Wb, make_server: MakeServer, tmp_path: Path
) -> None:
    attach(wb, make_server())
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "big").write_bytes(os.urandom(200_000))
    run = wb("submit", "--wait", "--", "echo hello; echo x > outputs/x", cwd=tmp_path / "code").split()[0]
    folder = wb.folder / "workspaces" / "default"
    assert wb.json("workspace", "du")["blobs"] >= 200_000
    found = wb.json("workspace", "prune", "--dry-run")
    assert (found["bytes"], found["runs"]) == (0, 0)
    wb("run", "rm", run, "--yes")
    for path in folder.rglob("*"):
        if "blobs" in path.parts:
            os.utime(path, (time.time() - DAY,) * 2)
    (folder / "spool").mkdir(exist_ok=True)
    orphan = folder / "spool" / f"{new_run_id()}.log"
    orphan.write_bytes(b"x" * 5000)
    os.utime(orphan, (time.time() - DAY,) * 2)
    found = wb.json("workspace", "prune", "--dry-run")
    assert (found["blobs"], found["runs"]) == (0, 1), "the snapshot was used an hour ago at most"
    wb("workspace", "prune", "--yes")
    assert not orphan.exists()
