"""What killed processes leave on a machine is swept by the next link, and nothing that somebody still writes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.machines.links import MakeLink, RunOnDisk, make_link, until
from workbench.compute.link import Link
from workbench.remote.machine import Machine
from workbench.remote.processes.process_trees import identity
from workbench.remote.pruning.sweeping import Sweeping
from workbench.remote.snapshots import blobs, leftovers
from workbench.snapshots.archive import zip_blobs

__all__ = ["make_link"]
DAYS = 3 * 24 * 3600
SOMEBODY = 61001


def the_machine(tmp_path: Path, boot: str | None = None) -> Machine:
    return Machine(str(tmp_path / "root"), str(tmp_path / "leases"), boot=boot)


def left(folder: Path, name: str, age: float = 0.0) -> Path:
    """A file somebody left in folder, last written so long ago."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(b"half")
    then = time.time() - age
    os.utime(path, (then, then))
    return path


@pytest.fixture
def another() -> Iterator[subprocess.Popen[bytes]]:
    """Another process of this machine."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def name_by(machine: Machine, pid: int) -> str:
    """The name an upload of another process has."""
    theirs, mine = identity(pid), identity(os.getpid())
    assert theirs is not None
    assert mine is not None
    return leftovers.upload_name(machine).replace(f"-{mine[0]}-{mine[1]}-", f"-{theirs[0]}-{theirs[1]}-")


def test_an_upload_of_a_dead_process_goes_and_one_of_a_live_process_stays(
    tmp_path: Path, another: subprocess.Popen[bytes]
) -> None:
    machine = the_machine(tmp_path)
    folder = tmp_path / "root" / "blobs"
    upload = left(folder, name_by(machine, another.pid), DAYS)  # however long nothing came
    blob = left(folder, upload.name + ".blob", DAYS)
    assert leftovers.sweep(machine) == 0
    another.kill()
    another.wait()
    assert leftovers.sweep(machine) == 2
    assert not upload.exists()
    assert not blob.exists()


def test_what_another_machine_may_still_write_goes_by_its_age(
    tmp_path: Path, another: subprocess.Popen[bytes]
) -> None:
    """Machines that share a home: a pid of one says nothing on the other, nor after a restart."""
    here = the_machine(tmp_path)
    other = the_machine(tmp_path, boot="another")
    folder = tmp_path / "root" / "blobs"
    young = left(folder, name_by(other, another.pid), 3600)
    old = left(folder, name_by(other, another.pid), DAYS)
    nameless = left(folder, "upload-abcdefgh.partial", 3600)
    another.kill()
    another.wait()
    assert leftovers.sweep(here) == 1
    assert (young.exists(), old.exists(), nameless.exists()) == (True, False, True)


def test_nothing_but_leftovers_is_touched(tmp_path: Path) -> None:
    machine = the_machine(tmp_path)
    root = tmp_path / "root"
    run = RunOnDisk(root)
    run.enter("Running")
    kept = [
        left(root / "blobs" / "ab", "ab" + "0" * 62, DAYS),
        left(root / "blobs", "upload", DAYS),
        left(root / "trees", "0" * 64 + ".json", DAYS),
        left(root / "trees", "1" * 64 + ".json.abc.partial", 60),
        left(root / "runs", ".removing", DAYS),
        left(run.folder, "upload-of-the-run.partial", DAYS),
    ]
    gone = left(root / "trees", "1" * 64 + ".json.def.partial", DAYS)
    assert leftovers.sweep(machine) == 1
    assert not gone.exists()
    assert [path for path in kept if not path.exists()] == []


@contextlib.contextmanager
def as_somebody(folder: Path) -> Iterator[None]:
    """Be whom a file's mode stops, and let folder and all below it be theirs."""
    if os.getuid() != 0:
        yield
        return
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, SOMEBODY, SOMEBODY)
    os.seteuid(SOMEBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_removal_that_was_cut_is_finished() -> None:
    """Also where the run made its folders read-only."""
    with tempfile.TemporaryDirectory() as scratch:  # not tmp_path: only its owner may enter that
        folder = Path(scratch)
        machine = the_machine(folder)
        run = RunOnDisk(folder / "root")
        run.append("outputs/model.bin", b"x" * 1000)
        closed = run.folder / "outputs" / "closed"
        (closed / "below").mkdir(parents=True)
        (closed / "below" / "file").write_text("")
        (closed / "below").chmod(0o555)
        closed.chmod(0o500)
        run.folder.rename(leftovers.doomed_path(machine, run.id))
        with as_somebody(folder):
            assert leftovers.sweep(machine) == 1
        assert list((folder / "root" / "runs").iterdir()) == []


def test_it_is_bounded_and_ends_when_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = the_machine(tmp_path)
    for number in range(10):
        left(tmp_path / "root" / "blobs", f"upload-{number}.partial", DAYS)
    assert leftovers.sweep(machine, ended=lambda: True) == 0
    monkeypatch.setattr(leftovers, "MOST", 4)
    assert [leftovers.sweep(machine) for _ in range(4)] == [4, 4, 2, 0]


async def half_an_upload(link: Link) -> asyncio.Task[object]:
    """An upload of which the rest never comes."""

    async def blocks() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        await asyncio.sleep(600)

    return asyncio.create_task(link.stream("blobs", None, blocks()).result())


async def test_a_killed_far_ends_upload_is_swept_by_the_next_link(
    make_link: MakeLink, tmp_path: Path
) -> None:
    """Two laptops on one machine: the upload of the one that lives is whole, whatever the other's link sweeps."""
    folder = tmp_path / "root" / "blobs"
    killed, living = await make_link(), await make_link()
    tasks = [await half_an_upload(killed)]
    await until(lambda: len(list(folder.glob("upload-*"))) == 1, "the first upload")
    (dead,) = folder.glob("upload-*")
    tasks.append(await half_an_upload(living))
    await until(lambda: len(list(folder.glob("upload-*"))) == 2, "the second upload")
    os.kill(int(killed.hello["pid"]), signal.SIGKILL)
    RunOnDisk(tmp_path / "root").folder.rename(tmp_path / "root" / "runs" / ".removed-x")
    await make_link()
    await until(lambda: not dead.exists(), "the sweep")
    await until(lambda: not (tmp_path / "root" / "runs" / ".removed-x").exists(), "the removal")
    (other,) = folder.glob("upload-*")
    assert other.stat().st_size > 0
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_contents_being_unpacked_lie_with_their_upload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the sweep finds them, and not among 256 folders of contents that are whole."""
    machine = the_machine(tmp_path)
    folder = tmp_path / "root" / "blobs"
    folder.mkdir()
    upload = folder / leftovers.upload_name(machine)
    source = left(tmp_path, "weights")
    upload.write_bytes(b"".join(zip_blobs({hashlib.sha256(source.read_bytes()).hexdigest(): source})))
    seen: list[str] = []

    def look(handle: int, data: bytes) -> int:
        seen.extend(path.name for path in folder.rglob("*") if path.is_file())
        return os.write(handle, data)

    monkeypatch.setattr(blobs, "write_all", look)
    assert blobs.store_blobs(machine.root, str(upload)) == 1
    assert len(seen) == 2
    assert all(name.startswith(upload.name) for name in seen)


def test_a_link_that_ends_at_once_sweeps_nothing(tmp_path: Path) -> None:
    machine = the_machine(tmp_path)
    kept = left(tmp_path / "root" / "blobs", "upload-a.partial", DAYS)
    sweeping = Sweeping(machine, after=0.2)
    sweeping.close()
    time.sleep(0.4)
    assert kept.exists()
