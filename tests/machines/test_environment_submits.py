"""From a requirements file to a run that imports it, through `wb`, on a real sshd: near and far side together."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb
from tests.package_index import Index

SAY = "import alpha, os, sys; print(alpha.version, os.environ.get('SAID'), sys.prefix)"


@pytest.fixture
def index() -> Iterator[Index]:
    found = Index()
    found.add("alpha", "1.0")
    found.add("beta", "1.5")
    yield found
    found.close()


@pytest.fixture
def user(make_wb: Callable[..., Wb], server: SshServer, tmp_path: Path) -> Wb:
    """A user whose default target is a real machine; nothing is fetched that another test fetched."""
    wb = make_wb(UV_CACHE_DIR=str(tmp_path / "uv"), UV_NO_CONFIG="1", UV_HTTP_RETRIES="0")
    attach(wb, server)
    return wb


@pytest.fixture
def code(tmp_path: Path, index: Index) -> Path:
    folder = tmp_path / "digits"
    folder.mkdir()
    (folder / "requirements.txt").write_text(f"-i {index.url}\nalpha\n")
    return folder


def output(wb: Wb, code: Path, environment: str, *words: str) -> list[str]:
    """Submit what says its alpha, wait, and the words of its output."""
    options = ("--env", environment, *words)
    run = wb("submit", *options, "--wait", "--", "python", "-c", SAY, cwd=code).strip()
    assert wb.show(run)["status"] == "Completed", wb("logs", run)
    return wb("logs", run).split()


def test_a_requirements_file_is_all_that_is_needed(user: Wb, code: Path, index: Index) -> None:
    """AZ-137, AZ-90, AZ-135, AZ-32: registered, resolved, built, run in, told of; once however often."""
    first = output(user, code, "requirements.txt", "-e", "counting")
    assert first[0] == "1.0"
    index.add("alpha", "2.0")
    again = output(user, code, "requirements.txt", "-e", "counting")
    assert again == first, "not pinned, but resolved and built already"
    told = json.loads(user("run", "env", "@1", "-o", "json"))
    assert told["environment"] == "counting:1"
    assert "alpha==1.0" in told["version"]["lock"]
    assert user("run", "env", "@1", "--freeze") == "alpha==1.0\n"
    (built,) = [item for item in user.json("activity", "ls") if item["kind"] == "environment"]
    assert (built["subject"], built["state"]) == ("environments/counting:1", "done")

    (code / "requirements.txt").write_text(f"-i {index.url}\nalpha\nbeta\n")
    changed = output(user, code, "requirements.txt", "-e", "counting")
    assert (changed[0], changed[2] != first[2]) == ("2.0", True)
    assert user.show("@1")["environment"] == "counting:2"
    assert output(user, code, "counting:1") == first, "an old version is what it was"
    user("env", "alias", "counting:1", "stable")
    assert output(user, code, "counting@stable") == first
    user("run", "rerun", "@1", "--wait")
    assert user.show("@1")["environment"] == "counting:1", "exact, also after the alias"
    assert user("run", "env", "@1", "--freeze") == "alpha==1.0\n"


def test_variables_belong_to_the_environment_and_a_runs_own_go_first(user: Wb, code: Path) -> None:
    """AZ-138, AZ-140."""
    user("env", "register", "requirements.txt", "--name", "said", "--variable", "SAID=environment", cwd=code)
    user("compute", "set", "m1", "environment_variables.SAID=machine")
    assert output(user, code, "said")[1] == "environment"
    (code / "job.yml").write_text(
        f'command: python -c "{SAY}"\nenvironment: said\nenvironment_variables: {{SAID: run}}\n'
    )
    run = user("submit", "job.yml", "--wait", cwd=code).strip()
    assert user("logs", run).split()[1] == "run"
    job = f'command: python -c "{SAY}"\nenvironment: {{requirements: requirements.txt, name: inline}}\n'
    (code / "job.yml").write_text(job)
    run = user("submit", "job.yml", "--wait", cwd=code).strip()
    assert (user.show(run)["environment"], user("logs", run).split()[:2]) == ("inline:1", ["1.0", "machine"])


def test_a_name_of_the_cloud_runs_unchanged_on_a_machine_of_ones_own(user: Wb, code: Path) -> None:
    """AZ-27 in part, AZ-134: the file says the cloud's environment and compute; the maps say ours."""
    hosted = "azureml://registries/azureml/environments/sklearn-1.5/labels/latest"
    job = f'command: python -c "{SAY}"\nenvironment: {hosted}\ncompute: azureml:cpu-cluster\n'
    (code / "job.yml").write_text(job)
    refused = user.run("submit", "job.yml", cwd=code)
    assert refused.returncode == 3, refused.stderr
    user("workspace", "map", "set", "compute", "cpu-cluster", "m1")
    refused = user.run("submit", "job.yml", cwd=code)
    assert "wb workspace map set environment sklearn-1.5 sklearn" in refused.stderr
    user("env", "register", "requirements.txt", "--name", "mine", cwd=code)
    user("workspace", "map", "set", "environment", "sklearn-1.5", "mine@latest")
    run = user("submit", "job.yml", "--wait", cwd=code).strip()
    shown: dict[str, Any] = user.show(run)
    assert (shown["status"], shown["environment"], shown["target"]) == ("Completed", "mine:1", "m1")


def test_what_cannot_be_resolved_is_said_before_anything_is_sent(user: Wb, code: Path, index: Index) -> None:
    (code / "requirements.txt").write_text(f"-i {index.url}\ngamma\n")
    refused = user.run("submit", "--env", "requirements.txt", "--", "true", cwd=code)
    assert refused.returncode == 2
    assert "gamma was not found" in refused.stderr
    (code / "requirements.txt").write_text("-e .\n")
    refused = user.run("submit", "--env", "requirements.txt", "--", "true", cwd=code)
    assert refused.stderr.startswith("error: requirements.txt:1: an editable package")
    index.close()
    index.close = lambda: None  # type: ignore[method-assign]
    (code / "requirements.txt").write_text(f"-i {index.url}\nbeta\n")
    refused = user.run("submit", "--env", "requirements.txt", "--", "true", cwd=code)
    assert refused.returncode == 4
    assert "cannot be reached" in refused.stderr
    assert user.json("run", "ls") == []
    assert user.json("env", "ls") == []


def test_names_versions_and_files_are_completed(user: Wb, code: Path) -> None:
    user("env", "register", "requirements.txt", "--name", "train", cwd=code)
    user("env", "alias", "train:1", "stable")

    def offers(line: str) -> list[str]:
        words = {"_WB_COMPLETE": "bash_complete", "_WB_LINE": line, "_WB_BREAKS": ""}
        return [item.partition(",")[2] for item in user.run(cwd=code, **words).stdout.splitlines()]

    assert offers("wb env show tr") == ["train"]
    assert offers("wb env show train:") == ["train:1"]
    assert offers("wb submit --env train@") == ["train@latest", "train@stable"]
    assert offers("wb submit --env skl") == ["sklearn"]
    assert offers("wb submit --env requ") == ["requ"], "the shell completes files"


def test_each_kind_of_definition_ends_in_a_run_that_has_its_packages(
    user: Wb, code: Path, index: Index, server: SshServer
) -> None:
    """AZ-134, AZ-132, AZ-130: a project with its lock, a conda file's pip part, an interpreter, a preset."""
    project = code / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "locked"\nversion = "1"\nrequires-python = ">=3.8"\ndependencies = ["alpha"]\n'
        f'[[tool.uv.index]]\nurl = "{index.url}"\ndefault = true\n'
    )
    uv = Path(sys.executable).parent / "uv"
    environ = {**user.environ, "UV_NO_CONFIG": "0"}
    subprocess.run([uv, "lock", "--quiet"], cwd=project, env=environ, check=True)
    (code / "conda.yml").write_text(
        f"name: condas\ndependencies: [pip, cudatoolkit, ffmpeg, {{pip: ['-i {index.url}', alpha]}}]\n"
    )
    index.add("alpha", "2.0")
    assert output(user, code, "project/pyproject.toml")[0] == "1.0", "as it was locked"
    assert user.show("@1")["environment"] == "locked:1"
    conda = output(user, code, "conda.yml")
    assert (conda[0], user.show("@1")["environment"]) == ("2.0", "condas:1")
    told = user.run("env", "register", "conda.yml", cwd=code).stderr
    assert "only conda can install ffmpeg" in told, "a script hears of it too"
    assert "only conda can install ffmpeg: missing" in user("env", "log", "condas", "-t", server.name)
    user("env", "register", f"{conda[2]}/bin/python", "--name", "interpreter")
    assert output(user, code, "interpreter") == conda
    run = user(
        "submit", "--env", "python", "--wait", "--", "python", "-c", "import alpha", cwd=code, code=None
    )
    assert user.show(run.strip())["status"] == "Failed", "the preset is the interpreter alone"
    assert user.show(run.strip())["environment"] == "python:1"
