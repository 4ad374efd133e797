"""What a chart asks for its curves; who asks the services implements it, tests fake it with lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from workbench.text.axis import Kind
from workbench.text.curves import Span
from workbench.text.sanitize import clean_name

_LONGEST = 200
"""Characters of a name."""

STEP, RELATIVE, TIME, METRIC = "step", "relative", "time", "metric:"
"""The x axes: steps, seconds since the run started, seconds since 1970, or METRIC and a metric's name."""


def kind_of(x: str) -> Kind:
    """What an x axis counts."""
    kinds: dict[str, Kind] = {STEP: "count", RELATIVE: "duration", TIME: "moment"}
    return kinds.get(x, "number")


def label_of(x: str) -> str:
    """What an x axis is called on the screen."""
    names = {RELATIVE: "since start", TIME: "time"}
    return names.get(x, clean(x.removeprefix(METRIC)))


def clean(name: str) -> str:
    """A name from elsewhere as it may be shown."""
    return clean_name(name, _LONGEST)


class Window(NamedTuple):
    """The part of an x axis that is asked for."""

    x: str
    low: float | None
    """None with high: the whole."""
    high: float | None
    buckets: int
    """At most so many spans a curve."""


class Trace(NamedTuple):
    """One curve."""

    key: str
    """What it is known by when it comes again, such as the run's id."""
    name: str
    spans: Sequence[Span]
    """Ascending in x."""
    older: Sequence[Sequence[Span]] = ()
    """Curves of attempts whose steps newer ones replaced, drawn dim behind."""
    best: float | None = None
    last: float | None = None
    """The latest value, also when the window ends before it; None: that of the last span."""


class Source(Protocol):
    """Where a chart's curves come from."""

    async def traces(self, window: Window) -> Sequence[Trace]:
        """The curves over a window, those of most interest first; raises WorkbenchError."""
        ...
