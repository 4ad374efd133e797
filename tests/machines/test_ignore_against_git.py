"""Our ignore matcher against git itself, over generated trees: git's answer is the only right one."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.snapshots.ignore import ignore_line, is_ignored, parse
from workbench.snapshots.walk import Reason, walk
from workbench.snapshots.worktree import find_work_tree, standing_rules

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle")

NAMES = [
    b"a",
    b"b",
    b"ab",
    b"a.b",
    b"foo",
    b"foo.log",
    b"!x",
    b"#x",
    b"x ",
    b"a\\b",
    b"[a]",
    b"-",
    b"\xff",
    b"A",
]
_counter = itertools.count()


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "XDG_"))}
    return kept | {
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": str(home),
        "LC_ALL": "C",
    }


def make_repository(top: Path) -> None:
    """The least that git takes for a repository; `git init` would cost a process an example."""
    for part in ("objects", "refs", "info"):
        (top / ".git" / part).mkdir(parents=True)
    (top / ".git" / "HEAD").write_text("ref: refs/heads/main\n")


def ask_git(top: Path, paths: list[bytes], home: Path) -> set[bytes]:
    answer = subprocess.run(
        ["git", "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=top,
        env=environment(home),
        input=b"".join(b"./" + path + b"\0" for path in paths),  # "./": a leading ":" is magic to git
        capture_output=True,
        timeout=60,
    )
    assert answer.returncode in (0, 1), answer.stderr
    return {path.removeprefix(b"./") for path in answer.stdout.split(b"\0")} - {b""}


atoms = st.one_of(
    st.sampled_from(
        [b"*", b"**", b"?", b"/", b"/**/", b"**/", b"/**", b"a", b"b", b".", b"foo", b"log", b"\\", b" "]
    ),
    st.sampled_from(
        [b"[a]", b"[!a]", b"[^a-f]", b"[]a]", b"[[:alpha:]]", b"[a-", b"[", b"[[:nope:]]", b"[\\]]"]
    ),
    st.sampled_from(
        [b"[z-a]", b"[a-]", b"[--a]", b"[[:space:]x]", b"[[:a]", b"\\*", b"\\ ", b"\\!", b"\\#", b"\\/"]
    ),
    st.sampled_from(NAMES),
)
globs = st.builds(
    lambda bang, parts, tail: bang + b"".join(parts) + tail,
    st.sampled_from([b"", b"", b"", b"!", b"/", b"!/", b"#"]),
    st.lists(atoms, min_size=1, max_size=5),
    st.sampled_from([b"", b"", b"/", b" ", b"  ", b"\\ ", b"\t", b"\r"]),
)
rule_files = st.builds(
    lambda mark, lines, last: mark + b"\n".join(lines) + last,
    st.sampled_from([b"", b"", b"", b"\xef\xbb\xbf"]),
    st.lists(globs, min_size=1, max_size=8),
    st.sampled_from([b"", b"\n", b"\r\n", b"\n\n"]),
)
names = st.sampled_from(NAMES)
leaves = st.one_of(st.just(None), st.just("link"))
trees = st.recursive(
    st.dictionaries(names, leaves, min_size=1, max_size=5),
    lambda children: st.dictionaries(names, leaves | children, min_size=1, max_size=5),
    max_leaves=14,
)


def plant(tree: dict, top: Path, rules: dict[bytes, bytes]) -> dict[bytes, bool]:
    """Writes the tree; returns every path with whether it is a directory. rules: by directory."""
    found: dict[bytes, bool] = {}
    base = os.fsencode(top)

    def down(node: dict, where: bytes) -> None:
        for name, child in node.items():
            path = where + name
            place = os.path.join(base, path)
            if isinstance(child, dict):
                os.mkdir(place)
                found[path] = True
                down(child, path + b"/")
            else:
                found[path] = False
                if child == "link":
                    os.symlink(b".", place)
                else:
                    os.close(os.open(place, os.O_CREAT | os.O_WRONLY))

    down(tree, b"")
    for directory in list(rules):
        if directory and not found.get(directory):
            del rules[directory]
            continue
        name = os.path.join(directory, b".gitignore") if directory else b".gitignore"
        Path(os.fsdecode(os.path.join(base, name))).write_bytes(rules[directory])
        found[name] = False
    return found


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trees")


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    trees,
    st.dictionaries(st.sampled_from([b"", b"a", b"b", b"foo", b"a/b", b"foo/a"]), rule_files),
    rule_files,
)
def test_every_path_is_judged_as_git_does(ground: Path, tree: dict, rules: dict, exclude: bytes) -> None:
    """AZ-109, AZ-110: nested files, negation, anchoring, classes, escapes, .git/info/exclude."""
    top = ground / f"t{next(_counter)}"
    make_repository(top)
    (top / ".git" / "info" / "exclude").write_bytes(exclude)
    paths = plant(tree, top, rules)
    wanted = ask_git(top, list(paths), ground)
    files = [parse(exclude)] + [
        parse(data, base) for base, data in sorted(rules.items(), key=lambda item: item[0])
    ]
    files[1:] = sorted(files[1:], key=lambda file: file.base.count(b"/") + bool(file.base))
    assert {path for path, is_dir in paths.items() if is_ignored(path, is_dir, files)} == wanted
    walked = walk(top, standing_rules(top, environment(ground)))
    kept = {item.path for item in walked.files + walked.links}
    assert kept == {path for path, is_dir in paths.items() if not is_dir} - wanted
    shutil.rmtree(top)


@pytest.mark.parametrize(
    ("line", "path", "is_dir"),
    [
        (b"a**/b", b"ab", False),
        (b"a/**\\/b", b"a/b", False),
        (b"foo\\/", b"foo", True),
        (b"*[", b"a[", False),
        (b"[[:digit:]-]", b"-", False),
        (b"x\\ ", b"x ", False),
        (b"x\\", b"x\\", False),
        (b"**/", b"a", True),
        (b"a/**", b"a", True),
        (b"//a", b"a", False),
        (b"*/b", b"a/b", False),
        (b"*a*?*b", b"xaab", False),
        (b"[a-]", b"-", False),
        (b"a\r", b"a\r", False),
        (b"\0a", b"a", False),
    ],
)
def test_corners_that_readers_of_the_manual_get_wrong(
    tmp_path: Path, line: bytes, path: bytes, is_dir: bool
) -> None:
    make_repository(tmp_path)
    (tmp_path / ".gitignore").write_bytes(line)
    place = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), path)))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.mkdir() if is_dir else place.touch()
    assert is_ignored(path, is_dir, [parse(line)]) == (path in ask_git(tmp_path, [path], tmp_path))


def test_stars_do_not_explode() -> None:
    """A rule of a stranger's repository must not hang the scan."""
    files = [parse(b"*a*a*a*a*a*a*a*a*a*a*a*a*b\n/x/" + b"*a*a*a*a*a*a*a*a*a*a*a*a*b")]
    assert not is_ignored(b"x/" + b"a" * 250, False, files)
    assert is_ignored(b"x/" + b"a" * 250 + b"b", False, files)


def test_a_linked_work_tree_has_the_main_ones_exclude_file(tmp_path: Path) -> None:
    """AZ-109: `.git` may be a file; info/exclude is then that of the common directory."""
    env = environment(tmp_path)
    run = {"env": env, "check": True, "capture_output": True, "timeout": 60}
    author = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    subprocess.run(["git", "init", "-q", "main"], cwd=tmp_path, **run)
    subprocess.run(["git", *author, "commit", "-q", "--allow-empty", "-m", "x"], cwd=tmp_path / "main", **run)
    subprocess.run(["git", "worktree", "add", "-q", "../linked"], cwd=tmp_path / "main", **run)
    (tmp_path / "main/.git/info/exclude").write_text("secret\n")
    linked = tmp_path / "linked"
    assert (linked / ".git").is_file()
    (linked / "secret").touch()
    (linked / "public").touch()
    assert ask_git(linked, [b"secret", b"public"], tmp_path) == {b"secret"}
    assert [item.path for item in walk(linked, standing_rules(linked, env)).files] == [b"public"]


@pytest.mark.parametrize("place", ["xdg", "home", "config"])
def test_the_users_own_ignore_file_counts_as_it_does_for_git(tmp_path: Path, place: str) -> None:
    """Git reads core.excludesFile, or git/ignore of the settings folder, for check-ignore: so do we."""
    env = environment(tmp_path)
    top = tmp_path / "top"
    make_repository(top)
    mine = {
        "xdg": tmp_path / "x/git/ignore",
        "home": tmp_path / ".config/git/ignore",
        "config": tmp_path / "my",
    }[place]
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("*.tmp\n!keep.tmp\n")
    if place == "xdg":
        env["XDG_CONFIG_HOME"] = str(tmp_path / "x")
    if place == "config":
        (top / ".git/config").write_text("[core]\n\trepositoryformatversion = 0\n\texcludesFile = ~/my\n")
    (top / ".git/info/exclude").write_text("keep.tmp\n")
    for name in ("a.tmp", "keep.tmp", "b"):
        (top / name).touch()
    asked = subprocess.run(
        ["git", "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=top, env=env, input=b"a.tmp\0keep.tmp\0b\0", capture_output=True, timeout=60,
    )  # fmt: skip
    assert set(asked.stdout.split(b"\0")) == {b"a.tmp", b"keep.tmp", b""}
    assert [item.path for item in walk(top, standing_rules(top, env)).files] == [b"b"]


def test_case_is_ignored_where_git_is_told_to(tmp_path: Path) -> None:
    env = environment(tmp_path)
    make_repository(tmp_path)
    (tmp_path / ".git/config").write_text("[core]\n\trepositoryformatversion = 0\n\tignoreCase = true\n")
    (tmp_path / ".gitignore").write_text("*.CKPT\nData/*.[C-D]\nFoo\n")
    (tmp_path / "data").mkdir()
    for name in ("a.ckpt", "data/x.c", "foo", "bar"):
        (tmp_path / name).touch()
    assert ask_git(tmp_path, [b"a.ckpt", b"data/x.c", b"foo", b"bar"], tmp_path) == {
        b"a.ckpt",
        b"data/x.c",
        b"foo",
    }
    kept = {item.path for item in walk(tmp_path, standing_rules(tmp_path, env)).files}
    assert kept == {b".gitignore", b"bar"}


def test_a_subdirectory_is_under_its_parents_rules(tmp_path: Path) -> None:
    """AZ-109: the rules of every level up to the work tree's root, anchored where they stand."""
    make_repository(tmp_path)
    sub = tmp_path / "a" / "b"
    sub.mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("/a/b/one\n*.log\n/two\n")
    (tmp_path / "a/.gitignore").write_text("!keep.log\nb/three\n")
    paths = ["one", "two", "three", "x.log", "keep.log", "four"]
    for name in paths:
        (sub / name).touch()
    wanted = ask_git(tmp_path, [b"a/b/" + name.encode() for name in paths], tmp_path)
    found = walk(sub, standing_rules(sub, environment(tmp_path)))
    assert {item.path for item in found.files} == {
        n.encode() for n in paths if b"a/b/" + n.encode() not in wanted
    }
    told = {item.path: item.detail for item in found.left_out if item.reason is Reason.IGNORED}
    assert told["three"] == "a/.gitignore:2: b/three"


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(min_size=1, max_size=12), min_size=1, max_size=8, unique=True), st.booleans())
def test_the_proposed_line_drops_just_that_path(ground: Path, wild: list[bytes], is_dir: bool) -> None:
    """AZ-114: the line that is shown works, whatever the name."""
    paths = [name.replace(b"/", b"_").replace(b"\0", b"_") for name in wild]
    paths = list(
        dict.fromkeys(name for name in paths if name not in (b".", b"..") and b".git" not in name.lower())
    )
    if not paths:
        return
    top = ground / f"t{next(_counter)}"
    make_repository(top)
    for name in paths:
        place = Path(os.fsdecode(os.path.join(os.fsencode(top), name)))
        place.mkdir() if is_dir else place.touch()
    line = ignore_line(paths[0], is_dir).encode("utf-8", "surrogateescape")
    (top / ".gitignore").write_bytes(line + b"\n")
    dropped = ask_git(top, paths, ground)
    assert paths[0] in dropped
    # A newline can only be written as "?", which may take a name of the same shape along.
    if b"\n" not in paths[0] and b"\r" not in paths[0]:
        assert dropped == {paths[0]}
    shutil.rmtree(top)


def test_no_work_tree_no_outside_rules(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*\n")
    sub = tmp_path / "sub"
    sub.mkdir()
    (sub / "x").touch()
    if find_work_tree(tmp_path) is None:
        assert [item.path for item in walk(sub, standing_rules(sub, environment(tmp_path))).files] == [b"x"]
