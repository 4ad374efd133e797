"""A server knows when the code it runs was changed, and for whom it makes room then."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from workbench.server import own_code
from workbench.server.hand_over import seconds
from workbench.server.own_code import OwnCode


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name in ("services/a.py", "tui/b.py", "services/data.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    return tmp_path


def later() -> float:
    return time.time() + 10


async def test_nothing_changed(package: Path) -> None:
    assert not await OwnCode(package).outdated_for(later())


async def test_a_client_that_began_after_the_change_is_newer_and_one_from_before_is_not(
    package: Path,
) -> None:
    code = OwnCode(package)
    before = time.time() - 10
    (package / "services/a.py").write_text("x = 2\n")
    assert not await code.outdated_for(before), "an open dashboard is of the old code itself"
    assert code.changed is None, "and makes nobody look"
    assert await code.outdated_for(later())
    assert code.changed == str(package / "services/a.py")
    assert not await code.outdated_for(before)


async def test_a_file_with_the_same_size_and_an_old_time_is_another(package: Path) -> None:
    """As an installer leaves it that links files out of its cache."""
    file, beside = package / "services/a.py", package / "services/a.py.new"
    facts = file.stat()
    code = OwnCode(package)
    beside.write_text("x = 2\n")
    os.utime(beside, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    beside.replace(file)
    assert not await code.outdated_for(time.time() - 10), "when it came counts, not the time it was given"
    assert await code.outdated_for(later())


async def test_a_disk_that_gives_a_file_another_inode_each_time(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As sshfs does: each command would end the server, and what others follow through it."""
    numbers = itertools.count(1)

    def look(path: str) -> os.stat_result:
        facts = os.lstat(path)
        return os.stat_result(
            (facts.st_mode, next(numbers), *facts[2:10]),
            {name: getattr(facts, name) for name in ("st_mtime_ns", "st_ctime_ns")},
        )

    monkeypatch.setattr(own_code, "os", SimpleNamespace(walk=os.walk, path=os.path, stat=look))
    assert not await OwnCode(package).outdated_for(later())


async def test_one_to_which_another_link_was_made(package: Path) -> None:
    """As an installer does that links files out of its cache into another environment."""
    code = OwnCode(package)
    os.link(package / "services/a.py", package / "services/link")
    assert not await code.outdated_for(later())


async def test_one_that_is_gone(package: Path) -> None:
    code = OwnCode(package)
    (package / "services/a.py").unlink()
    assert await code.outdated_for(later())


async def test_what_a_server_does_not_run_and_what_is_no_code(package: Path) -> None:
    code = OwnCode(package)
    (package / "tui/b.py").write_text("x = 2\n")
    (package / "services/data.txt").write_text("x = 2\n")
    assert not await code.outdated_for(later())


async def test_a_slow_disk_is_asked_seldom(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_code, "SLOW", 0.0)
    monkeypatch.setattr(own_code, "SHARE", 1e12)
    code = OwnCode(package)
    assert not await code.outdated_for(later())
    (package / "services/a.py").write_text("x = 2\n")
    assert not await code.outdated_for(later() + 10)


@pytest.mark.parametrize("text", ["", "x", "nan", "-1", "inf", "1e30", "0"])
def test_a_time_that_is_none(text: str) -> None:
    assert seconds(text) == 0.0
