"""What a chart asks for its curves; who asks the services implements it, tests fake it with lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from workbench.text.curves import Span
from workbench.text.sanitize import clean_name
from workbench.text.x_axes import LONGEST


def clean(name: str) -> str:
    """A name from elsewhere as it may be shown."""
    return clean_name(name, LONGEST)


class Window(NamedTuple):
    """The part of an x axis that is asked for."""

    x: str
    low: float | None
    """None with high: the whole."""
    high: float | None
    buckets: int
    """At most so many spans a curve."""
    coarse: bool = False
    """Whether a first picture is enough, where the exact one takes long."""
    log: bool = False
    """Whether x is drawn logarithmic: its beginning is wanted as fine as its end."""


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
    spot: bool = False
    """Whether it is a place to be pointed out, such as the champion's, rather than a course: its mark stands
    on each of its values, as bright as can be."""


class Source(Protocol):
    """Where a chart's curves come from."""

    async def traces(self, window: Window) -> Sequence[Trace]:
        """The curves over a window, those of most interest first; raises WorkbenchError."""
        ...


class ManySource(Protocol):
    """Where small charts come from."""

    async def names(self) -> Sequence[str]:
        """All metrics, in the order they are shown; raises WorkbenchError."""
        ...

    async def curves(self, names: Sequence[str], window: Window) -> Mapping[str, Sequence[Trace]]:
        """The curves of some metrics, the one of most interest first; raises WorkbenchError."""
        ...
