"""Theme files: every shipped one is readable by everybody, every mistake is told with its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.color import Color

from workbench.errors import ConfigurationError
from workbench.home import find_home
from workbench.tui.themes.files import ThemeFile, read_theme
from workbench.tui.themes.folders import VARIABLE, folders, load, shipped, stamps
from workbench.tui.themes.palette import DEFAULTS, ROLES, Palette

SHIPPED, PROBLEMS = load([shipped()])
OURS = sorted(SHIPPED)
TEXTS = ("text", "quiet", "title", "header", "key", "good", "bad", "warn", "active", "waiting", "mark")
FAINT = ("stale", "axis", "gap")
GOOD = 'schema = 1\nname = "mine"\n[colors]\nprimary = "#112233"\n'


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio of two colours, 1 to 21."""

    def luminance(text: str) -> float:
        def linear(part: int) -> float:
            share = part / 255
            return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

        red, green, blue = Color.parse(text).rgb
        return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_at_least_five_of_ours_are_there_and_right() -> None:
    assert PROBLEMS == []
    assert {"workbench-dark", "workbench-light", "high-contrast", "colour-blind", "terminal"} <= set(OURS)
    assert not SHIPPED["workbench-light"].theme.dark
    assert SHIPPED["terminal"].theme.ansi
    assert SHIPPED["plain-ascii"].ascii


@pytest.mark.parametrize("name", OURS)
def test_every_role_has_a_colour(name: str) -> None:
    variables = SHIPPED[name].theme.variables
    assert set(DEFAULTS) <= set(variables)
    palette = Palette(variables, series=SHIPPED[name].series, ascii=SHIPPED[name].ascii)
    for role in ROLES:
        assert palette.style(role) is not None
    assert len(palette.series) >= 8
    assert len(set(palette.series)) == len(palette.series)


@pytest.mark.parametrize("name", [name for name in OURS if not SHIPPED[name].theme.ansi])
def test_texts_can_be_read(name: str) -> None:
    """WCAG: 4.5 for texts, 3 for what is faint on purpose; on every ground a text may stand on."""
    theme = SHIPPED[name].theme
    most = 7.0 if name == "high-contrast" else 4.5
    grounds = [theme.background, theme.panel]
    for ground in grounds:
        assert ground is not None
        for role in TEXTS:
            assert contrast(theme.variables[f"wb-{role}"], ground) >= most, (role, ground)
        for role in FAINT:
            assert contrast(theme.variables[f"wb-{role}"], ground) >= 3, (role, ground)
    for text, ground in (
        ("wb-cursor", "wb-cursor-background"),
        ("wb-match", "wb-match-background"),
        ("wb-match", "wb-match-current-background"),
        ("wb-badge", "wb-badge-background"),
        ("wb-text", "wb-cursor-blurred-background"),
        ("wb-title", "wb-cursor-blurred-background"),
    ):
        assert contrast(theme.variables[text], theme.variables[ground]) >= 4.5, (text, ground)
    for colour in SHIPPED[name].series:
        assert contrast(colour, str(theme.background)) >= 3, colour


@pytest.mark.parametrize("name", [name for name in OURS if SHIPPED[name].theme.ansi])
def test_the_terminals_own_colours_are_only_named(name: str) -> None:
    """What they look like is the terminal's business."""
    found = SHIPPED[name]
    values = [*found.theme.variables.values(), *found.series, str(found.theme.primary)]
    assert [value for value in values if not value.startswith("ansi_")] == []


@pytest.mark.parametrize("name", [name for name in OURS if SHIPPED[name].theme.ansi])
def test_a_chosen_tab_is_read_in_any_terminal(name: str) -> None:
    """Blue on grey is one shade in some, white on white in others: a text is in the terminal's own colour."""
    variables = SHIPPED[name].theme.variables
    assert variables["wb-title"] == "ansi_default"
    assert variables["wb-cursor-blurred-background"] == "ansi_bright_black"


def read(text: str) -> ThemeFile:
    return read_theme(text, "mine.toml")


def test_a_small_theme_is_enough() -> None:
    found = read(GOOD)
    assert (found.theme.name, found.title, found.theme.dark, found.ascii) == ("mine", "mine", True, False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema = 1\nname = ", "mine.toml:2: Invalid value"),
        (GOOD.replace("schema = 1", "schema = 7"), "mine.toml:1: schema = 1 is wanted"),
        (GOOD.replace('"mine"', '"My Theme"'), "mine.toml:2: name is lower case"),
        (GOOD.replace("#112233", "rainbow"), "mine.toml:4: primary: 'rainbow' is no colour"),
        (GOOD.replace("primary", "primery"), "mine.toml:4: [colors] has no primery"),
        (GOOD + '[roles]\ngood = "#00ff00"\nworse = "red"\n', "mine.toml:7: [roles] has no worse"),
        (GOOD + "[roles]\ngood = 3\n", "mine.toml:6: good: a colour is a text"),
        (GOOD + "[series]\npalette = ['red']\n", "mine.toml:6: palette is a list of at least"),
        (GOOD + "[series]\nmarks = ['ab']\n", "mine.toml:6: marks is a list of single"),
        (GOOD + '[variables]\nlink-style = "wavy"\n', "mine.toml:6: link-style: a style is words"),
        ("roles = 3\n" + GOOD, "mine.toml:1: roles is a table"),
        ("shiny = 1\n" + GOOD, "mine.toml:1: there is no key shiny"),
    ],
)
def test_every_mistake_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    assert any(line.startswith(told) for line in caught.value.message.splitlines()), caught.value.message


def test_all_mistakes_come_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read('name = "Bad Name"\n[colors]\nprimary = "nope"\n[roles]\ngod = "red"\n')
    assert len(caught.value.message.splitlines()) == 4


def test_the_users_folder_wins_and_a_broken_file_breaks_nothing(tmp_path: Path) -> None:
    home = find_home({"WORKBENCH_HOME": str(tmp_path / "home")})
    mine, other = home.root / "themes", tmp_path / "more"
    for folder in (mine, other):
        folder.mkdir(parents=True)
    (mine / "a.toml").write_text(GOOD.replace("mine", "workbench-dark"))
    (other / "b.toml").write_text(GOOD)
    (other / "c.toml").write_text("not a theme")
    places = folders(home, {VARIABLE: str(other)})
    themes, wrong = load(places)
    assert themes["workbench-dark"].theme.primary == "#112233"
    assert "mine" in themes
    assert len(wrong) == 1
    assert re.match(r".*c\.toml:1: ", wrong[0])
    before = stamps(places)
    (other / "b.toml").unlink()
    assert stamps(places) != before


def test_the_page_names_every_theme_and_role() -> None:
    page = (Path(__file__).parents[2] / "docs" / "themes.md").read_text("utf-8")
    for name in OURS:
        assert f"`{name}`" in page
    for role in DEFAULTS:
        assert re.search(rf"\b{role.removeprefix('wb-')}\b", page), role
    for example in re.findall(r"```toml\n(.*?)```", page, re.DOTALL):
        read(example)


def test_what_is_wrong_stands_out_without_colours() -> None:
    """As a shade of grey, red is dimmer than what is well."""
    for role in ("bad", "warn", "gpu-dead"):
        assert Palette({}, colourless=True).style(role).bold
        assert not Palette({}).style(role).bold
    assert not Palette({}, colourless=True).style("good").bold
