"""The screen that frame and pages stand on."""

from __future__ import annotations

from typing import Any

from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget


class PageScreen(Screen[Any]):
    """A screen of which nothing is drawn anew only because the focus moves: over a slow link that is felt."""

    AUTO_FOCUS = ""  # a page says itself where the focus goes
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
