"""Advice that can be followed: what a hint names exists, and a full disk or quota says what gives room today."""

from __future__ import annotations

import ast
import errno
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbench
from tests.unit.test_facts import measured
from workbench.cli.command import Section
from workbench.cli.commands import COMMANDS
from workbench.remote import stage0
from workbench.remote.doctor import checks
from workbench.remote.wire import problems
from workbench.store.sqlite.problems import explain_disk, explain_sqlite
from workbench.text.outcomes import advice

HOUSE = Path(workbench.__path__[0])
NAMED = re.compile(r"\bwb (?!and )([a-z][a-z-]*)(?: ([a-z][a-z-]*))?(?![\w/-])")
FULL = (errno.ENOSPC, errno.EDQUOT)


def unknown_commands(text: str) -> list[str]:
    """The commands a text tells the user to type that there are not."""
    found = []
    for noun, verb in NAMED.findall(text):
        entry = COMMANDS.get(noun)
        if entry is None or (isinstance(entry, Section) and verb and verb not in entry.commands):
            found.append(f"{noun} {verb}".strip())
    return found


def texts(module: Path) -> Iterator[str]:
    """Every text of a module that may be shown, with X for what an f-string fills in."""
    tree = ast.parse(module.read_text())
    prose = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }  # docstrings speak to who reads the code
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def test_every_command_the_house_speaks_of_exists() -> None:
    assert unknown_commands("wb run rm, wb demo --keep, wb compute") == []
    assert unknown_commands("wb compute prone or wb prune") == ["compute prone", "prune"]
    wrong = {
        f"{module.relative_to(HOUSE)}: wb {command}"
        for module in HOUSE.rglob("*.py")
        for text in texts(module)
        for command in unknown_commands(text)
    }
    assert sorted(wrong) == []


def hints() -> dict[str, str]:
    """What is said wherever there is no room, by who says it."""
    low = checks.judge(
        measured(root_free=1 << 20, quota=[{"source": "x", "used": 1 << 40, "limit": 1 << 40}])
    )
    found = {f"doctor {check['name']}": check["hint"] for check in low if check["state"] != "ok"}
    for number in FULL:
        problem = OSError(number, os.strerror(number), "/there")
        found[f"request {number}"] = problems.describe(problem)["hint"]
        found[f"payload {number}"] = stage0.explain(problem, "/there")["hint"]
        found[f"doctor writing {number}"] = checks.judge_writing(problem)["hint"]
        found[f"store {number}"] = explain_disk(problem, Path("/here")).hint
    return found


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("disk_full", "wb compute set gpu1 root=FOLDER"),
        ("not_delivered", "wb compute doctor gpu1"),
        ("exit", "wb logs otter"),
        ("environment", "wb logs otter --log environment.log"),
    ],
)
def test_what_to_do_about_a_run_that_failed(cause: str, words: str) -> None:
    """Its log helps where it says why: not when nothing of it ran."""
    hint = advice({"name": "otter", "target": "gpu1", "status": "Failed", "cause": cause})
    assert words in hint
    assert unknown_commands(hint) == []


def test_sqlite_does_not_know_a_quota(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It calls EDQUOT an input/output error: whether there is room is tried."""
    problem = sqlite3.OperationalError("disk I/O error")
    problem.sqlite_errorcode = sqlite3.SQLITE_IOERR | 3 << 8
    assert "disk I/O error" in explain_sqlite(problem, tmp_path / "db").message

    def full(handle: int) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "fsync", full)
    explained = explain_sqlite(problem, tmp_path / "db")
    assert "quota exceeded" in explained.message
    assert "wb workspace prune" in explained.hint


def test_where_there_is_no_room_the_hint_names_what_gives_some() -> None:
    found = hints()
    assert len(found) == 10
    for who, hint in found.items():
        here = (
            "wb workspace prune --dry-run" if who.startswith("store") else "wb compute prune NAME --dry-run"
        )
        # Where not even our own program fits there is nobody there to prune.
        assert ("root=FOLDER" if who.startswith("payload") else here) in hint, who


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "disk full"), (errno.EDQUOT, "quota exceeded")])
def test_a_quota_is_not_called_a_full_disk(number: int, words: str) -> None:
    problem = OSError(number, os.strerror(number), "/there")
    assert words in problems.describe(problem)["message"]
    assert words in stage0.explain(problem, "/there")["message"]
    assert words in explain_disk(problem, Path("/here")).message
    assert problems.describe(problem)["code"] == stage0.explain(problem, "/there")["code"] == "disk_full"


def test_a_limit_on_files_is_not_called_a_full_disk() -> None:
    """ulimit -f, inherited by the local server from the shell it was started in."""
    problem = explain_disk(OSError(errno.EFBIG, "File too large"), Path("/here"))
    assert "disk full" not in problem.message
    assert "ulimit -f" in problem.hint


def test_a_root_that_may_not_be_written_is_not_called_full() -> None:
    hint = checks.judge_writing(PermissionError(errno.EACCES, "Permission denied"))["hint"]
    assert "root=FOLDER" in hint
    assert "rm" not in hint
