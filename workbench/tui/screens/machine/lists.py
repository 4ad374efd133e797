"""Two lists under each other that arrows walk through as one, and one whose rows unfold."""

from __future__ import annotations

from collections.abc import Callable

from workbench.tui.table.column_table import Table


class Linked(Table):
    """A list with another one above or below it."""

    above: Table | None = None
    below: Table | None = None

    def do_list_down(self) -> None:
        """One line down, at the end into the list below."""
        if self._line >= len(self.keys) - 1 and self.below is not None and self.below.keys:
            self.screen.set_focus(self.below)  # at once: the next key may be on its way already
            self.below.do_list_first()
        else:
            super().do_list_down()

    def do_list_up(self) -> None:
        """One line up, at the top into the list above."""
        if self._line <= 0 and self.above is not None and self.above.keys:
            self.screen.set_focus(self.above)
            self.above.do_list_last()
        else:
            super().do_list_up()


class Unfolding(Linked):
    """A list some of whose rows have others under them; `unfolding` says what becomes of one."""

    unfolding: Callable[[str, bool], bool] | None = None
    """Called with a row's key and whether to show what is under it; whether that changed anything."""

    def do_list_right(self) -> None:
        """Show what is under the row, else scroll to columns out of sight."""
        if self.unfolding is None or self.cursor is None or not self.unfolding(self.cursor, True):
            super().do_list_right()

    def do_list_left(self) -> None:
        """Hide what is under the row, else scroll back."""
        if self.unfolding is None or self.cursor is None or not self.unfolding(self.cursor, False):
            super().do_list_left()
