"""The themes an app can wear: registered, chosen, and looked at again when their files change."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from textual.app import App

from workbench.text.terminals import draws_ascii_alone, has_few_colours
from workbench.tui.themes.colourless import obey
from workbench.tui.themes.files import ThemeFile
from workbench.tui.themes.folders import load, stamps
from workbench.tui.themes.palette import Looks

DEFAULT = "workbench-dark"
LOOK_SECONDS = 2.0
BARE = "textual-dark"
"""Worn for an instant while the theme one wears is replaced."""


def usual(environ: Mapping[str, str]) -> str:
    """The theme of a terminal whose user chose none.

    One with 16 colours would make of ours what comes next to them: there its own are used.
    """
    if not has_few_colours(environ):
        return DEFAULT
    return "plain-ascii" if draws_ascii_alone(environ) else "terminal"


def remembered_as(environ: Mapping[str, str]) -> str:
    """The name under which a chosen theme is kept: where colours are few, another one is worn."""
    return "theme" if not has_few_colours(environ) else "theme of few colours"


class Wardrobe:
    """Themes of some folders, for one app. wrong hears of every file that holds none.

    environ: whether colours are wanted at all.
    """

    def __init__(
        self,
        app: App[Any],
        places: list[Path],
        wrong: Callable[[str], None],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._app = app
        obey(app, environ)
        self._places = places
        self._wrong = wrong
        self.themes: dict[str, ThemeFile] = {}
        self._first = DEFAULT
        self._mistakes: list[str] = []

    def open(self, wanted: str) -> None:
        """Register everything and choose what is wanted, or the usual where it is not there.

        To be called when the app is made: a theme that an app begins with costs it less than one it changes
        to, which has every style sheet read again.
        """
        themes, self._mistakes = load(self._places)
        self._fill(themes)
        known = self._app.available_themes
        if wanted in known:
            self._first = wanted
        elif wanted:
            self._mistakes.append(f"there is no theme {wanted}")
        first = known[self._first]
        if first.dark and not first.ansi:  # what the app was made for
            self._app.set_reactive(App.theme, self._first)
            self._app.stylesheet.set_variables(self._app.get_css_variables())

    def begin(self) -> None:
        """Wear what was chosen, once the app runs, and say what is wrong."""
        self._app.theme = self._first
        self._say(self._mistakes)

    def _fill(self, themes: dict[str, ThemeFile]) -> None:
        self.themes = themes
        for found in themes.values():
            self._app.register_theme(found.theme)

    def _say(self, wrong: list[str]) -> None:
        for words in wrong:
            self._wrong(words)

    def looks(self, name: str) -> Looks:
        """What the theme of that name says beyond colours; a theme of Textual's own says nothing."""
        found = self.themes.get(name)
        return Looks(found.series, found.marks, found.ascii) if found is not None else Looks()

    async def watch(self) -> None:
        """Look for changed files until cancelled; the theme one wears changes with its file."""
        seen = await asyncio.to_thread(stamps, self._places)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = await asyncio.to_thread(stamps, self._places)
            if now != seen:
                seen = now
                self.again(*await asyncio.to_thread(load, self._places))

    def again(self, themes: dict[str, ThemeFile], wrong: list[str]) -> None:
        """Take in what the files say now."""
        worn, before = self._app.theme, self.themes
        self._fill(themes)
        self._say(wrong)
        if worn in themes and themes[worn] != before.get(worn):
            self._app.theme = BARE
            self._app.theme = worn
        elif worn in before and worn not in themes:
            self._app.theme = DEFAULT
