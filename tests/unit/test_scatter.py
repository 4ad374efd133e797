"""Runs as dots: what counts and what is a place, who is left out, how one goes from dot to dot."""

from __future__ import annotations

import math
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from workbench.text import scatter as drawing
from workbench.text.cells import width
from workbench.text.pieces import plain
from workbench.text.plane import Style
from workbench.text.plot_svg import Frame
from workbench.views.run_axes import columns, label
from workbench.views.scatter import axes, scatter

ANY = st.none() | st.floats() | st.text(max_size=8) | st.sampled_from(["1e-3", "3e-4", "nan", "relu"])


def run(number: int, lr: object, loss: object, **more: object) -> dict[str, object]:
    return {
        "id": f"R{number}",
        "name": f"run-{number}",
        "params": {"lr": lr},
        "metrics": {"loss": loss},
        "target": "gpu1",
        **more,
    }


def test_numbers_written_as_texts_count() -> None:
    found = scatter(
        [run(1, "3e-4", 0.5), run(2, "1e-2", 0.25), run(3, None, 1.0), run(4, "1", "nan")], "lr", "loss"
    )
    assert [(dot.key, dot.x, dot.y) for dot in found.dots] == [("R1", 3e-4, 0.5), ("R2", 1e-2, 0.25)]
    assert (found.places, found.left_out) == ((), 2)


def test_one_text_makes_places_numbers_first() -> None:
    found = scatter([run(1, "auto", 0.5), run(2, "10", 0.25), run(3, "9", 0.75)], "param:lr", "metric:loss")
    assert found.places == ("9", "10", "auto")
    assert [(dot.key, found.places[int(dot.x)]) for dot in found.dots] == [
        ("R1", "auto"),
        ("R2", "10"),
        ("R3", "9"),
    ]
    of_target = scatter([run(1, "1", 0.5)], "target", "loss")
    assert of_target.places == ("gpu1",)


def test_a_name_alone_is_a_param_across_and_a_metric_up() -> None:
    both = {**run(1, "2", 3.0), "params": {"loss": "7"}}
    assert [(dot.x, dot.y) for dot in scatter([both], "loss", "loss").dots] == [(7, 3)]
    assert columns("lr", "best:acc") == ["param:lr", "metric:lr", "best:acc"]
    assert scatter([{**both, "figures": {"best:acc": 0.9}}], "loss", "best:acc").dots[0].y == 0.9
    assert (label("param:lr"), label("best:acc"), label("a:b")) == ("lr", "best acc", "a:b")


def test_the_axes_one_may_mean() -> None:
    rows = [run(n, f"1e-{n}", 1.0, metric="loss", last=1.0) for n in range(3)]
    for row, seed in zip(rows, "112", strict=True):
        row["params"] = {**row["params"], "act": f"relu{seed}", "same": "1"}  # type: ignore[dict-item]
    assert axes(rows) == ("param:lr", "metric:loss")
    assert axes([]) == (None, None)


def test_one_goes_through_all_runs_in_either_direction() -> None:
    found = scatter([run(n, str(n % 3), float(n)) for n in range(7)], "lr", "loss")
    seen, key = [], None
    for _ in range(7):
        key = drawing.step(found, key, 1, 0)
        seen.append(key)
    assert seen == ["R0", "R3", "R6", "R1", "R4", "R2", "R5"]
    assert drawing.step(found, "R5", 1, 0) == "R5"
    assert drawing.step(found, "R1", 0, 1) == "R2"


@given(
    st.lists(st.tuples(ANY, ANY), max_size=12),
    st.integers(10, 120),
    st.integers(3, 30),
    st.booleans(),
    st.booleans(),
)
def test_anything_is_drawn_within_its_room_and_is_well_formed(data, cells, lines, log_x, log_y) -> None:
    found = scatter([run(n, lr, loss) for n, (lr, loss) in enumerate(data)], "lr", "loss")
    found = found._replace(log_x=log_x, log_y=log_y)
    assert len(found.dots) + found.left_out == len(data)
    for dots in ("braille", "ascii"):
        plane = drawing.plane(found, cells, lines, Style(dots, grid=True), "R0")  # type: ignore[arg-type]
        drawn = [] if plane is None else plane.lines()
        assert all(width(plain(line)) <= cells for line in drawn)
    ElementTree.fromstring(drawing.picture(found, Frame(title="\x1b<&", log_x=log_x, log_y=log_y)))
    assert len(drawing.values(found)) == len(found.dots) + 1
    assert all(math.isfinite(dot.y) for dot in found.dots)
