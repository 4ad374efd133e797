"""What a machine lacks for an environment goes there whole or goes on where it was cut off."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.machines.links import MakeLink, make_link
from tests.machines.rig import MakeProxy, SshServer, until
from workbench.compute.fleet import Fleet
from workbench.compute.link import Link
from workbench.entities.target import Target, TargetKind
from workbench.environments.pip_download import Sent
from workbench.environments.sending import BLOCK, send_file
from workbench.errors import Unreachable

__all__ = ["make_link"]
SIZE = 24 << 20


async def test_a_transfer_that_is_cut_in_the_middle_goes_on_from_there(
    server: SshServer, make_proxy: MakeProxy, tmp_path: Path
) -> None:
    """Resumable: what came is not sent again, and what arrives is the file."""
    content = os.urandom(SIZE)
    file = tmp_path / "large-1.0-py3-none-any.whl"
    file.write_bytes(content)
    sent = Sent(hashlib.sha256(content).hexdigest(), file)
    proxy = await make_proxy(server)
    fleet = Fleet(tmp_path / "known_hosts", lambda *_: None)
    root = server.home / "wb"
    settings = server.settings(root=str(root), lease_dir=str(server.home / "lease"))
    fleet.configure(Target(name="m1", kind=TargetKind.SSH, created=datetime.now(UTC), settings=settings))
    folder = root / "uv/wheels"
    try:
        (folder / sent.sha256).mkdir(parents=True)
        moved = 0

        def until_half(count: int) -> None:
            nonlocal moved
            moved += count
            if moved > SIZE // 2:
                proxy.reset()

        with pytest.raises(Unreachable):
            await send_file(await fleet.link("m1"), sent, str(folder), until_half)
        partial = [path for path in (folder / sent.sha256).iterdir() if path.name.endswith(".partial")]
        assert partial
        assert not (folder / sent.sha256 / file.name).exists()
        again: list[int] = []
        link: Link = await fleet.link("m1", retry_now=True)
        await send_file(link, sent, str(folder), again.append)
        assert again[0] > 0, "what came is not sent again"
        assert sum(again) == SIZE
        assert (folder / sent.sha256 / file.name).read_bytes() == content
        assert [path.name for path in (folder / sent.sha256).iterdir()] == [file.name]
    finally:
        await fleet.close()


@pytest.mark.parametrize("blocks", [0, 1, 2, 3, 5, 8])
async def test_a_file_whose_transfer_is_cut_is_closed_at_once(
    make_link: MakeLink, tmp_path: Path, blocks: int
) -> None:
    """Whoever is told that the link is lost holds nothing open any more, wherever it was cut."""
    content = os.urandom(16 << 20)
    file = tmp_path / "large-1.0-py3-none-any.whl"
    file.write_bytes(content)
    sent = Sent(hashlib.sha256(content).hexdigest(), file)
    (tmp_path / "wheels" / sent.sha256).mkdir(parents=True)
    link = await make_link()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(threads := ThreadPoolExecutor())
    moved = 0

    def until_there(count: int) -> None:
        nonlocal moved
        moved += count
        if moved >= blocks * BLOCK:
            os.kill(link.hello["pid"], signal.SIGKILL)

    with pytest.raises(Unreachable):
        await send_file(link, sent, str(tmp_path / "wheels"), until_there)
    if blocks:
        assert held(file) == []
    threads.shutdown()  # what one of them opens when it is too late is closed as soon as it comes
    loop.set_default_executor(ThreadPoolExecutor())
    await until(lambda: held(file) == [], "the file to be closed")


def held(file: Path) -> list[Path]:
    """This process's descriptors of a file."""
    return [entry for entry in Path("/proc/self/fd").iterdir() if points_at(entry, file)]


def points_at(entry: Path, file: Path) -> bool:
    """Whether a descriptor of this process is a file."""
    try:
        return entry.readlink() == file
    except OSError:  # of the listing itself
        return False
