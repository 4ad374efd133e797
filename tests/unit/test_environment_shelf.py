"""Environments from files and to files of this side, and what a submit makes of them, on a real workspace."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.settled import settled
from tests.package_index import Index
from workbench.entities.base import from_wire
from workbench.entities.configuration import RunConfiguration
from workbench.entities.environment import EnvironmentVersion
from workbench.environments import reference
from workbench.errors import ConfigurationError, Conflict, NotFound, UsageError
from workbench.home import Home
from workbench.workspace import Workspace


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    found = Index()
    for name, version in (("alpha", "1.0"), ("beta", "1.5"), ("numpy", "1.26.4")):
        found.add(name, version)
    for name, value in {
        "UV_DEFAULT_INDEX": found.url,
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_NO_CONFIG": "1",
    }.items():
        monkeypatch.setenv(name, value)
    yield found
    found.close()


@pytest.fixture
def workspace(index: Index, tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open("default", embedded=True, home=Home(tmp_path / "home", tmp_path / "run")) as opened:
        opened.call(
            "compute", "set", name="local",
            changes={"root": str(settled(tmp_path / "root")), "lease_dir": str(tmp_path / "leases")},
        )  # fmt: skip
        yield opened


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with one file of each kind, in folders of their own."""
    work = tmp_path / "work"
    files = {
        "plain/requirements.txt": "alpha\n-r more/base.txt\n-c limits.txt\n",
        "plain/more/base.txt": "beta\n",
        "plain/limits.txt": "beta<2\n",
        "vision/conda.yml": "name: vision\ndependencies:\n- python=3.11\n- numpy=1.26\n- ffmpeg\n"
        "- pip: ['-r pip.txt']\nvariables: {A: 1}\n",
        "vision/pip.txt": "alpha\n",
        "project/pyproject.toml": '[project]\nname = "digits"\nversion = "1"\nrequires-python = ">=3.9"\n'
        'dependencies = ["alpha"]\n[dependency-groups]\ntest = ["beta"]\n',
        "image/Dockerfile": "FROM python:3.12\nCOPY x /x\n",
        "image/x": "x",
        "cloud/env.yml": "$schema: https://s/environment.schema.json\nname: from-cloud\nimage: mcr.example/base:1\n"
        "conda_file: conda.yml\ndescription: as the cloud has it\ntags: {team: vision}\n",
        "cloud/conda.yml": "dependencies: [{pip: [alpha]}]\n",
    }
    for name, text in files.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return work


KINDS = {
    "plain/requirements.txt": ("plain", "requirements"),
    "vision/conda.yml": ("vision", "conda"),
    "project/pyproject.toml": ("digits", "project"),
    "project/": ("digits", "project"),
    "cloud/env.yml": ("from-cloud", "conda"),
    "image/Dockerfile": ("image", "image"),
    "image/": ("image", "image"),
}


@pytest.mark.parametrize("file", KINDS)
def test_what_is_saved_reads_back_as_the_same_version(
    workspace: Workspace, work: Path, tmp_path: Path, file: str
) -> None:
    """AZ-139, AZ-134."""
    made = workspace.environments.register(str(work / file) + ("/" if file.endswith("/") else ""))
    assert (made["name"], made["definition"]["kind"], made["version"]) == (*KINDS[file], 1)
    saved = workspace.environments.save(made["name"], tmp_path / "saved")
    assert (tmp_path / "saved" / "environment.yml") in saved
    with pytest.raises(Conflict, match="is there already"):
        workspace.environments.save(made["name"], tmp_path / "saved")
    again = workspace.environments.load(tmp_path / "saved")
    if made["definition"]["kind"] == "image":  # the folder it is built in is another one now
        assert again["definition"]["dockerfile"] == made["definition"]["dockerfile"]
    else:
        assert (again["version"], again["hash"], again["lock"]) == (1, made["hash"], made["lock"])


def test_a_saved_lock_goes_along_into_another_workspace(
    workspace: Workspace, index: Index, work: Path, tmp_path: Path
) -> None:
    """AZ-135, AZ-139: the versions of the first resolve, wherever."""
    made = workspace.environments.register(str(work / "plain" / "requirements.txt"))
    workspace.environments.save("plain", tmp_path / "saved")
    index.add("alpha", "2.0")
    with Workspace.open("other", embedded=True, home=Home(tmp_path / "home2", tmp_path / "run2")) as other:
        index.asked.clear()
        loaded = other.environments.load(tmp_path / "saved")
        assert (loaded["lock"], loaded["requires_python"]) == (made["lock"], made["requires_python"])
        assert index.asked == []
        (tmp_path / "saved" / "requirements.txt").write_text("alpha\nbeta\nnumpy\n")
        changed = other.environments.load(tmp_path / "saved")
        assert changed["version"] == 2
        assert "alpha==2.0" in changed["lock"], "the lock was of something else"
        forged = (tmp_path / "saved" / "requirements.lock").read_text().replace("alpha", "-e /etc")
        (tmp_path / "saved" / "requirements.lock").write_text(forged)
        workspace.environments.save("plain:1", tmp_path / "saved", overwrite=True)
        (tmp_path / "saved" / "requirements.lock").write_text(forged)
        with pytest.raises(ConfigurationError, match="the lock:1"):
            other.environments.load(tmp_path / "saved", name="third")


def test_what_files_include_is_in_the_definition(workspace: Workspace, work: Path) -> None:
    plain = workspace.environments.register(str(work / "plain" / "requirements.txt"))["definition"]
    assert (plain["requirements"], plain["constraints"]) == ("alpha\nbeta\n", "beta<2\n")
    made = workspace.environments.register(str(work / "vision" / "conda.yml"))
    assert made["definition"]["requirements"] == "numpy==1.26.*\nalpha\n"
    assert "pip.txt" not in made["definition"]["conda"]
    assert (made["definition"]["python"], made["definition"]["variables"]) == ("3.11", {"A": "1"})
    assert workspace.environments.notes(made) == [
        "only conda can install ffmpeg: missing on a machine without conda or micromamba"
    ]
    both = workspace.environments.register(
        reference.inline({"conda_file": str(work / "vision" / "conda.yml"), "image": "corp/base:1"}),
        name="both",
    )
    assert workspace.environments.notes(both)[0] == (
        "its runs are in a container: corp/base:1 with the conda file's packages on top"
    )
    assert "missing in an image without conda" in workspace.environments.notes(both)[1]
    base = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04:latest"
    bare = workspace.environments.register(
        reference.inline({"conda_file": str(work / "vision" / "conda.yml"), "image": base}), name="bare"
    )
    assert f"installed on the machine itself, not in {base}" in workspace.environments.notes(bare)[0]
    cloud = workspace.environments.register(str(work / "cloud" / "env.yml"))
    assert (cloud["description"], cloud["tags"]) == ("as the cloud has it", {"team": "vision"})


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt", "-r ../../../../etc/shadow-of-nothing\n", "cannot be read"),
        ("a.txt", "\udcff", "no text in UTF-8"),
        ("a.yml", "a: 1\n", "says nothing of an environment"),
        ("a.yml", "- a\n", "defines no environment"),
        ("a.yml", "name: x\n", "made from is missing"),
        ("a.toml", "", "defines no environment"),
        ("pyproject.toml", "", r"no \[project\]"),
    ],
)
def test_files_that_define_nothing_are_refused(
    workspace: Workspace, tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigurationError, match=words):
        workspace.environments.register(str(tmp_path / name))
    with pytest.raises(NotFound):
        workspace.environments.register(str(tmp_path / "gone.txt"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="no file that defines"):
        workspace.environments.register(str(tmp_path / "empty") + "/")
    with pytest.raises(UsageError, match="defines no environment"):
        workspace.environments.register("nothing-of-that-name")


def test_versions_are_found_by_number_and_label(workspace: Workspace, work: Path) -> None:
    """AZ-6 in part, AZ-133, AZ-138."""
    first = workspace.environments.register(str(work / "plain"), name="train", variables={"A": "1"})
    workspace.environments.register("python", name="train")
    workspace.call("environments", "set_alias", environment="train:1", alias="stable")
    assert list(workspace.environments) == ["train"]
    assert workspace.environments.get("train").version == 2
    assert workspace.environments.get("train", version=1) == from_wire(
        EnvironmentVersion, {**first, "aliases": ["stable"]}
    )
    assert workspace.environments.get("train", label="stable").definition.variables == {"A": "1"}
    with pytest.raises(NotFound, match="no alias"):
        workspace.environments.get("train", label="gone")


def asked(environment: str | None, **more: Any) -> RunConfiguration:
    return RunConfiguration(command="true", environment=environment, **more)


def test_a_submit_registers_what_it_names_and_the_run_says_the_version(
    workspace: Workspace, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AZ-137, AZ-90."""
    monkeypatch.chdir(work / "plain")
    planned = workspace.plan(asked("requirements.txt", experiment="digits"))
    assert planned["environment"]["name"] == "digits"
    assert list(workspace.environments) == [], "nothing is kept of what is only planned"
    run = workspace.submit(asked("requirements.txt", experiment="digits"))
    assert run["environment"] == "digits:1"
    assert (
        workspace.call("runs", "configuration", run=run["id"])["configuration"]["environment"] == "digits:1"
    )
    ran_in = workspace.call("runs", "environment", run=run["id"])
    assert ran_in["environment"] == "digits:1"
    assert ran_in["version"]["definition"]["requirements"] == "alpha\nbeta\n"
    assert "alpha==1.0" in ran_in["version"]["lock"]
    again = workspace.submit(asked("requirements.txt", experiment="digits"))
    assert again["environment"] == "digits:1"
    inline = reference.inline({"requirements": str(work / "plain" / "more" / "base.txt"), "name": "inline"})
    assert workspace.submit(asked(inline))["environment"] == "inline:1"
    for handle in (run, again):
        workspace.call("runs", "cancel", run=handle["id"])


def test_a_folder_that_is_written_as_a_name_is_pointed_at(
    workspace: Workspace, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who writes the folder beside them is told how; a name that is nothing stays the registry's error."""
    monkeypatch.chdir(work)
    with pytest.raises(NotFound, match="no environment 'plain'") as told:
        workspace.submit(asked("plain"))
    assert told.value.hint == "the folder of that name is written ./plain"
    with pytest.raises(NotFound) as told:
        workspace.submit(asked("nothing"))
    assert "wb env register" in told.value.hint


def test_hosted_names_and_none_at_all(workspace: Workspace) -> None:
    """AZ-137, AZ-27: the cloud's names lead to ours; none given is the target's own."""
    hosted = "azureml://registries/azureml/environments/sklearn-1.5/labels/latest"
    with pytest.raises(NotFound, match="nothing here stands for it"):
        workspace.submit(asked(hosted))
    assert workspace.call("runs", "list") == []
    workspace.call("workspace", "map", kind="environment", hosted="sklearn-1.5", ours="python")
    workspace.call("workspace", "map", kind="compute", hosted="cpu-cluster", ours="local")
    run = workspace.submit(asked(hosted, target="cpu-cluster"))
    assert (run["environment"], run["target"]) == ("python:1", "local")
    plain = workspace.submit(asked(None, target="azureml:local"))
    assert "environment" not in plain
    own = workspace.submit(asked(os.path.realpath("/usr/bin/env")))
    assert own["environment"] == os.path.realpath("/usr/bin/env")
    for handle in (run, plain, own):
        workspace.call("runs", "cancel", run=handle["id"])
