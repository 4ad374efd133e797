"""One process owns a home and its stores, however many runtime folders its user's sessions have."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines.wb import Wb
from workbench.home import RUNTIME, Home
from workbench.store.sqlite.ownership import LOCK, find_server, owner_of
from workbench.workspace.async_client import AsyncClient

EMBEDDED = (
    "import sys\n"
    "from workbench.workspace import Workspace\n"
    "with Workspace.open('default', embedded=True) as workspace:\n"
    "    workspace.call('runs', 'list')\n"
    "    print('open', flush=True)\n"
    "    sys.stdin.read()\n"
)


@pytest.fixture
def other() -> Iterator[dict[str, str]]:
    """The environment of another session of the same user: cron, su."""
    folder = Path(f"/tmp/wbr-{os.getpid()}-{time.monotonic_ns()}")
    folder.mkdir(mode=0o700)
    yield {RUNTIME: str(folder)}
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@pytest.fixture
def embedded(wb: Wb) -> Iterator[subprocess.Popen[str]]:
    """A process with the services inside it, which ends with its standard input."""
    with subprocess.Popen(
        [sys.executable, "-c", EMBEDDED],
        env=wb.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


def started(wb: Wb) -> int:
    """How many servers began to serve this home."""
    return (wb.folder / "server.log").read_text().count(" as process ")


def info(wb: Wb, **environ: str) -> dict:
    """What the server says of itself, asked from a session."""
    return json.loads(wb("server", "status", "--format", "json", **environ))


def test_another_runtime_folder_finds_the_running_server(wb: Wb, other: dict[str, str]) -> None:
    wb("compute", "ls")
    first = info(wb)
    assert json.loads(wb("run", "ls", "--format", "json", **other)) == []
    assert info(wb, **other) == first
    assert started(wb) == 1
    wb("server", "stop", **other)
    assert find_server(Home(wb.folder, wb.folder)) is None


def test_both_sessions_at_once_start_one_server(wb: Wb, other: dict[str, str]) -> None:
    clients = [wb.start("run", "ls", **(other if number % 2 else {})) for number in range(6)]
    for client in clients:
        _, said = client.communicate(timeout=120)
        assert client.returncode == 0, said
    assert started(wb) == 1


def test_a_killed_server_is_replaced_from_the_other_session(wb: Wb, other: dict[str, str]) -> None:
    """Its lock died with it, its address is not believed; then the first session finds the second's."""
    wb("compute", "ls")
    first = wb.server_pid()
    wb.kill_server(signal.SIGKILL)
    assert owner_of(Home(wb.folder, wb.folder)).pid == first, "the dead server's words stay behind"
    wb("compute", "ls", **other)
    assert wb.server_pid() != first
    assert info(wb) == info(wb, **other)
    assert info(wb)["socket"].startswith(other[RUNTIME])
    assert started(wb) == 2


def test_a_newer_client_of_the_other_session_takes_over(wb: Wb, other: dict[str, str]) -> None:
    old = (
        "import sys, workbench.version; workbench.version.__version__ = '0.0.1'\n"
        "from workbench.server.main import main; sys.exit(main())"
    )
    server = subprocess.Popen([sys.executable, "-c", old], env=wb.environ, cwd="/")
    wb.started.append(server)
    wb.until((wb.folder / "server.sock").exists, "the old server")
    wb("compute", "ls", **other)
    assert server.wait(60) == 0
    assert info(wb)["pid"] == wb.server_pid() != server.pid


def test_services_in_a_process_use_the_server_that_runs(wb: Wb, other: dict[str, str]) -> None:
    wb("compute", "set", "local", "slots=3")
    for environ in ({}, other):
        seen = json.loads(
            wb("compute", "show", "local", "--format", "json", WORKBENCH_EMBEDDED="1", **environ)
        )
        assert "3" in json.dumps(seen)
    assert started(wb) == 1


async def test_the_asyncio_client_uses_the_server_that_runs(wb: Wb, other: dict[str, str]) -> None:
    wb("compute", "ls")
    for embedded in (False, True):
        home = Home(wb.folder, Path(other[RUNTIME]))
        async with AsyncClient.open("default", embedded=embedded, home=home) as client:
            assert (await client.call("server", "info"))["pid"] == wb.server_pid()
    assert started(wb) == 1


def test_a_process_with_the_services_inside_is_named(
    wb: Wb, embedded: subprocess.Popen[str], other: dict[str, str]
) -> None:
    for environ in ({}, {"WORKBENCH_EMBEDDED": "1"}, other):
        done = wb.run("compute", "ls", **environ)
        assert done.returncode == 1, done.stdout
        assert f"process {embedded.pid}" in done.stderr
        assert "WORKBENCH_EMBEDDED" in done.stderr


def test_a_short_use_of_the_services_inside_is_waited_for(wb: Wb, embedded: subprocess.Popen[str]) -> None:
    client = wb.start("run", "ls", "--format", "json")
    wb.until((wb.folder / "server.err").exists, "the client to start a server")
    assert embedded.stdin is not None
    embedded.stdin.close()
    out, said = client.communicate(timeout=60)
    assert client.returncode == 0, said
    assert json.loads(out) == []


def test_killing_the_process_with_the_services_inside_frees_the_home(
    wb: Wb, embedded: subprocess.Popen[str]
) -> None:
    embedded.kill()
    embedded.wait()
    wb("compute", "ls")
    assert info(wb)["pid"] == wb.server_pid()


def test_a_server_whose_lock_is_gone_ends(wb: Wb) -> None:
    """Another one could start beside it."""
    wb("compute", "ls")
    pid = wb.server_pid()
    (wb.folder / LOCK).unlink()
    wb.until(lambda: wb.server_pid() is None, "the server to end")
    wb("compute", "ls")
    assert wb.server_pid() not in (None, pid)


def test_a_server_that_starts_late_does_not_bring_a_removed_home_back(wb: Wb, tmp_path: Path) -> None:
    environ = {**wb.environ, "WORKBENCH_HOME": str(tmp_path / "gone"), RUNTIME: str(tmp_path / "runtime")}
    words = [sys.executable, "-m", "workbench.server"]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "is gone" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_words_that_are_no_owners_are_not_believed(wb: Wb) -> None:
    for words in (
        b"",
        b"{",
        b"[]",
        b'{"pid":1}',
        b'{"pid":1,"socket":"/nowhere"}',
        b'{"pid":1,"socket":"\\u0000"}',
    ):
        (wb.folder / LOCK).write_bytes(words)
        assert find_server(Home(wb.folder, wb.folder)) is None
    wb("compute", "ls")
    assert info(wb)["pid"] == wb.server_pid()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_server_of_somebody_else_is_spoken_to_by_nobody(wb: Wb, other: dict[str, str]) -> None:
    """Its socket lies where ours would, or where the lock says: no secret goes there."""
    script = (
        "import os, socket, sys\n"
        "listeners = [socket.socket(socket.AF_UNIX) for _ in sys.argv[1:]]\n"
        "for listener, path in zip(listeners, sys.argv[1:]):\n"
        "    listener.bind(path); os.chmod(path, 0o777)\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "for listener in listeners: listener.listen(5)\n"
        "print('listening', flush=True)\n"
        "while True:\n"
        "    connection = listeners[0].accept()[0]\n"
        "    print(connection.recv(65536), flush=True)\n"
    )
    trap = Path(other[RUNTIME]) / "trap"
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", script, str(trap)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "listening\n"
    (wb.folder / LOCK).write_text(json.dumps({"pid": process.pid, "socket": str(trap)}))
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(trap))
        assert process.stdout.readline() == "b''\n", "it hears who speaks to it"
        assert find_server(Home(wb.folder, wb.folder)) is None
        wb("compute", "ls")
        assert started(wb) == 1
    finally:
        process.kill()
        heard, _ = process.communicate()
    assert set(heard.split()) <= {"b''"}, "something was said to a stranger"


def test_a_home_on_the_network_is_locked_on_this_hosts_disk(
    wb: Wb, other: dict[str, str], tmp_path: Path
) -> None:
    """flock is not to be trusted there; a site hook tells every process that the home is on NFS."""
    mounts, local = tmp_path / "mountinfo", tmp_path / "local"
    local.mkdir()
    mounts.write_text(f"1 0 0:1 / / rw - ext4 /dev/vda rw\n2 1 0:2 / {wb.folder} rw - nfs4 box:/x rw\n")
    (tmp_path / "sitecustomize.py").write_text(
        "import pathlib, workbench.store.sqlite.location as location\n"
        f"location.MOUNTINFO, location.LOCAL = pathlib.Path({str(mounts)!r}), pathlib.Path({str(local)!r})\n"
    )
    wb.environ["PYTHONPATH"] = str(tmp_path)
    clients = [wb.start("run", "ls", **(other if number % 2 else {})) for number in range(4)]
    for client in clients:
        _, said = client.communicate(timeout=120)
        assert client.returncode == 0, said
    assert started(wb) == 1
    assert info(wb, **other)["pid"] == wb.server_pid()
    assert not (wb.folder / LOCK).exists()
    assert len(list(local.rglob(LOCK))) == 1
    gone = wb.folder.with_name(wb.folder.name + "-gone")
    wb.folder.rename(gone)
    try:
        pid = json.loads(next(local.rglob(LOCK)).read_bytes())["pid"]
        wb.until(lambda: not Path(f"/proc/{pid}").exists(), "the server whose home is gone to end")
    finally:
        gone.rename(wb.folder)
