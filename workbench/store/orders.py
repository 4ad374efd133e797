"""Whole orders of long lists, kept for as long as they hold: the pages after the first are slices."""

from __future__ import annotations

import sqlite3
import threading
from array import array
from collections import OrderedDict

from workbench.entities.base import replace
from workbench.store import events, filtering, ordering
from workbench.store.codec import to_text
from workbench.store.query import RunQuery

MAX_KEPT = 4
"""Orders kept; one of 100,000 runs is 800 KB."""
_STEADY = frozenset(ordering.COLUMNS) - {"duration"}
"""Orders that change with the events of runs and experiments alone."""


class Orders:
    """The last few orders asked for, by query. Any thread may use it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, array[int]]] = OrderedDict()
        self._lock = threading.Lock()

    def page(self, connection: sqlite3.Connection, query: RunQuery) -> tuple[list[int], int]:
        """The row numbers of a page, and how many runs fit. Raises NotFound (experiment), UsageError."""
        if not _worth_keeping(query):
            return ordering.find(connection, query), ordering.count(connection, query)
        whole = replace(query, limit=-1, offset=0)
        order = self._order(connection, whole)
        first = max(0, query.offset)
        last = len(order) if query.limit < 0 else first + query.limit
        return list(order[first:last]), len(order)

    def _order(self, connection: sqlite3.Connection, query: RunQuery) -> array[int]:
        now, key = events.last_of_runs(connection), to_text(query)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
        if kept is not None and kept[0] == now:
            return kept[1]
        order = array("q", ordering.find(connection, query))
        with self._lock:
            self._kept[key] = now, order
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return order


def _worth_keeping(query: RunQuery) -> bool:
    """Whether an order costs more than its page, and is known to hold until a run or experiment changes."""
    if query.filter and not filtering.holds_with_events(filtering.read(query.filter).tree):
        return False
    if query.tags or query.properties or query.params or query.metrics or query.ids:
        return False
    if query.order == "created":
        return bool(query.text or query.statuses or query.target or query.filter)
    return query.order in _STEADY
