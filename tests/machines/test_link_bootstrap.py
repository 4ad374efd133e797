"""Bringing a link up on machines that have nothing of ours: shells, interpreters, payload, faults."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.machines.links import MakeLink, RunOnDisk, interpreter, make_link
from tests.machines.rig import need
from workbench.compute import bootstrap
from workbench.compute.channel import Channel
from workbench.compute.link import Link
from workbench.compute.local import LocalHost
from workbench.compute.payload import Payload, build_payload
from workbench.errors import NoPython, RemoteError, Unreachable

__all__ = ["make_link"]
VERSIONS = [f"3.{minor}" for minor in range(6, 14)]


class CountingHost(LocalHost):
    """Counts the bytes sent to the machine."""

    sent = 0

    async def open(self, line: str) -> Channel:
        channel = await super().open(line)
        write = channel.write

        async def counted(data: bytes) -> None:
            self.sent += len(data)
            await write(data)

        channel.write = counted
        return channel


def path_with(tmp_path: Path, **programs: Path) -> dict[str, str]:
    """An environment whose PATH has just these programs."""
    folder = tmp_path / "path"
    folder.mkdir(exist_ok=True)
    for name, program in programs.items():
        (folder / name).symlink_to(program)
    return {"PATH": str(folder), "HOME": str(tmp_path)}


@pytest.fixture
def nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only PATH is searched: this machine's own /usr/bin/python3 must not help."""
    monkeypatch.setattr(bootstrap, "PLACES", ())


async def works(link: Link, tmp_path: Path) -> None:
    """A request of every sort, so that every module has run on that interpreter."""
    run = RunOnDisk(tmp_path / "root")
    run.append("stream.log", b"hello\n")
    run.append("outputs/a", b"kept")
    run.append("records/1-a.jsonl", b'{"k":"header"}\n')
    run.enter("Completed")
    assert (await link.call("ping"))["time"] > 0
    assert (await link.call("files", {"run": run.id}))["files"][0]["path"] == "outputs/a"
    assert (await link.call("status", {"run": run.id}))["run"] == run.id
    items = [item async for item in link.stream("follow", {"run": run.id})]
    assert len(items) == 3
    assert b"".join([i async for i in link.stream("read", {"run": run.id, "path": "outputs/a"})]) == b"kept"
    said = [item async for item in link.stream("exec", {"argv": ["printf", "é"], "timeout": 60})]
    assert said == [{"out": "é"}]
    unknown = await link.call("tree", {"snapshot": "a" * 64, "base": "b" * 64, "removed": [], "added": []})
    assert unknown == {"unknown_base": True}


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_interpreter_is_found_on_path_and_works(
    version: str, tmp_path: Path, make_link: MakeLink, nowhere_else: None
) -> None:
    tools = {name: Path(shutil.which(name) or "") for name in ("printf", "env")}
    environment = path_with(tmp_path, **{f"python{version}": interpreter(version)}, **tools)
    link = await make_link(LocalHost(environment))
    assert link.hello["python_version"].startswith(version + ".")
    await works(link, tmp_path)


async def test_a_given_interpreter_is_used(tmp_path: Path, make_link: MakeLink) -> None:
    python = interpreter("3.8")
    spaced = tmp_path / "with space"
    spaced.mkdir()
    (spaced / "python3").symlink_to(python)
    link = await make_link(python=str(spaced / "python3"))
    assert link.hello["python_version"].startswith("3.8.")


async def test_an_older_python_first_on_path_is_passed_over(
    tmp_path: Path, make_link: MakeLink, nowhere_else: None
) -> None:
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\necho 305\n")
    old.chmod(0o755)
    environment = path_with(tmp_path, python3=old, **{"python3.9": interpreter("3.9")})
    link = await make_link(LocalHost(environment))
    assert link.hello["python_version"].startswith("3.9.")


async def test_no_python_at_all(tmp_path: Path, make_link: MakeLink, nowhere_else: None) -> None:
    with pytest.raises(NoPython, match="nothing at all"):
        await make_link(LocalHost(path_with(tmp_path)))


async def test_only_python_2(tmp_path: Path, make_link: MakeLink, nowhere_else: None) -> None:
    environment = path_with(tmp_path, python=interpreter("2.7"))
    with pytest.raises(NoPython, match=r"python is 2\.7"):
        await make_link(LocalHost(environment))


async def test_a_given_interpreter_that_is_not_there(tmp_path: Path, make_link: MakeLink) -> None:
    with pytest.raises(NoPython, match="nothing at all"):
        await make_link(python=str(tmp_path / "python3"))


RC = {"zsh": ".zshenv", "tcsh": ".tcshrc", "fish": ".config/fish/config.fish", "bash": ".bash_env", "sh": ""}


@pytest.mark.parametrize("noise", ["", "echo WELCOME to the machine; echo more; sh -c 'echo oops >&2'"])
@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "tcsh", "fish"])
async def test_every_login_shell_carries_the_line(
    shell: str, noise: str, tmp_path: Path, make_link: MakeLink
) -> None:
    need(shell)
    environment = {"HOME": str(tmp_path)}
    if RC[shell]:
        rc = tmp_path / RC[shell]
        rc.parent.mkdir(parents=True, exist_ok=True)
        rc.write_text(noise + "\n")
    if shell == "bash":
        environment["BASH_ENV"] = str(tmp_path / RC["bash"])
    link = await make_link(LocalHost(environment, shutil.which(shell) or shell))
    assert (await link.call("ping"))["time"] > 0
    if noise and RC[shell]:
        assert b"WELCOME to the machine\nmore\n" in link.noise
        assert link.noise_size == len(link.noise)


async def test_a_greeting_without_end_is_given_up(tmp_path: Path, make_link: MakeLink) -> None:
    need("yes")
    shell = script(tmp_path / "shell", "exec yes WELCOME")
    with pytest.raises(RemoteError, match="prints without end"):
        await make_link(LocalHost(shell=shell))


async def test_a_shell_that_lets_nobody_in_is_quoted(tmp_path: Path, make_link: MakeLink) -> None:
    shell = script(tmp_path / "shell", "echo This account is currently not available.; exit 1")
    with pytest.raises(Unreachable, match=r"exit status 1.*account is currently not available"):
        await make_link(LocalHost(shell=shell))


async def test_a_machine_that_says_nothing_is_given_up(tmp_path: Path, make_link: MakeLink) -> None:
    shell = script(tmp_path / "shell", "exec sleep 1000")
    with pytest.raises(Unreachable, match="did not answer within"):
        await make_link(LocalHost(shell=shell), timeout=0.3)


def script(path: Path, text: str) -> str:
    """An executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


async def test_the_payload_is_sent_once(tmp_path: Path, make_link: MakeLink) -> None:
    first, second = CountingHost(), CountingHost()
    await make_link(first)
    await make_link(second)
    size = len(build_payload().data)
    assert first.sent > size
    assert second.sent < size / 2
    (kept,) = (tmp_path / "root" / "payload").iterdir()
    assert kept.read_bytes() == build_payload().data
    assert kept.stem == build_payload().sha
    assert stat.S_IMODE((tmp_path / "root").stat().st_mode) == 0o700


async def test_a_payload_changed_on_the_way_is_refused(tmp_path: Path, make_link: MakeLink) -> None:
    good = build_payload()
    bad = Payload(good.sha, good.data[:-1] + bytes([good.data[-1] ^ 1]))
    with pytest.raises(RemoteError, match="not what was sent"):
        await make_link(payload=bad)
    assert list((tmp_path / "root" / "payload").iterdir()) == []
    assert (await make_link()).hello


async def test_a_payload_damaged_on_disk_is_sent_again(tmp_path: Path, make_link: MakeLink) -> None:
    await (await make_link()).close()
    kept = tmp_path / "root" / "payload" / f"{build_payload().sha}.pyz"
    kept.write_bytes(kept.read_bytes()[:1000])
    host = CountingHost()
    await make_link(host)
    assert host.sent > len(build_payload().data)
    assert kept.read_bytes() == build_payload().data


async def test_links_that_come_up_at_once(tmp_path: Path, make_link: MakeLink) -> None:
    links = await asyncio.gather(*(make_link() for _ in range(4)))
    for link in links:
        assert (await link.call("ping"))["time"] > 0
    assert [path.suffix for path in (tmp_path / "root" / "payload").iterdir()] == [".pyz"]


async def test_an_abandoned_upload_is_swept(tmp_path: Path, make_link: MakeLink) -> None:
    folder = tmp_path / "root" / "payload"
    folder.mkdir(parents=True)
    old, new = folder / "x.1-a.partial", folder / "x.2-b.partial"
    old.write_bytes(b"old")
    new.write_bytes(b"new")
    os.utime(old, (1, 1))
    await make_link()
    assert not old.exists()
    assert new.exists()


async def test_a_root_that_cannot_be_made(tmp_path: Path, make_link: MakeLink) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RemoteError, match="cannot be written") as caught:
        await make_link(root=str(tmp_path / "file" / "root"))
    assert caught.value.data["code"] == "root_not_writable"
    assert "--root" in caught.value.hint


async def test_a_lease_folder_of_somebody_else(tmp_path: Path, make_link: MakeLink) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RemoteError):
        await make_link(lease_dir=str(tmp_path / "file"))


async def test_a_full_disk_is_said(tmp_path: Path, make_link: MakeLink) -> None:
    need("unshare", "mount")
    if os.getuid() != 0:
        pytest.skip("needs root to mount a small disk")
    small = tmp_path / "small"
    small.mkdir()
    mount = f"mount -t tmpfs -o size=64k tmpfs {small}"
    inside = f'{mount} && exec /bin/sh "$@"'
    shell = script(tmp_path / "shell", f"exec unshare -m /bin/sh -c '{inside}' sh \"$@\"")
    with pytest.raises(RemoteError, match="disk full on the machine") as caught:
        await make_link(LocalHost(shell=shell), root=str(small / "root"))
    assert caught.value.data["code"] == "disk_full"


async def test_the_default_root_is_in_the_home(tmp_path: Path, make_link: MakeLink) -> None:
    link = await make_link(LocalHost({"HOME": str(tmp_path)}), root=None)
    assert link.hello["root"] == str(tmp_path / ".workbench")


async def test_the_hello_tells_what_there_is(tmp_path: Path, make_link: MakeLink) -> None:
    hello: dict[str, Any] = (await make_link()).hello
    assert hello["version"] == 1
    assert {"ping", "exec", "follow", "submit"} <= set(hello["capabilities"])
    assert hello["lease_dir"] == str(tmp_path / "leases")
    assert os.path.isabs(hello["python"])
