"""The virtual table: a list with columns to choose and to sort by, and one whose rows can be marked."""

from __future__ import annotations

from typing import ClassVar

from textual import events

from workbench.tui.table import messages
from workbench.tui.table.columns import Column, name_of
from workbench.tui.table.listing import Listing


class Table(Listing):
    """A list of things with columns.

    Sorting, filtering and what columns mean are the screen's: the table says what the user wants.
    """

    PLACES: ClassVar[tuple[str, ...]] = ("list", "table")

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        if action in ("table.sort", "table.reverse") and not self._sortable():
            return "These rows have one order only."
        if action == "table.reverse" and self.sorting is None:
            return "The rows are not sorted by a column; press s to choose one."
        return super().refusal(action)

    def do_table_sort(self) -> None:
        """Ask by which column; the one that sorts already turns the order around."""
        from workbench.tui.dialogs.pick import Choice, Pick

        now = self.sorting.column if self.sorting is not None else None
        choices = [
            Choice(column.id, name_of(column), "turn the order around" if column.id == now else column.help)
            for column in self._sortable()
        ]
        self.app.push_screen(Pick("Sort by", choices, current=now, do="sort"), self._sort_chosen)

    def do_table_reverse(self) -> None:
        """The other way round."""
        if self.sorting is not None:
            self._request(self.sorting.column, not self.sorting.descending)

    def do_table_columns(self) -> None:
        """Ask which columns, and in which order."""
        from workbench.tui.table.column_chooser import ColumnChooser

        self.app.push_screen(ColumnChooser(self.columns, self.choice), self._columns_chosen)

    def on_click(self, event: events.Click) -> None:
        """On a title: sort by its column."""
        if event.button == 1 and event.y < self._header_high and event.x < self._wide:
            self._title_clicked(event.x)

    def _title_clicked(self, x: int) -> None:
        placed = self._arranged().at(x)
        if placed is not None and self.columns[placed.column].sortable:
            self._sort_chosen(self.columns[placed.column].id)

    def _sortable(self) -> list[Column]:
        return [column for column in self.columns if column.sortable]

    def _sort_chosen(self, id: str | None) -> None:
        column = next((column for column in self.columns if column.id == id), None)
        if column is not None:
            now = self.sorting
            again = now is not None and now.column == column.id
            self._request(column.id, not now.descending if now and again else column.descending)

    def _request(self, column: str, descending: bool) -> None:
        self.post_message(messages.SortRequested(self, column, descending))

    def _columns_chosen(self, answer: tuple[tuple[str, ...] | None] | None) -> None:
        if answer is not None and answer[0] != self.choice:
            self.choice = answer[0]
            self.post_message(messages.ColumnsChanged(self, self.choice))


class MarkingTable(Table):
    """A table whose rows can be marked, for what is done with several at once."""

    PLACES: ClassVar[tuple[str, ...]] = ("list", "table", "marks")

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        if action.startswith("marks.") and not self.keys:
            return "There is nothing to mark here."
        return super().refusal(action)

    def do_marks_toggle(self) -> None:
        """Mark the row, or all rows of the group."""
        if self.cursor_group is not None:
            self._marks.toggle_all(self._lines.rows_under(self._line))
        elif self.cursor is not None:
            self._marks.toggle(self.cursor)
        self._marks_changed()

    def do_marks_range(self) -> None:
        """Mark all rows from the last mark to the cursor."""
        self._marks.extend(self._lines, self._line)
        self._marks_changed()

    def do_marks_all(self) -> None:
        """Mark all rows, or none when all are."""
        lines = self._lines
        self._marks.toggle_all(key for key in lines.keys if key not in lines.groups)
        self._marks_changed()

    def _marks_changed(self) -> None:
        self.refresh()
        self.post_message(messages.MarksChanged(self))
