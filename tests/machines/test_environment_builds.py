"""Environments built on a machine by the machine itself: once, in place, whole or not at all (AZ-135, AZ-141)."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, untagged, until
from tests.machines.rig import missing
from tests.machines.test_environments import recorded
from tests.small_wheels import Wheel, lock_of, make_wheel
from workbench.remote.environments.places import Place
from workbench.remote.forms import protocol
from workbench.remote.processes import process_trees

__all__ = ["ground", "untagged"]

KEY = "key-of-a-test"
SAY = "import sys, demo; print(demo.VERSION, sys.executable, sys.prefix)"
# A uv that takes its time: it says that it started, waits for the file `go` and is uv then.
SLOW = """#!/bin/sh
case "$*" in
*" sync "*) echo $$ >> {here}/syncs; while [ ! -e {here}/go ]; do sleep 0.02; done ;;
esac
exec {uv} "$@"
"""


def put_uv(ground: Ground, script: str | None = None) -> None:
    """Give the machine a copy of our uv, or a script in its place."""
    folder = Path(ground.machine.root, "uv", "9.9.9")
    folder.mkdir(parents=True, exist_ok=True)
    own = uv()
    place = folder / "uv"
    place.unlink(missing_ok=True)
    if script is None:
        place.symlink_to(own)
    else:
        place.write_text(script.format(here=ground.folder, uv=own))
        place.chmod(0o755)


def uv() -> str:
    """The uv of this Python's environment, which the workbench depends on."""
    found = shutil.which("uv", path=os.path.dirname(sys.executable))
    assert found is not None
    return found


def put_wheel(ground: Ground, wheel: Wheel) -> list[str]:
    """Have the machine hold a wheel as it is after it was sent."""
    folder = Path(ground.machine.root, "uv", "wheels", wheel.sha256)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(wheel.path, folder / wheel.name)
    return [wheel.sha256, wheel.name]


def build_of(ground: Ground, *wheels: Wheel, key: str = KEY, **changes: Any) -> dict[str, Any]:
    """What is asked for in a spec, of wheels that the machine has."""
    return {
        "key": key,
        "kind": "requirements",
        "name": "demo",
        "version": 3,
        "lock": lock_of(*wheels),
        "interpreter": os.path.realpath(sys.executable),
        "uv": "9.9.9",
        "indexes": [],
        "wheels": [put_wheel(ground, wheel) for wheel in wheels],
        **changes,
    }


@pytest.fixture
def demo(tmp_path: Path) -> Wheel:
    return make_wheel(tmp_path / "made", "demo", "1.5")


def place(ground: Ground, key: str = KEY) -> Place:
    return Place(ground.machine, key)


def builder(ground: Ground) -> int:
    """The process that builds now."""
    found: int = until(lambda: place(ground).read_state().get("builder"), "a builder")
    return found


def syncing(ground: Ground, count: int = 1) -> list[int]:
    """The slow uvs that were started so far, once there are so many."""
    path = ground.folder / "syncs"
    return until(
        lambda: path.exists() and len(pids := path.read_text().split()) >= count and [*map(int, pids)], "uv"
    )  # type: ignore[no-any-return]


def go(ground: Ground) -> None:
    (ground.folder / "go").touch()


def failure(status: dict[str, Any]) -> tuple[str, str]:
    last = status["transitions"][-1]
    assert last["state"] == protocol.FAILED, last
    return last["cause"], last["message"]


def left_of(ground: Ground) -> list[str]:
    """What is there of environments beside locks, logs and notes."""
    folder = Path(ground.machine.root, "environments")
    return [entry.name for entry in folder.iterdir() if entry.is_dir()]


def test_a_run_uses_an_environment_that_is_built_for_it_and_says_exactly_what_is_in_it(
    ground: Ground, demo: Wheel
) -> None:
    """AZ-90, AZ-135, AZ-141: built at its final path, the exact freeze in `.ready` and in the run's record."""
    put_uv(ground)
    build = build_of(ground, demo)
    run = ground.submit(
        ["python", "-c", SAY + "; import workbench; workbench.log('acc', 0.5)"], environment_build=build
    )
    status = ground.wait(run)
    assert [step["state"] for step in status["transitions"]][-1] == protocol.COMPLETED
    where = Path(place(ground).path)
    assert ground.output(run).decode().split() == ["1.5", str(where / "bin/python"), str(where)]
    records = [record for record in recorded(ground, run) if "distributions" in record]
    assert records[0]["distributions"] == {"demo": "1.5"}
    assert records[0]["python"] == str(where / "bin/python")
    ready = json.loads((where / ".ready").read_text())
    assert ready["packages"] == {"demo": "1.5"}
    assert ready["python"] == ".".join(map(str, sys.version_info[:3]))
    said = ground.path(run, "logs/environment.log").read_text()
    assert "demo==1.5" in said
    assert "ready after" in said
    assert any('"acc"' in file.read_text() for file in ground.path(run, "records").iterdir())


def test_the_second_run_builds_nothing(ground: Ground, demo: Wheel) -> None:
    """AZ-135: the same key is the same environment."""
    put_uv(ground)
    build = build_of(ground, demo)
    ground.finish(["python", "-c", SAY], environment_build=build)
    first = os.stat(place(ground).ready).st_ino
    put_uv(ground, "#!/bin/sh\nexit 9\n")
    status, _ = ground.finish(["python", "-c", SAY], environment_build=build)
    assert status["transitions"][-1]["state"] == protocol.COMPLETED
    assert os.stat(place(ground).ready).st_ino == first
    assert not ground.path(ground.runs[1], "logs/environment.log").exists()


def test_two_runs_that_want_it_at_once_build_it_once(ground: Ground, demo: Wheel) -> None:
    put_uv(ground, SLOW)
    build = build_of(ground, demo)
    runs = [ground.submit(["python", "-c", SAY], environment_build=build) for _ in range(4)]
    syncing(ground)
    for run in runs:
        until(lambda run=run: ground.status(run).get("note"), "the note")
        assert ground.status(run)["note"] == "building the environment demo:3"
    go(ground)
    for run in runs:
        assert ground.wait(run)["transitions"][-1]["state"] == protocol.COMPLETED
    assert len(syncing(ground)) == 1


def test_nothing_is_leased_while_it_is_built(ground: Ground, demo: Wheel) -> None:
    put_uv(ground, SLOW)
    waits = ground.submit(["python", "-c", SAY], environment_build=build_of(ground, demo), slots=1)
    syncing(ground)
    other = ground.submit("echo went first", slots=1)
    assert ground.wait(other)["transitions"][-1]["state"] == protocol.COMPLETED
    assert ground.state(waits) == protocol.PREPARING
    go(ground)
    assert ground.wait(waits)["transitions"][-1]["state"] == protocol.COMPLETED


def test_a_builder_that_is_killed_leaves_nothing_broken(ground: Ground, demo: Wheel) -> None:
    """kill -9 of the builder half way: the run that waits has it built anew, from the start."""
    put_uv(ground, SLOW)
    run = ground.submit(["python", "-c", SAY], environment_build=build_of(ground, demo))
    (pid,) = syncing(ground)
    os.kill(builder(ground), signal.SIGKILL)
    syncing(ground, 2)
    assert not os.path.exists(f"/proc/{pid}"), "what it had started would write into the next one's"
    assert not os.path.exists(place(ground).ready)
    go(ground)
    assert ground.wait(run)["transitions"][-1]["state"] == protocol.COMPLETED
    assert ground.output(run).startswith(b"1.5")


def test_a_build_does_not_die_with_the_supervisor_of_the_run_that_began_it(
    ground: Ground, demo: Wheel
) -> None:
    """kill -9 of a supervisor: the other run's wait goes on, with the same builder."""
    put_uv(ground, SLOW)
    build = build_of(ground, demo)
    first = ground.submit(["python", "-c", SAY], environment_build=build)
    syncing(ground)
    second = ground.submit(["python", "-c", SAY], environment_build=build)
    until(lambda: ground.status(second).get("note"), "the second to wait")
    ground.kill(first, "supervisor")
    ground.wait(first, protocol.FAILED)
    time.sleep(1.0)  # longer than a builder takes to see that nobody wants it
    go(ground)
    assert ground.wait(second)["transitions"][-1]["state"] == protocol.COMPLETED
    assert len(syncing(ground)) == 1


def test_cancel_ends_the_wait_and_the_build_only_when_nobody_else_waits(ground: Ground, demo: Wheel) -> None:
    from workbench.remote.supervision.cancel import cancel

    put_uv(ground, SLOW)
    build = build_of(ground, demo)
    runs = [ground.submit(["python", "-c", SAY], environment_build=build) for _ in range(2)]
    (pid,) = syncing(ground)
    who, uv_process = process_trees.identity(builder(ground)), process_trees.identity(pid)
    assert who is not None
    assert uv_process is not None
    until(lambda: all(ground.status(run).get("note") for run in runs), "both to wait")
    cancel(ground.machine, runs[0], 1.0)
    assert ground.wait(runs[0])["transitions"][-1]["state"] == protocol.CANCELED
    time.sleep(1.0)
    assert process_trees.alive(*who)
    cancel(ground.machine, runs[1], 1.0)
    assert ground.wait(runs[1])["transitions"][-1]["state"] == protocol.CANCELED
    until(lambda: not process_trees.alive(*who) and not process_trees.alive(*uv_process), "the build to end")
    assert left_of(ground) == []
    assert place(ground).read_state()["state"] == "unwanted"
    go(ground)
    assert ground.finish(["python", "-c", SAY], environment_build=build)[1].startswith(b"1.5")


def test_a_half_built_environment_is_no_environment(ground: Ground, demo: Wheel) -> None:
    """A power cut: files are there, `.ready` is not, or is half written."""
    put_uv(ground)
    build = build_of(ground, demo)
    where = Path(place(ground).path)
    (where / "bin").mkdir(parents=True)
    (where / "bin/python").symlink_to(sys.executable)
    (where / ".ready").write_text('{"packages": {"de')
    status, output = ground.finish(["python", "-c", SAY], environment_build=build)
    assert status["transitions"][-1]["state"] == protocol.COMPLETED
    assert output.startswith(b"1.5")


def test_a_failed_build_says_why_in_one_sentence_and_keeps_its_log(
    ground: Ground, demo: Wheel, tmp_path: Path
) -> None:
    put_uv(ground)
    needy = make_wheel(tmp_path / "made", "needy", "1.0")
    build = build_of(ground, demo, needy)
    build["lock"] = build["lock"].replace(needy.sha256, "0" * 64)
    cause, message = failure(ground.finish(["python", "-c", SAY], environment_build=build)[0])
    assert cause == protocol.CAUSE_ENVIRONMENT
    assert "needy" in message
    assert "\n" not in message
    assert left_of(ground) == []
    assert "needy" in Path(place(ground).log).read_text()
    build["lock"] = lock_of(demo, needy)
    assert ground.finish(["python", "-c", SAY], environment_build=build)[1].startswith(b"1.5"), (
        "a second try tries"
    )


def test_an_interpreter_that_is_gone_is_said_to_be(ground: Ground, demo: Wheel) -> None:
    put_uv(ground)
    build = build_of(ground, demo, interpreter="/nowhere/python3.9")
    cause, message = failure(ground.finish(["python", "-c", SAY], environment_build=build)[0])
    assert cause == protocol.CAUSE_ENVIRONMENT
    assert "no interpreter at /nowhere/python3.9" in message


def test_a_run_holds_its_environment_as_long_as_it_lives(ground: Ground, demo: Wheel) -> None:
    put_uv(ground)
    run = ground.submit(["python", "-c", "import time; print('up', flush=True); time.sleep(600)"],
                        environment_build=build_of(ground, demo))  # fmt: skip
    until(lambda: ground.output(run), "the run to start")
    with open(place(ground).lock) as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    ground.kill(run, "supervisor")
    ground.wait(run, protocol.FAILED)
    with open(place(ground).lock) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_files_are_links_of_one_cache_and_cannot_be_written_to(ground: Ground, demo: Wheel) -> None:
    """A second environment costs no second copy, and no run changes what others share."""
    put_uv(ground)
    for number in range(2):
        ground.finish(["python", "-c", SAY], environment_build=build_of(ground, demo, key=f"{KEY}-{number}"))
    files = [next(Path(place(ground, f"{KEY}-{n}").path).rglob("demo.py")) for n in range(2)]
    assert files[0].stat().st_ino == files[1].stat().st_ino
    assert files[0].stat().st_mode & 0o222 == 0
    assert files[0].parent.stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("key", ["../../etc", "a/b", "", None, "x" * 200, ".hidden-key"])
def test_a_key_is_never_a_path(ground: Ground, demo: Wheel, key: Any) -> None:
    with pytest.raises(ValueError, match="key"):
        ground.submit(["python", "-c", SAY], environment_build={**build_of(ground, demo), "key": key})
    ground.runs.clear()


def test_no_secret_of_an_index_is_in_any_file_or_command_line(ground: Ground, demo: Wheel) -> None:
    put_uv(ground, SLOW.replace("esac", "esac\necho token $UV_INDEX_OURS_PASSWORD >&2"))
    run = ground.submit(["python", "-c", SAY], environment_build=build_of(ground, demo),
                        secrets={"UV_INDEX_OURS_PASSWORD": "hunter2-hunter2"})  # fmt: skip
    syncing(ground)
    lines = [Path(entry, "cmdline") for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    for line in lines:
        try:
            assert b"hunter2" not in line.read_bytes()
        except OSError:
            continue
    go(ground)
    assert ground.wait(run)["transitions"][-1]["state"] == protocol.COMPLETED
    log = Path(place(ground).log).read_text()
    assert "token ***" in log
    for path in Path(ground.machine.root).rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 1 << 20:
            assert b"hunter2" not in path.read_bytes(), path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """The machine's root on a file system of two megabytes."""
    place = tmp_path / "machine" / "root"
    place.mkdir(parents=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "small", str(place)]
    done = subprocess.run(words, capture_output=True, check=False)
    if done.returncode != 0:
        missing("the right to mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_fills_up_while_it_is_built_leaves_nothing_broken(
    small_disk: Path, ground: Ground, demo: Wheel, tmp_path: Path
) -> None:
    """The cause is told, what was half done is gone, and with room it is built."""
    put_uv(ground)
    large = make_wheel(tmp_path / "made", "large", "1.0", body="x = '%s'\n" % ("y" * 1_500_000))
    hog = small_disk / "hog"
    hog.write_bytes(os.urandom(300_000))
    build = {**build_of(ground, demo, large), "key": KEY}
    cause, message = failure(ground.finish(["python", "-c", SAY], environment_build=build)[0])
    assert cause == protocol.CAUSE_DISK_FULL, message
    assert "the disk of the machine is full" in message
    assert left_of(ground) == []
    hog.unlink()
    shutil.rmtree(Path(ground.machine.root, "uv/cache"))
    shutil.rmtree(Path(ground.machine.root, "uv/wheels", large.sha256))
    status, output = ground.finish(["python", "-c", SAY], environment_build=build_of(ground, demo))
    assert output.startswith(b"1.5"), status


def test_a_conda_file_is_built_by_the_conda_that_is_there(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its final path, by -p; what conda says is in it is the freeze. conda itself is a stand-in here."""
    programs = tmp_path / "programs"
    programs.mkdir()
    stand_in = programs / "micromamba"
    stand_in.write_text(
        "#!/bin/sh\n"
        'case "$1" in\n'
        f"create) echo \"$@\" > {tmp_path}/said; cat \"$4\" > {tmp_path}/file; {uv()} venv -q -p {sys.executable} \"$6\" ;;\n"
        "list) echo '[{\"name\": \"python\", \"version\": \"3.11.7\"}, {\"name\": \"blas\", \"version\": \"1.0\"}]' ;;\n"
        "esac\n"
    )  # fmt: skip
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    build = {
        "key": KEY,
        "kind": "conda",
        "name": "sci",
        "version": 1,
        "conda": "name: sci\n",
        "lock": "",
        "uv": None,
    }
    run = ground.submit(["python", "-c", "import sys; print(sys.prefix)"], environment_build=build)
    assert ground.wait(run)["transitions"][-1]["state"] == protocol.COMPLETED, place(ground).read_state()
    assert ground.output(run).decode().strip() == place(ground).path
    assert f"-p {place(ground).path}" in (tmp_path / "said").read_text()
    assert (tmp_path / "file").read_text() == "name: sci\n"
    (record,) = [record for record in recorded(ground, run) if "blas" in record.get("distributions", {})]
    assert record["distributions"]["blas"] == "1.0"
