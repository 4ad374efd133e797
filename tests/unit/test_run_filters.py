"""Filters through the services: lists, pages, orders, and what is said of one that means nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services import services
from tests.store_making import FILE, header, lines, make_run, metric
from workbench.entities.configuration import RunConfiguration
from workbench.errors import UsageError
from workbench.store.runs import kept_runs


async def test_every_list_of_runs_takes_a_filter(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        for number, value in enumerate((0.5, 0.05, 0.01), 1):
            run = make_run(number, name=f"n{number}", params={"lr": "1e-3"}, tags={"a": None})
            await live.store.write(kept_runs.insert, run, RunConfiguration(command=["true"]))
            records = lines([header(), metric("loss", value, 1)])
            await live.store.write(live.store.intake.take, run.id, FILE, 0, records)
        asked = {"filter": "loss<0.1 params.lr=0.001"}
        assert [run["name"] for run in await live.call("runs.list", **asked)] == ["n3", "n2"]
        page = await live.call("runs.table", **asked, limit=1, offset=1)
        assert ("total" in page, page["rows"][0]["name"]) == (False, "n2")
        assert await live.call("runs.count", **asked) == {"count": 2}
        order = await live.call("runs.order", **asked, sort="metric:loss", descending=True)
        assert len(order["ids"].split()) == 2
        checked = await live.call(
            "runs.check_filter", filter="los<0.1 and (metrics.loss=1 or tags.b IS NULL)"
        )
        assert checked["filter"] == "los < 0.1 and (metrics.loss = 1 or tags.b IS NULL)"
        assert [(item["name"], item["start"], item["stop"], item["hint"]) for item in checked["unknown"]] == [
            ("los", 0, 3, "did you mean loss?"),
            ("b", 31, 37, ""),
        ]
        for method in ("list", "table", "order", "check_filter"):
            with pytest.raises(
                UsageError, match="column 8 of the filter: there is no state 'faild'"
            ) as raised:
                await live.call(f"runs.{method}", filter="status=faild")
            assert raised.value.data == {"filter": "status=faild", "start": 7, "stop": 12}
            assert raised.value.hint == "did you mean failed?"


async def test_names_that_no_run_has_are_told_with_what_was_meant(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        run = make_run(1, params={"lr": "1"}, tags={"team": "x"})
        await live.store.write(kept_runs.insert, run, RunConfiguration(command=["true"]))
        records = lines([header(), metric("val/loss", 0.5, 1)])
        await live.store.write(live.store.intake.take, run.id, FILE, 0, records)
        known = ["param:lr", "tag:team", "metric:val/loss", "best:val/loss", "lr", "val/loss", "target"]
        assert await live.call("runs.check_names", names=known) == []
        slips = ["param:lrr", "best:val_loss", "metric:lr", "foo:bar", "nosuch", "tag:\x1b[2J"]
        told = await live.call("runs.check_names", names=slips)
        assert [(item["message"], item["hint"]) for item in told] == [
            ("no run has a param lrr", "did you mean lr?"),
            ("no run has a metric val_loss", "did you mean val/loss?"),
            ("no run has a metric lr", ""),
            ("no run has a metric, param or tag foo:bar", ""),
            ("no run has a metric, param or tag nosuch", ""),
            ("no run has a tag \x1b[2J", ""),
        ]
