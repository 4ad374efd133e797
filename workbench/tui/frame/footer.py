"""The keys that matter here, fitted to the width; those that cannot work now come last, greyed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.css.query import NoMatches
from textual.strip import Strip
from textual.widgets import Input

from workbench.tui.actions.acting import Acting, owners
from workbench.tui.actions.keymap import keys_of
from workbench.tui.actions.keys import shown
from workbench.tui.actions.table import Action
from workbench.tui.frame.line import Line, Piece
from workbench.tui.themes.palette import palette_of

AGAIN = 0.5
"""Seconds between two looks at which keys work."""


TYPING = (("enter", "take it"), ("esc", "leave it"), ("ctrl+u", "empty the line"))
"""The keys of a line one types into."""


class Footer(Line):
    """The last line."""

    _said: Sequence[Piece] = ()

    def on_mount(self) -> None:
        """Other keys work where the focus is; and what works there may change by itself."""
        self.watch(self.screen, "focused", self._focus_moved)
        self.set_interval(AGAIN, self.look_again)

    def _focus_moved(self) -> None:
        self.refresh()

    def look_again(self) -> None:
        """Draw it anew if other keys work now."""
        if self.left(self.size.width) != self._said:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line, and what it says kept, so that it is drawn again only when that changes."""
        self._said = self.left(self.size.width)
        return super().render_line(y)

    def left(self, cells: int) -> Sequence[Piece]:
        """The actions, each a key and a word; while one types, letters are letters."""
        if isinstance(self.screen.focused, Input):
            said = [(Piece(f" {key}", "key"), Piece(f" {label} ", "dim")) for key, label in TYPING]
            return [piece for pair in said for piece in pair]
        around = owners(self.screen.focused or self.screen)
        offered = [(action, _refused(owner, action)) for owner, action in _offered(around)]
        ascii_only = palette_of(self.app).ascii
        words = {action.id: self._words(action, ascii_only) for action, _ in offered}
        room, kept = cells, set()
        for action, _ in sorted(offered, key=lambda item: (item[1], -item[0].footer)):
            need = sum(cell_len(word) for word in words[action.id]) + 1
            if need <= room:
                kept.add(action.id)
                room -= need
        pieces = []
        for action, off in sorted(offered, key=lambda item: item[1]):  # those that work come first
            if action.id in kept:
                key, label = words[action.id]
                click = f"app.perform('{action.id}')"
                pieces.append(Piece(key, "stale" if off else "key", click))
                pieces.append(Piece(label + " ", "stale" if off else "dim", click))
        return pieces

    def _words(self, action: Action, ascii_only: bool) -> tuple[str, str]:
        key = keys_of(self.app, action).partition(",")[0]
        return f" {shown(key, ascii_only)}", f" {action.label}"


def _refused(owner: Acting, action: Action) -> bool:
    """Whether an action cannot be done now; nothing can where a place is being made or taken down."""
    try:
        return owner.refusal(action.id) is not None
    except NoMatches:
        return True


def _offered(around: list[Acting]) -> list[tuple[Acting, Action]]:
    """What the footer may show, from the innermost place out; no key twice."""
    taken: set[str] = set()
    offered = []
    for owner in around:
        for action in owner.actions():
            keys = set(action.keys.split(","))
            if action.footer and not keys & taken:
                offered.append((owner, action))
            taken |= keys
    return offered
