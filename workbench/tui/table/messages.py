"""What a table tells the screen around it. Handlers are called `on_table_<name>`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from workbench.tui.table.view import TableView


class TableMessage(Message, namespace="table"):
    """Something that happened in a table."""

    def __init__(self, table: TableView) -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> TableView:
        """The table, for selectors of `textual.on`."""
        return self.table


class Opened(TableMessage, namespace="table"):
    """A row was opened, by key or mouse."""

    def __init__(self, table: TableView, key: str) -> None:
        super().__init__(table)
        self.key = key


class CursorMoved(TableMessage, namespace="table"):
    """The cursor is on another row; key is None on a group's header, whose key is group, and without rows."""

    def __init__(self, table: TableView, key: str | None, group: str | None) -> None:
        super().__init__(table)
        self.key, self.group = key, group


class MarksChanged(TableMessage, namespace="table"):
    """Other rows are marked; `table.marked` says which."""


class SortRequested(TableMessage, namespace="table"):
    """The user wants another order: whoever owns the rows sorts, calls `replace`, and sets `sorting`."""

    def __init__(self, table: TableView, column: str, descending: bool) -> None:
        super().__init__(table)
        self.column, self.descending = column, descending


class ColumnsChanged(TableMessage, namespace="table"):
    """The user chose other columns; choice holds their ids in order, None: the usual ones."""

    def __init__(self, table: TableView, choice: tuple[str, ...] | None) -> None:
        super().__init__(table)
        self.choice = choice


class GroupToggled(TableMessage, namespace="table"):
    """A group was folded or unfolded."""

    def __init__(self, table: TableView, key: str, folded: bool) -> None:
        super().__init__(table)
        self.key, self.folded = key, folded
