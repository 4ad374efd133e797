"""Which Pythons a run used and what was installed in them (AZ-90): known afterwards, and never in its way."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, untagged, until
from tests.machines.inside import interpreters, python2
from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from tests.record_files import read_run
from workbench.remote.environments import environment_records
from workbench.remote.environments import interpreters as asking
from workbench.remote.environments.interpreters import Installed, Note
from workbench.remote.processes import process_trees

__all__ = ["ground", "untagged"]

# Goes on until it is recorded what is installed, which is written while a run goes on.
PATIENT = """
import glob, os, time
until = time.time() + 60
while time.time() < until:
    if any("distributions" in open(name).read() for name in glob.glob(os.environ["WORKBENCH_RUN_DIR"] + "/records/*")):
        break
    time.sleep(0.02)
"""


def recorded(ground: Ground, run: str) -> list[dict[str, Any]]:
    """The environment records of a run without their times, each once, by the order of the interpreters."""
    found: list[dict[str, Any]] = []
    for record in read_run(ground.path(run, ".")):
        plain = {key: value for key, value in record.items() if key not in ("k", "t")}
        if record["k"] == "environment" and plain not in found:
            found.append(plain)
    return sorted(found, key=lambda record: record["s"])


def venv(place: Path, **packages: str) -> str:
    """An environment of its own with packages of these versions; its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    for name, version in packages.items():
        add(place, name, version)
    return str(place / "bin" / "python")


def site_packages(place: Path) -> Path:
    (found,) = place.glob("lib/python3*/site-packages")
    return found


def command(pid: int) -> bytes:
    """A process' command line; empty when it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def add(place: Path, name: str, version: str) -> None:
    """Install a package that is a name and a version."""
    info = site_packages(place) / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n"
    )


@pytest.mark.parametrize("python", [*interpreters(), *filter(None, [python2()])])
def test_every_python_is_known_with_what_is_installed(ground: Ground, python: str) -> None:
    """AZ-90 in part, AZ-32 in part: path, version, platform, distributions; whatever the interpreter's age."""
    ground_truth = subprocess.check_output(
        [python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"]
    )
    run = ground.submit(["python", "-c", PATIENT], python=python)
    assert ground.wait(run)["transitions"][-1]["state"] == "Completed"
    (record,) = recorded(ground, run)
    assert os.path.realpath(record["python"]) == os.path.realpath(python)
    assert record["version"] == ground_truth.decode().strip()
    assert record["platform"] == f"linux-{os.uname().machine}"
    assert all(name and version for name, version in record["distributions"].items())
    assert record["more"] == 0
    if "pip" in os.listdir(Path(subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).decode().strip())
    ):  # fmt: skip
        assert "pip" in record["distributions"]


def test_the_interpreter_that_a_shell_line_activates_is_the_one(ground: Ground, tmp_path: Path) -> None:
    """AZ-90 in part: what ran, not what was meant to; several Pythons one after the other."""
    venv(tmp_path / "one", demo_package="1.2")
    venv(tmp_path / "two", demo_package="2.0")
    (tmp_path / "wait.py").write_text(PATIENT)
    line = f". {tmp_path}/one/bin/activate; python {tmp_path}/wait.py; {tmp_path}/two/bin/python -c pass"
    run = ground.submit(line)
    assert ground.wait(run)["transitions"][-1]["state"] == "Completed"
    found = {record["python"]: record for record in recorded(ground, run)}
    assert list(found) == [str(tmp_path / "one/bin/python"), str(tmp_path / "two/bin/python")]
    assert found[str(tmp_path / "one/bin/python")]["distributions"] == {"demo-package": "1.2"}


def test_a_run_too_short_to_ask_is_told_what_is_remembered(ground: Ground, tmp_path: Path) -> None:
    """AZ-90 in part: never waited for; once asked, an interpreter need not be asked again."""
    python = venv(tmp_path / "env", demo="1.0")
    short = ground.submit([python, "-c", "pass"])
    ground.wait(short)
    (first,) = [record for record in recorded(ground, short) if record["python"] == python][:1]
    assert first["version"]
    ground.wait(ground.submit([python, "-c", PATIENT]))
    again = ground.submit([python, "-c", "pass"])
    ground.wait(again)
    assert recorded(ground, again)[-1]["distributions"] == {"demo": "1.0"}


def test_a_command_without_python_has_none(ground: Ground) -> None:
    run = ground.submit("echo no python here")
    assert ground.wait(run)["transitions"][-1]["state"] == "Completed"
    assert not list(ground.path(run, "records").iterdir())


def test_an_interpreter_that_never_answers_holds_nothing_up(ground: Ground, tmp_path: Path) -> None:
    """AZ-90 in part: the run ends as it would have, and nothing of the asking outlives it."""
    python = venv(tmp_path / "env")
    hang = (
        "import time; b'importlib.metadata' in open('/proc/self/cmdline', 'rb').read() and time.sleep(1000)\n"
    )
    (site_packages(tmp_path / "env") / "hang.pth").write_text(hang)
    run = ground.submit(
        [
            python,
            "-c",
            f"import os, time\nwhile not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.02)",
        ]
    )

    def asked() -> list[int]:
        # The run's own list of its processes is written rarely on a busy machine.
        pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
        return [
            pid for pid in pids if python.encode() in command(pid) and b"importlib.metadata" in command(pid)
        ]

    asking_pid = until(asked, "the interpreter to be asked")[0]
    identity = process_trees.identity(asking_pid)
    assert identity is not None
    assert os.getpriority(os.PRIO_PROCESS, asking_pid) == 19, "at the lowest priority"
    (tmp_path / "go").touch()
    assert ground.wait(run)["transitions"][-1]["state"] == "Completed"
    assert not process_trees.alive(*identity)
    (record,) = recorded(ground, run)
    assert record["python"] == python
    assert "distributions" not in record


def test_a_broken_interpreter_fails_by_itself_alone(ground: Ground, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho I am broken >&2\nexit 7\n")
    broken.chmod(0o755)
    status, output = ground.finish(["python", "-c", "pass"], python=str(broken))
    assert (status["transitions"][-1]["exit_code"], output) == (7, b"I am broken\n")


@pytest.mark.parametrize(
    "script",
    [
        "exit 3",
        "echo hello",
        "printf 'has\\ta\\t1\\n'",
        "yes",
        "sleep 1000 & sleep 1000",
        "printf 'done\\n'; exit 1",
    ],
)
def test_answers_that_are_none(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.5)
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    assert asking.understood(asking.answer_of([str(python)], dict(os.environ))) is None
    assert asking.answer_of([str(tmp_path / "absent")], {}) is None


def test_only_so_many_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_DISTRIBUTIONS", 2)
    found = asking.understood(b"path\t/x\nhas\ta\t1\nhas\tb\t2\nhas\tc\t3\ndone\n")
    assert found == Installed({"a": "1", "b": "2"}, 1, [["/x", 0]])


def test_it_is_asked_again_when_something_was_installed(ground: Ground, tmp_path: Path) -> None:
    """AZ-90 in part: a command may install packages before it uses them."""
    place = tmp_path / "env"
    python = venv(place, first="1")
    run = ground.submit([python, "-c", PATIENT])
    ground.wait(run)
    (before,) = recorded(ground, run)
    folder, spec = ground.folder_of(run), ground.spec(run, [])
    known = environment_records.record(ground.machine, folder, spec, {})["known"]
    assert environment_records.record(ground.machine, folder, spec, known)["known"] == known
    add(place, "second", "2")
    changed = environment_records.record(ground.machine, folder, spec, known)["known"]
    assert changed != known
    found = [record["distributions"] for record in recorded(ground, run)]
    assert found.count({"first": "1", "second": "2"}) == 1
    assert before["distributions"] == {"first": "1"}


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("/usr/bin/python3\n3.11.7\nlinux-x86_64\n", Note("/usr/bin/python3", "3.11.7", "linux-x86_64")),
        ("/usr/bin/python3\n3.11", None),
        ("", None),
        ("python3\n3.11.7\nlinux\n", None),
        ("/a\nb\nc\nd\n", None),
        ("/" + "x" * 10000 + "\n3\nl\n", None),
    ],
)
def test_notes_are_whole_or_none(tmp_path: Path, text: str, note: Note | None) -> None:
    (tmp_path / "interpreters").mkdir()
    (tmp_path / "interpreters" / "n").write_text(text)
    os.mkfifo(tmp_path / "interpreters" / "pipe")
    (tmp_path / "interpreters" / "link").symlink_to("n")
    assert asking.read_notes(str(tmp_path)) == ([note] if note else [])


def test_a_run_shows_its_environment_and_two_are_compared(
    make_wb: Any, server: SshServer, tmp_path: Path
) -> None:
    """AZ-90 in part: over SSH, in `run show`, as packages, in `run compare`; and after the laptop was lost."""
    wb: Wb = make_wb()
    attach(wb, server)
    one = venv(tmp_path / "one", demo_package="1.2", same="3")
    two = venv(tmp_path / "two", demo_package="2.0", same="3", extra="0.1")
    words = ["submit", "--no-code", "--wait", "-e", "env", "--env"]
    first = wb(*words, one, "--", "python", "-c", PATIENT).split()[0]
    second = wb(*words, two, "--", "python", "-c", PATIENT).split()[0]

    (shown,) = wb.show(first)["interpreters"]
    assert (shown["path"], shown["distributions"]) == (one, 2)
    assert "2 packages" in wb("run", "show", first, "-o", "table")
    assert wb("run", "show", second, "--packages").splitlines() == [
        "demo-package==2.0", "extra==0.1", "same==3",
    ]  # fmt: skip
    assert wb.json("run", "compare", first, second)["packages"] == {
        "demo-package": ["1.2", "2.0"], "extra": [None, "0.1"],
    }  # fmt: skip
    everything = wb.json("run", "compare", "--all", first, second)
    assert everything["packages"]["same"] == ["3", "3"]
    assert [text.split()[1] for text in everything["facts"]["python"]] == [one, two]
    table = wb("run", "compare", "--all", first, second, "-o", "table")
    assert ["demo-package", "1.2", "2.0"] in [line.split() for line in table.splitlines()]

    after: Wb = make_wb()
    attach(after, server)
    after("compute", "adopt", server.name)
    after.wait(first)
    assert after.show(first)["interpreters"] == [shown]
