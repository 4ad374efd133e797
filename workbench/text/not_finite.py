"""Where a curve is not finite, or too far for an axis, and which mark tells so. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import inf, isfinite, isnan
from typing import Final, NamedTuple

from workbench.text.axis import HUGE
from workbench.text.curves import Span

NAN: Final = "nan"
INF: Final = "inf"
MINUS_INF: Final = "-inf"
_FARTHEST = f"{HUGE:g}".replace("+", "")
BEYOND: Final = f"beyond {_FARTHEST}"
MINUS_BEYOND: Final = f"beyond -{_FARTHEST}"
UPWARD: Final = frozenset({INF, BEYOND})
"""What leaves by the upper edge."""


class Mark(NamedTuple):
    """A place of x where a curve cannot be drawn."""

    x: float
    kind: str
    """NAN, INF, MINUS_INF, BEYOND or MINUS_BEYOND."""


def marks(spans: Sequence[Span]) -> Iterator[Mark]:
    """What cannot be drawn of each span, at its end: one mark a kind; none where nothing was measured."""
    for span in spans:
        if not span.points:
            continue
        ordinary = -HUGE < span.low <= span.high < HUGE and isfinite(span.last)
        if ordinary and not (span.nans or span.infs or span.minus_infs):
            continue
        counted = ((NAN, span.nans), (INF, span.infs), (MINUS_INF, span.minus_infs))
        kinds = [kind for kind, count in counted if count]
        if not kinds and not isfinite(span.last):
            kinds = [NAN if isnan(span.last) else INF if span.last > 0 else MINUS_INF]
        elif not kinds and isnan(span.low):
            kinds = [NAN]
        for kind in (*kinds, *_far(span)):
            yield Mark(span.last_x, kind)


def _far(span: Span) -> Iterator[str]:
    if HUGE <= span.high < inf:
        yield BEYOND
    if -inf < span.low <= -HUGE:
        yield MINUS_BEYOND


def why_nothing(spans: Iterable[Span]) -> str:
    """What is wrong with values none of which can be drawn on a linear axis, in words."""
    return f"no values within {_FARTHEST}" if any(map(any, map(_far, spans))) else "no finite values"
