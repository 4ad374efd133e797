"""The tracking calls outside a run."""

# ruff: noqa: PT031 - one warning out of several calls is what is tested

from __future__ import annotations

import io
import sys

import pytest

import workbench
from workbench.remote.forms import protocol
from workbench.remote.tracking import offline
from workbench.remote.tracking.complaints import TrackingWarning
from workbench.remote.tracking.run import Run


@pytest.fixture(autouse=True)
def no_run(monkeypatch):
    monkeypatch.delenv(protocol.ENV_RUN_ID, raising=False)
    monkeypatch.delenv(protocol.ENV_RUN_DIR, raising=False)
    monkeypatch.setattr(offline, "_offline", None)


def test_the_first_value_of_each_name_is_printed_and_the_notice_once(capsys):
    """AZ-102."""
    run = Run.get_context()
    assert Run.get_context() is run
    run.log("acc", 0.9)
    run.log("acc", 0.91)
    run.log("loss", 0.1, step=3)
    run.log_list("l", [1, 2])
    run.log_row("r", a=1)
    workbench.tag("note", "x")
    out, err = capsys.readouterr()
    assert out == (
        "Attempted to log scalar metric acc:\n0.9\n"
        "Attempted to log scalar metric loss:\n0.1\n"
        "Attempted to log list metric l:\n[1, 2]\n"
        "Attempted to log row metric r:\n{'a': 1}\n"
        "Attempted to log tag note:\nx\n"
    )
    assert len(err.splitlines()) == 1
    assert "no run" in err


def test_offline_can_be_refused():
    """AZ-102."""
    with pytest.raises(RuntimeError, match="not inside a run"):
        Run.get_context(allow_offline=False)


def test_the_offline_run_has_everything(tmp_path, capsys):
    """AZ-103 [better]: experiment, input_datasets, parent, get_metrics, register_model, log(step=) work."""
    run = Run.get_context()
    assert isinstance(run, Run)
    assert run.experiment.name == "offline"
    assert run.parent is None
    assert isinstance(run.input_datasets, dict)
    run.log("acc", 0.9, step=1)
    run.log("acc", 0.95, step=2)
    run.log_row("r", a=1)
    run.add_properties({"a": "b"})
    assert run.get_metrics() == {"acc": [0.9, 0.95], "r": {"a": [1]}}
    assert run.get_properties() == {"a": "b"}
    with pytest.warns(TrackingWarning):
        run.register_model("m", "outputs/m")
        run.log("l", [1])
        run.log()
    run.upload_file("f", tmp_path / "not even there")
    run.flush()
    with run:
        pass
    assert list(tmp_path.iterdir()) == []
    assert "Attempted to log artifact f:" in capsys.readouterr().out


def test_a_closed_stdout_is_no_reason_to_stop(monkeypatch):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr(sys, "stderr", closed)
    run = Run.get_context()
    run.log("acc", 1)
    assert run.get_metrics() == {"acc": 1}
