"""docs/filters.md is true: each of its examples finds what the page says, among the runs it describes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.store_making import feed, header, make_run, metric, open_store
from workbench.entities.configuration import RunConfiguration
from workbench.entities.run import RunState
from workbench.errors import UsageError
from workbench.store.blocking_store import Store
from workbench.store.queries.query import RunQuery
from workbench.store.runs import kept_runs
from workbench.text import durations
from workbench.text.filter_fields import BY_NAME
from workbench.text.filter_values import STATES

PAGE = (Path(__file__).parents[2] / "docs" / "filters.md").read_text("utf-8")
CREATED = datetime(2024, 11, 2, 12, tzinfo=UTC)


def rows(heading: str) -> list[list[str]]:
    """The cells of every table whose heading line begins so."""
    found = []
    for table in re.findall(rf"^\| {heading}.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE):
        found += [
            [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in table.splitlines()
        ]
    return found


EXAMPLES = [(re.sub(r"^(`+) ?(.*?) ?\1$", r"\2", said), finds) for said, finds in rows("filter")]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The runs of the page."""
    store = open_store(tmp_path_factory.mktemp("page"))
    for number, (name, experiment, target, status, took, loss, acc, lr, model, keep) in enumerate(
        rows("run"), 1
    ):
        state = RunState(status)
        run = make_run(
            number,
            name=name,
            experiment=experiment,
            target=target,
            status=state,
            created=CREATED,
            started=None if state is RunState.QUEUED else CREATED,
            ended=CREATED + timedelta(seconds=durations.parse(took)) if took else None,
            params={"lr": lr, "model": model},
            tags={"keep": keep} if keep else {},
        )
        store.write(kept_runs.insert, run, RunConfiguration(command=["true"]))
        points = [
            metric(called, value if value == "nan" else float(value), step)
            for called, values in (("loss", loss), ("acc", acc))
            for step, value in enumerate(values.split(", ") if values else ())
        ]
        if points:
            feed(store, run.id, [header(), *points])
    yield store
    store.close()


@pytest.fixture
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_in_utc")
@pytest.mark.parametrize(("said", "finds"), EXAMPLES)
def test_an_example_finds_what_the_page_says(store: Store, said: str, finds: str) -> None:
    if finds == "error":
        with pytest.raises(UsageError):
            store.read(kept_runs.find, RunQuery(filter=said))
        return
    found = store.read(kept_runs.find, RunQuery(filter=said, order="created", descending=False))
    assert [run.name for run in found] == finds.split()


def test_the_page_has_every_attribute_and_group_of_states() -> None:
    named = set(re.findall(r"`([\w ]+)`", PAGE))
    assert {attribute.name for attribute in BY_NAME.values()} <= named
    assert {"active", "waiting", "over"} <= named & set(STATES)
    assert len(EXAMPLES) > 35
