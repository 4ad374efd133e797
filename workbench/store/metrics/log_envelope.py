"""A series for a picture with a logarithmic x axis: as fine near where x counts from as far from there."""

from __future__ import annotations

import math
import sqlite3

from workbench.entities.metric import Bucket
from workbench.store.metrics.summaries import Selection, envelope

TENTH = 10.0
MOST = 12
"""Times the part next to the origin is looked at anew: a trillionth of the way."""


def towards(
    connection: sqlite3.Connection, run_id: str, name: str, buckets: int, selection: Selection, origin: float
) -> list[Bucket]:
    """The buckets of `envelope`, made anew for the tenth next to origin, and for the tenth of that.

    So many buckets for each, until one holds a single point. Raises as `envelope` does.
    """
    near = envelope(connection, run_id, name, buckets, selection)
    found: list[Bucket] = []
    for _ in range(MOST):
        if not near or _ends(near[-1])[1] <= origin:
            break
        edge = origin + (_ends(near[-1])[1] - origin) / TENTH
        head = [bucket for bucket in near if _ends(bucket)[0] <= edge and _ends(bucket)[1] > origin]
        if all(bucket.count == 1 for bucket in head):
            break
        beyond = math.nextafter(edge, math.inf)
        far = selection._replace(low=max(beyond, beyond if selection.low is None else selection.low))
        found = envelope(connection, run_id, name, buckets, far) + found
        selection = selection._replace(high=edge)
        near = envelope(connection, run_id, name, buckets, selection)
    return near + found


def _ends(bucket: Bucket) -> tuple[float, float]:
    """Where a bucket begins and ends in x."""
    if bucket.first_x is None or bucket.last_x is None:
        return bucket.first_step, bucket.last_step
    return bucket.first_x, bucket.last_x
