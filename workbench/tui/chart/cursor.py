"""Where the cursor of a chart goes: always onto a value of the current curve. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from workbench.text.plane import Plane


def step(places: Sequence[float], plane: Plane, at: float | None, columns: int) -> float | None:
    """The place so many columns from at (below 0: to the left), or the next one where none is so near.

    places: where values are, ascending. None where there is none in that direction. Without a cursor it
    starts at the last place that is seen.
    """
    if at is None:
        seen = [x for x in places if plane.x.low <= x <= plane.x.high]
        return (seen or places)[-1] if places else None
    here = plane.column_of(at)
    here = (0 if at < plane.x.low else plane.columns) if here is None else here
    if columns < 0:
        index = bisect_left(places, at) - 1
        limit = plane.x_at(here + columns + 1) if here + columns >= 0 else plane.x.low
        while index > 0 and (plane.column_of(places[index]) == here or places[index - 1] >= limit):
            index -= 1
    else:
        index = bisect_right(places, at)
        limit = plane.x_at(here + columns) if here + columns < plane.columns else plane.x.high
        while index < len(places) - 1 and (
            plane.column_of(places[index]) == here or places[index + 1] <= limit
        ):
            index += 1
    return places[index] if 0 <= index < len(places) else None


def nearest(places: Sequence[float], x: float) -> float:
    """The place nearest to x; x itself when there is none."""
    after = bisect_left(places, x)
    near = places[max(0, after - 1) : after + 1]
    return min(near, key=lambda place: abs(place - x)) if near else x
