"""Changing files of a machine: what is dear never goes, links lead nowhere, names and copies lose nothing."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from tests.machines.far_files import delete, drain
from tests.machines.links import MakeLink, make_link
from tests.machines.small_disk import small_disk
from workbench.errors import Conflict, NotFound, Refused, WorkbenchError

__all__ = ["make_link", "small_disk"]


async def test_what_is_dear_never_goes(
    make_link: MakeLink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home" / "ann"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    link = await make_link(root=str(tmp_path / "disk" / "root"))
    run = tmp_path / "disk" / "root" / "runs" / "01HZZZZZZZZZZZZZZZZZZZZZZZ"
    run.mkdir(parents=True)
    alias = tmp_path / "alias"
    alias.symlink_to(tmp_path / "home")
    ours = tmp_path / "disk" / "root"
    for path in (
        "/",
        "~",
        "",
        home,
        home.parent,
        ours,
        ours.parent,
        tmp_path,
        alias / "ann",
        f"{home}/../ann",
        "/tmp",
    ):
        with pytest.raises(Refused, match="home, the workbench's folder"):
            await delete(link, path, recursive=True)
    for path in (ours / "runs", run):
        with pytest.raises(Refused, match=r"workbench's own|is a run"):
            await delete(link, path, recursive=True)
        with pytest.raises(Refused):
            await link.call("rename", {"path": str(path), "to": str(tmp_path / "moved")})
    with pytest.raises(Refused):
        await link.call("rename", {"path": str(home), "to": str(tmp_path / "moved")})
    assert (home.is_dir(), run.is_dir()) == (True, True)
    await delete(link, alias)  # a link goes, what it leads to stays
    assert (alias.is_symlink(), home.is_dir()) == (False, True)
    (run / "outputs").mkdir()
    await delete(link, run / "outputs")


async def test_deleting_needs_to_be_meant(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    place = tmp_path / "place"
    (place / "in").mkdir(parents=True)
    (place / "in" / "file").write_text("x")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("x")
    (place / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(Conflict, match="something in it"):
        await delete(link, place)
    assert (await delete(link, place, recursive=True))["count"] == 4
    assert (tmp_path / "outside" / "file").exists()
    with pytest.raises(NotFound):
        await delete(link, place)


async def test_a_folder_swapped_for_a_link_while_it_is_removed(make_link: MakeLink, tmp_path: Path) -> None:
    """Whoever may write in a folder must not have its owner remove something else."""
    link = await make_link()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    stop = threading.Event()
    place = tmp_path / "place"

    def swap() -> None:
        while not stop.is_set():
            try:
                os.rename(place / "victim", place / "aside")
                os.symlink(outside, place / "victim")
                os.unlink(place / "victim")
                os.rename(place / "aside", place / "victim")
            except OSError:
                continue

    thread = threading.Thread(target=swap, daemon=True)
    thread.start()
    try:
        for _ in range(40):
            ready = tmp_path / "ready"
            (ready / "victim" / "deep").mkdir(parents=True)
            for number in range(50):
                (ready / "victim" / f"{number}").write_text("x")
            ready.rename(place)
            try:
                await delete(link, place, recursive=True)
            except WorkbenchError:
                shutil.rmtree(place, ignore_errors=True)
            assert (outside / "precious").exists()
            while place.exists():
                shutil.rmtree(place, ignore_errors=True)
    finally:
        stop.set()
        thread.join()


async def test_another_disk_inside_is_left_alone(make_link: MakeLink, small_disk: Path) -> None:
    link = await make_link()
    (small_disk / "precious").write_text("x")
    place = small_disk.parent / "place"
    place.mkdir()
    (place / "mnt").mkdir()
    subprocess.run(["mount", "--bind", str(small_disk), str(place / "mnt")], check=True)
    try:
        with pytest.raises(Refused, match="another disk is mounted"):
            await delete(link, place, recursive=True)
        _, use = await drain(link, "usage", place)
        assert use["elsewhere"] == 1
    finally:
        subprocess.run(["umount", str(place / "mnt")], check=True)
    assert (small_disk / "precious").exists()


async def test_too_deep_is_refused_in_words(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    (tmp_path / "deep").mkdir()
    handle = os.open(tmp_path / "deep", os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=handle)
        inner = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)
    with pytest.raises(Refused, match="folders deep"):
        await delete(link, tmp_path / "deep", recursive=True)
    shutil.rmtree(tmp_path / "deep")


async def test_names_are_changed_without_loss(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    (tmp_path / "folder").mkdir()
    asked = {"path": str(tmp_path / "a"), "to": str(tmp_path / "b")}
    with pytest.raises(Conflict):
        await link.call("rename", asked)
    assert (tmp_path / "b").read_text() == "b"
    await link.call("rename", {**asked, "overwrite": True})
    assert ((tmp_path / "b").read_text(), (tmp_path / "a").exists()) == ("a", False)
    for overwrite in (False, True):
        with pytest.raises(Conflict):
            await link.call(
                "rename",
                {"path": str(tmp_path / "b"), "to": str(tmp_path / "folder"), "overwrite": overwrite},
            )
    await link.call("rename", {"path": str(tmp_path / "folder"), "to": str(tmp_path / "other")})
    assert (tmp_path / "other").is_dir()
    await link.call("mkdir", {"path": str(tmp_path / "x/y"), "parents": True})
    await link.call("mkdir", {"path": str(tmp_path / "x/y"), "parents": True})
    with pytest.raises(Conflict):
        await link.call("mkdir", {"path": str(tmp_path / "x")})
    with pytest.raises(NotFound):
        await link.call("mkdir", {"path": str(tmp_path / "p/q")})


async def test_copies_are_whole_and_share_nothing(make_link: MakeLink, tmp_path: Path) -> None:
    link = await make_link()
    place = tmp_path / "place"
    (place / "in").mkdir(parents=True)
    (place / "in" / "run.sh").write_text("#!/bin/sh\n")
    (place / "in" / "run.sh").chmod(0o750)
    (place / "link").symlink_to("/etc/passwd")
    os.mkfifo(place / "pipe")
    _, end = await drain(link, "copy", place, to=str(tmp_path / "copy"), recursive=True)
    assert end["left_out"] == 1
    copied = tmp_path / "copy"
    assert stat.S_IMODE((copied / "in" / "run.sh").stat().st_mode) == 0o750
    assert os.readlink(copied / "link") == "/etc/passwd"
    (copied / "in" / "run.sh").write_text("changed")
    assert (place / "in" / "run.sh").read_text() == "#!/bin/sh\n"
    with pytest.raises(Conflict, match="is a folder"):
        await drain(link, "copy", place, to=str(tmp_path / "again"))
    with pytest.raises(Conflict, match=r"exists|is a folder"):
        await drain(link, "copy", place, to=str(copied), recursive=True)
    with pytest.raises(Refused, match="lies in what is to be copied"):
        await drain(link, "copy", place, to=str(place / "in" / "self"), recursive=True)
    assert not list(tmp_path.glob(".*partial"))
