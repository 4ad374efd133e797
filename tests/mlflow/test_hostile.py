"""What a broken or hostile caller gets from an MLflow endpoint."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.mlflow.wire import API, ARTIFACTS, RUN, Beside, beside
from tests.record_files import read_run
from workbench.remote.mlflow_api import connection as connections
from workbench.remote.mlflow_api import http
from workbench.remote.mlflow_api.search import fits, like, parse
from workbench.remote.mlflow_api.wire import Refused

__all__ = ["beside"]


def spoken(beside: Beside, data: bytes) -> bytes:
    """Everything that is answered to these bytes."""
    with socket.create_connection(("127.0.0.1", beside.endpoint.port), timeout=30) as connection:
        connection.sendall(data)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", "Basic dTpw", "bearer\u00e9"])
def test_without_the_runs_token_nothing_is_told(beside: Beside, header: str) -> None:
    beside.headers = {"Authorization": header}
    status, answer = beside.ask("GET", "runs/get?run_id=" + RUN)
    assert (status, answer["error_code"]) == (401, "UNAUTHENTICATED")


def test_a_name_that_leads_here_from_elsewhere_is_no_address_of_it(beside: Beside) -> None:
    status, text = beside.raw("GET", API + "runs/get?run_id=" + RUN, None, Host="evil.example:80")
    assert (status, RUN.encode() in text) == (403, False)


def test_it_listens_on_this_machine_only(beside: Beside) -> None:
    told = subprocess.run(["cat", "/proc/net/tcp"], capture_output=True, text=True, check=True).stdout
    assert f"0100007F:{beside.endpoint.port:04X} 00000000:0000 0A" in told


@pytest.mark.parametrize("length", ["1073741824", "-1", "9" * 30, "x"])
def test_a_body_beyond_all_bounds_is_refused_unread(beside: Beside, length: str) -> None:
    head = f"POST {API}runs/log-batch HTTP/1.1\r\nHost: 127.0.0.1:{beside.endpoint.port}\r\nAuthorization: {beside.headers['Authorization']}\r\nContent-Length: {length}\r\n\r\n"
    answer = spoken(beside, head.encode())
    assert answer.split(b" ", 2)[1] in (b"413", b"400")
    assert b"Connection: close" in answer


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1 more\r\n\r\n", b"TRACE / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\r\n",
        b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", b"GET / SPDY/3\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello",
    ],
)  # fmt: skip
def test_what_is_no_request_of_a_client_is_refused_and_the_connection_ends(
    beside: Beside, head: bytes
) -> None:
    answer = spoken(beside, head)
    assert answer.split(b" ", 2)[1] in (b"400", b"401", b"403")
    assert b"Connection: close" in answer
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"\xff\xfe", b'"x"', b'{"run_id": 3}', b'{"run_id": {"a": 1}}', b"[" * 100000, b"{}"],
)
def test_bad_json_is_refused_and_the_connection_lives(beside: Beside, body: bytes) -> None:
    status, text = beside.raw("POST", API + "runs/log-batch", body)
    assert (status, json.loads(text)["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert beside.run()["info"]["run_id"] == RUN


@pytest.mark.parametrize(
    "path",
    [
        "../x", "a/../../x", "%2e%2e/x", "a/%2e%2e/%2e%2e/x", "..%2fx", "a//b", "/etc/passwd", "a%00b", "a%0ab", "a\\b",
        "a%5c..%5cb", ".", "", "x" * 300, "a/" * 150 + "b", "link/x",
    ],
)  # fmt: skip
def test_no_upload_leaves_the_runs_outputs(beside: Beside, path: str) -> None:
    os.symlink(beside.folder, beside.folder / "outputs/link")
    before = sorted(str(one) for one in beside.folder.rglob("*"))
    status, text = beside.raw("PUT", f"{ARTIFACTS}/0/{RUN}/artifacts/{path}", b"x")
    assert (status, json.loads(text)["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    beside.connection.close()
    assert sorted(str(one) for one in beside.folder.rglob("*")) == before


@pytest.mark.parametrize(
    "path", [f"0/{RUN}/artifacts/link", f"0/{RUN}/artifacts/pipe", f"0/{RUN}/artifacts/none", "0/other/artifacts/x",
             f"0/{RUN}/x", "0/models/m-1/artifacts/x", f"0/{RUN}/artifacts/../../spec.json"],
)  # fmt: skip
def test_no_download_reads_what_is_not_the_runs(beside: Beside, path: str) -> None:
    (beside.folder / "spec.json").write_text("secret")
    os.symlink(beside.folder / "spec.json", beside.folder / "outputs/link")
    os.mkfifo(beside.folder / "outputs/pipe")
    status, text = beside.raw("GET", f"{ARTIFACTS}/{path}")
    assert status in (400, 404)
    assert b"secret" not in text


def test_an_upload_that_breaks_off_leaves_nothing(beside: Beside) -> None:
    head = f"PUT {ARTIFACTS}/0/{RUN}/artifacts/cut HTTP/1.1\r\nHost: 127.0.0.1:{beside.endpoint.port}\r\nAuthorization: {beside.headers['Authorization']}\r\nContent-Length: 1000\r\n\r\nabc"
    with socket.create_connection(("127.0.0.1", beside.endpoint.port), timeout=30) as connection:
        connection.sendall(head.encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(10) == b""
    assert list((beside.folder / "outputs").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["", "a\nb", "a\x00b", "\x1b[2J", "../x", "/x", "a//b", "x" * 251, None, 5, "a;b"]
)
def test_names_that_are_none(beside: Beside, name: object) -> None:
    told = {"run_id": RUN, "key": name, "value": 1, "timestamp": 1, "step": 1}
    assert beside.refused("POST", "runs/log-metric", told) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("value", ["x", None, [], {}, True, "1e", 10**400])
def test_values_that_are_none(beside: Beside, value: object) -> None:
    told = {"run_id": RUN, "key": "m", "value": value, "timestamp": 1, "step": 1}
    assert beside.refused("POST", "runs/log-metric", told) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("step", [1.5, "x", 2**80, [], True])
def test_steps_that_are_none(beside: Beside, step: object) -> None:
    told = {"run_id": RUN, "key": "m", "value": 1, "timestamp": 1, "step": step}
    assert beside.refused("POST", "runs/log-metric", told) == (400, "INVALID_PARAMETER_VALUE")


def test_a_batch_that_is_wrong_records_nothing(beside: Beside) -> None:
    good = [{"key": "m", "value": 1.0, "timestamp": 1, "step": n} for n in range(3)]
    many = [{"key": f"m{n}", "value": 1.0, "timestamp": 1, "step": 0} for n in range(12000)]
    for batch in (
        {"metrics": [*good, {"key": "m", "value": "x"}]},
        {"metrics": many},
        {"params": [{"key": f"p{n}", "value": "1"} for n in range(101)]},
        {"metrics": good, "params": [{"key": "p", "value": "1"}, {"key": "\n"}]},
    ):
        assert beside.refused("POST", "runs/log-batch", {"run_id": RUN, **batch}) == (
            400,
            "INVALID_PARAMETER_VALUE",
        )
    assert beside.run()["data"]["metrics"] == []
    assert not (beside.folder / "records").exists()


def test_twelve_thousand_metrics_in_batches(beside: Beside) -> None:
    for first in range(0, 12000, 1000):
        some = [{"key": f"m/{n}", "value": n, "timestamp": n, "step": 0} for n in range(first, first + 1000)]
        beside.done("POST", "runs/log-batch", {"run_id": RUN, "metrics": some})
    assert len(beside.run()["data"]["metrics"]) == 12000
    assert len(read_run(beside.folder)) == 12000


def test_two_processes_that_log_the_same_name(beside: Beside) -> None:
    script = """
import http.client, json, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
for step in range(100):
    body = json.dumps({"run_id": sys.argv[3], "key": "same", "value": int(sys.argv[4]), "timestamp": 5, "step": step})
    connection.request("POST", "/api/2.0/mlflow/runs/log-metric", body, {"Authorization": sys.argv[2]})
    assert connection.getresponse().read() == b"{}"
"""
    argv = [sys.executable, "-c", script, str(beside.endpoint.port), beside.headers["Authorization"], RUN]
    for process in [subprocess.Popen([*argv, str(n)]) for n in range(2)]:
        assert process.wait(60) == 0
    points = [(r["v"], r["s"]) for r in read_run(beside.folder) if r["k"] == "metric"]
    assert sorted(points) == [(float(n), step) for n in range(2) for step in range(100)]


def test_those_who_say_nothing_are_let_go_and_others_get_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "STRANGER", 0.3)
    monkeypatch.setattr(http, "MOST_CONNECTIONS", 4)
    found = Beside(tmp_path)
    try:
        slow = [socket.create_connection(("127.0.0.1", found.endpoint.port), timeout=30) for _ in range(8)]
        for one in slow:
            one.sendall(b"POST ")
        assert found.run()["info"]["run_id"] == RUN
        assert [one.recv(10) for one in slow] == [b""] * 8
        for one in slow:
            one.close()
    finally:
        found.connection.close()
        found.endpoint.finish(0.5)


def test_one_that_sends_byte_by_byte_has_a_deadline_for_all_of_it(
    beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "CALL", 0.3)
    with socket.create_connection(("127.0.0.1", beside.endpoint.port), timeout=30) as connection:
        connection.sendall(f"POST {API}runs/log-batch HTTP/1.1\r\nHost: x\r\n".encode())
        over = threading.Event()

        def drip() -> None:
            while not over.wait(0.05):
                try:
                    connection.sendall(b"X")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            assert connection.recv(100) in (b"", b"HTTP/1.1 408")
        except ConnectionResetError:
            pass
        finally:
            over.set()
            thread.join()


def test_a_full_disk_stops_no_training(beside: Beside) -> None:
    (beside.folder / "records").write_text("no folder can be here")
    beside.done("POST", "runs/log-metric", {"run_id": RUN, "key": "m", "value": 1, "timestamp": 1, "step": 1})
    status, answer = beside.ask("GET", f"metrics/get-history?run_id={RUN}&metric_key=m")
    assert (status, answer) == (200, {"metrics": []})


@pytest.mark.parametrize(
    "text",
    [
        "a = ",
        "= 1",
        "metrics.a",
        "metrics.a = 1 metrics.b = 2",
        "params.a IN ('x'",
        "params.a = x",
        "\x00",
        "'",
        "a = 'x' AND",
    ],
)
def test_filters_that_are_none(text: str) -> None:
    with pytest.raises(Refused):
        parse(text)


def test_filters_over_what_is_absent_and_patterns_made_to_be_slow() -> None:
    def nothing(entity: str, name: str) -> list[object]:
        return []

    assert fits(parse("tags.a IS NULL"), nothing)
    assert not fits(parse("params.a != 'x'"), nothing)
    assert like("%a_c%", "xxabcxx", False)
    assert not like("%a" * 200 + "b", "a" * 5000, False)
