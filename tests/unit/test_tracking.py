"""The Run object: what its calls record, and that none of them raises."""

# ruff: noqa: PT031 - one warning out of several calls is what is tested

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import pickle
import warnings
from decimal import Decimal
from pathlib import Path

import pytest

import workbench
from tests.record_files import read_run
from tests.tracking_run import RUN, recorded
from workbench.remote.forms import protocol
from workbench.remote.tracking import run as tracking
from workbench.remote.tracking.complaints import TrackingWarning
from workbench.remote.tracking.run import Run
from workbench.store.records.record_batch import parse_records


def test_the_context_is_one_object_and_knows_itself(run):
    """AZ-106."""
    assert Run.get_context() is run
    assert Run.get_context(allow_offline=False) is run
    assert workbench.Run is Run
    assert (run.id, run.attempt, run.rank, run.parent) == (RUN, 1, 0, None)
    assert run.experiment == "cifar"
    assert run.experiment.name == "cifar"
    assert run.experiment.workspace.name == "lab"
    assert run.name == RUN
    assert run.get_environment()["python"].startswith("3.")


def test_repeated_names_append(run):
    """AZ-93."""
    for value in (0.5, 1, math.nan, math.inf, True, "warm up", None):
        run.log("loss", value)
    run.log("acc", 0.9, step=3)
    run.log("acc", 0.91, step=4)
    run.log("big", 2**70)
    assert recorded(run, "metric") == [
        {"n": "loss", "v": 0.5}, {"n": "loss", "v": 1}, {"n": "loss", "v": "nan"}, {"n": "loss", "v": "inf"},
        {"n": "loss", "v": True}, {"n": "loss", "text": "warm up"}, {"n": "loss", "text": None},
        {"n": "acc", "v": 0.9, "s": 3}, {"n": "acc", "v": 0.91, "s": 4}, {"n": "big", "v": 2**70},
    ]  # fmt: skip
    assert recorded(run, "warning") == []


def test_a_description_is_written_when_it_is_new(run):
    for description in ("", "the loss", "the loss", "", "another"):
        run.log("loss", 1, description)
    assert [r.get("d") for r in recorded(run, "metric")] == [None, "the loss", None, None, "another"]


def test_a_step_given_once_must_be_given_always(run):
    """AZ-93: warned of once; the value is recorded as well as can be."""
    with pytest.warns(TrackingWarning, match="step") as caught:
        run.log("loss", 1.0, step=7)
        run.log("loss", 2.0)
        run.log("loss", 3.0)
        run.log("loss", 4.0, step=20)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert [(r["v"], r["s"]) for r in recorded(run, "metric")] == [(1, 7), (2, 8), (3, 9), (4, 20)]
    assert len(recorded(run, "warning")) == 1
    with pytest.warns(TrackingWarning):
        run.log("acc", 1.0)
        run.log("acc", 2.0, step=9)
    assert [r.get("s") for r in recorded(run, "metric") if r["n"] == "acc"] == [None, 9]


@pytest.mark.parametrize("step", ["three", math.nan, math.inf, 2**80, object(), [1]])
def test_a_step_that_is_none_is_left_out(run, step):
    with pytest.warns(TrackingWarning, match="whole number"):
        run.log("loss", 1.0, step=step)
    assert recorded(run, "metric") == [{"n": "loss", "v": 1.0}]


@pytest.mark.parametrize(
    ("values", "kept"),
    [([1, 2.5], [1, 2.5]), ((1,), [1]), (range(3), [0, 1, 2]), ([], [])],
)
def test_log_of_a_list_names_log_list_and_records_the_values(run, values, kept):
    """AZ-94."""
    with pytest.warns(TrackingWarning, match="log_list"):
        run.log("loss", values)
    assert [r.get("v", r.get("text")) for r in recorded(run, "metric")] == kept


def test_log_of_a_generator_does_not_use_it_up(run):
    """AZ-94."""
    values = (n for n in (1, 2))
    with pytest.warns(TrackingWarning) as caught:
        run.log("loss", values)
    assert "log_list" in str(caught[0].message)
    assert list(values) == [1, 2]
    assert "generator" in recorded(run, "metric")[0]["text"]


def test_log_list_and_endless_lists(run, monkeypatch):
    """AZ-95."""
    run.log_list("loss", [1, 2.0, math.nan])
    assert [r["v"] for r in recorded(run, "metric")] == [1, 2.0, "nan"]
    monkeypatch.setattr(tracking, "MOST_VALUES", 10)
    with pytest.warns(TrackingWarning, match="first 10"):
        run.log_list("many", range(10**30))
    assert len(recorded(run, "metric")) == 13


def test_rows_and_tables(run):
    """AZ-95: log_row appends a row, a column may be called name; log_table records columns."""
    run.log_row("confusion", name="cat", count=3, share=math.nan)
    run.log_row("confusion", "per class", name="dog", count=4)
    run.log_row(name="other", x=1)
    run.log_table("preds", {"y": [1, 2], "p": (0.5, math.inf)})
    assert recorded(run, "row") == [
        {"n": "confusion", "v": {"name": "cat", "count": 3, "share": "nan"}},
        {"n": "confusion", "v": {"name": "dog", "count": 4}, "d": "per class"},
        {"n": "other", "v": {"x": 1}},
    ]
    assert recorded(run, "table") == [{"n": "preds", "v": {"y": [1, 2], "p": [0.5, "inf"]}}]


def test_odd_values_are_kept_as_repr_and_warned_of_once(run):
    """AZ-98."""
    with pytest.warns(TrackingWarning, match="Decimal") as caught:
        run.log("price", Decimal("1.2"))
        run.log("price", Decimal("1.3"))
    assert len(caught) == 1
    assert [r["text"] for r in recorded(run, "metric")] == ["Decimal('1.2')", "Decimal('1.3')"]
    assert len(recorded(run, "warning")) == 1


def test_every_wrong_call_is_a_warning(run):
    """Law 1: nothing raises, whatever it is called with."""
    with pytest.warns(TrackingWarning):
        run.log()
        run.log("only a name")
        run.log(value=3)
        run.log(None, 1)
        run.log(["a", "list"], 1)
        run.log("x", 1, "", 1, "too many", unknown=True)
        run.log("n" * 1000, 1)
        run.log_list("x")
        run.log_list("x", 3)
        run.log_row()
        run.log_table("x", 3)
        run.log_params(None)
        run.log_params(["a"])
        run.log_param("x")
        run.tag()
        run.tag({}, {}, {})
        run.add_properties("a")
        run.upload_file("x")
        run.upload_file("x", "/does/not/exist")
        run.log_image("x")
        run.flush("x", "y")
        run.fail("a", "b", "c", "d")
        assert run.get_metrics(3, 4, 5) == {}
        assert run.get_secret("no such secret") is None
    for record in read_run(Path(run.directory)):
        assert record["k"] in protocol.RECORD_KINDS
        assert 1 <= len(record.get("n", "n")) <= protocol.MAX_NAME


@pytest.mark.parametrize("name", ["a\nb", 'q"uote', "\x00\x1b[31m", "\ud800", "läuft/✓", "\\", "n" * 250])
def test_any_text_is_a_name(run, name):
    run.log(name, 1)
    run.log(name, 2, step=None)
    run.tag(name, name)
    run.log_params({name: name})
    kept = name.replace("\ud800", "\\ud800")
    assert [r["n"] for r in recorded(run, "metric")] == [kept, kept]
    assert recorded(run, "tag") == recorded(run, "param") == [{"n": kept, "v": kept}]


def test_a_megabyte_is_cut_and_a_record_over_the_limit_is_left_out(run):
    with pytest.warns(TrackingWarning):
        run.log("text", "x" * (1 << 20))
        run.log_row("wide", **{f"c{n}": "y" * 9000 for n in range(200)})
    [text] = recorded(run, "metric")
    assert len(text["text"]) == protocol.MAX_VALUE
    assert recorded(run, "row") == []
    assert any("left out" in r["v"] for r in recorded(run, "warning"))


def test_warnings_made_errors_do_not_raise(run, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.log("loss", [1])
    assert "log_list" in capsys.readouterr().err
    assert len(recorded(run, "metric")) == 1


def test_complaints_end_at_some_point(run):
    with pytest.warns(TrackingWarning) as caught:
        for n in range(1000):
            run.log(f"m{n}", Decimal(n))
    assert len(caught) == 100
    assert len(recorded(run, "metric")) == 1000


def test_params_from_mappings_and_argparse(run):
    run.log_params({"lr": 3e-4, "layers": [1, 2]})
    run.log_params(argparse.Namespace(epochs=10))
    run.log_param("seed", None)
    assert recorded(run, "param") == [
        {"n": "lr", "v": "0.0003"}, {"n": "layers", "v": "[1, 2]"}, {"n": "epochs", "v": "10"},
        {"n": "seed", "v": "None"},
    ]  # fmt: skip


def test_tags_change_and_properties_stay(run):
    """AZ-78: a tag is mutable, a bare one None; a property's second value is warned of, not recorded."""
    (Path(run.directory) / "spec.json").write_text(
        json.dumps({"name": "calm-otter", "tags": {"from": "submit"}, "properties": {"owner": "ann"}})
    )
    run.tag("note", "good")
    run.tag("note", "better")
    run.tag("bare")
    run.add_properties({"data": "v1"})
    run.add_properties({"data": "v1"})
    with pytest.warns(TrackingWarning, match="stays") as caught:
        run.add_properties({"data": "v2"})
        run.add_properties({"data": "v3"})
        run.add_properties({"owner": "someone else"})
    assert len(caught) == 2
    assert run.get_tags() == {"from": "submit", "note": "better", "bare": None}
    assert run.get_properties() == {"owner": "ann", "data": "v1"}
    assert recorded(run, "property") == [{"n": "data", "v": "v1"}]
    assert [r["v"] for r in recorded(run, "tag")] == ["good", "better", None]
    assert run.name == run.display_name == "calm-otter"


def test_get_metrics(run):
    """AZ-99: scalar for one value, list for many, columns for rows; AZ-100: by name."""
    run.log("one", 1)
    run.log_list("many", [1, math.inf, "text"])
    run.log_row("table", a=1, b="x")
    run.log_row("table", a=2, c=True)
    run.log_table("whole", {"y": [1, 2]})
    assert run.get_metrics() == {
        "one": 1,
        "many": [1, math.inf, "text"],
        "table": {"a": [1, 2], "b": ["x", None], "c": [None, True]},
        "whole": {"y": [1, 2]},
    }
    assert run.get_metrics(name="one") == {"one": 1}
    assert run.get_metrics("none") == {}


def test_leaving_the_context_completes_the_run(run):
    """AZ-69."""
    with run as same:
        assert same is run
    assert recorded(run, "status") == [{"v": "Completed"}]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("bad data"), {"v": "Failed", "message": "ValueError: bad data"}),
        (SystemExit(3), {"v": "Failed", "message": "SystemExit: 3"}),
        (KeyboardInterrupt(), {"v": "Failed", "message": "KeyboardInterrupt: "}),
        (SystemExit(0), {"v": "Completed"}),
        (SystemExit(), {"v": "Completed"}),
    ],
)
def test_an_exception_fails_the_run_and_goes_on(run, error, status):
    """AZ-75."""
    with pytest.raises(type(error)):
        with run:
            raise error
    assert recorded(run, "status") == [status]


def test_a_status_said_inside_the_context_stays(run):
    """AZ-77."""
    with run:
        run.fail("diverged")
    run.complete()
    assert recorded(run, "status") == [{"v": "Failed", "message": "diverged"}, {"v": "Completed"}]


def test_inputs_and_secrets_come_from_the_environment(run, monkeypatch):
    """AZ-57 in part, AZ-58 in part: what is there is read; nothing puts data there yet."""
    monkeypatch.setenv("AZUREML_DATAREFERENCE_train", "/data/train")
    monkeypatch.setenv("WORKBENCH_INPUT_val", "/data/val")
    monkeypatch.setenv("API_KEY", "s3cret")
    assert run.input_datasets["train"] == "/data/train"
    assert run.input_datasets["val"] == "/data/val"
    assert run.get_secret("API_KEY") == run.get_secret("api-key") == "s3cret"
    run.log("x", 1)
    assert "s3cret" not in json.dumps(read_run(Path(run.directory)))


def test_a_run_can_be_copied_and_sent_to_another_process(run):
    assert pickle.loads(pickle.dumps(run)) is run
    assert copy.deepcopy(run) is run


def test_flush_has_nothing_to_do(run):
    """AZ-101."""
    run.log("x", 1)
    run.flush(timeout_seconds=300)
    assert len(recorded(run, "metric")) == 1


def test_plain_functions_use_the_current_run(run, tmp_path):
    (tmp_path / "f").write_text("1")
    workbench.log("loss", 1.0, step=2)
    workbench.log_list("l", [1])
    workbench.log_row("r", a=1)
    workbench.log_table("t", {"a": [1]})
    workbench.log_param("p", 1)
    workbench.log_params({"q": 2})
    workbench.tag("k")
    workbench.add_properties({"o": 1})
    workbench.upload_file("f", tmp_path / "f")
    assert [r["k"] for r in read_run(tmp_path)] == [
        "metric", "metric", "row", "table", "param", "param", "tag", "property", "artifact",
    ]  # fmt: skip


def test_disk_trouble_warns_once(run, tmp_path):
    run.log("x", 1)
    (tmp_path / "gone").mkdir()
    sick = Run(RUN, str(tmp_path / "gone" / "away"), 1, "")
    with pytest.warns(TrackingWarning, match="cannot be written") as caught:
        for value in range(5):
            sick.log("counted", value)
            sick.log("stepped", value, step=value)
            sick.log_list("list", [value])
    assert len(caught) == 1
    assert sick._records.file.dropped == 15


def test_every_exported_name_exists():
    for name in workbench.__all__:
        assert getattr(workbench, name) is not None
        assert name in dir(workbench)
    with pytest.raises(AttributeError, match="nonsense"):
        workbench.nonsense  # noqa: B018


def test_the_store_understands_every_record(run):
    """Writer and reader agree on the form: nothing is skipped, numbers and texts stay apart."""
    with pytest.warns(TrackingWarning):
        for value in (0.5, math.nan, True, 2**70, "nan", None, Decimal("1.2"), [1, 2], 10**400):
            run.log("mixed", value)
        run.log("stepped", 1, step=2**62 - 1)
        run.log("stepped", 1, step=2**62)
    run.log("\ud800 lone", 1, "a description")
    run.log_row("r", a=math.inf, b="x", c=None)
    run.log_table("t", {"y": [1, "a", None]})
    run.log_params({"p": 1})
    run.tag("bare")
    run.add_properties({"o": "x"})
    run.fail("why")
    [path] = (Path(run.directory) / "records").iterdir()
    header, batch, bad = parse_records(path.read_bytes(), None)
    assert bad == 0
    assert (header.run, header.pid) == (RUN, os.getpid())
    numbers = batch.metrics["mixed"].values
    assert numbers[0] == 0.5
    assert math.isnan(numbers[1])
    assert numbers[2:] == [1.0, float(2**70), 1.0, 2.0]
    assert [t.text for t in batch.texts] == ["nan", None, "Decimal('1.2')", hex(10**400)]
    assert (len(batch.params), len(batch.tags), len(batch.properties), len(batch.rows)) == (1, 1, 1, 2)
    assert [state for state, _, _ in batch.statuses] == ["Failed"]
