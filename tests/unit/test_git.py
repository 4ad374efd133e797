"""Git facts, with real repositories: what is known, what is absent, and what it must not make us do."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import require
from workbench.entities.run import GitFacts
from workbench.snapshots import git as git_module
from workbench.snapshots.git import git_facts, strip_credentials
from workbench.snapshots.gitcommand import run_git

NOTHING = (GitFacts(), None)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    require("git")
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "AZUREML_", "XDG_"))
    }
    return kept | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(tmp_path)}


class Repository:
    """A work tree and the git commands that a person would type in it."""

    def __init__(self, place: Path, env: dict[str, str]) -> None:
        self.place = place
        self.env = env
        place.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        author = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
        done = subprocess.run(
            ["git", *author, *words],
            cwd=self.place,
            env=self.env,
            check=True,
            capture_output=True,
            timeout=60,
        )
        return done.stdout.decode().strip()

    def commit(self, **files: str) -> str:
        for name, content in files.items():
            (self.place / name).write_text(content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, env: dict[str, str]) -> Repository:
    return Repository(tmp_path / "repository", env)


def test_a_clean_tree(repository: Repository) -> None:
    """AZ-120 to AZ-122."""
    commit = repository.commit(a="1\n")
    repository.git("remote", "add", "origin", "https://ann:token@example.org/x.git")
    assert git_facts(repository.place, repository.env) == (
        GitFacts(repository_uri="https://example.org/x.git", branch="main", commit=commit, dirty=False),
        None,
    )


def test_a_dirty_tree_has_its_diff(repository: Repository) -> None:
    """AZ-122, AZ-125: staged and unstaged in one diff; what is untracked is in the snapshot."""
    repository.commit(a="1\n", b="1\n")
    (repository.place / "a").write_text("unstaged\n")
    (repository.place / "b").write_text("staged\n")
    repository.git("add", "b")
    (repository.place / "new").write_text("untracked\n")
    facts, diff = git_facts(repository.place, repository.env)
    assert facts.dirty is True
    assert diff is not None
    assert "+unstaged" in diff
    assert "+staged" in diff
    assert "untracked" not in diff
    # It applies: what was submitted can be made again from the commit.
    repository.git("stash", "-q")
    subprocess.run(["git", "apply", "--check", "-"], cwd=repository.place, env=repository.env, check=True,
                   input=diff.encode(), timeout=60)  # fmt: skip


def test_only_an_untracked_file_is_dirty_without_a_diff(repository: Repository) -> None:
    repository.commit(a="1")
    (repository.place / "new").touch()
    facts, diff = git_facts(repository.place, repository.env)
    assert (facts.dirty, diff) == (True, None)


def test_dirt_elsewhere_does_not_count(repository: Repository) -> None:
    """AZ-121: `status --porcelain .`, in the source directory."""
    (repository.place / "sub").mkdir()
    (repository.place / "sub/x").touch()
    repository.commit(a="1")
    (repository.place / "a").write_text("2")
    facts, diff = git_facts(repository.place / "sub", repository.env)
    assert (facts.dirty, diff) == (False, None)
    (repository.place / "sub/x").write_text("2\n")
    facts, diff = git_facts(repository.place / "sub", repository.env)
    assert facts.dirty is True
    assert diff is not None
    assert "b/sub/x" in diff
    assert "b/a" not in diff


def test_a_detached_head_has_no_branch(repository: Repository) -> None:
    """AZ-123."""
    commit = repository.commit(a="1")
    repository.git("checkout", "-q", "--detach")
    facts, _ = git_facts(repository.place, repository.env)
    assert (facts.branch, facts.commit) == (None, commit)


def test_no_remote_no_uri(repository: Repository) -> None:
    """AZ-123."""
    repository.commit(a="1")
    assert git_facts(repository.place, repository.env)[0].repository_uri is None


def test_before_the_first_commit(repository: Repository) -> None:
    (repository.place / "a").write_text("first\n")
    repository.git("add", "a")
    facts, diff = git_facts(repository.place, repository.env)
    assert (facts.branch, facts.commit, facts.dirty) == ("main", None, True)
    assert diff is not None
    assert "+first" in diff


def test_no_repository_no_directory_no_git(
    tmp_path: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """AZ-123: no property, no error."""
    env["GIT_CEILING_DIRECTORIES"] = str(tmp_path)
    (tmp_path / "plain").mkdir()
    assert git_facts(tmp_path / "plain", env) == NOTHING
    assert git_facts(tmp_path / "none", env) == NOTHING
    (tmp_path / "plain/.git").write_text("gitdir: /nowhere\n")
    assert git_facts(tmp_path / "plain", env) == NOTHING
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_facts(tmp_path / "plain", {}) == NOTHING


def test_variables_win(repository: Repository, tmp_path: Path) -> None:
    """AZ-124; also where there is no repository at all."""
    repository.commit(a="1")
    told = {
        "AZUREML_GIT_REPOSITORY_URI": "https://ann:pw@example.org/other",
        "AZUREML_GIT_BRANCH": "release",
        "AZUREML_GIT_COMMIT": "abc",
        "AZUREML_GIT_DIRTY": "True",
        "AZUREML_GIT_BUILD_ID": "17",
        "AZUREML_GIT_BUILD_URI": "https://example.org/17",
    }
    wanted = GitFacts(
        repository_uri="https://example.org/other",
        branch="release",
        commit="abc",
        dirty=True,
        build_id="17",
        build_uri="https://example.org/17",
    )
    assert git_facts(repository.place, repository.env | told) == (wanted, None)
    assert git_facts(tmp_path / "none", told) == (wanted, None)
    assert git_facts(repository.place, repository.env | {"AZUREML_GIT_DIRTY": "False"})[0].dirty is False


def test_a_hooks_variables_do_not_mislead(repository: Repository, tmp_path: Path) -> None:
    """Submitting from a git hook: GIT_DIR there is another repository's."""
    commit = repository.commit(a="1")
    other = Repository(tmp_path / "other", repository.env)
    other.commit(b="2")
    hooked = repository.env | {
        "GIT_DIR": str(other.place / ".git"),
        "GIT_INDEX_FILE": str(other.place / ".git/index"),
    }
    assert git_facts(repository.place, hooked)[0] == GitFacts(branch="main", commit=commit, dirty=False)


def test_a_repository_cannot_run_its_programs(repository: Repository, tmp_path: Path) -> None:
    repository.commit(a="1\n", **{".gitattributes": "a diff=evil\n"})
    (repository.place / "a").write_text("2\n")
    evil = tmp_path / "evil.sh"
    evil.write_text(f'#!/bin/sh\necho "$0" >> {tmp_path}/ran\ncat "$1" 2>/dev/null\n')
    evil.chmod(0o755)
    hooks = repository.place / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "fsmonitor-watchman"):
        (hooks / name).write_bytes(evil.read_bytes())
        (hooks / name).chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "diff.evil.textconv", "diff.evil.command", "core.pager",
                "core.askPass", "credential.helper", "core.sshCommand"):  # fmt: skip
        repository.git("config", key, str(evil))
    (tmp_path / "ran").unlink(missing_ok=True)
    facts, diff = git_facts(repository.place, repository.env)
    assert facts.dirty is True
    assert diff is not None
    assert "-1\n+2\n" in diff
    assert not (tmp_path / "ran").exists()


def test_nothing_is_written_to_the_repository(repository: Repository) -> None:
    repository.commit(a="1")
    index = repository.place / ".git/index"
    os.utime(repository.place / "a", (1, 1))  # a status would like to note that it is unchanged
    before = (index.read_bytes(), index.stat().st_mtime_ns)
    git_facts(repository.place, repository.env)
    assert (index.read_bytes(), index.stat().st_mtime_ns) == before


def fake_git(place: Path, body: str) -> dict[str, str]:
    place.mkdir()
    program = place / "git"
    program.write_text(f"#!{sys.executable}\nimport os, sys, time\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"PATH": str(place)}


def test_a_git_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid_file = tmp_path / "pid"
    fake = fake_git(
        tmp_path / "bin", f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    )
    monkeypatch.setenv("PATH", fake["PATH"])
    assert run_git(tmp_path, "status", environ=fake, timeout=1.0) is None
    if pid_file.exists() and pid_file.read_text():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid_file.read_text()), 0)


def test_a_git_that_leaves_a_child_behind_does_not_hold_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pipe stays open in a grandchild; the clock still ends the wait, and the grandchild."""
    pid_file = tmp_path / "pid"
    body = (
        "if os.fork() == 0:\n"
        f"    open({str(pid_file)!r}, 'w').write(str(os.getpid()))\n"
        "    time.sleep(600)\n"
        "else:\n    time.sleep(600)"
    )
    fake = fake_git(tmp_path / "bin", body)
    monkeypatch.setenv("PATH", fake["PATH"])
    assert run_git(tmp_path, "status", environ=fake, timeout=2.0) is None
    deadline = time.monotonic() + 30
    while pid_file.exists() and pid_file.read_text() and Path(f"/proc/{pid_file.read_text()}").exists():
        state = Path(f"/proc/{pid_file.read_text()}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z":
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_git_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = "os.environ['GIT_TERMINAL_PROMPT'], os.environ['GIT_OPTIONAL_LOCKS']"
    body = f"print({asked}, repr(sys.stdin.read()), os.getsid(0) == os.getpid())"
    fake = fake_git(tmp_path / "bin", body)
    monkeypatch.setenv("PATH", fake["PATH"])
    answer = run_git(tmp_path, "status", environ=fake)
    assert answer is not None
    assert answer.out == b"0 0 '' True\n"


def test_a_huge_diff_is_cut(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_module, "MOST_DIFF", 1000)
    repository.commit(a="1\n")
    (repository.place / "a").write_text("x\n" * 5000)
    _, diff = git_facts(repository.place, repository.env)
    assert diff is not None
    assert diff.endswith("\n... the diff is cut here, at 1000 bytes\n")
    assert len(diff) < 1100


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://user:token@host/p.git", "https://host/p.git"),
        ("https://token@host:8443/p", "https://host:8443/p"),
        ("https://a@b@host/p", "https://host/p"),
        ("https://host/p?access_token=1#x", "https://host/p"),
        ("ssh://git:pw@host:22/p", "ssh://git@host:22/p"),
        ("git@host:p.git", "git@host:p.git"),
        ("host:p.git", "host:p.git"),
        ("/srv/p.git", "/srv/p.git"),
        ("file:///srv/p.git", "file:///srv/p.git"),
        ("user:pw@host:p", "user@host:p"),
        ("http://[broken:x@y/p?t=1", "http://y/p"),
    ],
)
def test_credentials_are_stripped(url: str, wanted: str) -> None:
    """AZ-125."""
    assert strip_credentials(url) == wanted
