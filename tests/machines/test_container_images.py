"""Images on their way to a machine: brought or built, examined, recorded; an engine that is not there (real podman)."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.machines.ground import Ground, ground, untagged, until
from tests.machines.podman import SYSTEM, TINY, Podman, build_of, examined, known_images, podman
from tests.machines.rig import SshServer
from tests.machines.test_containers import last, records
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from workbench.remote.containers.doctor import judge_containers, judge_slow
from workbench.remote.containers.engine import Engine
from workbench.remote.forms import protocol
from workbench.remote.supervision.cancel import cancel

__all__ = ["examined", "ground", "known_images", "podman", "untagged"]
pytestmark = pytest.mark.usefixtures("known_images")


def test_an_engine_that_is_not_there_is_named(ground: Ground, podman: Podman) -> None:
    """No docker-compatible command: a run says in Preparing what is missing (AZ-32)."""
    build = build_of(podman, container={"engine": "nosuchengine"})
    status, _ = ground.finish(["true"], environment_build=build)
    assert last(status)["state"] == protocol.FAILED
    assert last(status)["cause"] == protocol.CAUSE_ENVIRONMENT
    assert "there is no nosuchengine on this machine" in last(status)["message"]


def test_an_image_that_cannot_be_had_is_named(ground: Ground, podman: Podman) -> None:
    """An image that is not there, of a registry that does not answer: no lease, no container."""
    name = "127.0.0.1:1/nobody/nothing:7"
    run = ground.submit(["true"], environment_build=build_of(podman, name), slots=1)
    status = ground.wait(run)
    assert last(status)["cause"] == protocol.CAUSE_ENVIRONMENT
    assert name in last(status)["message"]
    assert "its registry cannot be reached from the machine" in last(status)["message"]
    assert protocol.QUEUED not in [entry["state"] for entry in status["transitions"]]
    assert f"pulling {name}" in ground.path(run, "logs/environment.log").read_text()


def test_cancel_while_the_image_is_brought(ground: Ground, podman: Podman, tmp_path: Path) -> None:
    """A run is cancelled while its image is pulled: nothing goes on, and the next one asks anew."""
    slow = tmp_path / "slow"
    slow.write_text(
        f'#!/bin/sh\ncase "$*" in *pull*) touch {tmp_path}/pulling; exec sleep 1000 ;; esac\nexec {podman.command} "$@"\n'
    )
    slow.chmod(0o755)
    build = build_of(podman, "localhost/nothing:1", container={"engine": str(slow)})
    run = ground.submit(["true"], environment_build=build)
    until((tmp_path / "pulling").exists)
    cancel(ground.machine, run)
    assert last(ground.wait(run))["state"] == protocol.CANCELED
    until(lambda: not pulling(tmp_path), "the pull to end")


def pulling(folder: Path) -> bool:
    """Whether a pull of the slow engine still sleeps."""
    told = subprocess.run(["pgrep", "-af", str(folder)], capture_output=True, text=True, check=False).stdout
    return "pull" in told


def test_tracking_and_the_record_of_a_python_in_an_image(ground: Ground, podman: Podman) -> None:
    """`from workbench import Run` works by the image's own python; its record says which image that was (AZ-134)."""
    script = "from workbench import Run; run = Run.get_context(); run.log('loss', 0.5); import sys; print(sys.executable)"
    run = ground.submit(["python", "-c", script], environment_build=build_of(podman, SYSTEM))
    status = ground.wait(run)
    assert last(status)["state"] == protocol.COMPLETED, ground.output(run)
    found = records(ground, run)
    assert [one["v"] for one in found if one["k"] == "metric"] == [0.5]
    told = {one["n"]: one["v"] for one in found if one["k"] == "property"}
    identity = podman.ask("image", "inspect", "--format", "{{.Id}}", SYSTEM).strip()
    assert told["container_image"] == SYSTEM
    assert told["container_image_id"] == f"sha256:{identity}"
    assert told["container_engine"].startswith("podman ")
    environments = [one for one in found if one["k"] == "environment"]
    assert [one["python"] for one in environments] == ["/bin/python3"]
    assert environments[0]["version"].count(".") == 2
    assert "distributions" in environments[0]


def test_an_image_is_brought_once_and_again_when_it_was_removed(
    ground: Ground, podman: Podman, tmp_path: Path
) -> None:
    """What is there is not pulled and not asked again; an image removed meanwhile is brought anew."""
    podman.ask("tag", TINY, "localhost/passing:1")
    asked = tmp_path / "asked"
    counting = tmp_path / "counting"
    counting.write_text(f'#!/bin/sh\necho "$1 $2" >> {asked}\nexec {podman.command} "$@"\n')
    counting.chmod(0o755)
    build = build_of(podman, "localhost/passing:1", container={"engine": str(counting)})
    for _ in range(2):
        status, _ = ground.finish(["true"], environment_build=build)
        assert last(status)["state"] == protocol.COMPLETED
    said = asked.read_text().splitlines()
    assert not [line for line in said if line.startswith("pull")]
    assert len([line for line in said if line == "run --rm"]) == 1
    assert said.count("info --format") == 1, "what the engine is was found out with the image"
    counting.write_text(counting.read_text() + "\n")
    status, _ = ground.finish(["true"], environment_build=build)
    assert last(status)["state"] == protocol.COMPLETED
    assert asked.read_text().splitlines().count("info --format") == 2, "it is another program now"
    other = podman.ask(
        "import",
        "-",
        "localhost/passing:1",
        given=subprocess.run(["tar", "-C", "/bin", "-c", "busybox"], capture_output=True, check=True).stdout,
    )
    assert other
    podman.ask("rmi", "localhost/passing:1")
    run = ground.submit(["true"], environment_build={**build, "key": "image-passing-1"})
    assert last(ground.wait(run))["state"] == protocol.COMPLETED, (
        "the image itself is still there by another name"
    )


def test_an_image_from_a_dockerfile_is_built_once_for_two(ground: Ground, podman: Podman) -> None:
    """Two runs that want the same image at the same moment have it built once, and share it (AZ-135)."""
    text = f'FROM {TINY}\nRUN echo built > /made\nENV COLOUR=red\nENTRYPOINT ["/bin/false"]\n'
    build = build_of(podman, "", key="dockerfile-1234", name="My Image", dockerfile=text)
    runs = [ground.submit("cat /made; echo $COLOUR", environment_build=build) for _ in range(2)]
    for run in runs:
        status = ground.wait(run)
        assert last(status)["state"] == protocol.COMPLETED, status
        assert ground.output(run) == b"built\nred\n"
    log = Path(ground.machine.root, "environments/dockerfile-1234.log").read_text()
    assert log.count("building localhost/workbench-my-image:dockerfile-1234") == 1
    assert "run echo built" in log.lower(), "what the engine says of its steps is in the log"
    assert "localhost/workbench-my-image:dockerfile-1234" in podman.ask(
        "images", "--format", "{{.Repository}}:{{.Tag}}"
    )


def test_a_dockerfile_that_fails_says_its_step(ground: Ground, podman: Podman) -> None:
    """A build that fails is a run that failed in Preparing; nothing half done is taken for an environment."""
    text = f"FROM {TINY}\nRUN echo before; exit 9\n"
    build = build_of(podman, "", key="dockerfile-9999", dockerfile=text)
    run = ground.submit(["true"], environment_build=build)
    status = ground.wait(run)
    assert last(status)["cause"] == protocol.CAUSE_ENVIRONMENT
    assert "the image cannot be built" in last(status)["message"]
    assert "RUN echo before" in ground.path(run, "logs/environment.log").read_text()
    assert not Path(ground.machine.root, "environments/dockerfile-9999").exists()


def test_the_doctor_runs_a_container(podman: Podman, tmp_path: Path) -> None:
    """What the doctor says is tried, with the errors known that people meet; its image is gone afterwards."""
    before = podman.ask("images", "--quiet")
    line = judge_containers(podman.command)
    assert (line["state"], line["name"]) == ("ok", "containers"), line
    assert "podman" in line["text"]
    assert "runs containers, as root" in line["text"]
    assert podman.ask("images", "--quiet") == before
    plain = tmp_path / "containers.conf"
    plain.write_text(podman.conf.read_text().replace("default_ulimits", "#default_ulimits"))
    limits = [word.replace(str(podman.conf), str(plain)) for word in podman.argv]
    line = judge_containers(shlex.join(limits))
    if line["state"] != "ok":  # whoever may raise limits has nothing to be told
        assert "may not raise limits" in line["text"]
        assert "default_ulimits" in line["hint"]
    assert judge_containers("nosuchengine")["state"] == "warn"


def test_the_doctor_says_why_each_start_of_podman_takes_long(podman: Podman, tmp_path: Path) -> None:
    """Podman waits 20 s for a socket whose name is too long; the time is given, the path is podman's own."""
    storage = tmp_path / "storage.conf"
    text = (podman.folder / "storage.conf").read_text()
    long = str(podman.folder / ("r" * 60))
    storage.write_text(text.replace(f'runroot = "{podman.folder}/run"', f'runroot = "{long}"'))
    graph = str(tmp_path / "graph")
    storage.write_text(
        storage.read_text().replace(f'graphroot = "{podman.folder}/graph"', f'graphroot = "{graph}"')
    )
    conf = tmp_path / "containers.conf"
    conf.write_text(podman.conf.read_text().replace(f"{podman.folder}/tmp", f"{tmp_path}/tmp"))
    argv = ["/usr/bin/env", f"CONTAINERS_CONF={conf}", f"CONTAINERS_STORAGE_CONF={storage}", "podman"]
    line = judge_slow("podman 4.3.1", Engine(argv, "podman", "4.3.1", False, None), 20.4)
    assert (line["state"], line["name"]) == ("warn", "containers"), line
    assert f"takes 20 s to start a container: its runroot has a path of {len(long)} letters" in line["text"]
    assert "short runroot" in line["hint"]
    assert "{{.Store.RunRoot}}" in line["fix"]
    told = subprocess.run(line["fix"], shell=True, capture_output=True, text=True, check=True).stdout
    assert told.split()[0] == long
    well = judge_slow("podman", Engine(list(podman.argv), "podman", "4.3.1", False, None), 20.4)
    assert well["state"] == "ok", "a machine that is slow for another reason"


def test_a_user_runs_an_image_by_command_line(
    wb: Wb, server: SshServer, podman: Podman, tmp_path: Path
) -> None:
    """`wb submit --env image:NAME` over a real sshd; refused, with what is missing, where no engine is (AZ-32)."""
    attach(wb, server)
    wb("compute", "set", server.name, "container_engine=nosuchengine")
    words = ("submit", "-t", server.name, "--env", f"image:{TINY}", "--no-code", "--")
    refused = wb.run(*words, "true")
    assert refused.returncode != 0
    assert "is a container image, and" in refused.stderr
    assert "there is no nosuchengine on this machine" in refused.stderr
    assert f"wb compute set {server.name} container_engine=COMMAND" in refused.stderr

    wb("compute", "set", server.name, f"container_engine={podman.command}", "setup=echo of the machine")
    run = wb(*words, "sh", "-c", "echo in $0; busybox | head -n 1 | cut -c 1-7", "there").split()[0]
    assert wb("run", "logs", "-f", run).splitlines() == ["in there", "BusyBox"]
    told = wb.json("run", "show", run)["properties"]
    assert told["container_image"] == TINY
    assert told["container_image_id"].startswith("sha256:")

    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {TINY}\nCOPY greeting /greeting\n")
    (folder / "greeting").write_text("hello\n")
    (folder / "job.yaml").write_text(
        "command: cat /greeting; df -k /dev/shm | tail -n 1 | wc -l\nenvironment: {build: {path: .}}\nresources: {shm_size: 64m}\n"
    )
    run = wb("submit", "job.yaml", "-t", server.name, cwd=folder).split()[0]
    assert wb("run", "logs", "-f", run).splitlines() == ["hello", "1"]
