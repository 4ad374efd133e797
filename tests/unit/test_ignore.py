"""Ignore rules as values: what git itself answers is in tests/machines/test_ignore_against_git.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.snapshots.ignore import ignore_line, is_ignored, parse
from workbench.snapshots.secret_names import looks_secret
from workbench.snapshots.walk import Reason, walk
from workbench.snapshots.worktree import standing_rules


def test_negation_keeps_one_of_many() -> None:
    """AZ-110."""
    files = [parse(b"*.csv\n!keep.csv\n")]
    assert is_ignored(b"a.csv", False, files)
    assert is_ignored(b"sub/a.csv", False, files)
    assert not is_ignored(b"keep.csv", False, files)


def test_nothing_below_an_ignored_directory_comes_back() -> None:
    files = [parse(b"data/\n!data/keep\n"), parse(b"!keep\n", b"data")]
    assert is_ignored(b"data/keep", False, files)
    assert not is_ignored(b"data", False, files)
    assert is_ignored(b"data", True, files)


def test_the_nearest_file_decides() -> None:
    """AZ-109: nested ignore files are honoured."""
    files = [parse(b"*.log\n"), parse(b"!a.log\n", b"sub")]
    assert is_ignored(b"a.log", False, files)
    assert not is_ignored(b"sub/a.log", False, files)
    assert is_ignored(b"other/a.log", False, files)


def test_a_rule_knows_where_it_was_written() -> None:
    rule = parse(b"# no\n\n*.a\n", source="x/.gitignore").verdict(b"b.a", b"b.a", False)
    assert rule is not None
    assert (rule.source, rule.line, rule.text) == ("x/.gitignore", 3, "*.a")


@pytest.mark.parametrize(
    ("path", "is_dir", "line"),
    [
        (b"data", True, "/data/"),
        (b"a/b c", False, "/a/b\\ c"),
        (b"[x]*?", False, "/\\[x]\\*\\?"),
        (b"!a", False, "/!a"),
        (b"a\nb", False, "/a?b"),
        (b"\xff", False, "/\udcff"),
    ],
)
def test_the_line_that_drops_a_path(path: bytes, is_dir: bool, line: str) -> None:
    """AZ-114."""
    assert ignore_line(path, is_dir) == line
    assert is_ignored(path, is_dir, [parse(line.encode("utf-8", "surrogateescape"))])


def kept(root: Path) -> set[str]:
    return {item.path.decode() for item in walk(root, standing_rules(root)).files}


def test_amlignore_replaces_gitignore_at_its_level_only(tmp_path: Path) -> None:
    """AZ-108 and AZ-109: where there is an .amlignore the .gitignore beside it is not read at all."""
    (tmp_path / "sub").mkdir()
    for name in ("a.x", "a.y", "sub/a.x", "sub/a.y", "sub/a.z"):
        (tmp_path / name).touch()
    (tmp_path / ".gitignore").write_text("*.x\n")
    (tmp_path / ".amlignore").write_text("*.y\n")
    (tmp_path / "sub/.gitignore").write_text("*.z\n")
    assert kept(tmp_path) == {".gitignore", ".amlignore", "a.x", "sub/.gitignore", "sub/a.x"}


def test_an_empty_amlignore_replaces_too(tmp_path: Path) -> None:
    (tmp_path / "a.x").touch()
    (tmp_path / ".gitignore").write_text("*.x\n")
    (tmp_path / ".amlignore").write_text("")
    assert "a.x" in kept(tmp_path)


def test_what_can_be_made_again_stays_unless_asked_for(tmp_path: Path) -> None:
    """AZ-111: version control and our own state never travel; caches only when a rule brings them back."""
    for name in (
        ".git",
        ".hg",
        ".svn",
        ".workbench",
        "__pycache__",
        ".venv",
        ".mypy_cache",
        "node_modules",
        "env",
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").touch()
    (tmp_path / "env/pyvenv.cfg").touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/.git").write_text("gitdir: ../x\n")
    assert kept(tmp_path) == set()
    (tmp_path / ".amlignore").write_text("!node_modules/\n!.git/\n!env/\n")
    assert kept(tmp_path) == {".amlignore", "node_modules/f", "env/f", "env/pyvenv.cfg"}


def test_a_gitignore_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("*.x\n")
    (tmp_path / ".gitignore").symlink_to("rules")
    (tmp_path / "a.x").touch()
    found = walk(tmp_path, standing_rules(tmp_path))
    assert {item.path for item in found.files} == {b"rules", b"a.x"}
    assert {item.path for item in found.links} == {b".gitignore"}
    assert not any(item.reason is Reason.IGNORED for item in found.left_out)


@pytest.mark.parametrize(
    "name",
    [".env", ".env.local", "prod.env", "server.pem", "id_rsa", "id_ed25519", "a.key", ".netrc", "credentials",
     "credentials.json", ".git-credentials", "service-account-x.json", "secrets.yaml", "ID_RSA", "x.p12"],
)  # fmt: skip
def test_names_that_hold_secrets(name: str) -> None:
    """AZ-111: warned of before sending."""
    assert looks_secret(name.encode())


@pytest.mark.parametrize(
    "name", ["id_rsa.pub", ".env.example", "environment.yml", "keys.py", "train.py", "secrets.py"]
)
def test_names_that_hold_none(name: str) -> None:
    assert not looks_secret(name.encode())
