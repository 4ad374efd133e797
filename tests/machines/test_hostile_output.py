"""What runs write reaches pipes exactly as it was written and a terminal without anything that steers it."""

from __future__ import annotations

import hashlib
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.machines.settled import settled
from tests.machines.wb import MAIN, Wb

HOSTILE = r"""
import os, sys, time
from workbench import Run
EVIL = "\x1b]0;owned\x07\x1b[2J\x1b[6n\x1bP+q544e\x1b\\\x1bc\x9b31m\u202e\x00\x08\x7f\r\n\x1b[1;1Htext"
NASTY = EVIL.replace("\x00", "")
os.write(1, b"plain before\n")
os.write(1, EVIL.encode("utf-8") + b"\n")
os.write(1, bytes(range(256)) + b"\n")
os.write(1, b"\x1b")
time.sleep(0.3)
os.write(1, b"]52;c;c3RvbGVu\x07 split\n\x1b[")
time.sleep(0.3)
os.write(1, b"2J split again\n\xe2\x82")
time.sleep(0.3)
os.write(1, b"\xac euro\n\x1b[31mred\x1b[0m\nplain after\n")
run = Run.get_context()
run.log("loss" + NASTY, 0.5)
run.log("said", NASTY)
run.log_params({"lr" + NASTY: NASTY})
run.log_row("table" + NASTY, **{"c" + NASTY: NASTY})
run.tag("t" + NASTY, NASTY)
with open("outputs/" + NASTY.replace("/", "_"), "w") as out:
    out.write("x")
with open("hostile", "w") as out:
    out.write("x")
"""
VALUES = r"""
from workbench import Run
class Scalar:  # as numpy's are
    def __init__(self, value): self.value = value
    def item(self): return self.value
run = Run.get_context()
for value in (1.5, float("nan"), float("inf"), float("-inf"), 2):
    run.log("odd", value)
run.log("text", "warm up")
run.log("scalar", Scalar(0.25))
run.log("nothing", None)
run.log("flag", True)
run.log("list", [1, 2, 3])
run.log_list("several", [3, float("nan"), 1])
run.log_row("confusion", name="cat", share=float("inf"))
run.log("only nan", float("nan"))
"""
SHOWN_CONTROLS = re.compile(rb"\x1b\[[0-9;]*m|[\n\r\t]")
STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def local(wb: Wb, tmp_path: Path) -> Wb:
    """A user of this machine; runs in tmp_path."""
    wb("compute", "set", "local", f"root={settled(tmp_path / 'root')}", f"lease_dir={tmp_path / 'lease'}")
    return wb


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small source tree."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "hostile.py").write_text(HOSTILE)
    (folder / "values.py").write_text(VALUES)
    return folder


def on_a_terminal(wb: Wb, *words: str) -> bytes:
    """Everything a command writes to the terminal it is started on."""
    near, far = pty.openpty()
    environ = {name: value for name, value in wb.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [*MAIN, *words],
        env={**environ, "TERM": "xterm-256color", "LANG": "C.UTF-8", "COLUMNS": "100"},
        cwd=wb.folder,
        stdin=subprocess.DEVNULL,
        stdout=far,
        stderr=far,
    )
    os.close(far)
    seen = bytearray()
    try:
        while block := os.read(near, 65536):
            seen += block
    except OSError:  # the other end was closed
        pass
    finally:
        os.close(near)
        process.wait(60)
    assert process.returncode == 0, bytes(seen)
    return bytes(seen)


def steering(seen: bytes) -> list[str]:
    """The characters in what a terminal was sent that could steer it; colours, ends of lines and tabs may stay."""
    return STEERING.findall(SHOWN_CONTROLS.sub(b"", seen).decode("utf-8", "replace"))


def test_control_sequences_of_a_run_never_reach_the_terminal(local: Wb, project: Path) -> None:
    """In logs, metric names, params, tags, table cells, file names and messages; cut anywhere on the way."""
    words = ["--tag", "by\x1b[2J=\x1b]0;me\x07", "--", "python", "hostile.py", "\x1b[2J"]
    local("submit", "--wait", *words, cwd=project)
    words = ["--setup", "printf '\\033[2J'; false # \x1b[2J", "--", "true"]
    local("submit", "--wait", *words, cwd=project, code=1)
    for command in (
        ["logs", "@2"], ["logs", "@2", "-f"], ["ps"], ["run", "ls"], ["run", "show", "@2"], ["run", "show", "@1"],
        ["run", "metrics", "@2"], ["run", "metrics", "@2", "--plot"], ["run", "files", "@2"],
        ["run", "compare", "@1", "@2"], ["run", "diff", "@1", "@2"], ["activity", "ls"], ["experiment", "ls"], [],
    ):  # fmt: skip
        seen = on_a_terminal(local, *command)
        assert not steering(seen), (command, steering(seen), seen)
        assert b"owned" not in seen, (command, seen)
    log = on_a_terminal(local, "logs", "@2")
    for text in (
        b"plain before",
        b" split",
        b" split again",
        "€ euro".encode(),
        b"plain after",
        b"\x1b[31mred",
    ):
        assert text in log
    assert b"c3RvbGVu" not in log


def test_every_byte_of_a_log_reaches_a_pipe(local: Wb, project: Path) -> None:
    """Binary, control sequences and all."""
    local("submit", "--wait", "--", "python", "hostile.py", cwd=project)
    done = subprocess.run(
        [*MAIN, "logs", "@1"], env=local.environ, capture_output=True, timeout=60, check=True
    )
    assert bytes(range(256)) in done.stdout
    assert done.stdout.startswith(b"plain before\n\x1b]0;owned\x07\x1b[2J")
    assert done.stdout.endswith(b"\xe2\x82\xac euro\n\x1b[31mred\x1b[0m\nplain after\n")


def test_odd_metric_values_are_shown_for_what_they_are(local: Wb, project: Path) -> None:
    """AZ-93, AZ-95: nan, infinities, texts, scalars of numpy's kind, lists."""
    local("submit", "--wait", "--", "python", "values.py", cwd=project)
    series = {one["name"]: one for one in local.json("run", "metrics", "@1")}
    assert (series["odd"]["count"], series["odd"]["last"]) == (5, 2.0)
    assert series["scalar"]["last"] == 0.25
    values = [point["value"] for point in local.json("run", "metrics", "@1", "odd")]
    assert values == [1.5, "nan", "inf", "-inf", 2]
    assert [point["value"] for point in local.json("run", "metrics", "@1", "several")] == [3, "nan", 1]
    assert "warm up" in local("run", "metrics", "@1", "text")
    assert "inf" in local("run", "metrics", "@1", "odd").split()
    shown = on_a_terminal(local, "run", "metrics", "@1").decode()
    for name in ("odd", "text", "scalar", "nothing", "flag", "list", "several", "only nan"):
        assert name in shown, shown
    assert "warm up" in shown
    for words in (["odd"], ["text"], ["list"], ["nothing"], ["--plot"], ["odd", "--plot", "--log-y"]):
        seen = on_a_terminal(local, "run", "metrics", "@1", *words).decode()
        assert "Traceback" not in seen


def test_one_line_without_an_end(local: Wb, tmp_path: Path, full: bool) -> None:
    """trap 11: a progress bar is one line of 100 MB; every byte arrives, and the screen shows what it can."""
    size = (100 if full else 20) * 1_000_000
    code = (
        "import sys, hashlib\nblock = b'\\rstep 12345 of 99999' * 50_000\nleft = int(sys.argv[1])\n"
        "while left > 0:\n    left -= sys.stdout.buffer.write(block[:left])\n"
    )
    (tmp_path / "line").mkdir()
    (tmp_path / "line" / "bar.py").write_text(code)
    run = local("submit", "--wait", "--", "python", "bar.py", str(size), cwd=tmp_path / "line").split()[0]
    local("logs", run, "--to", str(tmp_path / "log"))
    block = b"\rstep 12345 of 99999" * 50_000
    expected = (block * (size // len(block) + 1))[:size]
    assert hashlib.sha256((tmp_path / "log").read_bytes()).digest() == hashlib.sha256(expected).digest()
    assert not steering(on_a_terminal(local, "logs", run, "-n", "1"))
    assert local.show(run)["status"] == "Completed"
