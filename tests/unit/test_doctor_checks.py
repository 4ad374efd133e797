"""What the doctor makes of interpreters, drivers, sshd's files, clocks and sessions; each fix a command."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from workbench.compute.examination import Clock, clock_check, merged, session_checks, shell_checks
from workbench.compute.measurement import Measurement
from workbench.remote.containers import trouble
from workbench.remote.containers.calls import Answer
from workbench.remote.containers.doctor import judge_containers, judge_failure
from workbench.remote.containers.engine import Engine, NoEngine, NoneInstalled, refused
from workbench.remote.doctor.driver_checks import Driver, cards_on_bus, find_library, judge_amd, judge_driver
from workbench.remote.doctor.login_checks import max_sessions
from workbench.remote.doctor.python_checks import Python, find_pythons, judge_pythons

HOUSE = Path(__file__).parents[2] / "workbench"


def program(place: Path, text: str) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    place.chmod(0o755)
    return place


def test_interpreters_are_found_once_with_what_they_are(tmp_path: Path) -> None:
    shim = program(tmp_path / "shims" / "python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    broken = program(tmp_path / "broken" / "python3", "#!/bin/sh\nexit 1\n")
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "python3").symlink_to(shim)
    path = os.pathsep.join(
        str(folder) for folder in (shim.parent, tmp_path / "link", broken.parent, tmp_path / "none")
    )
    found = find_pythons(path, [str(tmp_path / "*" / "python3"), sys.executable])
    assert [(python.path, python.shim, python.version is not None) for python in found] == [
        (str(shim), True, True), (str(broken), True, False), (sys.executable, False, True),
    ]  # fmt: skip


def test_an_old_interpreter_is_told_of_a_newer_one() -> None:
    found = [
        Python("/usr/bin/python3", "3.6.8", False), Python("/shims/python3", "3.13.0", True),
        Python("/opt/conda/bin/python3", "3.11.2", False), Python("/x/python3", None, False),
    ]  # fmt: skip
    line = judge_pythons(found, "/usr/bin/python3", "3.6.8")
    assert (line["state"], line["fix"]) == ("warn", "wb compute set NAME python=/opt/conda/bin/python3")
    assert "/shims/python3 3.13.0, a shim" in line["text"]
    assert "/x/python3 (does not run)" in line["text"]
    assert judge_pythons(found[:1], "/usr/bin/python3", "3.6.8")["fix"] == "uv python install 3.12"
    assert judge_pythons(found, "/opt/conda/bin/python3", "3.11.2")["state"] == "ok"


@pytest.mark.parametrize(
    ("driver", "listed", "state", "words"),
    [
        (Driver(0, None, None, None), 0, None, ""),
        (Driver(None, None, "/lib/x", None), 0, None, ""),
        (Driver(2, None, None, None), 0, "bad", "2 NVIDIA GPUs are on the bus"),
        (
            Driver(2, "570.124.06", "/lib/x", "570.133.20"),
            2,
            "bad",
            "570.133.20, the loaded kernel module is 570.124.06",
        ),
        (Driver(2, "570.124.06", None, None), 2, "warn", "libnvidia-ml.so.1 is nowhere"),
        (
            Driver(8, "570.124.06", "/lib/x", "570.124.06"),
            7,
            "warn",
            "8 GPUs are on the bus, the driver lists 7",
        ),
        (Driver(8, "570.124.06", "/lib/x", None), 8, "ok", "driver 570.124.06"),
        (Driver(None, "570.124.06", "/lib/x", "570.124.06"), 8, "ok", "driver 570.124.06"),
    ],
)
def test_a_driver_is_judged_without_being_asked(
    driver: Driver, listed: int, state: str | None, words: str
) -> None:
    found = judge_driver(driver, listed)
    assert [line["state"] for line in found] == ([] if state is None else [state])
    for line in found:
        assert words in line["text"]
        assert state == "ok" or (line["hint"] and line["fix"])


def test_gpus_the_queue_does_not_know_are_named() -> None:
    assert judge_amd(0) == []
    (line,) = judge_amd(2)
    assert (line["state"], line["text"]) == (
        "warn",
        "2 AMD GPUs are watched, not given out: the queue knows NVIDIA's only",
    )
    assert "slots=1" in line["hint"]


def test_cards_on_the_bus(tmp_path: Path) -> None:
    for name, vendor, kind in (
        ("a", "0x10de", "0x030200"),
        ("b", "0x10de", "0x040300"),
        ("c", "0x1002", "0x030000"),
    ):
        device = tmp_path / "bus" / "pci" / "devices" / name
        device.mkdir(parents=True)
        (device / "vendor").write_text(vendor + "\n")
        (device / "class").write_text(kind + "\n")
    assert cards_on_bus(str(tmp_path)) == 1
    assert cards_on_bus(str(tmp_path / "none")) is None


def test_the_library_tests_name_is_the_one_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_NVML", str(tmp_path / "none.so"))
    assert find_library() is None
    (tmp_path / "none.so").touch()
    assert find_library() == str(tmp_path / "none.so")


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("", 10), ("MaxSessions 3\n", 3), ("maxsessions=4\n", 4), ("# MaxSessions 3\n", 10),
        ("MaxSessions 3\nMaxSessions 9\n", 3), ("Match User x\n  MaxSessions 1\n", 10), ('Include more/*.conf\nMaxSessions 2\n', 7),
    ],
)  # fmt: skip
def test_sshds_limit_is_read_as_sshd_reads_it(tmp_path: Path, text: str, limit: int) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.conf").write_text("X11Forwarding no\n")
    (tmp_path / "more" / "b.conf").write_text("MaxSessions 7\n")
    (tmp_path / "sshd_config").write_text(text)
    assert max_sessions(str(tmp_path / "sshd_config")) == limit
    assert max_sessions(str(tmp_path / "none")) is None


def test_files_that_include_each_other_come_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "sshd_config").write_text("Include sshd_config\nMaxSessions 5\n")
    assert max_sessions(str(tmp_path / "sshd_config")) == 5


@pytest.mark.parametrize(
    ("clock", "state", "words"),
    [
        (Clock(0.3, 0.001), "ok", "agrees with this one to within 1.0 ms"),
        (Clock(-37.0, 0.001), "warn", "37s behind this one"),
        (Clock(7200.0, 0.1), "bad", "2h ahead of this one"),
        (Clock(2.5, 1.0), "ok", "agrees"),
    ],
)
def test_clocks_are_compared_as_well_as_the_network_allows(clock: Clock, state: str, words: str) -> None:
    line = clock_check(clock)
    assert (line["state"], words in line["text"]) == (state, True), line["text"]
    assert state == "ok" or line["fix"]


def test_sessions_and_start_up_files() -> None:
    assert session_checks(None, None) == []
    assert session_checks(4, 10)[0]["state"] == "ok"
    alone = session_checks(0, 1)[0]
    assert (alone["state"], "MaxSessions 1" in alone["text"], bool(alone["fix"])) == ("warn", True, True)
    noisy = shell_checks(Measurement(noise="WELCOME", noise_size=8, round_trip=0.001, channel=0.4))
    assert [line["state"] for line in noisy] == ["warn", "warn"]
    assert all("~/.bashrc" in line["fix"] for line in noisy)
    assert "add 6 ms" in shell_checks(Measurement(round_trip=0.001, channel=0.010))[0]["text"]


def test_what_is_wrong_comes_first_and_names_the_machine() -> None:
    said = [
        {"name": "a", "state": "ok", "text": "fine", "hint": "", "fix": ""},
        {"name": "b", "state": "warn", "text": "\x1b[2Jlow", "hint": "see NAME", "fix": "wb compute prune NAME --dry-run"},
        {"name": "c", "state": "strange", "fix": "true\nrm -rf ~"}, "no line",
    ]  # fmt: skip
    found = merged(said, [{"name": "d", "state": "bad", "text": "x", "hint": "", "fix": "y"}], "gpu1")
    assert [(line["name"], line["state"]) for line in found] == [
        ("d", "bad"),
        ("b", "warn"),
        ("c", "warn"),
        ("a", "ok"),
    ]
    assert found[1] == {
        "name": "b",
        "state": "warn",
        "text": "low",
        "hint": "see gpu1",
        "fix": "wb compute prune gpu1 --dry-run",
    }
    assert found[2]["fix"] == "true rm -rf ~", "what is pasted is one line"
    assert all(re.search("NAME", str(line)) is None for line in found)


@pytest.mark.parametrize("known", [trouble._KNOWN, trouble._PULL])
def test_each_trouble_of_engines_has_what_to_do_about_it(known: list[tuple[str, str, str, str]]) -> None:
    """No line of a doctor is without a hint and a command: these are where containers' lines get theirs from."""
    assert [row for row in known if not all(part.strip() for part in row)] == []


@pytest.mark.parametrize(
    "problem",
    [NoneInstalled(), refused(["podman"], Answer(1, "", "weird", False)), refused(["docker"], Answer(1, "", "", True)),
     refused(["podman"], Answer(125, "", "setrlimit: not permitted", False))],
)  # fmt: skip
def test_an_engine_that_does_not_work_has_what_to_do_about_it(problem: NoEngine) -> None:
    assert problem.message
    assert problem.hint
    assert problem.fix


@pytest.mark.parametrize("command", ["nosuchengine", "'", "", None])
def test_engines_that_are_none_are_told_with_a_command(
    command: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is named, and where nothing is: a line that is not well has a fix and a hint."""
    monkeypatch.setattr("workbench.remote.containers.engine.PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    line = judge_containers(command)
    assert (line["state"], bool(line["fix"]), bool(line["hint"])) == (
        ("warn", True, True) if command else ("ok", False, False)
    )


@pytest.mark.parametrize("said", ["weird", "", "setrlimit: Operation not permitted", "exec format error"])
def test_a_trial_that_fails_is_told_with_a_command(said: str) -> None:
    engine = Engine(["env", "A=b c", "podman"], "podman", "4.3.1", False, None)
    line = judge_failure("podman 4.3.1", engine, Answer(126, "", said, False))
    assert (line["state"], bool(line["fix"]), bool(line["hint"])) == ("warn", True, True)
    if said == "weird":
        assert line["fix"] == "env 'A=b c' podman info"


def test_no_line_that_is_not_well_is_written_without_what_to_do() -> None:
    """`ailing` asks for both; that neither is an empty text is read off the code."""
    empty = [
        f"{module.name}:{call.lineno}"
        for module in (HOUSE / "remote").rglob("*.py")
        for call in ast.walk(ast.parse(module.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "ailing"
        if any(isinstance(word, ast.Constant) and not word.value for word in [*call.args, *call.keywords])
    ]
    assert empty == []


@pytest.mark.parametrize(
    ("said", "section", "name"),
    [
        ("setrlimit: Operation not permitted", "containers", "default_ulimits"),
        ("sd-bus call: no such file", "engine", "cgroup_manager"),
        ("cgroups in hybrid mode not supported", "engine", "runtime"),
    ],
)
def test_a_command_that_changes_podmans_settings_writes_what_podman_reads(
    tmp_path: Path, said: str, section: str, name: str
) -> None:
    """The fix is run as a shell runs it, in a folder here."""
    found = trouble.explained(said)
    assert found is not None
    line = found.fix.replace("sudo apt-get install runc && ", "").replace("sudo ", "")
    line = line.replace("/etc/containers", str(tmp_path))
    subprocess.run(["sh", "-c", line], check=True, capture_output=True)
    (written,) = (tmp_path / "containers.conf.d").iterdir()
    assert name in tomllib.loads(written.read_text())[section]
