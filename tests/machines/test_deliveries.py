"""Subscriptions over real runs and a real server that is killed."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.settled import settled
from tests.machines.wb import Wb


class Holding(http.server.ThreadingHTTPServer):
    """Keeps what comes; the first answers wait until `go`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.came: list[dict[str, Any]] = []
        self.go = threading.Event()

    def sequences(self, kind: str) -> list[int]:
        """Of the events of a kind, as they came."""
        return [event["sequence"] for event in self.came if event["kind"] == kind]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Holding

    def do_POST(self) -> None:
        self.server.came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.go.wait(120)
        try:
            self.send_response(204)
            self.end_headers()
        except OSError:
            pass  # whoever asked was killed

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def holding() -> Iterator[Holding]:
    server = Holding()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.go.set()
    server.shutdown()
    thread.join()
    server.server_close()


def local(wb: Wb, tmp_path: Path) -> None:
    wb("compute", "set", "local", f"root={settled(tmp_path / 'root')}", f"lease_dir={tmp_path / 'lease'}")


def subscribe(wb: Wb, holding: Holding, name: str, *words: str) -> None:
    url = f"http://127.0.0.1:{holding.server_address[1]}/"
    wb("activity", "subscribe", name, *words, "--webhook", url, "--allow", "127.0.0.1", "--plain-http")


def test_a_server_killed_in_the_middle_delivers_again(wb: Wb, holding: Holding, tmp_path: Path):
    """AZ-19: repeated, and to be told by its sequence."""
    local(wb, tmp_path)
    subscribe(wb, holding, "ends", "--on", "RunCompleted")
    run = wb("submit", "--no-code", "--wait", "--", "true").split()[0]
    wb.until(lambda: holding.came, "the first delivery")
    wb.kill_server()
    holding.go.set()
    wb("compute", "ls")  # another server
    wb.until(lambda: len(holding.came) == 2, "it to be delivered again")
    wb.until(lambda: wb.json("activity", "subscriptions")[0]["delivered"] == 1, "it to be written down")
    first, second = holding.came
    assert first["sequence"] == second["sequence"], "whoever hears it twice can tell"
    assert run in first["subject"]
    wb("submit", "--no-code", "--wait", "--", "true")
    wb.until(lambda: len(holding.came) == 3, "the next")
    assert holding.came[2]["sequence"] > first["sequence"]


def test_every_end_of_a_run_is_told(wb: Wb, holding: Holding, tmp_path: Path):
    """AZ-20: failed and cancelled as well as completed, each once."""
    local(wb, tmp_path)
    holding.go.set()
    subscribe(wb, holding, "ends", "--on", "RunCompleted")
    subscribe(wb, holding, "changes", "--on", "RunStatusChanged", "--data", "state=Failed")
    wb("submit", "--no-code", "--wait", "--", "true", code=None)
    wb("submit", "--no-code", "--wait", "--", "exit 3", code=None)
    wb("submit", "--no-code", "--wait", "--", "/no/such/program", "x", code=None)
    wb("submit", "--no-code", "--wait", "--timeout", "1s", "--", "sleep 600", code=None)
    run = wb("submit", "--no-code", "--", "sleep 600").split()[0]
    wb("cancel", run)
    wb.wait(run)
    wb.until(lambda: len(holding.sequences("RunCompleted")) == 5, "five ends")
    ends = [event["data"]["state"] for event in holding.came if event["kind"] == "RunCompleted"]
    assert sorted(ends) == ["Canceled", "Completed", "Failed", "Failed", "Failed"]
    wb.until(lambda: len(holding.sequences("RunStatusChanged")) == 3, "three failures")
    codes = [event["data"].get("exit_code") for event in holding.came if event["kind"] == "RunStatusChanged"]
    assert 3 in codes


def test_a_command_on_this_side(wb: Wb, tmp_path: Path):
    """AZ-21 in part."""
    local(wb, tmp_path)
    out = tmp_path / "out"
    wb("activity", "subscribe", "ends", "--on", "RunCompleted", "--", f"cat >> {out}")
    wb("activity", "test", "ends")
    run = wb("submit", "--no-code", "--wait", "--", "true").split()[0]
    lines = wb.until(lambda: len(found := out.read_text().splitlines()) == 2 and found, "both events")
    assert [json.loads(line)["kind"] for line in lines] == ["Test", "RunCompleted"]
    assert run in lines[1]
    wb("activity", "unsubscribe", "ends")
    assert wb.json("activity", "subscriptions") == []


def test_a_server_with_something_to_tell_does_not_end(make_wb: Any, holding: Holding, tmp_path: Path):
    wb: Wb = make_wb(WORKBENCH_SERVER__IDLE="1")
    local(wb, tmp_path)
    subscribe(wb, holding, "ends", "--on", "RunCompleted")
    wb("submit", "--no-code", "--wait", "--", "true")
    wb.until(lambda: holding.came, "the delivery")
    assert wb.server_pid() is not None
    pid = wb.server_pid()
    threading.Event().wait(3)
    assert wb.server_pid() == pid, "it ended in the middle of a delivery"
    holding.go.set()
    wb.until(lambda: wb.server_pid() is None, "the idle server to end")
