"""What may go from a machine: decided from what is there and what is known of it."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.compute.holdings import read_holdings
from workbench.entities.holdings import Counted, Held, HeldRun, Holdings
from workbench.errors import UsageError
from workbench.runs.pruning import Known, decide, judged, rules

DAY = 86400.0
NONE = Counted(count=0, bytes=0)


def held_run(number: int, age: float = 40 * DAY, **changes: Any) -> HeldRun:
    return HeldRun(**{"id": f"01{number:024d}", "bytes": 100 * number, "age": age, "over": True, **changes})


def held(*runs: HeldRun, trees: list[Held] | None = None, environments: list[Held] | None = None) -> Holdings:
    return Holdings(
        root="/r", total=1, free=5, runs=list(runs), trees=trees or [], environments=environments or [],
        blobs=NONE, payloads=NONE, other=NONE,
    )  # fmt: skip


def known(**changes: Any) -> Known:
    return Known(**{"name": "calm-otter-1", "experiment": "mnist", "over": True, **changes})


MONTH = rules(30 * DAY, ["best", "tagged", "registered"])


@pytest.mark.parametrize(
    ("run", "facts", "why"),
    [
        (held_run(1), None, "not known here"),
        (held_run(1, ours=False), known(), "another machine's"),
        (held_run(1, over=False), known(), "not over"),
        (held_run(1), known(over=False), "not over"),
        (held_run(1, age=29 * DAY), known(), "younger"),
        (held_run(1), known(best=True), "best"),
        (held_run(1), known(tagged=True), "tagged"),
        (held_run(1), known(registered=True), "registered"),
        (held_run(1), known(archived=True), None),
        (held_run(1), known(), None),
    ],
)
def test_why_a_run_stays(run: HeldRun, facts: Known | None, why: str | None) -> None:
    plan = decide("gpu1", held(run), {} if facts is None else {run.id: facts}, MONTH)
    assert (plan.kept, [item.id for item in plan.remove]) == (
        ({}, [run.id]) if why is None else ({why: 1}, [])
    )


def test_only_the_words_that_were_said_keep() -> None:
    run = held_run(1)
    facts = {run.id: known(best=True, tagged=True, archived=True)}
    assert decide("gpu1", held(run), facts, rules(0, [])).kept == {}
    assert decide("gpu1", held(run), facts, rules(0, ["archived"])).kept == {"archived": 1}
    with pytest.raises(UsageError, match="nothing that can be kept"):
        rules(0, ["bets"])
    with pytest.raises(UsageError):
        rules(-1, [])


def test_what_staying_runs_need_stays_and_the_largest_are_told_first() -> None:
    a, b, c = (character * 64 for character in "abc")
    runs = [
        held_run(1, snapshot=a, environment="e1"),
        held_run(2, snapshot=b, environment="e2"),
        held_run(3, snapshot=a, age=DAY),
    ]
    trees = [
        Held(id=a, bytes=7, age=99 * DAY),
        Held(id=b, bytes=7, age=99 * DAY),
        Held(id=c, bytes=7, age=DAY),
    ]
    environments = [Held(id="e1", bytes=5, age=99 * DAY), Held(id="e3", bytes=6, age=99 * DAY)]
    plan = decide(
        "gpu1", held(*runs, trees=trees, environments=environments), {run.id: known() for run in runs}, MONTH
    )
    assert [(item.kind, item.id) for item in plan.remove] == [
        ("run", runs[1].id), ("run", runs[0].id), ("tree", b), ("environment", "e3"), ("environment", "e1"),
    ]  # fmt: skip
    assert plan.bytes == 200 + 100 + 7 + 6 + 5
    said = judged(plan, {("tree", b), ("environment", "e1")}, {"bytes": 1000, "blobs": 3})
    assert (said.bytes, said.blobs) == (1000, 3)
    assert [item.id for item in said.remove] == [runs[1].id, runs[0].id, "e3"], (
        "what the machine keeps is not told"
    )


def test_what_was_not_fetched_is_warned_of() -> None:
    run = held_run(1)
    plan = decide("gpu1", held(run), {run.id: known(files_there=2, bytes_there=3 << 30)}, MONTH)
    assert plan.remove[0].warning == "2 files (3.00 GiB) not fetched: wb run download calm-otter-1"


def test_what_a_machine_says_it_keeps_is_taken_apart() -> None:
    good = {
        "run": "01" + "A" * 24,
        "bytes": 5,
        "age": 3.5,
        "over": True,
        "name": "x\x1b[2J",
        "snapshot": "../../etc",
    }
    found = read_holdings({
        "root": "/r", "total": 10, "runs": [good, {"run": "../x"}, None], "trees": [{"snapshot": "a/b"}, {"snapshot": "a", "bytes": -1}],
        "environments": "no", "blobs": {"count": True, "bytes": 7},
    })  # fmt: skip
    assert [(run.id, run.name, run.snapshot, run.over) for run in found.runs] == [
        (good["run"], "x", None, True)
    ]
    assert [(tree.id, tree.bytes) for tree in found.trees] == [("a", 0)]
    assert (found.blobs, found.free) == (Counted(count=0, bytes=7), None)
