"""Runs in the order of one query: every id, and the rows of those that were looked at lately."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from workbench.tui.model.feed import Services

HELD = 3000
"""Rows that are kept; the one looked at longest ago goes first."""
PAGE = 200
"""Rows one call asks for at most."""


class RunQuery(NamedTuple):
    """Which runs, in what order; the parameters of `runs.table`."""

    experiment: str | None = None
    filters: tuple[tuple[str, Any], ...] = ()
    sort: str = "created"
    descending: bool | None = None
    grouped: bool = False
    """Whether runs stand under their experiments."""
    group: str | None = None
    """What else they stand under: an attribute, param:NAME, tag:NAME."""

    def parameters(self) -> dict[str, Any]:
        """As the service takes them."""
        return {
            "experiment": self.experiment,
            **dict(self.filters),
            "sort": self.sort,
            "descending": self.descending,
        }

    @property
    def by_state(self) -> bool:
        """Whether a run comes or goes when its state changes."""
        return any(name in ("filter", "status", "active") for name, _ in self.filters)

    def order_parameters(self) -> dict[str, Any]:
        """As `runs.order` takes them."""
        if self.group is not None:
            return {**self.parameters(), "group": self.group}
        return {**self.parameters(), "grouped": self.grouped}

    def group_parameters(self) -> dict[str, Any]:
        """As `runs.groups` takes them."""
        return {"by": self.group, "experiment": self.experiment, **dict(self.filters)}


class ExperimentGroup(NamedTuple):
    """Runs of one experiment, or with one value of what they are grouped by, which stand together."""

    experiment: str | None
    """The experiment, or the value; None where there is none."""
    size: int


class RunList:
    """The model of a list of runs."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.query = RunQuery()
        self.ids: list[str] = []
        self.groups: list[ExperimentGroup] = []
        self.unfolded: set[str] = set()
        """Runs that their children stand behind."""
        self.depths: dict[str, int] = {}
        """How far below another run those stand that are there for it."""
        self.loaded = False
        """Whether anything was heard at all."""
        self.stale: set[str] = set()
        """Rows that are here and are known to have changed."""
        self._rows: OrderedDict[str, Mapping[str, Any]] = OrderedDict()

    async def order(self) -> None:
        """Ask for every id anew. Raises WorkbenchError."""
        query = self.query
        opened = {"unfold": sorted(self.unfolded)} if self.unfolded else {}
        found = await self._services.call("runs", "order", **query.order_parameters(), **opened)
        if query is not self.query:
            return  # meanwhile something else was asked for
        self.ids = found["ids"].split()
        self.groups = [ExperimentGroup(name, size) for name, size in found.get("groups") or ()]
        self.depths = dict(found.get("depths") or {})
        self.loaded = True

    def row(self, run: str) -> Mapping[str, Any] | None:
        """A run's row, if it is here."""
        found = self._rows.get(run)
        if found is not None:
            self._rows.move_to_end(run)
        return found

    def held(self) -> Iterable[str]:
        """The ids of the rows that are here."""
        return self._rows.keys()

    def with_status(self, states: Container[str]) -> list[str]:
        """The ids of the rows that are here and in one of these states."""
        return [run for run, row in self._rows.items() if row["status"] in states]

    async def fetch(self, runs: Sequence[str], columns: Sequence[str] | None = None) -> list[str]:
        """Get rows, new or again; which came. Raises WorkbenchError."""
        came = []
        for start in range(0, len(runs), PAGE):
            part = list(runs[start : start + PAGE])
            found = await self.rows(part, columns)
            self.stale.difference_update(part)
            for run, row in found.items():
                self._rows[run] = row
                self._rows.move_to_end(run)
                came.append(run)
        while len(self._rows) > HELD:
            self.stale.discard(self._rows.popitem(last=False)[0])
        return came

    async def rows(
        self, runs: Sequence[str], columns: Sequence[str] | None = ()
    ) -> dict[str, Mapping[str, Any]]:
        """Rows by id, asked for and not kept. Raises WorkbenchError."""
        rows: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(runs), PAGE):
            part = list(runs[start : start + PAGE])
            found = await self._services.call(
                "runs", "table", ids=part, limit=PAGE, archived=None, columns=columns
            )
            rows |= {row["id"]: row for row in found["rows"]}
        return rows

    def forget(self) -> None:
        """Take all rows as unknown."""
        self._rows.clear()
        self.stale.clear()
