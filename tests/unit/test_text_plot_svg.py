"""Plots as SVG are well-formed, the same each time, hold spikes and say where values are not finite."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from workbench.text.curves import Span, point
from workbench.text.not_finite import marks
from workbench.text.plot_svg import DARK, Frame, Line, plot

SVG = "{http://www.w3.org/2000/svg}"
NAMES = st.text(st.characters(), max_size=30)
VALUES = st.floats(allow_nan=True, allow_infinity=True, width=64)


def texts(picture: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(picture).iter(f"{SVG}text")]


@given(
    st.lists(
        st.tuples(NAMES, st.lists(st.tuples(st.integers(-50, 10_000), VALUES), max_size=20)), max_size=3
    ),
    st.booleans(),
    st.booleans(),
    NAMES,
)
def test_any_data_and_names_give_a_well_formed_picture_within_its_frame(
    data: list[tuple[str, list[tuple[int, float]]]], log_x: bool, log_y: bool, title: str
) -> None:
    lines = [
        Line(name, [point(x, value) for x, value in sorted(points, key=lambda one: one[0])])
        for name, points in data
    ]
    frame = Frame(500, 300, title, log_x=log_x, log_y=log_y, y_label=title)
    picture = plot(lines, frame)
    ElementTree.fromstring(picture)
    assert picture == plot(lines, frame)
    for drawn in re.findall(r' d="M([^"]*)"', picture):
        for x, y in (map(float, at.split()) for at in re.split("[LM]", drawn)):
            assert max(abs(x - 250), abs(y - 150) + 100) <= 251


def test_hostile_names_are_texts_and_nothing_else() -> None:
    name = '</text><script>alert(1)</script>&"\x1b[31m\x00\ufffe'
    picture = plot(
        [Line(name, [point(0, 1.0), point(1, 2.0)])], Frame(title=name, x_label=name, y_label=name)
    )
    assert not any(bad in picture for bad in ("<script", "\x1b", "\x00"))
    assert any("<script>alert(1)" in text for text in texts(picture))


def test_a_spike_within_one_bucket_reaches_its_height() -> None:
    spans = [Span(at, at + 9, 0.0, 9.0 if at == 500 else 1.0, 0.5) for at in range(0, 1000, 10)]
    picture = plot([Line("loss", spans)], Frame(title="t"))
    path = re.findall(r' d="M([^"]*)" fill="none"', picture)[0]
    heights = [float(at.split()[1]) for at in path.split("L")]
    low, high = max(heights), min(heights)
    assert (low - sorted(heights)[1]) / (low - high) < 0.2, "one bucket alone is nine times as high"


def test_nan_and_both_infinities_leave_a_gap_and_a_mark_of_their_own() -> None:
    values = {20: math.nan, 40: math.inf, 60: -math.inf}
    spans = [point(at, values.get(at, 1.0 + at / 100)) for at in range(100)]
    picture = plot([Line("loss", spans)])
    assert [title for title in re.findall("<title>([^<]+)</title>", picture)] == ["nan", "inf", "-inf"]
    assert len(re.findall('fill="none"', picture)) == 4, "four stretches"


def test_what_is_too_far_for_an_axis_is_marked_and_what_is_known_beside_it_drawn() -> None:
    values = {20: 1e281, 40: -1e300, 60: 1.7e308}
    spans = [point(at, values.get(at, 1.0 + at / 100)) for at in range(100)]
    spans[80] = Span(80, 80, -1e290, 1.7, 1.6, 9)
    picture = plot([Line("loss", spans)])
    titles = re.findall("<title>([^<]+)</title>", picture)
    assert titles == ["beyond 1e280", "beyond -1e280", "beyond 1e280", "beyond -1e280"]
    assert len(re.findall('fill="none"', picture)) == 4, "four stretches: the last bucket breaks none"
    assert "nothing to plot: no values within 1e280" in texts(plot([Line("a", [point(0, 1e300)])]))


def test_a_bucket_that_holds_nan_among_numbers_is_marked() -> None:
    spans = [Span(0, 9, 1.0, 2.0, 1.5, 10, nans=1), Span(10, 19, 1.0, 2.0, 1.5, 10, infs=2, minus_infs=1)]
    assert [(mark.x, mark.kind) for mark in marks(spans)] == [(9, "nan"), (19, "inf"), (19, "-inf")]


def test_names_and_last_values_stand_in_the_legend_in_the_themes_colours() -> None:
    picture = plot([Line("a", [point(0, 1.0), point(9, 0.25)]), Line("b", [])], Frame(title="loss"), DARK)
    assert {"loss", "a 0.25", "b no values", "step"} <= set(texts(picture))
    assert all(colour in picture for colour in (DARK.ground, *DARK.series[:2]))


def test_without_a_finite_value_it_says_so() -> None:
    assert "nothing to plot: no finite values" in texts(plot([Line("a", [point(0, math.nan)])]))
    above = texts(plot([Line("a", [point(0, -1.0)])], Frame(log_y=True)))
    assert "nothing to plot: no finite values above zero" in above
