"""A terminal and a forwarded port over the link, with OpenSSH's own beside them on the same server."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tests.bench.place import NO_SSH, TRANSPORTS, Place, connected, has_ssh, place
from tests.bench.report import Row, alternate, full
from tests.machines.rig import free_port
from workbench.workspace import Workspace

WB = [sys.executable, "-c", "import sys; from workbench.cli.main import main; sys.exit(main())"]
KEYS = 300
ROUNDS = 3
OPENINGS = 7


def run() -> list[Row]:
    """Rows of opening, of the delay of a key, and of throughput, by both transports."""
    if not has_ssh():
        return [Row("a terminal", None, "ms", "", NO_SSH)]
    with place() as where, connected(where) as workspace:
        for transport in TRANSPORTS:
            where.attach(workspace, transport)
            workspace.call("compute", "facts", name=transport)
        return [*_openings(where), *_keys(where), *_pouring(where), *_forwarded(where, workspace)]


@contextmanager
def terminal(words: Sequence[str], environ: dict[str, str]) -> Iterator[int]:
    """A program on a terminal of ours; the side that drives it."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    process = subprocess.Popen(
        words, stdin=slave, stdout=slave, stderr=subprocess.DEVNULL, env=environ, start_new_session=True
    )
    os.close(slave)
    try:
        yield master
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        os.close(master)


def _ways(where: Place) -> dict[str, list[str]]:
    ours = {name: [*WB, "ssh", name, "--"] for name in TRANSPORTS}
    return {**ours, "ssh": where.ssh("-tt")}


def _wait_for(master: int, text: bytes) -> None:
    seen = b""
    while text not in seen:
        if not select.select([master], [], [], 60)[0]:
            raise AssertionError(f"{text!r} did not come: {seen[-500:]!r}")
        seen = (seen + os.read(master, 1 << 16))[-4096:]


def _openings(where: Place) -> list[Row]:
    def opening(words: list[str]) -> Callable[[], float]:
        def measure() -> float:
            began = time.perf_counter()
            with terminal([*words, "printf READY; sleep 60"], where.environ) as master:
                _wait_for(master, b"READY")
                return (time.perf_counter() - began) * 1000

        return measure

    ways = _ways(where)
    found = dict(zip(ways, alternate([opening(words) for words in ways.values()], OPENINGS), strict=True))
    return _rows("a terminal on a machine, from the command to its first output", "ms", "<= 1 x", found)


def _keys(where: Place) -> list[Row]:
    found = {}
    worst = {}
    for name, words in _ways(where).items():
        with terminal([*words, "stty raw -echo; printf READY; exec cat"], where.environ) as master:
            _wait_for(master, b"READY")
            taken = []
            for number in range(KEYS):
                key = b"%c" % (97 + number % 26)
                began = time.perf_counter()
                os.write(master, key)
                _wait_for(master, key)
                taken.append((time.perf_counter() - began) * 1000)
                time.sleep(0.002)
        found[name] = statistics.median(taken)
        worst[name] = statistics.quantiles(taken, n=100)[98]
    rows = _rows("a key in a terminal, there and back through cat, p50", "ms", "<= 10 ms", found)
    return rows + _rows("a key in a terminal, p99", "ms", "", worst)


def _pouring(where: Place) -> list[Row]:
    size = (200 if full() else 30) << 20

    def pouring(words: list[str]) -> Callable[[], float]:
        def measure() -> float:
            line = f"stty raw -echo; printf READY; head -c {size} /dev/zero | tr '\\0' x; sleep 60"
            with terminal([*words, line], where.environ) as master:
                _wait_for(master, b"READY")
                began, taken = time.perf_counter(), 0
                while taken < size - 65536:
                    taken += len(os.read(master, 1 << 16))
                return taken / 1e6 / (time.perf_counter() - began)

        return measure

    ways = _ways(where)
    found = dict(zip(ways, alternate([pouring(words) for words in ways.values()], ROUNDS), strict=True))
    return _rows("what a program pours onto a terminal", "MB/s", ">= 0.3 x", found)


def _forwarded(where: Place, workspace: Workspace) -> list[Row]:
    size = (500 if full() else 100) << 20
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_serve, args=(listener, size), daemon=True).start()
    port = listener.getsockname()[1]
    local = free_port()
    peer = subprocess.Popen([*where.ssh(), "-N", "-L", f"{local}:127.0.0.1:{port}"], env=where.environ)
    try:
        ports = {
            name: workspace.call("forwards", "add", target=name, port=port)["local"] for name in TRANSPORTS
        } | {"ssh -L": local}
        _until_open(local)

        def fetching(which: int) -> Callable[[], float]:
            return lambda: _fetch(which, size)

        found = dict(zip(ports, alternate([fetching(one) for one in ports.values()], ROUNDS), strict=True))
        return _rows(f"a forwarded port, {size >> 20} MB down", "MB/s", ">= 0.3 x", found)
    finally:
        peer.terminate()
        peer.wait(30)
        listener.close()


def _serve(listener: socket.socket, size: int) -> None:
    block = b"x" * (1 << 16)
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            for _ in range(size // len(block)):
                try:
                    connection.sendall(block)
                except OSError:
                    break


def _fetch(port: int, size: int) -> float:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        began, taken = time.perf_counter(), 0
        while block := connection.recv(1 << 18):
            taken += len(block)
        assert taken == size, taken
        return taken / 1e6 / (time.perf_counter() - began)


def _until_open(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)


def _rows(what: str, unit: str, budget: str, found: dict[str, float]) -> list[Row]:
    peer = next(name for name in found if name.startswith("ssh"))
    reference = f"{peer}: {found[peer]:.3g} {unit}"
    return [
        Row(f"{what}, {name}", found[name], unit, budget, reference, found[name] / found[peer])
        for name in TRANSPORTS
    ]
