"""The command palette: every action that works here."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from workbench.tui.actions.acting import Acting, owners, perform
from workbench.tui.actions.keymap import keys_of
from workbench.tui.actions.keys import shown
from workbench.tui.actions.table import Action


class Actions(Provider):
    """The actions of whoever had the focus when the palette opened."""

    def _offered(self) -> list[tuple[Acting, Action]]:
        around = owners(self.focused or self.screen)
        return [
            (owner, action)
            for owner in around
            for action in owner.actions()
            if action.place != "list" and owner.refusal(action.id) is None
        ]

    def _help(self, action: Action) -> str:
        return f"{action.help}  ({shown(keys_of(self.app, action).partition(',')[0])})"

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for owner, action in self._offered():
            yield DiscoveryHit(action.label, partial(perform, owner, action.id), help=self._help(action))

    async def search(self, query: str) -> Hits:
        """What fits the typed text."""
        matcher = self.matcher(query)
        for owner, action in self._offered():
            text = f"{action.label}: {action.help}"
            score = matcher.match(text)
            if score > 0:
                act = partial(perform, owner, action.id)
                yield Hit(score, matcher.highlight(action.label), act, help=self._help(action))
