"""Where a curve is not finite: nan and the infinite, and which mark tells so. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite, isnan
from typing import Final, NamedTuple

from workbench.text.curves import Span

NAN: Final = "nan"
INF: Final = "inf"
MINUS_INF: Final = "-inf"


class Mark(NamedTuple):
    """A place of x where a curve is not finite."""

    x: float
    kind: str
    """NAN, INF or MINUS_INF."""


def marks(spans: Sequence[Span]) -> Iterator[Mark]:
    """What is not finite in each span, at its end: one mark a kind; none where nothing was measured."""
    for span in spans:
        if not span.points:
            continue
        if isfinite(span.last + span.low) and not (span.nans or span.infs or span.minus_infs):
            continue
        counted = ((NAN, span.nans), (INF, span.infs), (MINUS_INF, span.minus_infs))
        kinds = [kind for kind, count in counted if count]
        if not kinds and not isfinite(span.last):
            kinds = [NAN if isnan(span.last) else INF if span.last > 0 else MINUS_INF]
        elif not kinds and isnan(span.low):
            kinds = [NAN]
        for kind in kinds:
            yield Mark(span.last_x, kind)
