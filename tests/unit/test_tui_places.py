"""The way through the dashboard, what news say, filters one types, forms that become command lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store_making import open_store, put_run
from workbench.entities.base import to_wire
from workbench.store.runs import kept_runs
from workbench.store.sqlite import events
from workbench.text.location import Location, parse
from workbench.tui.model.dirty import MANY, Dirty
from workbench.tui.model.link_speed import QUICK, SLOW, flush_seconds
from workbench.tui.model.run_list import RunQuery
from workbench.tui.places.history import History, crumbs, outside
from workbench.tui.places.pages import kind_of
from workbench.tui.screens.runs import filters
from workbench.tui.screens.runs.proposing import completion, settled
from workbench.tui.submitting import form

RUNS, MNIST = Location("runs"), Location("runs", ("mnist",))
OTTER, COMPUTE = Location("runs", ("mnist", "otter")), Location("compute")


def test_back_and_forward_and_the_last_place() -> None:
    history = History(RUNS)
    history.go(MNIST)
    history.go(OTTER)
    assert history.back() == MNIST
    assert history.back() == RUNS
    assert history.back() is None
    assert history.forward() == MNIST
    history.go(COMPUTE)
    assert history.forward() is None
    assert history.last() == MNIST
    assert history.last() == COMPUTE


def test_what_is_chosen_in_a_place_is_no_place_of_its_own() -> None:
    history = History(RUNS)
    history.go(OTTER)
    history.go(OTTER._replace(options={"tab": "logs"}))
    assert history.current.options == {"tab": "logs"}
    assert history.back() == RUNS
    history.go(MNIST._replace(options={"compare": "a,b"}))
    assert history.back() == RUNS


@given(st.lists(st.sampled_from([RUNS, MNIST, OTTER, COMPUTE, None, True]), max_size=60))
def test_a_history_always_has_a_current_place(steps: list[Any]) -> None:
    history = History(RUNS)
    for step in steps:
        before = history.current
        if step is None:
            moved = history.back()
            assert history.current == (before if moved is None else moved)
        elif step is True:
            moved = history.forward()
            assert history.current == (before if moved is None else moved)
        else:
            history.go(step)
            assert history.current == step


def test_crumbs_lead_out_step_by_step() -> None:
    assert [crumb.title for crumb in crumbs(OTTER)] == ["Runs", "mnist", "otter"]
    assert outside(OTTER) == MNIST
    assert outside(MNIST) == RUNS
    assert outside(RUNS) is None
    compared = MNIST._replace(options={"compare": "a,b"})
    assert [crumb.title for crumb in crumbs(compared)] == ["Runs", "mnist", "compare"]
    assert outside(compared) == MNIST


def test_which_page_shows_a_place() -> None:
    assert kind_of(RUNS) == kind_of(MNIST) == "runs"
    assert kind_of(OTTER) == "run"
    assert kind_of(MNIST._replace(options={"compare": "a,b"})) == "compare"
    assert kind_of(COMPUTE) == "compute"
    assert kind_of(Location("compute", ("gpu1",))) == "machine"
    assert kind_of(Location("endpoints")) is None


def event(kind: str, subject: str) -> dict[str, Any]:
    return {"sequence": 1, "kind": kind, "subject": subject}


def test_events_become_what_has_to_be_looked_at_again() -> None:
    dirty = Dirty()
    assert not dirty
    dirty.add(event("RunRecords", "experiments/mnist/runs/a"))
    dirty.add(event("RunStatusChanged", "experiments/mnist/runs/b"))
    dirty.add(event("RunCreated", "experiments/new/runs/c"))
    dirty.add(event("TargetChanged", "compute/gpu1"))
    dirty.add(event("ActivityChanged", "activities/x"))
    dirty.add(event("SomethingLater", "odd"))
    assert dirty.measured == {"a"}
    assert dirty.runs == {"b", "c"}
    assert dirty.listed == {"c"}
    assert dirty.experiments == {"new"}
    assert dirty.targets == {"gpu1"}
    assert dirty.activities == {"x"}
    assert dirty.touched(["a", "b", "z"]) == {"a", "b"}
    assert not dirty.everything


def test_only_what_comes_into_lists_or_goes_out_of_them_has_the_order_asked_anew(tmp_path: Path) -> None:
    """By the events as the store writes them: a change of a tag says what was removed of the tags."""
    store = open_store(tmp_path)
    try:
        run = put_run(store, 1)

        def listed(change: Callable[..., Any], *given: Any, **more: Any) -> bool:
            before = store.read(events.last_sequence)
            store.write(change, run, *given, **more)
            dirty = Dirty()
            for happened in store.read(events.after, before):
                dirty.add(to_wire(happened))
            assert dirty.runs == {run}
            return bool(dirty.listed)

        assert not listed(kept_runs.tag, {"a": "b"})
        assert not listed(kept_runs.tag, {}, ["a"])
        assert not listed(kept_runs.add_properties, {"removed": "true", "archived": "true"})
        assert not listed(kept_runs.describe, name="other")
        assert listed(kept_runs.archive)
        assert listed(kept_runs.archive, False)
        assert listed(kept_runs.remove)
    finally:
        store.close()


def test_very_many_changes_are_everything() -> None:
    dirty = Dirty()
    for number in range(MANY + 1):
        dirty.add(event("RunStatusChanged", f"experiments/e/runs/{number}"))
    assert dirty.everything
    other = Dirty(targets={"t"})
    other.merge(dirty)
    assert other.everything
    assert other.targets == {"t"}


def test_over_ssh_the_screen_is_painted_less_often() -> None:
    assert flush_seconds({}) == QUICK
    assert flush_seconds({"SSH_TTY": "/dev/pts/1"}) == SLOW


def test_filters_are_read_and_written() -> None:
    options = filters.read(" status=failed,running @gpu1 calm loss<0.1")
    assert options == {"filter": "status=failed,running @gpu1 calm loss<0.1"}
    assert filters.read(filters.write(options)) == options
    linked = {"status": "failed,running", "target": "gpu1", "archived": "yes", "text": "calm or"}
    wanted = "status=failed,running target=gpu1 archived=yes calm 'or'"
    assert filters.parameters(linked) == (("filter", wanted),)
    both = {"filter": "a or b", "status": "active"}
    assert filters.parameters(both) == (("filter", "(a or b) status=active"),)
    assert filters.parameters({}) == ()


def test_a_column_that_says_the_same_of_every_run_is_known() -> None:
    assert filters.fixes(RunQuery(filters=(("target", "gpu1"),)), "target")
    assert filters.fixes(RunQuery(filters=(("filter", "loss<1 @gpu1"),)), "target")
    assert not filters.fixes(RunQuery(filters=(("filter", "loss<1 or @gpu1"),)), "target")
    assert not filters.fixes(RunQuery(), "target")


def test_the_last_word_of_a_filter_is_completed() -> None:
    names = ["status", "loss", "val loss"]
    assert completion("lo", names) == "loss"
    assert completion("acc>0.9 (STA", names) == "acc>0.9 (STAtus"
    assert completion("status=run", names) == "status=running"
    assert completion("status = failed,que", names) == "status = failed,queued"
    assert completion("loss", names) is None
    assert completion("l", names) is None
    assert settled("lr>1 stat", names) == "lr>1 "
    assert settled("(loss", names) == "("
    assert settled("status=lo", names) == "status=lo"
    assert settled("otter", names) == "otter"


def test_a_filter_that_is_none_says_why() -> None:
    with pytest.raises(ValueError, match="there is no state 'asleep'"):
        filters.read("status=asleep")
    with pytest.raises(ValueError, match="'3x' is no number"):
        filters.read("lr<3x")


def test_a_form_is_the_command_line_it_shows() -> None:
    values = {"code": ".", "command": "python train.py --lr 3e-4", "target": "gpu1", "experiment": "mnist"}
    assert form.command_line(values) == "wb submit -t gpu1 -e mnist -- python train.py --lr 3e-4"
    named = form.command_line({**values, "environment": "train@stable"})
    assert named == "wb submit -t gpu1 -e mnist --env train@stable -- python train.py --lr 3e-4"
    assert form.command_of(values["command"]) == ["python", "train.py", "--lr", "3e-4"]
    piped = {**values, "command": "python a.py && python b.py", "follow": "yes", "gpus": "0"}
    assert form.command_line(piped).endswith("--gpus 0 --follow -- 'python a.py && python b.py'")
    assert form.command_of(piped["command"]) == "python a.py && python b.py"
    assert form.command_of("train lr=3e-4") == ["train", "lr=3e-4"]
    assert form.command_of("CUDA_VISIBLE_DEVICES=0 python a.py") == "CUDA_VISIBLE_DEVICES=0 python a.py"


def test_a_form_tells_all_that_is_wrong_at_once() -> None:
    wrong = form.check({"code": "/nowhere/at/all", "command": " ", "gpus": "two"})
    assert set(wrong) == {"code", "command", "gpus"}
    assert form.check({"code": "~", "command": "true", "gpus": ""}) == {}


def test_a_file_that_defines_an_environment_is_found_in_what_is_sent(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy\n")
    values = {"code": str(tmp_path), "command": "true", "environment": "requirements.txt"}
    assert form.options(values)["environment"] == str(tmp_path / "requirements.txt")
    assert form.options({**values, "environment": "pyproject.toml"})["environment"] == "pyproject.toml"


def test_a_version_is_one_step_inside_its_name_however_it_is_written() -> None:
    for text in (
        "data/weather:2?tab=rows",
        "data/weather/2",
        "environments/weather@latest",
        "models/weather:2",
    ):
        assert outside(parse(text)) == Location(parse(text).noun, ("weather",))
    assert [step.title for step in crumbs(parse("data/weather:2"))] == ["Data", "weather", "2"]
    assert [step.title for step in crumbs(parse("runs/a:b"))] == ["Runs", "a:b"]
