"""Plots show what is there: spikes survive, ticks are round, nothing is wider than asked."""

import math
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.text import axis, ticks
from workbench.text.canvas import Canvas
from workbench.text.cells import width
from workbench.text.curves import Span
from workbench.text.plot import Frame, Series, from_points, plot
from workbench.text.sparkline import sparkline, trace

VALUES = st.floats(allow_nan=True, allow_infinity=True, width=64)


def bare(line: str) -> str:
    return re.sub(r"\x1b\[[0-9]*m", "", line)


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 10_000), VALUES), max_size=30), max_size=4),
    st.integers(20, 120),
    st.integers(5, 30),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_any_data_gives_a_picture_within_its_frame(
    data: list[list[tuple[int, float]]],
    cells: int,
    lines: int,
    colour: bool,
    plain: bool,
    log_x: bool,
    log_y: bool,
) -> None:
    series = [from_points(f"series-{n}", sorted(points, key=lambda p: p[0])) for n, points in enumerate(data)]
    frame = Frame(cells, lines, colour=colour, ascii_only=plain, log_x=log_x, log_y=log_y)
    drawn = plot(series, frame)
    assert all(width(bare(line)) <= cells for line in drawn)
    assert not plain or all(bare(line).isascii() for line in drawn)
    assert colour or all(bare(line) == line for line in drawn)


def dots(lines: list[str], row: int) -> int:
    return sum(0x2800 < ord(c) <= 0x28FF for c in lines[row])


def test_a_spike_of_one_step_among_many_is_seen() -> None:
    points = [(step, 1.0 if step == 61_803 else 0.0) for step in range(100_000)]
    lines = plot([from_points("loss", points)], Frame(80, 20))
    body = [line for line in lines if "│" in line or "┤" in line]
    assert all(any(0x2800 < ord(c) <= 0x28FF for c in line) for line in body)


def test_an_envelope_fills_its_column() -> None:
    flat = [(n * 10.0, n * 10.0 + 9, 0.0, 0.0, 0.0) for n in range(50)]
    flat[25] = (250.0, 259.0, -1.0, 1.0, 0.0)
    lines = plot([Series("x", [Span(*bucket) for bucket in flat])], Frame(60, 20))
    assert sum(any(0x2800 < ord(c) <= 0x28FF for c in line) for line in lines) >= 16


def test_the_legend_names_series_with_their_last_value_above_the_data() -> None:
    lines = plot(
        [from_points("train", [(0, 1.0), (9, 0.25)]), from_points("val", [(0, 2.0), (9, 0.5)])], Frame(60, 10)
    )
    assert lines[0] == "━━ train 0.25   ━━ val 0.5"
    assert len(lines) == 10


def test_many_series_wrap_the_legend() -> None:
    lines = plot([from_points(f"metric-{n}", [(0, n), (1, n)]) for n in range(8)], Frame(40, 20))
    text = "\n".join(lines)
    assert all(f"metric-{n} {n}" in text for n in range(8))


def test_lines_have_their_own_colours_and_the_first_stays_on_top() -> None:
    same = [(0, 1.0), (10, 1.0)]
    text = "\n".join(plot([from_points("a", same), from_points("b", same)], Frame(40, 8, colour=True)))
    body = text.split("b", 1)[1]
    assert "\x1b[36m" in body
    assert "\x1b[33m" not in body


def test_ascii_draws_each_series_with_its_mark() -> None:
    text = "\n".join(
        plot(
            [from_points("a", [(0, 0), (9, 1)]), from_points("b", [(0, 1), (9, 0)])],
            Frame(40, 10, ascii_only=True),
        )
    )
    assert text.count("*") > 10
    assert text.count("+") > 10


def test_gaps_stay_where_values_are_not_finite() -> None:
    whole = plot([from_points("x", [(step, 1.0) for step in range(100)])], Frame(60, 8))
    holed = plot(
        [from_points("x", [(step, 1.0 if step not in range(40, 60) else math.nan) for step in range(100)])],
        Frame(60, 8),
    )
    count = [sum(dots(lines, row) for row in range(len(lines))) for lines in (whole, holed)]
    assert count[1] < count[0] * 0.85


@pytest.mark.parametrize("points", [[], [(0, math.nan)], [(0, math.inf)]])
def test_nothing_to_show_says_so(points: list[tuple[float, float]]) -> None:
    assert plot([from_points("x", points)], Frame(60, 10)) == ["nothing to plot: no finite values"]


def test_log_axes_leave_out_what_has_no_logarithm() -> None:
    assert plot([from_points("x", [(0, -1.0)])], Frame(60, 10, log_y=True))[0].endswith("above zero")
    assert "1" in "".join(plot([from_points("x", [(1, 0.001), (2, 1000)])], Frame(60, 12, log_y=True)))


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(1, 12))
def test_ticks_are_round_few_and_inside(low: float, span: float, most: int) -> None:
    scale = axis.Axis(low, low + span)
    found = ticks.ticks(scale, most)
    assert len(found) <= most + (most > 1)
    slack = max(span * 1e-6, 2 * math.ulp(low))  # no closer than floats lie there
    assert all(low - slack <= tick <= low + span + slack for tick in found)
    # Two alone may be the outer ones of several.
    steps = {round(math.log10(b - a) % 1, 6) for a, b in pairwise(found) if len(found) > 2}
    assert all(any(math.isclose(s, t, abs_tol=1e-3) for t in (0, 0.30103, 0.69897, 1)) for s in steps)


@pytest.mark.parametrize("last", [0, 1, 2, 3, 7, 200])
def test_what_is_counted_has_no_ticks_between_whole_numbers(last: int) -> None:
    series = from_points("loss", [(float(step), 1.0) for step in range(last + 1)])
    foot = plot([series], Frame())[-1]
    assert re.fullmatch(r"step[ 0-9-]+", foot)
    assert "0" in foot


def test_labels_have_the_same_decimals() -> None:
    assert ticks.labels([0, 0.5, 1.0]) == ["0.0", "0.5", "1.0"]
    assert ticks.labels([0, 200, 400]) == ["0", "200", "400"]
    assert ticks.labels([0, 2e6, 4e6]) == ["0", "2e6", "4e6"]
    assert ticks.labels([0.001, 0.1, 10]) == ["0.001", "0.1", "10"]


def test_a_constant_series_gets_a_range() -> None:
    scale = axis.spanning([3.0, 3.0])
    assert scale.low < 3 < scale.high
    assert axis.spanning([0.0]).low < 0


def test_a_line_has_no_gaps() -> None:
    canvas = Canvas(10, 5)
    canvas.line(0, 19, 19, 0, 0)
    rows = ["".join(characters) for characters, _ in canvas.lines(str)]
    assert all(any(c != " " for c in row) for row in rows)
    canvas.line(-100, 5, 100, 5, 0)
    canvas.dot(1000, 1000, 0)


def test_sparklines_keep_spikes_and_gaps() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert "█" in sparkline([0.0] * 500 + [9.0] + [0.0] * 500, 10)
    assert sparkline([1, math.nan, 2], 3)[1] == " "
    assert sparkline([], 5) == ""
    assert sparkline([1, 2], 0) == ""
    assert sparkline([5, 5], 2, ascii_only=True).isascii()


def test_a_trace_is_one_line_of_dots_that_fills_its_cells() -> None:
    assert trace([0, 1, 2, 3], 2) == "⡠⠊"
    assert len(trace([5.0], 7)) == len(trace([float(n) for n in range(999)], 7)) == 7
    assert trace([0.0] * 500 + [9.0] + [0.0] * 500, 10) == "⣀⣀⣀⣀⣀⣇⣀⣀⣀⣀", "a spike survives"
    assert trace([1, math.nan, 2], 6)[2:4] == "  "
    assert trace([], 5) == trace([math.nan], 5) == trace([1.0], 0) == ""


def test_traces_share_a_scale_when_asked_to() -> None:
    assert trace([1, 1], 1) == "⠒"
    assert trace([1, 1], 1, low=0, high=1) == "⠉"
    assert trace([1, 1], 1, low=1, high=9) == "⣀"
