"""What the process of a query says last is heard, and nothing that lets one in is told with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.data.sql import process
from workbench.data.sql.place import SqlPlace
from workbench.data.sql.process import Database, query
from workbench.errors import UsageError

SECRET = "a-very-long-password-of-a-database"
LOUD = """
import json, sys
sys.stdin.readline()
for _ in range(3000):
    print("a warning of a package, on a line of its own, which nobody wants to read", file=sys.stderr, flush=True)
print(json.dumps({"error": ERROR, "kind": "usage"}), file=sys.stderr)
sys.exit(1)
"""


@pytest.mark.parametrize("before", [0, 480])
async def test_the_last_words_of_a_child_that_warns_a_lot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    """before: characters; behind 480 of them what is told ends within the password."""
    said = "x" * before + " no such table: " + SECRET
    (tmp_path / "loud_child.py").write_text(LOUD.replace("ERROR", repr(said)), "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(process, "CHILD", "loud_child")
    with pytest.raises(UsageError) as caught:
        async with query(Database("shop", "x://y", SECRET, (SECRET,)), "SELECT 1", 60.0):
            pass
    assert "no such table" in caught.value.message
    assert SECRET[:4] not in caught.value.message


WARNING = """
import json, subprocess, sys, time
sys.stdin.readline()
subprocess.Popen(["sleep", "600"])
print(json.dumps({"columns": [{"name": "n", "type": "integer"}]}), flush=True)
for _ in range(3000):
    print("a warning of a package, on a line of its own, which nobody wants to read", file=sys.stderr, flush=True)
print("[1]", flush=True)
time.sleep(600)
"""


async def test_a_child_that_warns_a_lot_goes_on_and_ends_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a pipe holds, before its first row; what the driver started holds the pipes open."""
    (tmp_path / "warning_child.py").write_text(WARNING, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(process, "CHILD", "warning_child")
    async with query(Database("shop", "x://y", None, ()), "SELECT 1", 60.0) as rows:
        assert [column.name for column in rows.columns] == ["n"]
        async for block in rows.lines:
            assert block == b"[1]\n"
            break


@pytest.mark.parametrize(
    ("root", "secret", "hidden"),
    [
        ("postgresql://h/x", "p@ss:word", ("p@ss:word",)),
        (
            "",
            "postgresql://me:p%40ss%3Aword@h/x",
            ("postgresql://me:p%40ss%3Aword@h/x", "p%40ss%3Aword", "p@ss:word"),
        ),
        ("sqlite:////srv/shop.db", None, ()),
    ],
)
def test_a_password_is_hidden_in_each_way_it_may_be_told(
    root: str, secret: str | None, hidden: tuple[str, ...]
) -> None:
    assert SqlPlace("shop", root, secret).database.hidden == hidden


UNWILLING = """
import time

class Rows:
    returns_rows = True
    def keys(self):
        return ["n"]
    def __iter__(self):
        for number in range(1 << 40):
            yield (number,)
    def close(self):
        time.sleep(600)  # as drivers that read the rest of an unbuffered result
    __del__ = close

class Connection:
    class dialect:
        name = "unwilling"
    def execution_options(self, **_):
        return self
    def exec_driver_sql(self, _):
        return Rows()
    def rollback(self):
        time.sleep(600)
    close = __del__ = rollback

class Engine:
    def connect(self):
        return Connection()

class engine:
    make_url = str

class pool:
    NullPool = None

class exc:
    class NoSuchModuleError(Exception):
        pass

def create_engine(url, poolclass):
    return Engine()
"""


async def test_a_package_that_reads_the_rest_before_it_closes_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyMySQL does so: the first rows of a large table came after all of it, which was too late."""
    (tmp_path / "sqlalchemy.py").write_text(UNWILLING, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with query(Database("shop", "x://y", None, ()), "SELECT n", 60.0, rows=3) as rows:
        assert b"".join([block async for block in rows.lines]) == b'{"n":0}\n{"n":1}\n{"n":2}\n'
