"""What git says of the code is kept with the run: as facts, as properties, and as the diff."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import require
from tests.machines.test_main_job import attach_local
from tests.machines.wb import Wb


class Repository:
    """A work tree as its user has it."""

    def __init__(self, folder: Path, wb: Wb) -> None:
        self.folder = folder
        self._environ = {k: v for k, v in wb.environ.items() if not k.startswith("GIT_")}
        self._environ |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        folder.mkdir()
        self.git("init", "-q", "-b", "main")
        (folder / "train.py").write_text("print(1)\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "first")

    def git(self, *words: str) -> str:
        """What a git command prints."""
        author = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
        done = subprocess.run(
            ["git", *author, *words],
            cwd=self.folder,
            env=self._environ,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()


@pytest.fixture
def repository(wb: Wb, tmp_path: Path) -> Repository:
    """One on the branch main, with one commit and a remote."""
    require("git")
    attach_local(wb, tmp_path)
    made = Repository(tmp_path / "project", wb)
    made.git("remote", "add", "origin", "https://ann:token@example.org/x.git")
    return made


def submitted(wb: Wb, repository: Repository) -> str:
    return wb("submit", "-t", "local", "--wait", "--", "python", "train.py", cwd=repository.folder).split()[0]


def test_a_clean_tree_is_known_by_properties_under_both_names(wb: Wb, repository: Repository) -> None:
    """AZ-120, AZ-122: dirty is the text False; what the address held of credentials is gone (AZ-125)."""
    run = submitted(wb, repository)
    commit = repository.git("rev-parse", "HEAD")
    assert wb.show(run)["properties"] == {
        "azureml.git.repository_uri": "https://example.org/x.git",
        "azureml.git.branch": "main",
        "azureml.git.commit": commit,
        "azureml.git.dirty": "False",
        "mlflow.source.git.repoURL": "https://example.org/x.git",
        "mlflow.source.git.branch": "main",
        "mlflow.source.git.commit": commit,
    }
    assert wb.show(run)["git"]["dirty"] is False
    assert wb("run", "diff", run) == ""


def test_what_was_uncommitted_is_kept_and_applies(wb: Wb, repository: Repository) -> None:
    """AZ-122, AZ-125: dirty is the text True; the diff makes the run's code of its commit."""
    (repository.folder / "train.py").write_text("print(2)\n")
    run = submitted(wb, repository)
    assert wb("logs", run) == "2\n"
    assert wb.show(run)["properties"]["azureml.git.dirty"] == "True"
    (repository.folder / "train.py").write_text("print(3)\n")
    diff = wb("run", "diff", run)
    again = wb("run", "rerun", run, "--wait").split()[0]
    assert wb("run", "diff", again) == diff, "the same code has the same origin"
    assert wb.show(again)["properties"]["workbench.rerun_of"] == run
    current = wb("run", "rerun", run, "--code", "current", "--wait").split()[0]
    assert wb("run", "diff", current).splitlines()[-1] == "+print(3)"
    assert wb.show(current)["properties"]["workbench.rerun_of"] == run
    assert diff.splitlines()[-2:] == ["-print(1)", "+print(2)"]
    repository.git("checkout", "-q", "--", ".")
    patch = repository.folder.parent / "patch"
    patch.write_text(diff)
    repository.git("apply", str(patch))
    assert (repository.folder / "train.py").read_text() == "print(2)\n"


def test_what_git_does_not_know_is_absent(wb: Wb, repository: Repository, tmp_path: Path) -> None:
    """AZ-123: a detached head has no branch, no remote no address, no work tree nothing at all."""
    repository.git("checkout", "-q", "--detach")
    repository.git("remote", "remove", "origin")
    facts = wb.show(submitted(wb, repository))["properties"]
    assert set(facts) == {"azureml.git.commit", "azureml.git.dirty", "mlflow.source.git.commit"}
    plain = tmp_path / "plain"
    plain.mkdir()
    run = wb("submit", "-t", "local", "--wait", "--", "true", cwd=plain).split()[0]
    assert wb.show(run)["properties"] == {}
    assert "git" not in wb.show(run)


def test_runs_are_found_by_tags_and_properties_together(wb: Wb, repository: Repository) -> None:
    """AZ-79: and what is wanted of them by a query."""
    words = ["submit", "-t", "local", "--wait"]
    tagged = wb(*words, "--tag", "team=vision", "--tag", "bare", "--", "true", cwd=repository.folder).split()[
        0
    ]
    repository.git("checkout", "-q", "-b", "other")
    both = wb(*words, "--tag", "team=vision", "--", "true", cwd=repository.folder).split()[0]
    wb(*words, "--", "true", cwd=repository.folder)
    ids = ["run", "ls", "--query", "[].id"]
    assert wb(*ids, "--tag", "team=vision").split() == [both, tagged]
    assert wb(*ids, "--tag", "team=vision", "--property", "azureml.git.branch=other").split() == [both]
    assert wb(*ids, "--tag", "bare", "--property", "azureml.git.branch=other") == ""
    assert wb.run("run", "ls", "--property", "nothing").returncode == 2


def test_variables_say_it_instead(wb: Wb, repository: Repository) -> None:
    """AZ-124."""
    run = wb(
        "submit", "-t", "local", "--wait", "--", "true",
        cwd=repository.folder, AZUREML_GIT_BRANCH="release", AZUREML_GIT_BUILD_ID="77",
    ).split()[0]  # fmt: skip
    facts = wb.show(run)["properties"]
    assert (facts["azureml.git.branch"], facts["azureml.git.build_id"]) == ("release", "77")
