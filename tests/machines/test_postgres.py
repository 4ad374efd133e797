"""Tables of queries on a real PostgreSQL: its types, its views, read only, and ended when nobody waits (AZ-47)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.machines.data_runs import attach, data_of, finish
from tests.machines.postgres import PASSWORD, Postgres, postgres
from tests.machines.rig import SshServer
from tests.machines.test_query_tables import READ, kept, register
from tests.machines.test_run_tables import script
from tests.services import Services, services
from workbench.data.sql import process
from workbench.errors import RemoteError, Unreachable, UsageError

__all__ = ["postgres"]
KINDS = (
    "SELECT 1 AS i, 1.5::numeric AS n, 'NaN'::float8 AS f, 'x %s :y'::text AS t, true AS b,"
    " '2026-11-26 12:00+02'::timestamptz AS z, '2026-11-26'::date AS d, '{\"a\": [1]}'::jsonb AS j,"
    " ARRAY[1, 2] AS a, '\\x00ff'::bytea AS y, '10.0.0.1'::inet AS p, NULL::int AS e"
)


@pytest_asyncio.fixture
async def there(tmp_path: Path, postgres: Postgres) -> AsyncIterator[Services]:
    async with services(tmp_path) as opened:
        await opened.call("secrets.set", name="pg", value=PASSWORD)
        await opened.call("datastores.add", name="pg", kind="sql", root=postgres.url, secret="pg")
        yield opened


SOURCE = {"datastore": "pg", "paths": [""]}


async def test_values_of_every_kind_and_what_there_is(there: Services, postgres: Postgres) -> None:
    version = await register(there, "kinds", SOURCE, KINDS)
    types = {column["name"]: column["type"] for column in version["schema"]}
    assert types == {
        "i": "integer", "n": "float", "f": "float", "t": "text", "b": "boolean", "z": "datetime",
        "d": "datetime", "j": "text", "a": "text", "y": "text", "p": "text", "e": types["e"],
    }  # fmt: skip
    [row] = (await there.call("datasets.preview", dataset="kinds", rows=3))["rows"]
    assert row[:6] == [1, 1.5, "nan", "x %s :y", True, "2026-11-26T10:00:00"], "times of a zone are in UTC"
    assert row[6:9] == ["2026-11-26T00:00:00", '{"a": [1]}', "[1, 2]"]
    postgres.ask("CREATE SCHEMA odd", "CREATE TABLE odd.t (i int)", "CREATE VIEW v AS SELECT 1 AS one",
                 "CREATE MATERIALIZED VIEW m AS SELECT 1 AS one")  # fmt: skip
    listed = await there.call("datastores.browse", name="pg")
    assert [item["path"] for item in listed["items"]] == ["m", "odd.t", "v"]
    made = await kept(there, "kinds", "kinds-kept")
    assert made["rows"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "WITH d AS (DELETE FROM s RETURNING i) SELECT * FROM d",
        "SELECT 1; DROP TABLE s",
        "SELECT nextval('n')",
    ],
)
async def test_nothing_is_written(there: Services, postgres: Postgres, query: str) -> None:
    postgres.ask("CREATE TABLE IF NOT EXISTS s AS SELECT 1 AS i", "CREATE SEQUENCE IF NOT EXISTS n")
    with pytest.raises(UsageError, match="pg: "):
        await register(there, "bad", SOURCE, query)
    assert postgres.ask("SELECT i FROM s") == [(1,)]


async def test_a_query_that_nobody_waits_for_ends_there_too(
    there: Services, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "START", 2.0)
    with pytest.raises(RemoteError, match="no row for 1 seconds"):
        await register(there, "slow", SOURCE, "SELECT pg_sleep(600) AS slept", query_timeout=1)
    busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%slept%' AND pid <> pg_backend_pid()"
    async with asyncio.timeout(30):
        while postgres.ask(busy) != [(0,)]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_a_wrong_password_is_told_without_it(there: Services) -> None:
    await there.call("secrets.set", name="pg", value="wr0ng-one")
    with pytest.raises(Unreachable, match="password authentication failed") as problem:
        await register(there, "bad", SOURCE, "SELECT 1")
    assert "wr0ng-one" not in str(problem.value.to_wire())


async def test_rows_go_into_a_run_and_too_many_are_refused(
    there: Services, server: SshServer, tmp_path: Path
) -> None:
    await attach(there, server, "box")
    await register(there, "many", SOURCE, "SELECT g, g * 2 AS h FROM generate_series(1, 2000) g")
    inputs = {"x": {"path": "data:many"}}
    run, text = await finish(there, script(tmp_path, READ), data_inputs=inputs)
    assert "'h': 4000} 2000" in text, (run["message"], text)
    assert (await data_of(there, run))["x"]["mechanism"] == "cache"
    there.workspace.context.datastores.results._most = 1000
    run, _ = await finish(there, script(tmp_path, READ), data_inputs=inputs)
    assert run["status"] == "Failed"
    assert "the query brings more than 0.98 KiB" in run["message"]
