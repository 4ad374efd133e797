"""Pages whose rows are all here and few, so that a filter narrows them in the face alone."""

from __future__ import annotations

from typing import ClassVar

from workbench.text.location import Location
from workbench.tui.places.page import Page
from workbench.tui.table.view import TableView


class FilteredPage(Page):
    """A page whose location may have a `text`: words that all have to stand in what a row says."""

    HINT: ClassVar[str] = "part of a name"
    """What the line one types into proposes."""

    @property
    def words(self) -> str:
        """The filter as it was typed."""
        return self.location.options.get("text", "")

    def fits(self, said: str) -> bool:
        """Whether a row that says this is to be shown."""
        return all(word in said.lower() for word in self.words.lower().split())

    def fill(self) -> None:
        """Show the rows that fit."""
        raise NotImplementedError

    async def show(self, location: Location) -> None:
        """A filter narrows the list."""
        await super().show(location)
        self.fill()

    @property
    def narrowed(self) -> bool:
        """Rows are marked, or a filter stands."""
        return bool(self.words or self._marking)

    @property
    def _marking(self) -> list[TableView]:
        return [table for table in self.query(TableView) if table.marked]

    def step_out(self) -> bool:
        """Marks go first, then the filter."""
        marking = self._marking
        for table in marking:
            table.unmark()
        if marking:
            return True
        if self.words:
            self.run_worker(self._filtered(""), exclusive=True, group="filter")
            return True
        return False

    async def do_page_filter(self) -> None:
        """Narrow the list while one types."""
        from workbench.tui.frame.prompt import ask

        said = self._filtered
        await ask(self.dashboard, "/", said, value=self.words, changed=said, hint=self.HINT)

    async def _filtered(self, text: str) -> None:
        location = self.location._replace(options={"text": text} if text.strip() else {})
        await self.show(location)
        self.moved(location)
