"""Pictures of metrics, for wb run metrics: with the terminal's characters, or as a file of SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from workbench.cli import output
from workbench.cli.session import Session
from workbench.cli.terminal import UNLIMITED
from workbench.errors import NotFound, UsageError
from workbench.text import plot_svg, smoothing, times, x_axes
from workbench.text.curves import from_bucket, shifted
from workbench.text.plot import Frame, Series, plot
from workbench.text.sanitize import clean_name
from workbench.text.x_axes import METRIC, RELATIVE, STEP, TIME

MOST_PLOTS = 12
MOST_RANKS = 8
PLOT_CELLS = 80
"""The width of a picture that goes where no width is known."""
SVG = ".svg"
_DATA = (".csv", ".json", ".jsonl")


class Way(NamedTuple):
    """How metrics are drawn."""

    rank: int | None = None
    x: str = STEP
    """As a command says it: step, relative, time, or another metric's name."""
    smooth: float = 0.0
    log_x: bool = False
    log_y: bool = False

    @property
    def axis(self) -> str:
        """The x axis as the services know it."""
        return self.x if self.x in (STEP, RELATIVE, TIME) or self.x.startswith(METRIC) else METRIC + self.x


def wanted(session: Session, draw: bool) -> bool:
    """Whether a picture is wanted, not numbers: a file of SVG is one, a format or file of data is none."""
    suffix = "" if session.to is None else PurePath(session.to).suffix.lower()
    if session.format in (None, "table") and session.query is None:
        return suffix == SVG or (draw and suffix not in _DATA)
    if suffix == SVG:
        raise UsageError("a file of SVG has no other format", "leave -o out")
    return False


def draw(session: Session, references: Sequence[str], names: Sequence[str], way: Way) -> None:
    """Write the picture, or one below the other. Raises NotFound, UsageError."""
    runs = [session.call("runs", "get", run=reference) for reference in references]
    listed = [session.call("runs", "metrics", run=run["id"]) for run in runs]
    known = list(dict.fromkeys(row["name"] for rows in listed for row in rows))
    for name in names:
        if name not in known:
            raise NotFound(f"the run has no metric {name}", f"it has {', '.join(known[:8]) or 'none yet'}")
    if not known:
        output.note(session, "no metrics yet")
        return
    pictures = [tuple(names)] if names else [(name,) for name in known[:MOST_PLOTS]]
    if session.to is not None and session.to.lower().endswith(SVG):
        if len(pictures) > 1:
            raise UsageError("a file holds one picture", f"name its metrics: {' '.join(known[:3])}")
        lines = list(_lines(session, runs, listed, pictures[0], way, plot_svg.USUAL.width))
        output.write(session, _svg(lines, pictures[0], way))
        return
    cells = PLOT_CELLS if session.terminal.cells == UNLIMITED else min(session.terminal.cells, 160)
    frame = _frame(session, way, cells, 20 if len(pictures) == 1 else 11)
    blocks = [
        "\n".join(plot(list(_lines(session, runs, listed, picture, way, cells * 2)), frame))
        for picture in pictures
    ]
    output.write(session, "\n\n".join(blocks) + "\n")
    if not names and len(known) > MOST_PLOTS:
        more = ", ".join(known[MOST_PLOTS : MOST_PLOTS + 8])
        output.note(session, f"{len(known) - MOST_PLOTS} more: {more}")


def _frame(session: Session, way: Way, cells: int, lines: int) -> Frame:
    return Frame(
        cells,
        lines,
        colour=session.terminal.colour and session.to is None,
        ascii_only=session.terminal.ascii_only,
        log_x=way.log_x,
        log_y=way.log_y,
        x_label=x_axes.label_of(way.axis),
        kind=x_axes.kind_of(way.axis),
    )


def _svg(lines: Sequence[Series], names: Sequence[str], way: Way) -> str:
    frame = plot_svg.Frame(
        title=", ".join(clean_name(name, 60) for name in names),
        x_label=x_axes.label_of(way.axis),
        log_x=way.log_x,
        log_y=way.log_y,
        kind=x_axes.kind_of(way.axis),
    )
    return plot_svg.plot([plot_svg.Line(*line) for line in lines], frame)


def _lines(
    session: Session,
    runs: Sequence[Mapping[str, Any]],
    listed: Sequence[Sequence[Mapping[str, Any]]],
    names: Sequence[str],
    way: Way,
    buckets: int,
) -> Iterator[Series]:
    """The lines of a picture: a run's metric and rank each, of many ranks the first ones."""
    for run, rows in zip(runs, listed, strict=True):
        for name in names:
            ranks = sorted({row.get("rank", 0) for row in rows if row["name"] == name})
            for rank in [way.rank] if way.rank is not None and ranks else ranks[:MOST_RANKS]:
                words = [clean_name(str(run["name"]))] if len(runs) > 1 else []
                words += [clean_name(name, 60)] if len(runs) == 1 or len(names) > 1 else []
                words += [f"[{rank}]"] if len(ranks) > 1 else []
                yield _line(session, run, name, rank, way, buckets)._replace(name=" ".join(words))


def _line(session: Session, run: Mapping[str, Any], name: str, rank: int, way: Way, buckets: int) -> Series:
    axis, started = TIME if way.axis == RELATIVE else way.axis, times.parse(run.get("started"))
    origin = started.timestamp() if way.axis == RELATIVE and started is not None else 0.0
    asked: dict[str, Any] = {"origin": origin} if way.log_x and way.axis != TIME else {}
    found = session.call(
        "runs", "envelope", run=run["id"], name=name, buckets=buckets, rank=rank, x=axis, **asked
    )
    spans = shifted([from_bucket(bucket) for bucket in found], -origin)
    if not way.smooth or not spans:
        return Series(name, spans)
    points = sum(span.points for span in spans)
    width = smoothing.width_of(spans[0].last_x, spans[-1].last_x, points)
    return Series(name, spans, smoothing.smoothed(spans, way.smooth, width))
