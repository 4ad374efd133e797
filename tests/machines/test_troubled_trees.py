"""Trees that cannot be read whole, or do not hold still, submitted by a user with ordinary rights (root only)."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.machines.test_two_users import UIDS, make_user, users
from tests.machines.wb import Wb

__all__ = ["make_user", "users"]


@pytest.fixture
def one(users: tuple[Wb, Wb]) -> Wb:
    """A user who is not root."""
    return users[0]


@pytest.fixture
def project(one: Wb) -> Path:
    """A tree of that user's own."""
    folder = one.folder / "project"
    folder.mkdir()
    (folder / "train.py").write_text("print('ran')\n")
    os.chown(folder, UIDS[0], UIDS[0])
    return folder


def test_what_cannot_be_read_is_named_and_the_rest_runs(one: Wb, project: Path) -> None:
    """AZ-116: through the command, by somebody for whom rights count."""
    (project / "no.txt").write_text("1")
    (project / "no.txt").chmod(0)
    (project / "shut").mkdir(mode=0)
    (project / "seen.txt").write_text("2")
    done = one.run("submit", "--code", str(project), "--wait", "--", "ls")
    assert done.returncode == 0, done.stderr
    assert "no.txt is left out, unreadable: Permission denied" in done.stderr
    assert "shut/ is left out, unreadable: Permission denied" in done.stderr
    assert set(one("logs", "@1").split()) >= {"train.py", "seen.txt"}
    assert not {"no.txt", "shut"} & set(one("logs", "@1").split())
    assert [entry["path"] for entry in one.json("run", "snapshot", "@1")] == ["seen.txt", "train.py"]


def test_a_tree_whose_folder_cannot_be_read_is_refused_in_words(one: Wb, project: Path) -> None:
    project.chmod(0)
    refused = one.run("submit", "--code", str(project), "--", "true")
    assert refused.returncode in (2, 3, 5), refused.stderr
    assert str(project) in refused.stderr
    assert "hint:" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert one.json("ps") == []
    project.chmod(0o700)


@contextmanager
def restless(folder: Path) -> Iterator[None]:
    """While the block lasts files in folder come and go, are replaced, and change their length."""
    over = threading.Event()

    def stir() -> None:
        for turn in itertools.count():
            if over.is_set():
                return
            path = folder / f"f{turn % 300}"
            word = f"{turn % 300}:".encode()
            with suppress(FileNotFoundError):
                if turn % 3 == 0:
                    path.write_bytes(word * (turn % 50 + 1))
                elif turn % 3 == 1:
                    (folder / f"f{(turn * 7) % 300}").unlink()
                else:
                    (folder / ".new").write_bytes(word * 5)
                    (folder / ".new").rename(path)

    thread = threading.Thread(target=stir)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


LISTING = """\
import hashlib, os
for name in sorted(os.listdir('moving')):
    print(name, hashlib.sha256(open('moving/' + name, 'rb').read()).hexdigest())
"""


def check(one: Wb, run: str) -> int:
    """That what the run found is what its snapshot says, by names and hashes; how many files that are."""
    ran = dict(line.split() for line in one("logs", run).splitlines())
    listed = {entry["path"]: entry["sha256"] for entry in one.json("run", "snapshot", run)}
    kept = {path.removeprefix("moving/"): sha for path, sha in listed.items() if path.startswith("moving/")}
    assert ran == kept
    return len(ran)


def test_a_tree_that_never_holds_still(one: Wb, project: Path) -> None:
    """A run has whole files of one scan each; or it is refused with the name of what changed, and there is none."""
    moving = project / "moving"
    moving.mkdir()
    (project / "train.py").write_text(LISTING)
    runs = 0
    with restless(moving):
        for _ in range(6):
            done = one.run("submit", "--code", str(project), "--wait", "--", "python", "train.py")
            assert "Traceback" not in done.stderr
            assert done.returncode in (0, 3, 5), done.stderr
            if done.returncode:
                assert f"{moving}/" in done.stderr
                assert "hint: submit again" in done.stderr
            else:
                runs += 1
                check(one, done.stdout.split()[0])
    assert len(one.json("ps")) == runs
    last = one("submit", "--code", str(project), "--wait", "--", "python", "train.py").split()[0]
    assert check(one, last) == len(list(moving.iterdir()))
