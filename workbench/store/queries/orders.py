"""Whole orders of long lists, kept for as long as they hold: the pages after the first are slices."""

from __future__ import annotations

import sqlite3
import threading
from array import array
from collections import OrderedDict

from workbench.entities.base import replace
from workbench.store.queries import filtering, ordering
from workbench.store.queries.query import RunQuery
from workbench.store.sqlite import events
from workbench.store.sqlite.codec import to_text

MAX_KEPT = 4
"""Orders kept; one of 100,000 runs is 800 KB."""
SOON = 1000
"""Runs that a page by age passes over sooner than the whole order is made."""
_STEADY = frozenset(ordering.COLUMNS) - {"duration"}
"""Orders that change with the events of runs and experiments alone."""


class Orders:
    """The last few orders asked for, by query. Any thread may use it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, array[int]]] = OrderedDict()
        self._lock = threading.Lock()

    def page(self, connection: sqlite3.Connection, query: RunQuery) -> tuple[list[int], int | None]:
        """The row numbers of a page, and how many runs fit, None where the page does not tell.

        Raises NotFound (experiment), UsageError.
        """
        if not _worth_keeping(query):
            return _found(connection, query)
        whole = replace(query, limit=-1, offset=0)
        order = self._known(connection, whole)
        if order is None and query.order == "created" and query.limit >= 0 and query.offset < SOON:
            return _found(connection, query)  # by the index of ages: it ends where the page is full
        order = self._order(connection, whole) if order is None else order
        first = max(0, query.offset)
        last = len(order) if query.limit < 0 else first + query.limit
        return list(order[first:last]), len(order)

    def count(self, connection: sqlite3.Connection, query: RunQuery) -> int:
        """How many runs fit, whatever the limit. Raises NotFound (experiment), UsageError."""
        if not _worth_keeping(query):
            return ordering.count(connection, query)
        return len(self._order(connection, replace(query, limit=-1, offset=0)))

    def _known(self, connection: sqlite3.Connection, query: RunQuery) -> array[int] | None:
        """The order as it is kept, if it still holds."""
        now, key = events.last_of_runs(connection), to_text(query)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
        return kept[1] if kept is not None and kept[0] == now else None

    def _order(self, connection: sqlite3.Connection, query: RunQuery) -> array[int]:
        known = self._known(connection, query)
        if known is not None:
            return known
        now, key = events.last_of_runs(connection), to_text(query)
        order = array("q", ordering.find(connection, query))
        with self._lock:
            self._kept[key] = now, order
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return order


def _found(connection: sqlite3.Connection, query: RunQuery) -> tuple[list[int], int | None]:
    """A page, and how many runs fit where it holds the last of them."""
    numbers = ordering.find(connection, query)
    last = (query.limit < 0 or len(numbers) < query.limit) and (numbers or query.offset <= 0)
    return numbers, max(0, query.offset) + len(numbers) if last else None


def _worth_keeping(query: RunQuery) -> bool:
    """Whether an order costs more than its page, and is known to hold until a run or experiment changes."""
    if query.filter and not filtering.holds_with_events(filtering.read(query.filter).tree):
        return False
    if query.tags or query.properties or query.params or query.metrics or query.ids:
        return False
    if query.order == "created":
        return bool(query.text or query.statuses or query.target or query.filter)
    return query.order in _STEADY
