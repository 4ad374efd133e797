"""The metric in a list of runs that do not log what their experiment is judged by."""

from __future__ import annotations

from workbench.views.runs import Judge, metric_field


def run(number: int, **metrics: float) -> dict[str, object]:
    """A run of `runs.list` as far as the column looks."""
    return {
        "id": str(number),
        "experiment": "mnist",
        "metrics": {name: {"last": value} for name, value in metrics.items()},
    }


def test_runs_that_log_another_metric_are_told_by_it() -> None:
    """As the children of a sweep often do: the header says which, and which way is better."""
    runs = [run(1, epoch=3, val_acc=0.25), run(2, epoch=3, val_acc=0.75), run(3)]
    field = metric_field(runs, {"mnist": Judge("loss", False)}, ascii_only=False)
    assert field is not None
    assert field.column.title == "val_acc ↑"
    cells = [field.show(each) for each in runs]
    assert [(cell.text.strip(), cell.role) for cell in cells] == [("0.25", ""), ("0.75", "good"), ("-", "")]


def test_one_run_that_logs_it_keeps_the_experiments_metric() -> None:
    field = metric_field([run(1, loss=1.0), run(2, val_acc=0.75)], {"mnist": Judge("loss", False)}, False)
    assert field is not None
    assert field.column.title == "loss ↓"
