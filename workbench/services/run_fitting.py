"""Which runs a list, a table, a count or groups are about: parameters that several operations share."""

from __future__ import annotations

from typing import Any, TypedDict

from workbench.entities.run import RunState
from workbench.errors import UsageError
from workbench.store.queries.query import RunQuery


class Fitting(TypedDict, total=False):
    """Which runs fit; what is absent leaves none out, but for archived (absent: only those that are not)."""

    experiment: str | None
    status: list[str] | None
    """States, any of them."""
    target: str | None
    text: str | None
    """Part of the id, name, description or command."""
    filter: str | None
    """In words, see docs/filters.md."""
    active: bool
    """Only those that have not ended."""
    archived: bool | None
    """True: only archived ones; None: these as well."""
    children: bool | None
    """Whether those of other runs fit; absent: where a filter or text is asked."""


def query(fitting: Fitting, **more: Any) -> RunQuery:
    """The query for runs that fit; more: its other fields. Raises UsageError (a state there is not)."""
    asked: dict[str, Any] = {**fitting, **more}
    named = asked.pop("status", None) or ()
    return RunQuery(**asked, statuses=tuple(read_state(name) for name in named))


def read_state(name: str) -> RunState:
    """The state of that name, in any case; raises UsageError."""
    for state in RunState:
        if state.value.lower() == name.lower():
            return state
    raise UsageError(
        f"{name!r} is no state of a run", "one of " + ", ".join(state.value for state in RunState)
    )
