"""The local server as a process: started on demand, one a home, handed over, ended when idle."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import workbench
from tests.machines.settled import settled
from tests.machines.wb import MAIN, Wb
from workbench.version import __version__


def info(wb: Wb) -> dict:
    return json.loads(wb("server", "status", "--format", "json"))


def test_many_clients_at_once_start_one_server(wb: Wb):
    clients = [wb.start("run", "ls", "--format", "json") for _ in range(6)]
    for client in clients:
        out, said = client.communicate(timeout=60)
        assert client.returncode == 0, said
        assert json.loads(out) == []
    text = (wb.folder / "server.log").read_text()
    assert text.count(" as process ") == 1
    assert info(wb)["pid"] == wb.server_pid()


def test_a_killed_server_is_replaced_by_the_next_command(wb: Wb):
    first = info_after_start(wb)
    wb.kill_server(signal.SIGKILL)
    assert wb.folder.joinpath("server.sock").exists(), "the killed server's socket stays behind"
    assert info_after_start(wb)["pid"] != first["pid"]


def info_after_start(wb: Wb) -> dict:
    wb("compute", "ls")
    return info(wb)


def test_a_server_can_be_asked_and_ended_though_the_workspace_does_not_open(wb: Wb):
    """A client of before has started it, say: nobody else is there to make room for a newer one."""
    damaged = wb.folder / "workspaces" / "default"
    damaged.mkdir(parents=True)
    (damaged / "workbench.db").write_bytes(b"this was a database" * 100)
    wb("compute", "ls", code=1)
    assert info(wb)["pid"] == wb.server_pid()
    wb("server", "stop")
    wb.until(lambda: not wb.folder.joinpath("server.sock").exists(), "the server to end")


def test_a_newer_client_makes_the_server_hand_over(wb: Wb):
    first = info_after_start(wb)
    newer = "import sys, workbench.version; workbench.version.__version__ = '99.0'\n" + MAIN[2]
    words = [sys.executable, "-c", newer, "compute", "ls", "--format", "json"]
    done = subprocess.run(words, env=wb.environ, capture_output=True, text=True, timeout=60, check=False)
    # The new server is this checkout's, so it is older than that client, too, and says so instead of looping.
    assert done.returncode in (0, 1), done.stderr
    wb.until(lambda: not Path(f"/proc/{first['pid']}").exists(), "the older server to end")
    assert info_after_start(wb)["version"] == __version__


def test_a_server_whose_code_was_changed_makes_room_though_its_version_is_the_same(make_wb, tmp_path: Path):
    """An editor's, or a reinstalled one's: else a command would be answered by what is no longer there."""
    package = Path(workbench.__file__).parent
    copied = tmp_path / "code" / "workbench"
    shutil.copytree(package, copied, ignore=shutil.ignore_patterns("__pycache__"))
    wb: Wb = make_wb(PYTHONPATH=str(tmp_path / "code"))
    first = info_after_start(wb)
    page = copied / "tui" / "leaving.py"
    page.write_text(page.read_text() + "\n# changed\n")
    assert info_after_start(wb)["pid"] == first["pid"], "a screen's code is none that a server runs"
    told = copied / "services" / "hub.py"
    told.write_text(told.read_text().replace('"version": __version__', '"version": "changed"'))
    assert info(wb)["pid"] == first["pid"], "who asks how it is ends nothing, and is told"
    assert str(told) in info(wb)["notices"][0]
    again = info_after_start(wb)
    assert (again["version"], again["pid"] != first["pid"]) == ("changed", True)
    wb.until(lambda: not Path(f"/proc/{first['pid']}").exists(), "the first server to end")
    assert info_after_start(wb)["pid"] == again["pid"]
    assert again["notices"] == []
    other = json.loads(wb("server", "status", "--format", "json", PYTHONPATH=""))
    assert (other["pid"], other["code"]) == (again["pid"], str(copied))
    assert str(package) in other["notices"][0], "a command of another installation says so, and ends nothing"
    assert str(told) in (wb.folder / "server.log").read_text()


def asked_by_an_old_client(wb: Wb, operation: str) -> int:
    """The status of the answer to a client that has been there since before the server's code was changed."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(wb.folder / "server.sock"))
        ask = f"POST /v1/default/{operation} HTTP/1.0\r\nContent-Length: 2\r\n\r\n{{}}"
        connection.sendall(ask.encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_a_server_whose_code_was_changed_loads_nothing_of_the_new_code(make_wb, tmp_path: Path):
    """Half of an old server and half of a new one would be neither."""
    copied = tmp_path / "code" / "workbench"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(workbench.__file__).parent, copied, ignore=ignored)
    wb: Wb = make_wb(PYTHONPATH=str(tmp_path / "code"))
    wb("ps")
    assert asked_by_an_old_client(wb, "views/list") == 200
    page = copied / "services" / "experiments.py"
    page.write_text(page.read_text() + "\n# changed\n")
    assert asked_by_an_old_client(wb, "runs/list") == 200, "what is loaded is all of the old code"
    assert asked_by_an_old_client(wb, "experiments/list") == 426
    assert "handing over" in (wb.folder / "server.log").read_text()


@contextlib.contextmanager
def serving(wb: Wb, code: str, *words: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server of this home whose code does something more; listening."""
    server = subprocess.Popen([sys.executable, "-c", code, *words], env=wb.environ)
    try:
        wb.until((wb.folder / "server.sock").exists, "the server to listen")
        yield server
    finally:
        server.kill()
        server.wait()


CREATE_A = b'POST /v1/default/experiments/create HTTP/1.0\r\nContent-Length: 13\r\n\r\n{"name": "a"}'


def test_who_connected_before_a_server_ends_is_told_to_ask_the_next_one(wb: Wb):
    """A change is not asked again where nobody knows whether it was made: so it has to be known."""
    code = (
        "import workbench.server.main as server; server.LAST_CALLERS = 600; raise SystemExit(server.main())"
    )
    place = wb.folder / "server.sock"
    with serving(wb, code) as ending:
        with socket.socket(socket.AF_UNIX) as late, socket.socket(socket.AF_UNIX) as waiting:
            wb.until(lambda: late.connect_ex(str(place)) in (0, errno.EISCONN), "the connection")
            waiting.connect(str(place))
            ending.send_signal(signal.SIGTERM)
            wb.until(lambda: not place.exists(), "its end")
            for connection in (late, waiting):
                connection.sendall(CREATE_A)
                assert connection.makefile("rb").readline().split()[1] == b"426"
    assert "a" not in {found["name"] for found in json.loads(wb("experiment", "ls", "-o", "json"))}


LOOKING = """
import asyncio, pathlib, sys
import workbench.server.main as server

async def until_the_end(self, began):
    asked, place = map(pathlib.Path, sys.argv[1:])
    asked.touch()
    while place.exists():
        await asyncio.sleep(0.01)
    return False

server.OwnCode.outdated_for = until_the_end
sys.exit(server.main())
"""


def test_a_server_that_ends_while_it_looks_at_its_code_does_nothing_of_what_was_asked(wb: Wb, tmp_path: Path):
    """A run it took then would be followed by nobody."""
    asked, place = tmp_path / "asked", wb.folder / "server.sock"
    with serving(wb, LOOKING, asked, place) as ending:
        with socket.socket(socket.AF_UNIX) as connection:
            wb.until(lambda: connection.connect_ex(str(place)) in (0, errno.EISCONN), "the connection")
            connection.sendall(CREATE_A)
            wb.until(asked.exists, "the look")
            ending.send_signal(signal.SIGTERM)
            assert connection.makefile("rb").readline().split()[1] == b"426"
        assert ending.wait(60) == 0
    assert "a" not in {found["name"] for found in json.loads(wb("experiment", "ls", "-o", "json"))}


def test_an_idle_server_ends_itself_and_one_with_a_run_does_not(make_wb, tmp_path: Path):
    wb: Wb = make_wb(WORKBENCH_SERVER__IDLE="1")
    wb("compute", "set", "local", f"root={settled(tmp_path / 'root')}", f"lease_dir={tmp_path / 'lease'}")
    run = wb("submit", "--no-code", "--", "sleep", "600").split()[0]
    pid = wb.server_pid()
    time.sleep(3)
    said = (wb.folder / "server.log").read_text()
    assert wb.server_pid() == pid, f"it ended although a run is active:\n{said}"
    wb("cancel", run)
    wb.until(lambda: wb.server_pid() is None, "the idle server to end")
    assert not wb.folder.joinpath("server.sock").exists()
    assert wb.wait(run)["status"] == "Canceled"


def test_a_server_that_nobody_can_reach_ends(wb: Wb, tmp_path: Path):
    """Its home was removed, say; it would follow its runs for ever and keep the home from the next server."""
    wb("compute", "set", "local", f"root={settled(tmp_path / 'root')}", f"lease_dir={tmp_path / 'lease'}")
    run = wb("submit", "--no-code", "--", "sleep", "600").split()[0]
    pid = wb.server_pid()
    (wb.folder / "server.sock").unlink()
    wb.until(lambda: not Path(f"/proc/{pid}").exists(), "the server to end")
    wb("cancel", run)
    assert wb.wait(run)["status"] == "Canceled"


def test_its_files_are_closed_to_others(wb: Wb):
    info_after_start(wb)
    assert wb.folder.joinpath("server.sock").stat().st_mode & 0o777 == 0o600
    assert wb.folder.stat().st_mode & 0o777 == 0o700


def test_a_peer_that_is_somebody_else_is_refused(wb: Wb):
    """Even where the socket's mode would let them in."""
    if os.getuid() != 0:
        return  # only root can become somebody else
    info_after_start(wb)
    path = wb.folder / "server.sock"
    path.chmod(0o777)
    wb.folder.chmod(0o711)
    script = (
        "import os, socket\n"
        "os.setgid(65534); os.setuid(65534)\n"
        f"s = socket.socket(socket.AF_UNIX); s.connect({str(path)!r})\n"
        "s.sendall(b'POST /v1/default/runs/list HTTP/1.0\\r\\nContent-Length: 2\\r\\n\\r\\n{}')\n"
        "print(s.recv(65536).decode())\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert "403" in done.stdout, done.stderr
    assert "another user" in done.stdout


def test_nothing_listens_on_any_port(wb: Wb):
    """Law 6"""
    info_after_start(wb)
    inodes = set()
    for name in os.listdir(f"/proc/{wb.server_pid()}/fd"):
        target = os.readlink(f"/proc/{wb.server_pid()}/fd/{name}")
        inodes.add(target.removeprefix("socket:[").rstrip("]"))
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            assert line.split()[9] not in inodes


def test_services_in_this_process_say_the_same(wb: Wb, tmp_path: Path):
    """WORKBENCH_EMBEDDED=1"""
    place = [f"root={settled(tmp_path / 'root')}", f"lease_dir={tmp_path / 'lease'}"]
    wb("compute", "set", "local", *place, WORKBENCH_EMBEDDED="1")
    done = wb.run("submit", "--no-code", "--follow", "--", "echo", "hello", WORKBENCH_EMBEDDED="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:] == ["hello"]
    assert wb.server_pid() is None
    assert wb.show("@1")["status"] == "Completed"


def test_a_home_too_deep_for_a_socket_works(make_wb, tmp_path: Path):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    wb: Wb = make_wb(XDG_RUNTIME_DIR=str(make_wb().folder))
    wb.environ["WORKBENCH_HOME"] = str(deep)
    wb("compute", "ls")
    assert any(name.suffix == ".sock" for name in Path(wb.environ["XDG_RUNTIME_DIR"]).rglob("*"))
    wb("server", "stop")


def test_what_answers_on_the_socket_must_be_ours(wb: Wb):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(wb.folder / "server.sock"))
        listener.listen(1)
        client = wb.start("run", "ls")
        connection, _ = listener.accept()
        while b"\r\n\r\n" not in connection.recv(65536):
            pass
        connection.sendall(b"220 smtp\r\n\r\n")
        connection.close()
        _, said = client.communicate(timeout=60)
    assert client.returncode == 1
    assert b"no workbench server" in said
