"""What the page of a place asks first, so that it can be asked before the page is there."""

from __future__ import annotations

from workbench.text.location import Location
from workbench.tui.model.head_start import Question
from workbench.tui.places.pages import kind_of
from workbench.tui.screens.runs import filters


def first_questions(location: Location) -> list[Question]:
    """The questions, in the order they should be asked."""
    asked = [Question("events", "last", {})]
    kind = kind_of(location)
    if kind == "runs":
        asked += _of_runs(location)
    if kind == "compute":
        asked.append(Question("compute", "list", {}))
    return [*asked, Question("workspace", "summary", {})]


def _of_runs(location: Location) -> list[Question]:
    try:
        query = filters.query(location)
    except ValueError:
        return []  # the page says what is wrong with it
    order = {name: value for name, value in query.order_parameters().items() if value is not None}
    columns = {} if query.experiment is None else {"experiment": query.experiment}
    return [
        Question("runs", "order", order),
        Question("experiments", "list", {}),
        Question("runs", "columns", columns),
    ]
