"""What engines are told, and what they say, without any engine (AZ-32, AZ-131)."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench.remote.containers import arguments, calls, engine, image, places
from workbench.remote.containers.arguments import BadWords, Mount, Person, Wanted
from workbench.remote.containers.ending import is_unknown, read_state
from workbench.remote.containers.engine import Engine, NoEngine, recalled, remembered
from workbench.remote.containers.preparing import has_cdi
from workbench.remote.containers.trouble import explained, pull_explained
from workbench.remote.containers.usage import Usage

ANN = Person(1000, 1000, [27, 1000], False)
DOCKER = Engine(["docker"], "docker", "28.2", False, True)
PODMAN = Engine(["podman"], "podman", "4.3.1", False, None)
GPU = "GPU-0a1b2c3d"


def wanted(**changes: Any) -> Wanted:
    """A container of no special kind."""
    plain = Wanted(
        name="workbench-01abc-1", image="sha256:12", command=["/bin/sh", "/r/container.sh"], directory="/r/code",
        mounts=[Mount("/r", True), Mount("/payload", False)], gpus=[], shm_size=None, cpus=None, extra=[],
        variables=["LR"], env_file=None,
    )  # fmt: skip
    return plain._replace(**changes)


def after(words: list[str], option: str) -> list[str]:
    """The values of an option."""
    return [value for name, value in itertools.pairwise(words) if name == option]


def test_the_words_for_docker() -> None:
    words = arguments.run_words(DOCKER, wanted(), ANN)
    assert words == [
        "docker", "run", "--name", "workbench-01abc-1", "--init", "--workdir", "/r/code", "--user", "1000:1000",
        "--group-add", "27", "--log-driver", "none", "--network", "host", "--shm-size", "2g",
        "--mount", "type=bind,source=/r,target=/r", "--mount", "type=bind,source=/payload,target=/payload,readonly",
        "--env", "LR", "--entrypoint", "/bin/sh", "sha256:12", "/r/container.sh",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "rootless", "uid", "told"),
    [
        ("docker", False, 1000, ["1000:1000"]),
        ("docker", True, 1000, ["0:0"]),
        ("nerdctl", True, 1000, ["0:0"]),
        ("podman", True, 1000, ["1000:1000"]),
        ("podman", False, 0, ["0:0"]),
    ],
)
def test_files_belong_to_the_user(kind: str, rootless: bool, uid: int, told: list[str]) -> None:
    """Whoever is root in there, what is written is the user's out here."""
    made = Engine([kind], kind, "", rootless, None)
    words = arguments.run_words(made, wanted(), Person(uid, uid, [], False))
    assert after(words, "--user") == told
    assert after(words, "--userns") == (["keep-id"] if kind == "podman" and rootless else [])


def test_gpus_are_named_by_uuid() -> None:
    """docker by its own option, podman by CDI; none at all for a run that hides them."""
    assert arguments.gpu_words(DOCKER, [GPU, "GPU-9"]) == ["--gpus", f'"device={GPU},GPU-9"']
    assert arguments.gpu_words(DOCKER, None) == ["--gpus", "all"]
    assert arguments.gpu_words(PODMAN, [GPU]) == ["--device", f"nvidia.com/gpu={GPU}"]
    assert arguments.gpu_words(PODMAN, None) == ["--device", "nvidia.com/gpu=all"]
    assert arguments.gpu_words(PODMAN, []) == arguments.gpu_words(DOCKER, []) == []


def test_what_docker_args_say_wins() -> None:
    """A network, shared memory or cores that the user chose are chosen once."""
    extra = ["--network=none", "--ipc", "host", "--cpus", "2"]
    words = arguments.run_words(PODMAN, wanted(extra=extra, shm_size=1 << 20, cpus=4), ANN)
    assert "host" not in after(words, "--network")
    assert "--shm-size" not in words
    assert after(words, "--cpus") == ["2"]
    assert arguments.network_of(extra) == "none"
    words = arguments.run_words(PODMAN, wanted(shm_size=1 << 20, cpus=4), ANN)
    assert (after(words, "--shm-size"), after(words, "--cpus")) == (["1048576b"], ["4"])


@pytest.mark.parametrize("word", ["--detach", "-d", "--name=x", "--rm", "--entrypoint", "--", "a\0b"])
def test_what_docker_args_may_not_say(word: str) -> None:
    with pytest.raises(BadWords, match="docker_args"):
        arguments.check_extra([word])


def test_any_path_can_be_mounted() -> None:
    """The value of --mount is CSV: commas and quotes are quoted, a line's end is refused."""
    assert arguments.mount_words(Mount('/a,"b', True)) == 'type=bind,"source=/a,""b","target=/a,""b"'
    with pytest.raises(BadWords):
        arguments.mount_words(Mount("/a\nb", True))


def test_selinux_does_not_keep_the_run_from_its_folder() -> None:
    words = arguments.run_words(PODMAN, wanted(), ANN._replace(selinux=True))
    assert after(words, "--security-opt") == ["label=disable"]


def test_no_value_is_in_the_words_and_the_client_goes_its_own_way() -> None:
    """A variable that an engine's client goes by stands in a file, the rest it inherits."""
    variables = {
        "TOKEN": "secret",
        "PATH": "/image/bin",
        "DOCKER_HOST": "tcp://other",
        "https_proxy": "p",
        "A.B": "1",
    }
    names, environment, filed = arguments.split_variables(
        variables, {"PATH": "/usr/bin", "HOME": "/home/ann"}
    )
    assert names == ["A.B", "TOKEN"]
    assert environment == {"PATH": "/usr/bin", "HOME": "/home/ann", "TOKEN": "secret", "A.B": "1"}
    assert arguments.env_file_text(filed) == "DOCKER_HOST=tcp://other\nPATH=/image/bin\nhttps_proxy=p\n"
    with pytest.raises(BadWords, match="PATH spans lines"):
        arguments.split_variables({"PATH": "a\nb"}, {})
    with pytest.raises(BadWords, match="no container can have"):
        arguments.split_variables({"A*": "podman would take every name that begins so"}, {})


def test_an_env_file_is_in_memory_and_the_users_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path(places.write_env_file("workbench-of-a-test-1", {"PATH": "x"}))
    try:
        assert file.stat().st_mode & 0o777 == 0o600
        assert places.memory_folder() == str(file.parent)
    finally:
        file.unlink()
    monkeypatch.setattr(places, "memory_folder", lambda: None)
    with pytest.raises(BadWords, match="in memory"):
        places.write_env_file("workbench-of-a-test-1", {"PATH": "x"})


def test_what_of_the_data_is_mounted(tmp_path: Path) -> None:
    """Inputs read-only, outputs writable, what is in the run's folder not again; links bring what they lead to."""
    run, data, out = tmp_path / "run", tmp_path / "data", tmp_path / "out"
    for folder in (run / "inputs" / "some", data / "deep", out):
        folder.mkdir(parents=True)
    (data / "deep" / "file").touch()
    (run / "inputs" / "some" / "file").symlink_to(data / "deep" / "file")
    found = {
        "inputs": {"a": str(data), "b": str(run / "inputs" / "some"), "c": "s3://bucket/x"},
        "outputs": {"o": str(out)},
    }
    spec = {"data": {"inputs": {"a": {"mode": "ro_mount"}}}}
    assert places.data_mounts(spec, found, str(run)) == [Mount(str(data), False), Mount(str(out), True)]
    spec = {"data": {"inputs": {"a": {"mode": "rw_mount"}}}}
    assert places.data_mounts(spec, found, str(run))[0] == Mount(str(data), True)
    only_links = {"inputs": {"b": str(run / "inputs" / "some")}}
    assert places.data_mounts({}, only_links, str(run)) == [Mount(str(data / "deep"), False)]
    # A file that is to be written may be made anew: its folder is writable, an input in there is not.
    beside = {"inputs": {"a": str(data / "deep")}, "outputs": {"o": str(data / "scores.txt")}}
    expected = [Mount(str(data), True), Mount(str(data / "deep"), False)]
    assert places.data_mounts({}, beside, str(run)) == expected


def script(folder: Path, name: str, text: str) -> Path:
    """An engine that is a few lines of shell."""
    file = folder / name
    file.write_text("#!/bin/sh\n" + text)
    file.chmod(0o755)
    return file


DOCKER_INFO = {
    "ServerVersion": "28.2.2",
    "SecurityOptions": ["name=seccomp", "name=rootless"],
    "Runtimes": {"nvidia": {}},
}
PODMAN_INFO = {"host": {"security": {"rootless": False}}, "version": {"Version": "4.3.1"}}


def answering(version: str, info: object, code: int = 0) -> str:
    """What such a script says."""
    return f"case \"$1\" in --version) echo '{version}' ;; info) echo '{json.dumps(info)}'; exit {code} ;; esac\n"


def test_the_first_engine_that_works_is_taken(tmp_path: Path) -> None:
    """docker without its daemon is passed over for podman; a podman that is called docker is known as podman."""
    broken = {"ServerErrors": ["Cannot connect to the Docker daemon at unix:///var/run/docker.sock."]}
    script(tmp_path, "docker", answering("Docker version 28.2.2", broken, 1))
    path = f"{tmp_path}:/usr/bin:/bin" if not Path("/usr/bin/podman").exists() else str(tmp_path)
    with pytest.raises(NoEngine) as told:
        engine.find_engine(path=str(tmp_path))
    assert "docker does not work: docker's daemon is not running" in told.value.message
    script(tmp_path, "podman", answering("podman version 4.3.1", PODMAN_INFO))
    found = engine.find_engine(path=str(tmp_path))
    assert (found.kind, found.version, found.rootless, found.gpus) == ("podman", "4.3.1", False, None)
    script(tmp_path, "docker", answering("podman version 4.3.1", PODMAN_INFO))
    assert engine.find_engine(path=path).kind == "podman"
    script(tmp_path, "docker", answering("Docker version 28.2.2", DOCKER_INFO))
    found = engine.find_engine(path=str(tmp_path))
    assert (found.kind, found.version, found.rootless, found.gpus) == ("docker", "28.2.2", True, True)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("'", "cannot be read as words"),
        ("  ", "is empty"),
        ("nosuch-engine", "there is no nosuch-engine on this machine"),
        ("none", "settings say that it runs no containers"),
    ],
)
def test_a_setting_that_names_no_engine(command: str, words: str) -> None:
    with pytest.raises(NoEngine, match=words):
        engine.find_engine(command or " ")


def test_a_machine_without_any(tmp_path: Path) -> None:
    with pytest.raises(NoEngine, match="none of docker, podman and nerdctl"):
        engine.find_engine(path=str(tmp_path))


def test_an_engine_that_never_answers_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "ASK_SECONDS", 0.3)
    slow = script(tmp_path, "docker", "exec sleep 60\n")
    with pytest.raises(NoEngine, match="does not work"):
        engine.asked([str(slow)])


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Error: runc: setrlimit `RLIMIT_NOFILE`: Operation not permitted", "may not raise limits"),
        ("error: OCI runtime error: crun: cgroups in hybrid mode not supported", "hybrid cgroups"),
        ("Error: netavark: No such file or directory (os error 2)", "needs iptables"),
        ('could not find "netavark" in one of [/usr/lib]', "netavark is not installed"),
        (
            "Error: container-init binary not found on the host: stat /usr/libexec/podman/catatonit",
            "small init",
        ),
        ("permission denied while trying to connect to the Docker daemon socket", "may not use docker"),
        ("unresolvable CDI devices nvidia.com/gpu=GPU-1", "no CDI description"),
        ('could not select device driver "" with capabilities: [[gpu]]', "cannot hand GPUs on"),
        ("write /x: no space left on device", "disk where the engine keeps images is full"),
        ("cannot find newuidmap", "no range of user ids"),
    ],
)
def test_errors_are_explained(said: str, words: str) -> None:
    """The errors that people meet, as they are told on the page of what was measured."""
    found = explained(said)
    assert found is not None
    assert words in found.words
    assert found.hint


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("dial tcp: lookup registry: no such host", "cannot be reached"),
        ("manifest unknown: manifest unknown", "has no such image"),
        (
            "pull access denied for x, repository does not exist or may require 'docker login'",
            "wants a login",
        ),
        ('short-name "x" did not resolve to an alias', "does not say a registry"),
    ],
)
def test_pulls_that_fail_are_explained(said: str, words: str) -> None:
    found = pull_explained(said)
    assert found is not None
    assert words in found.words
    assert explained("something else altogether") is None


def test_an_engine_that_is_remembered_is_the_same_one(tmp_path: Path) -> None:
    """Kept with an image, through JSON; another command, another program or damage: it is asked anew."""
    program = tmp_path / "podman"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    known = Engine([str(program), "--root", "/x"], "podman", "4.3.1", True, None)
    kept = json.loads(json.dumps(remembered(known)))
    assert recalled(kept) == known
    assert recalled(kept, f"{program} --root /x") == known
    assert recalled(kept, f"{program} --root /y") is None
    assert recalled(kept, "nosuchengine") is None
    for damaged in (None, [], {}, "x", {**kept, "argv": []}, {**kept, "program": []}):
        assert recalled(damaged) is None
    program.write_text("#!/bin/sh\nexit 1\n")
    assert recalled(kept) is None
    program.unlink()
    assert recalled(kept) is None


def test_the_last_words_of_an_engine() -> None:
    text = "Trying to pull x...\n\x1b[31mError: a\x07b\x1b[0m\nSee 'docker run --help'.\n"
    assert calls.last_line(text) == "ab"
    assert calls.last_line("docker: Error response from daemon: no.\n") == "no."
    assert calls.last_line("\n\n") == ""


def test_what_an_image_is() -> None:
    """docker and podman tell an image in one form, but for the beginning of its id."""
    told = [{"Id": "ab" * 32, "RepoDigests": ["x@sha256:1"], "Config": {"Env": ["PATH=/a:/b", "X=1=2"]}}]
    found = image.read_inspected(json.dumps(told))
    assert found == {
        "id": "sha256:" + "ab" * 32,
        "digests": ["x@sha256:1"],
        "path": "/a:/b",
        "pythonpath": "",
    }
    assert image.read_inspected("[]") is None
    assert image.read_inspected("nonsense") is None


def test_what_an_image_answers() -> None:
    text = "shell:/bin/bash\npython:/opt/bin/python3\nversion:3.9.2\npath\t/x\nhas\tnumpy\t2.0\ndone\n"
    found = image.read_examined(text)
    assert found == {
        "shell": "/bin/bash",
        "interpreter": "/opt/bin/python3",
        "version": "3.9.2",
        "packages": {"numpy": "2.0"},
    }
    assert image.read_examined("shell:/bin/sh\n") == {
        "shell": "/bin/sh",
        "interpreter": "",
        "version": "",
        "packages": {},
    }


def test_how_a_container_is() -> None:
    told = {
        "Running": False,
        "StartedAt": "0001-01-01T00:00:00Z",
        "ExitCode": 127,
        "OOMKilled": False,
        "Pid": 0,
        "Error": "no",
    }
    found = read_state(told)
    assert found is not None
    assert (found.started, found.exit_code, found.pid, found.error) == (False, 127, 0, "no")
    assert read_state(None) is None


def test_a_name_of_its_own_for_each_attempt() -> None:
    assert arguments.container_name("01ABC", 2) == "workbench-01abc-2"
    assert image.part_of_tag("My  Image_1") == "my-image-1"
    assert image.part_of_tag("-") == "image"


def test_descriptions_of_devices(tmp_path: Path) -> None:
    assert not has_cdi((str(tmp_path),))
    (tmp_path / "nvidia.yaml").write_text("kind: nvidia.com/gpu\n")
    assert has_cdi((str(tmp_path),))


def test_what_processes_elsewhere_used_is_read_with_their_childrens(tmp_path: Path) -> None:
    """A daemon's processes end without us: what is counted is what was seen last, and it never becomes less."""
    spin = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    script = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {spin!r}])\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        usage = Usage()
        usage.look([(child.pid, "0")])
        assert usage.cpu_seconds >= 0.25
        assert usage.peak_memory > 1 << 20
        before = usage.cpu_seconds
        child.kill()
    usage.look([(child.pid, "0")])
    assert usage.cpu_seconds == before


def test_only_an_engine_can_say_that_a_container_is_gone() -> None:
    """Whose note is dropped is looked for no more: it would run on with its GPUs."""
    name = "workbench-01m8dra006000015mswfs0xd6m-1"
    for said in (
        f"Error response from daemon: No such container: {name}",
        f'Error: no container with name or ID "{name}" found: no such container',
        f'time="now" level=fatal msg="container {name}: not found"',
    ):
        assert is_unknown(said, name)
    for said in ("sudo: docker: command not found", "unix:///run/x.sock: not found", ""):
        assert not is_unknown(said, name)
