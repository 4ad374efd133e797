"""Matrices and accuracy tables as they are drawn: right for what is right, harmless for anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.text.accuracy import curves
from workbench.text.confusion import heat
from workbench.text.evaluation_plots import plots, predictions

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def test_a_matrix_as_counts_and_as_shares_of_each_true_class() -> None:
    data = {"class_labels": ["cat", "dog", "none"], "matrix": [[3, 1, 0], [0, 4, 0], [0, 0, 0]]}
    counts = heat(data, normalised=False)
    shares = heat(data, normalised=True)
    assert counts is not None
    assert shares is not None
    assert counts.texts[0] == ["3", "1", "0"]
    assert counts.shares[0] == [0.75, 0.25, 0.0]
    assert shares.texts == [["75%", "25%", "0%"], ["0%", "100%", "0%"], ["0%", "0%", "0%"]]
    assert shares.shares[1] == [0.0, 1.0, 0.0]
    assert counts.right == ["75%", "100%", "-"]
    assert counts.accuracy == pytest.approx(7 / 8)


def test_curves_of_a_perfect_and_a_guessing_class() -> None:
    perfect = [[4, 4, 0, 0], [4, 0, 4, 0], [0, 0, 4, 4]]
    guess = [[4, 4, 0, 0], [2, 2, 2, 2], [0, 0, 4, 4]]
    data = {
        "class_labels": ["cat", "dog"],
        "probability_tables": [perfect, guess],
        "probability_thresholds": [0, 0.5, 1],
    }
    roc, pr = curves(data, "roc"), curves(data, "pr")
    assert [curve.area for curve in roc] == [1.0, 0.5]
    assert roc[1].points == [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)]
    assert pr[0].points == [(1.0, 0.5), (1.0, 1.0)], "at the last threshold nothing was said to be one"
    assert [line.name for line in plots("accuracy_table", data)[0].lines] == ["cat  area 1", "dog  area 0.5"]


def test_predictions_are_as_wide_as_their_error() -> None:
    data = {
        "bin_edges": [0.0, 0.5, 1.0],
        "bin_averages": [0.25, 0.75],
        "bin_errors": [0.01, None],
        "bin_counts": [1, 2],
    }
    predicted, exact = predictions(data)
    assert [(span.low, span.high) for span in predicted.spans] == [(0.24, 0.26), (0.75, 0.75)]
    assert [span.last for span in exact.spans] == [0.25, 0.75]


def test_residuals_are_the_outline_of_their_bins() -> None:
    data = {"bin_edges": [-1.0, 0.0, 2.0], "bin_counts": [5, 7]}
    [plot] = plots("residuals", data)
    dots = [(span.last_x, span.last) for span in plot.lines[0].spans]
    assert dots == [(-1, 0), (-1, 5), (0, 5), (0, 7), (2, 7), (2, 0)]
    assert plots("residuals", {**data, "bin_edges": [0.0, 0.0, 2.0]}) == []
    assert plots("residuals", {**data, "bin_counts": [5]}) == []


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "class_labels",
                "matrix",
                "probability_tables",
                "percentile_tables",
                "bin_edges",
                "bin_averages",
                "bin_errors",
                "bin_counts",
            ]
        ),
        ANYTHING,
    )
)
def test_anything_a_script_logs_is_borne(data) -> None:
    heat(data, normalised=True)
    for way in ("roc", "pr"):
        curves(data, way)  # type: ignore[arg-type]
    for kind in ("accuracy_table", "predictions", "residuals"):
        plots(kind, data)
