"""The drawing core: nothing outside, nothing lost, ticks round and labels apart, whatever the data."""

from __future__ import annotations

import math
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.text.axis import Axis, Kind, spanning
from workbench.text.canvas import NOTHING, Canvas, Dots
from workbench.text.curves import Span, draw, drawn, from_bucket, point, reading, within
from workbench.text.pieces import BEHIND, cells, plain
from workbench.text.plane import Curve, Plane, Style
from workbench.text.ticks import labels, ticks

BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
FINITE = st.floats(-1e9, 1e9, allow_nan=False)
ANY = st.floats(allow_nan=True, allow_infinity=True)
KINDS: tuple[Dots, ...] = ("braille", "blocks", "ascii")


def dots(canvas: Canvas) -> set[tuple[int, int]]:
    """The dots of a braille canvas."""
    found = set()
    for row, (characters, _) in enumerate(canvas.lines(str)):
        for column, character in enumerate(characters):
            bits = ord(character) - 0x2800 if character != " " else 0
            for across in range(2):
                for down in range(4):
                    if bits & BITS[across][down]:
                        found.add((column * 2 + across, row * 4 + down))
    return found


def ascending(values: list[tuple[float, float]]) -> list[Span]:
    return [point(x, value) for x, value in sorted(values, key=lambda pair: pair[0])]


@given(st.lists(st.tuples(st.integers(0, 500), FINITE), min_size=1, max_size=80))
def test_every_column_covers_the_least_and_the_greatest_of_its_values(
    values: list[tuple[int, float]],
) -> None:
    spans = ascending([(float(x), value) for x, value in values])
    x = spanning([span.first_x for span in spans])
    y = spanning([value for _, value in values], margin=0.02)
    canvas = Canvas(30, 10)
    draw(canvas, spans, x, y, 0)
    found = dots(canvas)
    across, up = x.scaled(canvas.width - 1), y.scaled(canvas.height - 1)
    for span in spans:
        assert (across(span.first_x), canvas.height - 1 - up(span.last)) in found


@given(
    st.lists(st.tuples(FINITE, ANY, ANY, ANY), max_size=15),
    st.integers(1, 300),
    st.integers(1, 100),
    st.sampled_from(KINDS),
    st.booleans(),
    st.booleans(),
)
def test_nothing_is_drawn_outside(
    values: list[tuple[float, float, float, float]],
    columns: int,
    lines: int,
    kind: Dots,
    log: bool,
    ends: bool,
) -> None:
    spans = [Span(x, x, min(a, b), max(a, b), c) for x, a, b, c in sorted(values, key=lambda value: value[0])]
    shown = list(drawn(spans, log_y=log))
    if not shown:
        return
    x = spanning([span.first_x for span in shown], kind="count")
    y = spanning([end for span in shown for end in (span.low, span.high)], log=log, margin=0.02)
    plane = Plane(x, y, columns, lines, Style(kind, grid=True, ends=ends), "step")
    plane.draw(Curve(spans, 0))
    drawing = plane.lines(cursor=x.value(0.3), band=(x.low, x.value(0.2)))
    assert len(drawing) <= max(lines, 1)
    assert all(cells(line) <= columns + 1 for line in drawing)
    assert columns < 4 or all(cells(line) <= columns for line in drawing)
    assert kind != "ascii" or all(plain(line).isascii() for line in drawing)


@given(
    st.floats(-1e12, 1e12),
    st.floats(1e-9, 1e12),
    st.integers(2, 15),
    st.sampled_from(("number", "count", "duration")),
)
def test_ticks_ascend_and_their_labels_are_different(low: float, span: float, most: int, kind: Kind) -> None:
    if low + span <= low + abs(low) * 1e-9:
        return
    axis = Axis(low, low + span, kind=kind)
    found = ticks(axis, most)
    assert len(found) <= most + 1
    assert all(b > a for a, b in pairwise(found))
    assert all(low - span * 1e-6 <= tick <= low + span * (1 + 1e-6) for tick in found)
    texts = labels(found, axis)
    assert len(set(texts)) == len(texts)


@given(st.floats(0, 4e9), st.floats(1, 3e9), st.integers(2, 15))
def test_moments_are_round_on_the_readers_clock(low: float, span: float, most: int) -> None:
    axis = Axis(low, low + span, kind="moment")
    found = ticks(axis, most)
    assert len(found) <= most
    assert all(b > a for a, b in pairwise(found))
    assert all(low <= tick <= low + span for tick in found)
    assert all(datetime.fromtimestamp(tick).microsecond == 0 for tick in found)
    if span > 86400 * most:
        assert all(datetime.fromtimestamp(tick).hour == 0 for tick in found)


@given(
    st.floats(-1e6, 1e6),
    st.floats(0.1, 1e9),
    st.integers(20, 200),
    st.sampled_from(("number", "count", "duration")),
)
def test_labels_of_the_axis_below_never_touch(low: float, span: float, columns: int, kind: Kind) -> None:
    plane = Plane(Axis(low, low + span, kind=kind), Axis(0, 1), columns, 12, Style(), "step")
    below = plain(plane.lines()[-1])
    known = {text for text in labels(ticks(plane.x, max(2, plane.columns // 12)), plane.x)} | {"step"}
    assert set(below.split()) <= known


def test_ticks_stand_on_both_sides_of_zero() -> None:
    axis = Axis(-1.2, 1.1)
    assert labels(ticks(axis, 6), axis) == ["-1.0", "-0.5", "0.0", "0.5", "1.0"]


@pytest.mark.parametrize(
    ("axis", "texts"),
    [
        (Axis(0, 49, kind="count"), ["0", "20", "40"]),
        (Axis(-0.996, 0.9996), ["-0.5", "0.0", "0.5"]),
        (Axis(-4.9, 4.9), ["-4", "4"]),
        (Axis(2.302581, 2.302589), ["2.303"]),
        (Axis(0, 1, kind="count"), ["0", "1"]),
        (Axis(-0.5, 0.5, kind="count"), ["0"]),
    ],
)
def test_a_tick_does_not_stand_alone_where_closer_ones_can_be_read(axis: Axis, texts: list[str]) -> None:
    assert labels(ticks(axis, 2), axis) == texts


def test_four_ticks_stand_where_three_were_asked_for_and_one_was_round() -> None:
    axis = Axis(0.866, 0.949)
    assert labels(ticks(axis, 3), axis) == ["0.88", "0.90", "0.92", "0.94"]


def test_counts_are_short_where_that_loses_nothing() -> None:
    whole, close = Axis(0, 1e6, kind="count"), Axis(1_000_000, 1_000_010, kind="count")
    assert labels([0, 5000, 10000], whole) == ["0", "5k", "10k"]
    assert labels([0, 2e13, 4e13], whole) == ["0", "20T", "40T"]
    assert labels([0, 500_000, 1_000_000], whole) == ["0", "0.5M", "1.0M"]
    assert labels(ticks(close, 6), close) == [str(1_000_000 + n) for n in (0, 2, 4, 6, 8, 10)]
    assert ticks(Axis(0, 3, kind="count"), 12) == [0, 1, 2, 3], "no half steps"


@pytest.mark.parametrize(
    ("high", "texts"),
    [
        (0.4, ["0", "0.1s", "0.2s", "0.3s", "0.4s"]),
        (100, ["0", "30s", "1m", "1m30"]),
        (4000, ["0", "15m", "30m", "45m", "1h"]),
        (400_000, ["0", "1d", "2d", "3d", "4d"]),
    ],
)
def test_durations_have_round_ticks(high: float, texts: list[str]) -> None:
    axis = Axis(0, high, kind="duration")
    assert labels(ticks(axis, 5), axis) == texts


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (
            12 * 86400 + 11_000,
            12 * 86400 + 14_000,
            ["12d 3:10", "12d 3:20", "12d 3:30", "12d 3:40", "12d 3:50"],
        ),
        (3660, 3700, ["1:01:00", "1:01:10", "1:01:20", "1:01:30", "1:01:40"]),
    ],
)
def test_durations_close_together_are_told_apart(low: float, high: float, texts: list[str]) -> None:
    axis = Axis(low, high, kind="duration")
    assert labels(ticks(axis, 6), axis) == texts


@pytest.mark.parametrize(
    ("begin", "seconds", "texts"),
    [
        (datetime(2026, 11, 23, 12, 0, 3), 40, ["12:00:10", "12:00:20", "12:00:30", "12:00:40"]),
        (datetime(2026, 11, 23, 12, 10), 7200, ["12:30", "13:00", "13:30", "14:00"]),
        (datetime(2026, 11, 23, 20, 0), 30000, ["20:00", "22:00", "24 Nov", "02:00", "04:00"]),
        (datetime(2026, 11, 23, 20, 0), 86400 * 4, ["24 Nov", "25 Nov", "26 Nov", "27 Nov"]),
        (datetime(2026, 9, 23), 86400 * 120, ["Oct 2026", "Nov 2026", "Dec 2026", "Jan 2027"]),
        (datetime(2020, 9, 23), 86400 * 366 * 4, ["2021", "2022", "2023", "2024"]),
    ],
)
def test_dates_on_a_time_axis(begin: datetime, seconds: float, texts: list[str]) -> None:
    axis = Axis(begin.timestamp(), begin.timestamp() + seconds, kind="moment")
    assert labels(ticks(axis, 5), axis) == texts


def test_a_bucket_of_the_service_becomes_a_span() -> None:
    wire = {"first_step": 3, "last_step": 9, "min": 0.5, "max": 2, "last": "nan", "count": 7}
    span = from_bucket(wire)
    assert span[:4] == (3.0, 9.0, 0.5, 2.0)
    assert math.isnan(span.last)
    assert from_bucket({**wire, "first_x": 1.5, "last_x": 2.5})[:2] == (1.5, 2.5)
    nothing = from_bucket({**wire, "min": "nan", "max": "nan"})
    assert list(drawn([nothing])) == []


def test_what_is_read_at_an_x_is_the_span_it_falls_in_or_the_one_before() -> None:
    spans = [Span(0, 9, 0, 1, 0.5), Span(20, 29, 0, 1, 0.7)]
    assert [reading(spans, x) for x in (-1, 0, 9, 15, 25, 30)] == [
        None, spans[0], spans[0], spans[0], spans[1], None,
    ]  # fmt: skip
    assert list(within(spans, 10, 25)) == spans[1:]
    assert list(within(spans, 10, 25, 1)) == spans


def test_a_bucket_that_reaches_zero_goes_to_the_floor_of_a_logarithmic_axis() -> None:
    spans = [point(0, 1.0), Span(5, 5, 0.0, 1.0, 0.0), point(10, 100.0)]
    canvas = Canvas(10, 5)
    draw(canvas, spans, Axis(0, 10), Axis(0.1, 100, log=True), 0)
    assert any(y == canvas.height - 1 for _, y in dots(canvas))


def test_what_is_drawn_over_the_ground_is_not_mixed_with_it() -> None:
    canvas = Canvas(1, 1)
    canvas.column(0, 0, 3, 7)
    canvas.settle()
    canvas.dot(1, 0, 9)
    assert canvas.lines(str) == [([chr(0x2808)], [9])]
    canvas = Canvas(1, 1)
    canvas.dot(0, 0, 7)
    canvas.dot(1, 0, 9)
    assert canvas.lines(str) == [([chr(0x2809)], [9])]
    assert Canvas(2, 1).lines(str) == [([" ", " "], [NOTHING, NOTHING])]


def test_half_blocks() -> None:
    canvas = Canvas(3, 1, "blocks")
    canvas.dot(0, 0, 0)
    canvas.dot(1, 1, 0)
    canvas.column(2, 0, 1, 0)
    assert canvas.lines(str)[0][0] == ["▀", "▄", "█"]


def test_a_line_that_begins_left_of_the_canvas_begins_at_its_own_height() -> None:
    canvas = Canvas(10, 5)
    canvas.line(-1000, 0, 19, 19, 0)
    assert min(y for x, y in dots(canvas) if x == 0) >= 17


def test_marks_stand_beside_the_ends_and_apart() -> None:
    plane = Plane(Axis(0, 10), Axis(0, 10), 40, 12, Style(ends=True, marks=("A", "B", "C")))
    for series in range(3):
        plane.draw(Curve([point(0, 0), point(10, 5)], series))
    lines = [plain(line) for line in plane.lines()]
    ends = [next(row for row, line in enumerate(lines) if line.endswith(mark)) for mark in "ABC"]
    assert len(set(ends)) == 3
    assert ends[2] in (4, 5), "the one drawn last has the best place"


def test_the_cursor_stands_where_nothing_is_drawn() -> None:
    plane = Plane(Axis(0, 10), Axis(0, 10), 40, 12, Style("ascii"))
    plane.draw(Curve([point(0, 5), point(10, 5)], 0))
    column = plane.left + (plane.column_of(5) or 0)
    marks = [plain(line)[column : column + 1] for line in plane.lines(cursor=5)[: plane.rows]]
    assert marks.count("|") == plane.rows - 1
    assert marks.count("*") == 1


def test_a_ground_is_drawn_with_dots_in_ascii() -> None:
    plane = Plane(Axis(0, 10), Axis(0, 10), 40, 12, Style("ascii"))
    plane.draw(Curve([point(0, 5), point(10, 5)], 0, BEHIND))
    assert "...." in "".join(plain(line) for line in plane.lines())


@pytest.mark.parametrize(("dots", "signs"), [("braille", "↑↓↑"), ("ascii", "^v^")])
def test_what_is_too_far_for_an_axis_has_the_sign_of_the_edge_it_left_by(dots: Dots, signs: str) -> None:
    """A loss that runs away is numbers beyond all bounds before it is infinite; the rest of its bucket is drawn."""
    spans = [
        point(0, 1.5),
        point(9, 1e300),
        point(19, -1.7e308),
        Span(20, 29, 1.0, 1e290, 1.5, 10),
        point(39, 1.5),
    ]
    plane = Plane(Axis(0, 39), Axis(0, 3), 46, 8, Style(dots, ("*",), foot=False))
    plane.draw(Curve(spans, 0))
    lines = [plain(line)[plane.left :].ljust(40) for line in plane.lines()]
    at = [plane.column_of(x) or 0 for x in (9, 19, 29)]
    assert [lines[0][at[0]], lines[-1][at[1]], lines[0][at[2]]] == list(signs)
    assert sum(lines[row].count(sign) for row in (0, -1) for sign in {*signs}) == 3
    middle = "".join(lines[1:-1])
    assert [span.high for span in drawn(spans)] == [1.5, 1.5, 1.5]
    assert middle.strip(), "what is ordinary is drawn"


@pytest.mark.parametrize(("dots", "signs"), [("braille", "×↑↓"), ("ascii", "?^v")])
def test_what_is_not_finite_has_a_sign_where_it_was_among_finite_values_too(dots: Dots, signs: str) -> None:
    spans = [
        Span(0, 9, 1.0, 2.0, 1.5, 10, nans=1),
        Span(10, 19, 1.0, 2.0, math.inf, 10),
        Span(20, 29, 1.0, 2.0, 1.5, 10, minus_infs=3),
        point(39, 1.5),
    ]
    plane = Plane(Axis(0, 39), Axis(0, 3), 46, 8, Style(dots, ("*",), foot=False))
    plane.draw(Curve(spans, 0))
    lines = [plain(line)[plane.left :].ljust(40) for line in plane.lines()]
    at = [plane.column_of(x) or 0 for x in (9, 19, 29)]
    assert [lines[-1][at[0]], lines[0][at[1]], lines[-1][at[2]]] == list(signs)
    assert sum(lines[row].count(sign) for row in (0, -1) for sign in signs) == 3
