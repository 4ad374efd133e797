"""Tables of queries (AZ-47): SQLite files on a real sshd machine and here, other databases by SQLAlchemy."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.machines.data_runs import attach, data_of, finish
from tests.machines.rig import SshServer
from tests.machines.test_run_tables import script
from tests.services import Services, services
from workbench.errors import Conflict, NotFound, RemoteError, Unreachable, UsageError

SUMS = "SELECT day, sum(price) AS total, count(*) AS sales FROM sales GROUP BY day ORDER BY day"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
READ = (
    "from workbench import Run\nx = Run.get_context().input_datasets['x']\n"
    "print(x.columns, x.to_records()[-1], len(list(x.rows())))\n"
)


def shop(path: Path, days: int = 3, each: int = 100) -> Path:
    """A database of sales."""
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE sales (day TEXT, price REAL, name TEXT)")
    rows = [(f"2026-11-{day + 1:02}", float(n), "x" * 50) for day in range(days) for n in range(each)]
    base.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows)
    base.commit()
    base.close()
    return path


@pytest_asyncio.fixture
async def there(tmp_path: Path, server: SshServer) -> AsyncIterator[Services]:
    """Services with one real machine, "box"."""
    async with services(tmp_path) as opened:
        await attach(opened, server, "box")
        yield opened


async def register(there: Services, name: str, source: dict[str, Any], query: str, **table: Any) -> Any:
    asked = {"format": "sqlite", "query": query, **table}
    return await there.call("datasets.register", name=name, kind="tabular", source=source, table=asked)


async def kept(there: Services, dataset: str, name: str, **more: Any) -> Any:
    return [item async for item in there.items("datasets.snapshot", dataset=dataset, name=name, **more)][-1]


async def test_an_sqlite_file_on_a_machine_is_asked_there(
    there: Services, server: SshServer, tmp_path: Path
) -> None:
    """Registered, previewed, derived, profiled, read in a run in place: no byte of the file comes here."""
    path = shop(server.home / "shop.db")
    before = path.read_bytes()
    source = {"target": "box", "paths": ["~/shop.db"]}
    version = await register(there, "sold", source, SUMS)
    assert [(column["name"], column["type"]) for column in version["schema"]] == [
        ("day", "text"),
        ("total", "float"),
        ("sales", "integer"),
    ]
    assert version["table"]["query"] == SUMS
    found = await there.call("datasets.preview", dataset="sold", rows=2)
    assert found["rows"] == [["2026-11-01", 4950.0, 100], ["2026-11-02", 4950.0, 100]]
    steps = [{"op": "filter", "where": ["=", "day", "2026-11-03"]}, {"op": "keep", "columns": ["sales"]}]
    await there.call("datasets.derive", dataset="sold", name="last", steps=steps)
    assert (await there.call("datasets.preview", dataset="last"))["rows"] == [[100]]
    run, text = await finish(there, script(tmp_path, READ), data_inputs={"x": {"path": "data:sold"}})
    assert run["status"] == "Completed", (run["message"], text)
    assert text == "['day', 'total', 'sales'] {'day': '2026-11-03', 'total': 4950.0, 'sales': 100} 3\n"
    assert (await data_of(there, run))["x"]["mechanism"] == "in place"
    run = await there.call("datasets.make_profile", dataset="sold")
    async with asyncio.timeout(60):
        async for _ in there.items("runs.watch", run=run["id"]):
            pass
    profile = await there.call("datasets.profile", dataset="sold")
    assert {row["column"]: row["mean"] for row in profile["columns"]}["sales"] == 100
    assert path.read_bytes() == before
    assert {item.name for item in server.home.iterdir() if "shop" in item.name} == {"shop.db"}


async def test_a_snapshot_stays_whatever_becomes_of_the_database(
    there: Services, server: SshServer, tmp_path: Path
) -> None:
    """A query's result is no immutable thing; kept on request, with the hash of its rows (AZ-63)."""
    path = shop(server.home / "shop.db")
    await register(there, "sold", {"target": "box", "paths": ["~/shop.db"]}, SUMS)
    made = await kept(there, "sold", "sold-kept")
    version = made["version"]
    assert made["rows"] == 3
    assert version["fingerprint"]["content"] is True
    assert version["properties"]["workbench.snapshot_of"] == "sold:1"
    assert version["table"]["query"] == SUMS
    with pytest.raises(Conflict):
        await kept(there, "sold", "sold-kept")
    with sqlite3.connect(path) as base:
        base.execute("DELETE FROM sales WHERE day > '2026-11-01'")
    assert len((await there.call("datasets.preview", dataset="sold"))["rows"]) == 1
    assert len((await there.call("datasets.preview", dataset="sold-kept"))["rows"]) == 3
    again = await kept(there, "sold", "sold-kept", new_version=True)
    assert again["version"]["version"] == 2
    assert again["version"]["fingerprint"]["hash"] != version["fingerprint"]["hash"]
    looked = [
        item async for item in there.items("datasets.fingerprint", dataset="sold-kept:1", contents=True)
    ]
    assert looked[-1]["same"] is True
    run, text = await finish(there, script(tmp_path, READ), data_inputs={"x": {"path": "data:sold-kept:1"}})
    assert text.endswith(" 3\n"), (run["message"], text)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("DELETE FROM sales", "not authorized"),
        ("SELECT 1; DELETE FROM sales", "one statement"),
        ("ATTACH '/etc/passwd' AS p", "not authorized"),
        ("PRAGMA writable_schema=ON", "not authorized"),
        ("SELECT load_extension('x.so')", "not authorized"),
        ("VACUUM INTO '/tmp/x'", "not authorized"),
        ("SELECT * FROM absent", "no such table"),
        ("INSERT INTO sales SELECT * FROM sales RETURNING *", "not authorized"),
        ("not sql at all", "syntax error"),
    ],
)
async def test_a_hostile_query_does_nothing(
    there: Services, server: SshServer, query: str, words: str
) -> None:
    path = shop(server.home / "shop.db")
    before = path.read_bytes()
    with pytest.raises(UsageError, match=words):
        await register(there, "bad", {"target": "box", "paths": ["~/shop.db"]}, query)
    assert path.read_bytes() == before


async def test_a_query_without_an_end_is_ended(there: Services, server: SshServer) -> None:
    shop(server.home / "shop.db")
    with pytest.raises(UsageError, match="no row for 0"):
        await register(there, "bad", {"target": "box", "paths": ["~/shop.db"]}, ENDLESS, query_timeout=0.5)


async def test_a_result_without_an_end_is_read_as_far_as_it_is_wanted(
    there: Services, server: SshServer
) -> None:
    shop(server.home / "shop.db")
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    await register(there, "n", {"target": "box", "paths": ["~/shop.db"]}, endless)
    assert (await there.call("datasets.preview", dataset="n", rows=5))["rows"] == [[1], [2], [3], [4], [5]]
    rows = there.read("datasets.result", dataset="n")
    first = json.loads((await anext(rows)).splitlines()[0])
    await rows.aclose()  # type: ignore[attr-defined]
    assert first == {"i": 1}


async def test_a_file_that_is_no_database(there: Services, server: SshServer) -> None:
    (server.home / "x.db").write_text("hello" * 100)
    with pytest.raises(UsageError, match="no SQLite database"):
        await register(there, "bad", {"target": "box", "paths": ["~/x.db"]}, "SELECT 1")
    with pytest.raises(NotFound):
        await register(there, "bad", {"target": "box", "paths": ["~/y.db"]}, "SELECT 1")
    body = bytearray(shop(server.home / "z.db", each=5000).read_bytes())
    body[4096 * 3 :: 7] = b"\xff" * len(body[4096 * 3 :: 7])
    (server.home / "z.db").write_bytes(body)
    with pytest.raises(UsageError):
        await register(there, "bad", {"target": "box", "paths": ["~/z.db"]}, SUMS)


async def test_a_database_that_is_written_to_meanwhile(
    there: Services, server: SshServer, tmp_path: Path
) -> None:
    """In WAL mode: what was written is read, nothing is made beside it, and without its log it is read too."""
    path = shop(server.home / "shop.db")
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("INSERT INTO sales VALUES ('2026-12-01', 1, 'y')")
    writer.commit()
    assert (server.home / "shop.db-wal").stat().st_size
    source = {"target": "box", "paths": ["~/shop.db"]}
    await register(there, "sold", source, SUMS)
    assert len((await there.call("datasets.preview", dataset="sold"))["rows"]) == 4
    writer.close()
    assert not (server.home / "shop.db-wal").exists()
    assert len((await there.call("datasets.preview", dataset="sold"))["rows"]) == 4
    assert {item.name for item in server.home.iterdir() if "shop" in item.name} == {"shop.db"}


async def test_an_sqlite_file_here_goes_into_a_run(there: Services, tmp_path: Path) -> None:
    """Sent to the machine's cache as every file, and asked there."""
    shop(tmp_path / "here.db")
    await register(there, "here", {"target": "local", "paths": [str(tmp_path / "here.db")]}, SUMS)
    run, text = await finish(there, script(tmp_path, READ), data_inputs={"x": {"path": "data:here"}})
    assert text.endswith(" 3\n"), (run["message"], text)
    assert (await data_of(there, run))["x"]["mechanism"] == "cache"


async def database(there: Services, path: Path, name: str = "shop", **more: Any) -> None:
    """SQLAlchemy's SQLite stands for any database: the ways to it are the same."""
    await there.call("datastores.add", name=name, kind="sql", root=f"sqlite:///{path}", **more)


async def test_a_database_is_asked_from_here_and_its_result_goes_into_runs(
    there: Services, tmp_path: Path
) -> None:
    """No machine gets in there: what the query brings is sent, once as long as it is the same."""
    path = shop(tmp_path / "shop.db")
    await database(there, path)
    version = await register(there, "sold", {"datastore": "shop", "paths": [""]}, SUMS)
    assert version["source"] == {"datastore": "shop", "paths": [SUMS]}
    assert [column["name"] for column in version["schema"]] == ["day", "total", "sales"]
    assert len((await there.call("datasets.preview", dataset="sold", rows=2))["rows"]) == 2
    runs = []
    for _ in range(2):
        run, text = await finish(there, script(tmp_path, READ), data_inputs={"x": {"path": "data:sold"}})
        assert text.endswith(" 3\n"), (run["message"], text)
        runs.append((await data_of(there, run))["x"])
    assert runs[0]["mechanism"] == "cache"
    assert runs[0]["sent"] > 0
    assert runs[1]["sent"] == 0
    assert runs[0]["hash"] == runs[1]["hash"]
    looked = [item async for item in there.items("datasets.fingerprint", dataset="sold")][-1]
    assert looked["version"]["fingerprint"]["content"] is True
    with sqlite3.connect(path) as base:
        base.execute("DELETE FROM sales WHERE day > '2026-11-01'")
    looked = [item async for item in there.items("datasets.fingerprint", dataset="sold")][-1]
    assert looked["same"] is False
    run, text = await finish(there, script(tmp_path, READ), data_inputs={"x": {"path": "data:sold"}})
    assert text.endswith(" 1\n"), (run["message"], text)
    assert (await data_of(there, run))["x"]["hash"] != runs[0]["hash"]
    made = await kept(there, "sold", "sold-kept")
    assert made["rows"] == 1
    assert (await there.call("datastores.browse", name="shop"))["items"][0]["path"] == "sales"


async def test_what_lets_one_in_is_nowhere_told(there: Services, tmp_path: Path) -> None:
    """The address with its password is a secret's value: in no record, error, argv or log."""
    where = "s3cr3t-w0rd"
    await there.call("secrets.set", name="shop", value=f"sqlite:////nowhere/{where}/shop.db")
    await there.call("datastores.add", name="shop", kind="sql", root="sqlite://", secret="shop")
    with pytest.raises(Unreachable) as caught:
        await register(there, "bad", {"datastore": "shop", "paths": [""]}, "SELECT 1")
    assert where not in str(caught.value.to_wire())
    with pytest.raises(UsageError, match="password in an address"):
        await there.call("datastores.add", name="x", kind="sql", root="postgresql://me:pass@host/db")
    with pytest.raises(UsageError, match="password in an address"):
        await there.call("datastores.add", name="x", kind="sql", root="mysql://host/db?password=x")
    await there.call("datastores.add", name="y", kind="sql", root="nonesuch://host/db")
    with pytest.raises(UsageError, match="package"):
        await register(there, "bad", {"datastore": "y", "paths": [""]}, "SELECT 1")


@pytest.mark.parametrize("query", ["DELETE FROM sales", "SELECT 1; DELETE FROM sales", "SELECT nothing", ""])
async def test_a_query_that_does_not_read(there: Services, tmp_path: Path, query: str) -> None:
    path = shop(tmp_path / "shop.db")
    before = path.read_bytes()
    await database(there, path)
    with pytest.raises(UsageError):
        await register(there, "bad", {"datastore": "shop", "paths": [""]}, query)
    assert path.read_bytes() == before


async def test_a_database_that_does_not_answer(there: Services, tmp_path: Path) -> None:
    """Its process is ended, and none is left."""
    await database(there, shop(tmp_path / "shop.db"))
    with pytest.raises(RemoteError, match="no row for"):
        await register(there, "bad", {"datastore": "shop", "paths": [""]}, ENDLESS, query_timeout=0.5)
    with pytest.raises(UsageError, match="holds no files"):
        _ = [page async for page in there.items("datastores.walk", name="shop")]
    with pytest.raises(UsageError, match="a dataset of it is a query"):
        await there.call("datasets.register", name="f", source={"datastore": "shop", "paths": ["a"]})


async def test_rows_that_come_slowly_are_seen_as_they_come(there: Services, tmp_path: Path) -> None:
    """The next row may take so long, not all of them; and who wants no more ends the query."""
    path = shop(tmp_path / "shop.db", days=1, each=40)
    await database(there, path)
    slow = (
        "SELECT price, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400000)"
        " SELECT count(*) + price FROM n) AS w FROM sales"
    )
    await register(there, "slow", {"datastore": "shop", "paths": [""]}, slow, query_timeout=1.5)
    rows = there.read("datasets.result", dataset="slow")
    assert b'"price":0.0' in await anext(rows)
    await rows.aclose()  # type: ignore[attr-defined]


async def test_values_of_every_kind(there: Services, tmp_path: Path) -> None:
    path = tmp_path / "kinds.db"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE t (a, b, c, d, a2)")
    base.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?)", (1 << 62, 0.1, b"\xff\x00", None, "\u20ac\x1b[2J\n"))
    base.commit()
    base.close()
    await database(there, path)
    query = "SELECT a, b, c, d, a2 AS a FROM t WHERE '%' = '%' AND ':x' = ':x'"
    for name, source in (
        ("one", {"target": "local", "paths": [str(path)]}),
        ("two", {"datastore": "shop", "paths": [""]}),
    ):
        await register(there, name, source, query)
        found = await there.call("datasets.preview", dataset=name)
        assert [column["name"] for column in found["columns"]] == ["a", "b", "c", "d", "a_2"]
        assert found["rows"] == [[1 << 62, 0.1, "\ufffd\x00", None, "\u20ac\x1b[2J\n"]]
    none = {"datastore": "shop", "paths": [""]}
    version = await register(there, "none", none, "SELECT a, b FROM t WHERE 0")
    assert [column["name"] for column in version["schema"]] == ["a", "b"]
    assert (await there.call("datasets.preview", dataset="none"))["rows"] == []
