"""Runs in containers, by real podman under real guards and supervisors (AZ-32, AZ-131, AZ-134)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, all_bytes, ground, untagged, until
from tests.machines.podman import BARE, Podman, build_of, examined, known_images, podman
from workbench.remote.containers import kept
from workbench.remote.forms import protocol
from workbench.remote.processes import process_trees
from workbench.remote.runs import run_status
from workbench.remote.supervision.cancel import cancel
from workbench.remote.supervision.reconcile import reconcile

__all__ = ["examined", "ground", "known_images", "podman", "untagged"]
pytestmark = pytest.mark.usefixtures("known_images")

# A child that ignores TERM, one in a session of its own, one forked twice; the first says when it was told.
STUBBORN = """
d=$WORKBENCH_RUN_DIR
sh -c 'trap "echo told > '$d'/told" TERM; touch '$d'/ignoring; while :; do sleep 0.1; done' &
(sh -c 'touch '$d'/twice; exec sleep 1000' &)
trap '' TERM
while :; do sleep 0.1; done
"""


def last(status: dict[str, Any]) -> dict[str, Any]:
    """The end of a run."""
    found: dict[str, Any] = status["transitions"][-1]
    return found


def gone(podman: Podman, ground: Ground, run: str) -> None:
    """Nothing of a run's containers is left, here or in the engine."""
    assert [name for name in podman.containers() if run.lower() in name] == []
    assert kept.notes(ground.machine, run) == []


def records(ground: Ground, run: str) -> list[dict[str, Any]]:
    """All records of a run."""
    folder = ground.path(run, "records")
    return [json.loads(line) for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]


def test_an_engine_that_dies_leaves_no_container(ground: Ground, podman: Podman) -> None:
    """The engine's client is killed while the container runs: the run has failed, the container is gone."""
    run = ground.submit("touch $WORKBENCH_RUN_DIR/there; sleep 1000", environment_build=build_of(podman))
    until(ground.path(run, "there").exists)
    ground.wait(run, protocol.RUNNING)
    os.kill(ground.identity(run, "child")[0], signal.SIGKILL)
    status = ground.wait(run)
    assert last(status)["state"] == protocol.FAILED
    assert "the engine's client ended (SIGKILL) while the container ran" in last(status)["message"]
    gone(podman, ground, run)


def test_a_container_that_somebody_kills(ground: Ground, podman: Podman) -> None:
    """`podman kill` from outside is an end by a signal like any other."""
    run = ground.submit("touch $WORKBENCH_RUN_DIR/there; sleep 1000", environment_build=build_of(podman))
    until(ground.path(run, "there").exists)
    podman.ask("kill", f"workbench-{run.lower()}-1")
    status = ground.wait(run)
    assert last(status)["exit_code"] == 137
    gone(podman, ground, run)


def test_the_limit_of_a_containers_memory_is_told(ground: Ground, podman: Podman) -> None:
    """What the kernel killed at the container's limit is out of memory, not only a signal (rc 137)."""
    greedy = "a=x; while :; do a=$a$a; done"
    build = build_of(podman, container={"docker_args": ["--memory", "64m"]})
    status, _ = ground.finish(greedy, environment_build=build)
    assert last(status)["cause"] == protocol.CAUSE_OUT_OF_MEMORY
    assert last(status)["exit_code"] == 137


def test_an_image_without_the_program(ground: Ground, podman: Podman) -> None:
    """An exact command that is not in the image is a command that is not there."""
    status, _ = ground.finish(["nosuchprogram", "a b"], environment_build=build_of(podman))
    assert last(status)["cause"] == protocol.CAUSE_COMMAND
    assert last(status)["exit_code"] == 127


def test_an_image_without_a_shell(ground: Ground, podman: Podman) -> None:
    """Exact words run in an image that has one program only; a line of a shell is refused in words."""
    build = build_of(podman, BARE)
    status, output = ground.finish(["/busybox", "echo", "a  b"], environment_build=build)
    assert (last(status)["state"], output) == (protocol.COMPLETED, b"a  b\n")
    status, _ = ground.finish("echo a", environment_build=build)
    assert "the image has no shell" in last(status)["message"]
    status, output = ground.finish(["/nothing"], environment_build=build)
    assert last(status)["state"] == protocol.FAILED
    assert b"No such file or directory" in output


def test_words_that_take_the_container_away_are_refused(ground: Ground, podman: Podman) -> None:
    """docker_args go to the engine, but for what the run's own start says."""
    build = build_of(podman, container={"docker_args": ["--detach"]})
    status, _ = ground.finish(["true"], environment_build=build)
    assert "docker_args may not have --detach" in last(status)["message"]


def test_what_an_engine_does_not_know_is_said(ground: Ground, podman: Podman) -> None:
    """A container that never comes to be fails with the engine's own words, and nothing is left of it."""
    build = build_of(podman, container={"docker_args": ["--no-such-word"]})
    run = ground.submit("echo never", environment_build=build)
    status = ground.wait(run)
    assert last(status)["cause"] == protocol.CAUSE_COMMAND
    assert "the container could not be started: unknown flag: --no-such-word" in last(status)["message"]
    gone(podman, ground, run)


def test_a_run_that_fills_its_disk(ground: Ground, podman: Podman) -> None:
    """A full disk inside a container is the command's failure, told with its exit code."""
    build = build_of(podman, container={"docker_args": ["--tmpfs", "/small:size=64k"]})
    status, output = ground.finish("dd if=/dev/zero of=/small/file bs=64k count=9", environment_build=build)
    assert last(status)["exit_code"] == 1
    assert b"No space left on device" in output


def test_cancel_tells_everything_in_it_then_kills_it(ground: Ground, podman: Podman) -> None:
    """TERM reaches each process of the container, KILL those that do not go, and it is removed (AZ-76)."""
    run = ground.submit(STUBBORN, environment_build=build_of(podman), grace=10.0)
    until(lambda: ground.path(run, "ignoring").exists() and ground.path(run, "twice").exists())
    inside = until(lambda: len(ground.folder_of(run).read_tree()) > 4 and ground.folder_of(run).read_tree())
    cancel(ground.machine, run)
    status = ground.wait(run)
    assert last(status)["state"] == protocol.CANCELED
    assert ground.path(run, "told").read_text() == "told\n"
    assert [one for one in inside if process_trees.alive(*one)] == []
    gone(podman, ground, run)


def test_cancel_lets_it_end_in_order(ground: Ground, podman: Podman) -> None:
    """A command that takes TERM ends with what it has to say, within the grace."""
    command = "trap 'echo saved; exit 5' TERM; touch $WORKBENCH_RUN_DIR/there; while :; do sleep 0.1; done"
    run = ground.submit(command, environment_build=build_of(podman), grace=30.0)
    until(ground.path(run, "there").exists)
    cancel(ground.machine, run)
    status = ground.wait(run)
    assert last(status)["state"] == protocol.CANCELED
    assert last(status)["exit_code"] == 5
    assert ground.output(run).endswith(b"saved\n")
    gone(podman, ground, run)


@pytest.mark.parametrize("who", [("supervisor",), ("guard",), ("guard", "supervisor")])
def test_whoever_is_killed_the_container_is_removed(
    ground: Ground, podman: Podman, who: tuple[str, ...]
) -> None:
    """kill -9 of the supervisor, the guard or both: whoever is left or visits next ends it and removes it."""
    run = ground.submit("touch $WORKBENCH_RUN_DIR/there; sleep 1000", environment_build=build_of(podman))
    until(ground.path(run, "there").exists)
    ground.wait(run, protocol.RUNNING)
    inside = ground.folder_of(run).read_tree()
    ground.kill(run, *who)
    if len(who) == 2:
        assert kept.notes(ground.machine, run)
        until(lambda: reconcile(ground.machine), "a visitor to find it lost")
    status = ground.wait(run)
    assert last(status)["state"] == protocol.FAILED
    gone(podman, ground, run)
    assert [one for one in inside if process_trees.alive(*one)] == []


def test_what_a_run_finds_in_its_container(ground: Ground, podman: Podman) -> None:
    """Its folder at the same path, both outputs in their order, its variables, shared memory, the user's files."""
    command = (
        'pwd; echo one; echo two >&2; echo three; [ "$PWD" = "$WORKBENCH_RUN_DIR/code" ] && echo same;'
        "echo $LR; df -k /dev/shm | tail -n 1 | wc -w; df -k /dev/shm | grep -c 2097152; echo kept > outputs/file; umask"
    )
    run = ground.submit(command, environment_build=build_of(podman), environment_variables={"LR": "a  b"})
    status = ground.wait(run)
    code = ground.folder_of(run).code
    assert ground.output(run).decode().splitlines() == [
        code,
        "one",
        "two",
        "three",
        "same",
        "a b",
        "6",
        "1",
        "0022",
    ]
    assert last(status)["exit_code"] == 0
    file = ground.path(run, "outputs/file")
    assert (file.read_text(), file.stat().st_uid) == ("kept\n", os.getuid())
    gone(podman, ground, run)


def test_shared_memory_as_asked(ground: Ground, podman: Podman) -> None:
    """shm_size is what /dev/shm has (AZ-131)."""
    build = build_of(podman, container={"shm_size": 64 << 20})
    _, output = ground.finish("df -k /dev/shm | tail -n 1", environment_build=build)
    assert output.split()[1] == b"65536"


def test_exit_codes_are_the_commands(ground: Ground, podman: Podman) -> None:
    """What a command ends with is what its run ends with, also the codes that engines use themselves."""
    codes = (3, 125, 126, 127)
    runs = [ground.submit(f"exit {code}", environment_build=build_of(podman)) for code in codes]
    ends = [last(ground.wait(run)) for run in runs]
    assert [(end["exit_code"], end["cause"]) for end in ends] == [
        (code, protocol.CAUSE_EXIT) for code in codes
    ]


def test_ten_megabytes_arrive_whole(ground: Ground, podman: Podman) -> None:
    """Nothing of a large output is lost on its way out of the container."""
    status, output = ground.finish("seq 1 1200000", environment_build=build_of(podman))
    assert last(status)["state"] == protocol.COMPLETED
    assert output == "".join(f"{number}\n" for number in range(1, 1200001)).encode()


def test_secrets_are_in_no_argv_and_no_file(ground: Ground, podman: Podman) -> None:
    """A secret reaches the command, in no list of processes, no log and no file of the run (AZ-11)."""
    secret, turned = "hunter2-of-the-test", "tcp://elsewhere-of-the-test"
    command = 'echo "$TOKEN $DOCKER_HOST" | wc -c; echo $TOKEN; touch $WORKBENCH_RUN_DIR/there; while [ ! -e $WORKBENCH_RUN_DIR/go ]; do sleep 0.05; done'
    run = ground.submit(
        command, secrets={"TOKEN": secret, "DOCKER_HOST": turned}, environment_build=build_of(podman)
    )
    until(ground.path(run, "there").exists)
    listed = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, check=True).stdout
    assert secret.encode() not in listed
    assert turned.encode() not in listed
    assert until(lambda: kept.notes(ground.machine, run))[0].env_file is not None
    ground.path(run, "go").touch()
    ground.wait(run)
    assert ground.output(run).split()[0] == str(len(secret) + len(turned) + 2).encode()
    found = all_bytes(Path(ground.folder_of(run).path)) + all_bytes(Path(ground.machine.root, "containers"))
    assert secret.encode() not in found
    assert turned.encode() not in found
    assert list(Path("/dev/shm").glob(f"*{run.lower()}*")) == []


def test_setup_lines_run_inside(ground: Ground, podman: Podman) -> None:
    """A setup line changes the command's shell; one that fails is named, with its number."""
    build = build_of(podman)
    _, output = ground.finish('echo "$A"', setup=["A=1", "A=$((A+1))"], environment_build=build)
    assert output == b"2\n"
    status, _ = ground.finish("echo never", setup=["true", "cat /nothing && true"], environment_build=build)
    assert last(status)["cause"] == protocol.CAUSE_SETUP
    assert "setup line 2 failed (exit 1): cat /nothing" in last(status)["message"]


def test_what_its_processes_use_is_counted(ground: Ground, podman: Podman) -> None:
    """Processes in the container are the run's, by their tag and their place: cpu and memory are theirs."""
    spin = "i=0; while [ $i -lt 1000000 ]; do i=$((i+1)); done; touch $WORKBENCH_RUN_DIR/there; while [ ! -e $WORKBENCH_RUN_DIR/go ]; do sleep 0.05; done"
    run = ground.submit(spin, environment_build=build_of(podman))
    until(ground.path(run, "there").exists)
    shells = {one for one in process_trees.tagged(protocol.ENV_RUN_ID, run) if name_of(one[0]) == "sh"}
    assert shells, "the container's own processes carry the run's tag"
    until(lambda: shells <= set(ground.folder_of(run).read_tree()), "its processes to be found")
    ground.path(run, "go").touch()
    status = ground.wait(run)
    assert status["resources"]["cpu_seconds"] > 0.1
    assert status["resources"]["peak_memory"] > 0


def name_of(pid: int) -> str:
    """What a process is called, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def test_a_network_of_its_own(ground: Ground, podman: Podman) -> None:
    """The machine's network unless docker_args choose another: what listens on its loopback is reached."""
    command = "ip addr | grep -c '^[0-9]*: '"
    _, ours = ground.finish(command, environment_build=build_of(podman))
    none = build_of(podman, container={"docker_args": ["--network", "none"]})
    _, alone = ground.finish(command, environment_build=none)
    assert (int(alone), int(ours) > 1) == (1, True)


def test_retried_in_a_container_of_the_next_number(ground: Ground, podman: Podman) -> None:
    """A second attempt has a container of its own, in the same folder."""
    command = (
        "[ -e seen ] || { touch seen; exit 7; }; cat $WORKBENCH_RUN_DIR/spec.json | grep -o '\"attempt\":.'"
    )
    retries = {"count": 1, "on": ["exit"]}
    run = ground.submit(command, environment_build=build_of(podman), retries=retries)
    status = until(lambda: run_status.is_terminal(ground.status(run)) and ground.status(run))
    assert last(status)["state"] == protocol.COMPLETED
    assert ground.output(run) == b'"attempt":2\n'
    gone(podman, ground, run)
