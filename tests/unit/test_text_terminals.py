"""What the environment says a terminal can draw."""

from __future__ import annotations

import pytest

from workbench.text.terminals import draws_ascii_alone, has_few_colours

BROWSER = "textual.drivers.web_driver:WebDriver"


@pytest.mark.parametrize(
    ("environ", "ascii_alone"),
    [
        ({}, False),
        ({"LANG": ""}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "POSIX"}, True),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "en_GB.utf8"}, False),
        ({"LANG": "de_DE.UTF-8@euro"}, False),
        ({"LANG": "de_DE@euro"}, True),
        ({"LANG": "ja_JP.eucJP"}, True),
        ({"LANG": "C", "LC_CTYPE": "en_GB.UTF-8"}, False),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "C"}, True),
        ({"TERM": "linux", "LANG": "en_GB.UTF-8"}, True),
        ({"TERM": "linux", "LANG": "C", "TEXTUAL_DRIVER": BROWSER}, False),
    ],
)
def test_the_locale_names_the_terminals_encoding(environ: dict[str, str], ascii_alone: bool) -> None:
    assert draws_ascii_alone(environ) is ascii_alone


@pytest.mark.parametrize(
    ("environ", "few"),
    [
        ({}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-kitty"}, False),
        ({"TERM": "xterm-direct"}, False),
        ({"TERM": "xterm-16color"}, True),
        ({"TERM": "screen"}, True),
        ({"TERM": "linux"}, True),
        ({"TERM": "screen", "COLORTERM": "truecolor"}, False),
        ({"TERM": "screen", "TEXTUAL_DRIVER": BROWSER}, False),
    ],
)
def test_sixteen_colours_are_few(environ: dict[str, str], few: bool) -> None:
    assert has_few_colours(environ) is few
