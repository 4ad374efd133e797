"""The pure parts of the dashboard's chart."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.text.axis import Axis
from workbench.text.curves import Span, point
from workbench.text.pieces import cells, plain
from workbench.text.plane import Plane, Style
from workbench.text.smoothing import smoothed, width_of
from workbench.text.x_axes import RELATIVE, STEP, TIME
from workbench.tui.chart import answers, cursor, legend
from workbench.tui.chart.picture import Picture
from workbench.tui.chart.scene import Scene, axes, x_text
from workbench.tui.chart.source import Trace, Window
from workbench.tui.chart.view import SMOOTHING, View

WHOLE = Axis(0, 1000, kind="count")


def scene_of(traces: list[Trace], **changes: object) -> Scene:
    window = Window(STEP, None, None, 500)
    scene = answers.answered(Scene(title="loss"), traces, window, "no values yet")
    return scene._replace(**changes)  # type: ignore[arg-type]


def curve(name: str, count: int = 50, scale: float = 1.0) -> Trace:
    return Trace(name, name, [point(x, scale * math.exp(-x / 20)) for x in range(count)], best=0.1)


# views


@given(st.floats(0, 1), st.lists(st.sampled_from(["in", "out", "left", "right"]), max_size=30))
def test_whatever_one_does_one_sees_a_part_of_the_whole(place: float, moves: list[str]) -> None:
    view = View()
    for move in moves:
        if move in ("in", "out"):
            view = view.zoom(WHOLE, 2 if move == "in" else 0.5, WHOLE.value(place))
        else:
            view = view.pan(WHOLE, 0.25 if move == "right" else -0.25)
        seen = view.axis(WHOLE)
        assert WHOLE.low - 1e-9 <= seen.low < seen.high <= WHOLE.high + 1e-9
        assert not view.zoomed or seen.high - seen.low >= 2


def test_zooming_keeps_what_it_is_about_in_place() -> None:
    near = View().zoom(WHOLE, 2, 250)
    assert (near.low, near.high) == (125, 625)
    assert near.zoom(WHOLE, 0.5, 250) == View()
    log = Axis(1, 10_000, log=True)
    assert View().zoom(log, 2, 100).axis(log)[:2] == pytest.approx((10, 1000))


def test_panning_stops_at_the_ends() -> None:
    view = View().to(WHOLE, 100, 300).pan(WHOLE, -5)
    assert (view.low, view.high) == (0, 200)
    assert view.pan(WHOLE, 50).high == 1000
    assert View().pan(WHOLE, 1) == View()


# smoothing


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.sampled_from([0.0, 0.6, 0.9, 0.99]))
def test_smoothing_is_without_bias_and_stays_between(values: list[float], weight: float) -> None:
    found = smoothed([point(x, value) for x, value in enumerate(values)], weight, 1.0)
    assert found[0].last == pytest.approx(values[0])
    slack = 1e-6 * max(1.0, *map(abs, values))
    assert all(min(values) - slack <= span.last <= max(values) + slack for span in found)


def debiased(values: list[float], weight: float) -> list[float]:
    """What TensorBoard draws: each value counts 1 - weight, divided by what an endless row would count."""
    last, found = 0.0, []
    for number, value in enumerate(values, 1):
        last = last * weight + (1 - weight) * value
        found.append(last / (1 - weight**number))
    return found


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60), st.sampled_from(SMOOTHING[1:]))
def test_evenly_spaced_values_are_smoothed_as_elsewhere(values: list[float], weight: float) -> None:
    spans = [point(7 * x, value) for x, value in enumerate(values)]
    width = width_of(0, 7 * (len(values) - 1), len(values))
    found = [span.last for span in smoothed(spans, weight, width)]
    assert found == pytest.approx(debiased(values, weight), rel=1e-6, abs=1e-6)


def test_a_constant_stays_and_gaps_stay_gaps() -> None:
    found = smoothed([point(0, 3.0), point(1, math.nan), point(2, 3.0), point(3, math.inf)], 0.9, 1.0)
    assert [span.last for span in (found[0], found[2])] == pytest.approx([3, 3])
    assert math.isnan(found[1].last)
    assert math.isinf(found[3].last)


def test_what_no_axis_can_hold_does_not_weigh_on_what_comes_after() -> None:
    found = smoothed([point(0, 3.0), point(1, 1e300), point(2, 3.0)], 0.9, 1.0)
    assert [span.last for span in found] == [pytest.approx(3), 1e300, pytest.approx(3)]


def test_smoothing_takes_no_notice_of_how_many_buckets_there_are() -> None:
    def at_end(step: int) -> float:
        spans = [point(x, x / 10_000) for x in range(0, 10_001, step)]
        return smoothed(spans, 0.9, width_of(0, 10_000, 10_001))[-1].last

    assert at_end(10) == pytest.approx(at_end(20), rel=0.02)


# where the cursor goes


PLANE = Plane(Axis(0, 100, kind="count"), Axis(0, 1), 52, 10, Style())


def test_the_cursor_walks_over_values_only_and_column_by_column() -> None:
    places = [float(x) for x in range(101)]
    at = cursor.step(places, PLANE, None, -1)
    assert at == 100
    seen = []
    while at is not None and at > 0:
        seen.append(PLANE.column_of(at))
        at = cursor.step(places, PLANE, at, -1)
    assert at == 0
    assert seen == sorted(set(seen), reverse=True), "each step is another column"
    assert cursor.step(places, PLANE, 0, -1) is None
    assert cursor.step([0.0, 90.0], PLANE, 0.0, 1) == 90, "over a gap"
    far = cursor.step(places, PLANE, 0, 10)
    assert far is not None
    assert PLANE.column_of(far) == 10
    assert cursor.nearest(places, 33.4) == 33
    assert cursor.nearest([], 5.0) == 5.0


# pictures


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 1000), st.floats(allow_nan=True, allow_infinity=True)), max_size=8),
        max_size=12,
    ),
    st.integers(1, 300),
    st.integers(1, 100),
    st.booleans(),
    st.booleans(),
    st.integers(0, 3),
)
@example([[(0, 17105000001.0)]], 12, 10, False, False, 0).via("a figure longer than its place")
def test_a_picture_of_anything_fills_its_place_and_no_more(
    data: list[list[tuple[int, float]]], columns: int, lines: int, log: bool, plain_text: bool, level: int
) -> None:
    traces = [
        Trace(f"k{n}", f"series/{n}", [point(x, value) for x, value in sorted(points, key=lambda p: p[0])])
        for n, points in enumerate(data)
    ]
    scene = scene_of(traces, view=View(log_y=log, level=level))
    scene = answers.smoothed(scene, answers.extents(traces))
    picture = Picture(
        scene, columns, lines, Style("ascii" if plain_text else "braille", grid=True, ends=True)
    )
    for at in (None, 500.0):
        drawing = picture.lines(at)
        assert len(drawing) <= lines
        assert columns < 12 or all(cells(line) <= columns for line in drawing)
        assert not plain_text or all(plain(line).isascii() for line in drawing)


def test_the_legend_stands_beside_the_data_when_wide_and_under_it_when_narrow() -> None:
    scene = scene_of([curve("alpha"), curve("beta", scale=2)])
    wide, narrow = Picture(scene, 120, 30, Style()), Picture(scene, 80, 24, Style())
    assert wide.key.left > wide.body.left + wide.body.cells
    assert narrow.key.top == narrow.body.top + narrow.body.lines
    for picture in (wide, narrow):
        text = [plain(line) for line in picture.lines()]
        assert sum("alpha" in line for line in text) == 1
        row = next(at for at, line in enumerate(text) if "alpha" in line)
        column = text[row].index("alpha")
        assert picture.key.holds(column, row)
        assert picture.entry_at(column, row) == ("alpha", False)
        assert picture.entry_at(column - 2, row) == ("alpha", True)


def test_the_legend_reads_every_series_at_the_cursor() -> None:
    traces = [Trace("a", "a", [Span(0, 9, 1, 5, 3, 10)]), Trace("b", "b", [point(4, 7.25), point(9, 9.5)])]
    scene = scene_of(traces)
    assert [entry.value for entry in legend.entries(scene, 4.0)] == ["3", "7.25"]
    assert [entry.range for entry in legend.entries(scene, 4.0)] == ["1 to 5", ""]
    assert [entry.value for entry in legend.entries(scene, None)] == ["3", "9.5"]
    assert [entry.value for entry in legend.entries(scene, 99.0)] == ["-", "-"]


def test_of_many_series_those_around_the_current_one_are_listed() -> None:
    traces = [curve(f"run-{n:02}") for n in range(40)]
    for current in (0, 17, 39):
        for size in ((120, 20), (80, 20)):
            picture = Picture(scene_of(traces, current=f"run-{current:02}"), *size, Style())
            assert f"run-{current:02}" in "\n".join(plain(line) for line in picture.lines())


@pytest.mark.parametrize(
    ("scene", "why"),
    [
        (Scene(empty="the run is queued"), "the run is queued"),
        (scene_of([Trace("a", "a", [])]), "no values yet"),
        (scene_of([Trace("a", "a", [point(0, math.nan)])]), "no finite values"),
        (scene_of([Trace("a", "a", [point(0, -1e300)])]), "no values within 1e280"),
        (scene_of([curve("a")], hidden=frozenset({"a"})), "every curve is hidden"),
        (scene_of([Trace("a", "a", [point(1, -1.0)])], view=View(log_y=True)), "v makes it linear"),
        (scene_of([curve("a")], view=View(low=100, high=200)), "0 shows the whole"),
    ],
)
def test_an_empty_chart_says_why(scene: Scene, why: str) -> None:
    said = axes(scene)
    assert isinstance(said, str)
    assert why in said
    assert why[:10] in "\n".join(plain(line) for line in Picture(scene, 100, 10, Style()).lines())


def test_older_attempts_lie_behind() -> None:
    trace = curve("a")._replace(older=([point(0, 5.0), point(10, 5.0)],))
    picture = Picture(scene_of([trace]), 60, 20, Style("ascii"))
    assert "...." in "\n".join(plain(line) for line in picture.lines())


def test_places_are_told_exactly() -> None:
    assert x_text(12345, STEP) == "step 12,345"
    assert x_text(252, RELATIVE) == "after 4m12"
    assert x_text(0.25, RELATIVE) == "after 0.25s"
    assert x_text(3.25, "metric:epoch") == "epoch 3.25"
    assert ":" in x_text(1_795_500_000, TIME)


def test_a_part_is_asked_for_with_what_lies_around_it() -> None:
    scene = scene_of([curve("a")])
    assert answers.window_of(scene, 300) == Window(STEP, None, None, 300)
    assert answers.window_of(scene._replace(view=View(log_x=True)), 300).log, "finer towards zero"
    near = scene._replace(view=View().to(scene.whole or WHOLE, 10, 20))
    assert answers.window_of(near, 300) == Window(STEP, 5, 25, 600)
    again = answers.answered(
        near, [Trace("a", "a", [point(5, 1), point(25, 1)])], Window(STEP, 5, 25, 600), ""
    )
    assert again.whole == scene.whole, "the whole is remembered while a part is seen"
