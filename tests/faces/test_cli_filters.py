"""wb with filters: lists, what is wrong with one, and commands about all runs that fit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faces.conftest import Answers, Wb
from tests.faces.scripted import PIPE, RUNS, TTY, World
from workbench.errors import UsageError

IDS = [str(run["id"]) for run in RUNS[:2]]


def refusing(text: str, start: int, stop: int) -> Any:
    def answer(**_: Any) -> None:
        raise UsageError(
            "column 1 of the filter: no", "did you mean yes?", filter=text, start=start, stop=stop
        )

    return answer


def test_what_is_wrong_is_pointed_at(wb: Wb) -> None:
    world = World(runs__list=refusing("loss<0.1 status=faild", 16, 21))
    done = wb("ps", "loss<0.1", "status=faild", world=world)
    assert done.code == 2
    assert done.err.splitlines() == [
        "error: column 1 of the filter: no",
        "  loss<0.1 status=faild",
        "                  ^^^^^",
        "hint: did you mean yes?",
    ]


def test_a_long_filter_is_shown_around_what_is_wrong_and_never_raw(wb: Wb) -> None:
    text = "x" * 200 + "\x1b]0;日本\x07 bad"
    world = World(runs__list=refusing(text, 206, 212))
    lines = wb("ps", text, world=world, terminal=TTY).err.splitlines()
    assert "\x1b" not in "".join(lines)
    assert lines[1].endswith("bad")
    assert lines[2].endswith("^")
    assert all(len(line) <= TTY.cells for line in lines)


def test_a_name_that_no_run_has_is_said_when_nothing_fits(wb: Wb) -> None:
    unknown = [
        {
            "name": "los",
            "start": 0,
            "stop": 3,
            "message": "no run has a metric los",
            "hint": "did you mean loss?",
        }
    ]
    answers: dict[str, Any] = {
        "runs__list": [],
        "runs__check_filter": {"filter": "los < 1", "unknown": unknown},
    }
    done = wb("ps", "los<1", world=World(**answers), terminal=TTY)
    assert (done.code, done.out) == (0, "")
    assert "no run has a metric los; did you mean loss?" in done.err
    assert "no run is like that" in done.err


def test_an_order_a_group_or_a_column_of_a_name_that_no_run_has_is_said(wb: Wb) -> None:
    slip = [{"name": "los", "message": "no run has a metric los\x1b[2J", "hint": "did you mean loss?"}]
    world = World(runs__list=[], runs__groups=[], runs__check_names=slip)
    for words in (("--sort", "best:los"), ("--column", "los"), ("--group", "param:los")):
        done = wb("ps", *words, world=world, terminal=TTY)
        assert world.calls[-1] == ("runs.check_names", {"names": [words[1]]})
        assert (done.code, "no run has a metric los; did you mean loss?" in done.err) == (0, True)
    wb("ps", "--sort", "created", "--column", "attribute:branch", world=world)
    assert world.calls[-1][0] == "runs.list"


@pytest.mark.parametrize(
    ("words", "called", "asked"),
    [
        (("cancel", "--filter", "lr>1"), ("runs.cancel", {}), {"active": True}),
        (("archive", "--filter", "lr>1"), ("runs.archive", {"archived": True}), {"archived": False}),
        (
            ("archive", "--undo", "--filter", "lr>1"),
            ("runs.archive", {"archived": False}),
            {"archived": True},
        ),
    ],
)
def test_a_command_is_about_all_runs_that_fit_once_somebody_said_yes(
    wb: Wb, words: tuple[str, ...], called: tuple[str, dict[str, Any]], asked: dict[str, Any]
) -> None:
    world = World(
        runs__order={"ids": " ".join(IDS), "groups": []}, runs__archive=RUNS[0], runs__cancel=RUNS[0]
    )
    refused = wb("run", *words, world=world, terminal=TTY, asker=Answers("n"))
    assert refused.code != 0
    assert [name for name, _ in world.calls] == ["runs.order"]
    assert world.calls[0][1] == {"filter": "lr>1", **asked}
    done = wb("run", *words, "--yes", world=world, terminal=PIPE)
    assert done.code == 0
    method, given = called
    assert [parameters for name, parameters in world.calls if name == method] == [
        {"run": run, **given} for run in IDS
    ]


def test_runs_are_named_or_chosen_but_not_both_and_none_is_an_error(wb: Wb) -> None:
    world = World(runs__order={"ids": "", "groups": []}, runs__check_filter={"filter": "", "unknown": []})
    assert wb("run", "cancel", world=world).code == 2
    assert wb("run", "cancel", "@1", "--filter", "a", world=world).code == 2
    done = wb("run", "cancel", "--filter", "a", world=world)
    assert (done.code, "no run fits" in done.err) == (3, True)


GROUPS = [
    {"value": "1e-3", "count": 1200, "active": 1, "failed": 0, "metric": "loss", "best": 0.0398, "best_run": IDS[0], "mean": 0.05, "measured": 3},
    {"value": None, "count": 2, "active": 0, "failed": 2, "metric": "loss", "measured": 0},
]  # fmt: skip


def test_groups_are_summed_up(wb: Wb) -> None:
    world = World(runs__groups=GROUPS, runs__check_names=[])
    done = wb("ps", "loss<1", "--group", "param:lr", "--status", "failed", world=world, terminal=TTY)
    assert world.calls == [
        ("runs.groups", {"by": "param:lr", "filter": "loss<1", "status": ["Failed"]}),
        ("runs.check_names", {"names": ["param:lr"]}),
    ]
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0][:6] == ["LR", "RUNS", "ACTIVE", "FAILED", "BEST", "loss"]
    assert lines[1][:5] == ["1e-3", "1,200", "1", "-", "0.0398"]
    assert lines[2][:5] == ["-", "2", "-", "2", "-"]
    assert wb("ps", "--group", "status", "--tag", "a", world=world).code == 2


VIEW = {"name": "good", "filter": "loss<1", "sort": "metric:loss", "created": "2026-11-01T12:00:00Z"}


def test_more_columns_stand_in_a_list_of_any_form(wb: Wb) -> None:
    """A param, a figure of a metric and an attribute; a view's columns without being said again."""
    row = {
        "id": IDS[0],
        "params": {"lr.x": "3e-4"},
        "figures": {"best:loss": 0.03125},
        "attributes": {"branch": "main"},
    }
    view = {**VIEW, "columns": ["name", "param:lr.x", "best:loss", "attribute:branch"]}
    world = World(
        runs__list=RUNS[:2],
        runs__table={"total": 1, "rows": [row], "sequence": 1},
        views__get=view,
        runs__check_names=[],
    )
    words = ("--column", "param:lr.x", "--column", "best:loss", "--column", "attribute:branch")
    lines = wb("ps", *words, "-o", "csv", world=world).out.splitlines()
    assert lines[0].endswith(",message,param:lr.x,best:loss,attribute:branch")
    assert lines[1].endswith(",3e-4,0.03125,main")
    assert lines[2].endswith(",,,")
    asked = {"ids": IDS, "columns": [*words[1::2]], "archived": False, "limit": 2}
    assert world.calls[-2:] == [("runs.table", asked), ("runs.check_names", {"names": [*words[1::2][:2]]})]
    shown = wb("ps", "--view", "good", world=world, terminal=TTY).out
    assert all(text in shown for text in ("lr.x", "best loss", "BRANCH", "3e-4", "0.03125", "main"))
    wb("ps", *words, "-o", "json", world=world)
    assert [name for name, _ in world.calls[-2:]] == ["runs.list", "runs.check_names"], "JSON has it all"


def test_a_view_lists_its_runs_narrowed_by_more_words(wb: Wb) -> None:
    world = World(views__get=VIEW, views__list=[VIEW], views__save=VIEW, views__remove={})
    wb("ps", "--view", "good", "resnet", world=world)
    asked = {"filter": "(loss<1) (resnet)", "sort": "metric:loss", "limit": 50}
    assert world.calls == [("views.get", {"name": "good"}), ("runs.list", asked)]
    assert wb("run", "views", world=world).out == "good\tloss<1\t\tmetric:loss\t\t\t\n"
    words = ("good", "loss<1", "--save", "--sort", "metric:loss", "--column", "param:lr")
    assert wb("run", "views", *words, world=world).code == 0
    saved = {"name": "good", "filter": "loss<1", "sort": "metric:loss", "columns": ["param:lr"]}
    assert world.calls[-1] == ("views.save", saved)
    assert wb("run", "views", "good", "--remove", world=world).code == 0
    assert world.calls[-1] == ("views.remove", {"name": "good"})
    for wrong in (("--save",), ("good", "loss<1"), ("good", "--save", "--remove")):
        assert wb("run", "views", *wrong, world=world).code == 2
