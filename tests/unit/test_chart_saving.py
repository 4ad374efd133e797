"""What a chart shows as a file: the part seen, the curves not hidden, in the theme's colours."""

from __future__ import annotations

import csv
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.style import Style

from workbench.errors import StoreError, UsageError
from workbench.text import plot_svg
from workbench.text.curves import point
from workbench.text.x_axes import STEP
from workbench.tui.chart import answers, saving
from workbench.tui.chart.scene import Scene
from workbench.tui.chart.source import Trace, Window
from workbench.tui.chart.view import View
from workbench.tui.themes.palette import Palette


def scene(view: View = View()) -> Scene:  # noqa: B008
    traces = [
        Trace(name, name, [point(x, x * scale) for x in range(100)]) for name, scale in (("a", 1), ("b", 2))
    ]
    known = answers.answered(Scene(title="val/loss", view=view), traces, Window(STEP, None, None, 500), "")
    return answers.smoothed(known, answers.extents(traces))


def rows(said: str) -> list[list[str]]:
    return list(csv.reader(said.splitlines()))


def test_values_are_those_seen_of_curves_not_hidden() -> None:
    found = rows(saving.values(scene(View(low=10, high=20))._replace(hidden=frozenset({"b"}))))
    assert found[0] == ["name", "step", "step_to", "value", "min", "max", "values"]
    assert {row[0] for row in found[1:]} == {"a"}
    assert [(float(row[1]), float(row[3])) for row in found[1:]] == [(x, x) for x in range(10, 21)]
    assert rows(saving.values(scene(View(level=3))))[0][-1] == "smooth"


def test_the_picture_keeps_each_curves_colour_and_says_what_is_seen() -> None:
    colours = plot_svg.DARK
    shown = saving.picture(scene(View(low=10, high=20))._replace(hidden=frozenset({"a"})), colours)
    texts = [
        "".join(text.itertext())
        for text in ElementTree.fromstring(shown).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert texts[0] == "val/loss"
    assert colours.series[1] in shown
    assert colours.series[0] not in shown
    assert "40" in texts
    assert "100" not in texts


def test_a_themes_colours_and_the_terminals_own() -> None:
    palette = Palette({"wb-text": "#123456", "wb-grid": "ansi_bright_black"}, series=("#abcdef", "ansi_red"))
    found = saving.colours_of(palette, Style(bgcolor="#fefefe"))
    assert (found.ground, found.text, found.grid) == ("#fefefe", "#123456", plot_svg.LIGHT.grid)
    assert found.series == ["#abcdef"]
    assert saving.colours_of(Palette({}, series=("ansi_red",)), Style()).series == plot_svg.DARK.series


def test_what_is_there_is_not_replaced_and_other_names_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def written(kind: str) -> str:
        return kind

    assert saving.write("a.csv", written) == tmp_path / "a.csv"
    with pytest.raises(UsageError, match="there already"):
        saving.write("a.csv", written)
    with pytest.raises(UsageError, match="names no format"):
        saving.write("a.png", written)
    with pytest.raises(StoreError, match="cannot be written"):
        saving.write("nowhere/a.svg", written)
