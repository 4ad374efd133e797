"""Files and folders to a machine and back through the product: resumed after cuts, checked, told in words."""

from __future__ import annotations

import asyncio
import filecmp
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.rig import MakeProxy, MakeServer, SshServer
from tests.machines.small_disk import small_disk
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from workbench.workspace import Workspace
from workbench.workspace.transfers import Transfers

__all__ = ["small_disk"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with what folders have."""
    place = tmp_path / "tree"
    (place / "deep" / "er").mkdir(parents=True)
    (place / "empty").mkdir()
    for number in range(300):
        (place / "deep" / f"{number}").write_bytes(os.urandom(number))
    (place / "deep" / "er" / "large").write_bytes(os.urandom(6 << 20))
    (place / "run.sh").write_text("#!/bin/sh\n")
    (place / "run.sh").chmod(0o755)
    (place / "link").symlink_to("deep/7")
    (place / os.fsdecode(b"caf\xe9\n")).write_text("x")
    return place


def equal(one: Path, other: Path) -> bool:
    """Whether two folders hold the same, links and modes included."""
    found = filecmp.dircmp(one, other)
    if found.left_only or found.right_only or found.funny_files:
        return False
    for name in found.common_files + found.common_dirs:
        a, b = one / name, other / name
        if a.is_symlink() != b.is_symlink() or a.stat().st_mode & 0o100 != b.stat().st_mode & 0o100:
            return False
        if a.is_file() and a.read_bytes() != b.read_bytes():
            return False
    return all(equal(one / name, other / name) for name in found.common_dirs)


def test_a_folder_there_and_back(wb: Wb, server: SshServer, tree: Path, tmp_path: Path) -> None:
    attach(wb, server)
    there = server.home / "sets"
    assert wb("compute", "upload", server.name, str(tree), f"{there}/") == f"{there}/tree\n"
    assert equal(tree, there / "tree")
    assert (
        wb("compute", "download", server.name, f"{there}/tree", str(tmp_path / "back"))
        == f"{tmp_path}/back\n"
    )
    assert equal(tree, tmp_path / "back")
    before = {path: path.stat().st_ino for path in (there / "tree").rglob("*")}
    wb("compute", "upload", server.name, str(tree), f"{there}/")
    assert {path: path.stat().st_ino for path in (there / "tree").rglob("*")} == before, (
        "nothing was sent again"
    )
    (tree / "run.sh").write_text("other\n")
    refused = wb.run("compute", "upload", server.name, str(tree), f"{there}/")
    assert (refused.returncode, "run.sh is there and differs" in refused.stderr) == (5, True)
    wb("compute", "upload", "--overwrite", server.name, str(tree), f"{there}/")
    assert (there / "tree" / "run.sh").read_text() == "other\n"
    assert server.connections() == 1


def test_names_are_those_of_cp(wb: Wb, server: SshServer, tmp_path: Path) -> None:
    attach(wb, server)
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    there = server.home
    wb("compute", "upload", server.name, str(tmp_path / "a"), "renamed")
    assert (there / "renamed").read_text() == "a"
    wb("compute", "upload", server.name, str(tmp_path / "a"), str(tmp_path / "b"), "both/")
    assert sorted(os.listdir(there / "both")) == ["a", "b"]
    wb("compute", "upload", server.name, str(tmp_path / "a"), "~")
    assert (there / "a").exists()
    assert wb.run("compute", "upload", server.name, str(tmp_path / "a"), "none/such").returncode == 3
    assert (
        wb.run(
            "compute", "upload", server.name, str(tmp_path / "a"), str(tmp_path / "b"), "nothing"
        ).returncode
        == 2
    )
    assert wb.run("compute", "upload", server.name, str(tmp_path / "none"), "x").returncode == 3
    (tmp_path / "here").mkdir()
    wb("compute", "download", server.name, "both/a", "both/b", str(tmp_path / "here"))
    assert sorted(os.listdir(tmp_path / "here")) == ["a", "b"]
    refused = wb.run("compute", "download", server.name, "both/a", str(tmp_path / "b"))
    assert (refused.returncode, "exists" in refused.stderr) == (5, True)
    assert wb.run("compute", "download", server.name, "both/none", ".").returncode == 3


class Cutting:
    """A client that breaks the machine's connection when so many bytes have passed.

    cut: breaks it, told how many bytes of the content were on their way or arrived by then.
    """

    def __init__(self, client: Any, after: list[int], cut: Callable[[int], object]) -> None:
        self._client, self._after, self._cut = client, after, cut
        self.offsets: list[int] = []
        self.close = client.close
        self.call = client.call
        self.items = client.items

    def _watched(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        passed, after = 0, self._after[:1]
        for block in blocks:
            yield block
            passed += len(block)
            if after and passed >= after[0]:
                after = []
                del self._after[0]
                self._cut(self.offsets[-1] + passed)

    def read(self, noun: str, method: str, **parameters: Any) -> Iterator[bytes]:
        self.offsets.append(parameters.get("offset", 0))
        return self._watched(self._client.read(noun, method, **parameters))

    def write(self, noun: str, method: str, source: Iterator[bytes], **parameters: Any) -> Any:
        self.offsets.append(parameters.get("offset", 0))
        return self._client.write(noun, method, self._watched(iter(source)), **parameters)


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_cut_in_the_middle_costs_no_byte_that_arrived(
    direction: str, make_wb: Any, server: SshServer, make_proxy: MakeProxy, tmp_path: Path
) -> None:
    proxy = await make_proxy(server)
    wb: Wb = make_wb()
    await asyncio.to_thread(attach, wb, server)
    loop = asyncio.get_running_loop()
    content = os.urandom(48 << 20)
    source = tmp_path / "source"
    source.write_bytes(content)

    arrived_at_cuts: list[int] = []

    def cut(passed: int) -> None:
        # Most of it is on the machine's disk by then, however slowly it takes what is on its way.
        def arrived() -> int:
            partial = [*server.home.glob(".*.partial"), *tmp_path.glob(".*.partial")]
            return partial[0].stat().st_size if partial else 0

        wb.until(lambda: arrived() > passed - (2 << 20), "what was sent to arrive")
        arrived_at_cuts.append(arrived())
        loop.call_soon_threadsafe(proxy.reset)

    def transfer() -> tuple[bytes, list[int]]:
        from workbench.home import find_home

        home = find_home({"WORKBENCH_HOME": str(wb.folder), "HOME": str(wb.folder)})
        with Workspace.open(home=home, embedded=False) as workspace:
            client = Cutting(workspace.client, [9 << 20, 3 << 20], cut)
            work = Transfers(client, server.name)
            if direction == "up":
                list(work.upload([source], "~/there"))
                return (server.home / "there").read_bytes(), client.offsets
            (server.home / "there").write_bytes(content)
            list(work.download(["~/there"], tmp_path / "here"))
            return (tmp_path / "here").read_bytes(), client.offsets

    arrived, offsets = await asyncio.to_thread(transfer)
    assert hashlib.sha256(arrived).digest() == hashlib.sha256(content).digest()
    assert len(offsets) >= 3
    assert offsets[0] == 0
    assert offsets == sorted(offsets)
    assert offsets[-1] >= arrived_at_cuts[-1] > 8 << 20, "what had arrived was not sent again"
    assert not [path for path in (*tmp_path.glob(".*"), *server.home.glob(".*")) if "partial" in path.name]


async def test_a_folder_goes_on_after_a_cut(
    make_wb: Any, server: SshServer, make_proxy: MakeProxy, tree: Path, tmp_path: Path
) -> None:
    proxy = await make_proxy(server)
    wb: Wb = make_wb()
    await asyncio.to_thread(attach, wb, server)
    loop = asyncio.get_running_loop()

    async def broken() -> None:
        proxy.reset()

    def transfer() -> None:
        from workbench.home import find_home

        home = find_home({"WORKBENCH_HOME": str(wb.folder), "HOME": str(wb.folder)})
        with Workspace.open(home=home, embedded=False) as workspace:
            cut = lambda _: asyncio.run_coroutine_threadsafe(broken(), loop).result()  # noqa: E731
            client = Cutting(workspace.client, [10_000, 2 << 20], cut)
            list(Transfers(client, server.name).upload([tree], "~/there"))
            client = Cutting(workspace.client, [10_000, 2 << 20], cut)
            list(Transfers(client, server.name).download(["~/there"], tmp_path / "back"))

    await asyncio.to_thread(transfer)
    assert equal(tree, server.home / "there")
    assert equal(tree, tmp_path / "back")


def test_a_file_that_changed_under_a_resumed_download_is_not_kept(
    wb: Wb, server: SshServer, tmp_path: Path
) -> None:
    attach(wb, server)
    there = server.home / "file"
    there.write_bytes(b"a" * 100_000)
    os.utime(there, (1000, 1000))
    wb("compute", "download", server.name, "file", str(tmp_path / "file"))
    (tmp_path / "file").unlink()
    # What a cut would have left, of other bytes than the file has by now.
    from workbench.workspace import file_transfer

    entry = wb.json("files", "ls", server.name, "~", "--query", "[?name=='file']")[0]
    partial = (
        tmp_path / f".{file_transfer._token((server.name, str(there), 100_000, entry['modified']))}.partial"
    )
    partial.write_bytes(b"b" * 50_000)
    refused = wb.run("compute", "download", server.name, "file", str(tmp_path / "file"))
    assert (refused.returncode, "changed while it was read" in refused.stderr) == (1, True)
    assert (
        sorted(path.name for path in tmp_path.iterdir() if "file" in path.name or "partial" in path.name)
        == []
    )
    wb("compute", "download", server.name, "file", str(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == b"a" * 100_000


def test_a_full_disk_here_is_said_in_words(wb: Wb, server: SshServer, small_disk: Path) -> None:
    attach(wb, server)
    (server.home / "file").write_bytes(b"x" * (2 << 20))
    (server.home / "folder").mkdir()
    for number in range(3):
        (server.home / "folder" / f"{number}").write_bytes(b"x" * 600_000)
    for what in ("file", "folder"):
        done = wb.run("compute", "download", server.name, what, str(small_disk))
        assert done.returncode == 1
        assert "do not fit into" in done.stderr
        assert "free" in done.stderr
    assert [path.name for path in small_disk.rglob("*") if path.is_file()] == []


def test_files_are_looked_at_and_changed(wb: Wb, make_server: MakeServer) -> None:
    server = make_server()
    attach(wb, server)
    place = server.home / "place"
    place.mkdir()
    (place / "evil\x1b]0;x\x07\nname").write_text("hello\n")
    listed = wb("files", "ls", server.name, "place", "-o", "table")
    assert "\x1b" not in listed
    assert "evil name" in listed
    assert wb("compute", "files", server.name, "place", "-o", "json") == wb(
        "files", "ls", server.name, "place", "-o", "json"
    )
    wb("files", "mv", server.name, "place/evil\x1b]0;x\x07\nname", "place/good")
    assert wb("files", "cat", server.name, "~/place/good") == "hello\n"
    assert wb("files", "cp", server.name, "place/good", "place/copy") == f"{place}/copy\n"
    used = wb.json("files", "du", server.name, "place")
    assert {row["name"] for row in used} == {"good", "copy"}
    assert wb.run("files", "rm", server.name, "place").returncode == 2
    assert wb.run("files", "rm", server.name, "place", "-r").returncode == 5, "nobody said yes"
    assert "would remove" in wb("files", "rm", server.name, "place", "-r", "--dry-run")
    wb("files", "rm", server.name, "place", "-r", "--yes")
    assert not place.exists()
    assert wb.run("files", "rm", server.name, "~", "-r", "--yes").returncode == 5
    assert wb.run("files", "ls", server.name, "place").returncode == 3
