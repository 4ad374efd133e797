"""wb run plot: what runs were given against what came of it, a dot a run."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Listing, command
from workbench.cli.parsing import at_least
from workbench.cli.run_choice import joined, tell_unknown
from workbench.cli.session import Session
from workbench.cli.terminal import UNLIMITED
from workbench.errors import NotFound, UsageError
from workbench.text import scatter as drawing
from workbench.text.plane import Style
from workbench.text.plot import paint
from workbench.text.plot_svg import Frame
from workbench.text.scatter import Scatter
from workbench.views import run_axes
from workbench.views import scatter as view

PAGE = 1000
MOST = 10_000
"""Runs of a picture, when no other number is asked for."""
CELLS, LINES = 80, 22
KEYS = ("run", "name", "x", "y")


@command("plot", cls=Listing)
@click.argument("filter_words", nargs=-1, metavar="[FILTER]...")
@click.option(
    "--x",
    "x",
    required=True,
    metavar="NAME",
    help="A param, or param:, tag:, metric:, min:, max:, best:NAME.",
)
@click.option("--y", "y", required=True, metavar="NAME", help="A metric, or as --x.")
@click.option(
    "-e", "--experiment", metavar="NAME", shell_complete=complete.experiment, help="Of one experiment."
)
@click.option("--log-x", is_flag=True, help="Draw x on a logarithmic axis.")
@click.option("--log-y", is_flag=True, help="Draw y on a logarithmic axis.")
@click.option(
    "-n", "--limit", metavar="N", type=at_least(1), default=MOST, help="At most so many runs, the newest."
)
@click.pass_obj
def plot(
    session: Session,
    filter_words: tuple[str, ...],
    x: str,
    y: str,
    experiment: str | None,
    log_x: bool,
    log_y: bool,
    limit: int,
) -> None:
    """Draw runs as dots: --x lr --y loss. FILTER: as of `wb ps`. --to runs.svg or runs.csv writes a file."""
    runs = _runs(session, joined([" ".join(filter_words)]), experiment, run_axes.columns(x, y), limit)
    found = view.scatter(runs, x, y)._replace(log_x=log_x, log_y=log_y)
    if not found.dots:
        raise NotFound(f"no run has both {x} and {y}", "wb ps shows runs; wb run show ID what one has")
    if log_x and found.places:
        raise UsageError(f"{x} is a text in some run: it has no logarithm", "leave --log-x out")
    svg = session.to is not None and session.to.lower().endswith(".svg") and session.format is None
    if svg:
        output.write(
            session,
            drawing.picture(
                found, Frame(title=f"{found.y_label} over {found.x_label}", log_x=log_x, log_y=log_y)
            ),
        )
    elif output.as_table(session):
        _draw(session, found)
    else:
        rows = [_row(found, dot) for dot in found.dots]
        output.rows(session, rows, [], KEYS, "")


def _row(found: Scatter, dot: drawing.Dot) -> dict[str, Any]:
    across: Any = found.places[int(dot.x)] if found.places else dot.x
    return {"run": dot.key, "name": dot.name, "x": across, "y": dot.y}


def _runs(
    session: Session, text: str | None, experiment: str | None, columns: list[str], limit: int
) -> list[dict[str, Any]]:
    """The runs that fit, the newest first, a page after the other."""
    found: list[dict[str, Any]] = []
    while len(found) < limit:
        size = min(PAGE, limit - len(found))
        page = session.call(
            "runs",
            "table",
            filter=text,
            experiment=experiment,
            columns=columns,
            offset=len(found),
            limit=size,
        )["rows"]
        found += page
        if len(page) < size:
            break
    if not found and text:
        tell_unknown(session, text, experiment)
    return found


def _draw(session: Session, found: Scatter) -> None:
    cells = CELLS if session.terminal.cells == UNLIMITED else min(session.terminal.cells, 160)
    style = Style("ascii" if session.terminal.ascii_only else "braille", grid=True)
    plane = drawing.plane(found, cells, LINES, style)
    lines = [] if plane is None else plane.lines()
    text = "\n".join(paint(line, session.terminal.colour) for line in lines)
    output.write(session, f"{found.y_label}\n{text}\n")
    if found.left_out:
        output.note(session, f"{found.left_out} runs have no {found.x_label} or no finite {found.y_label}")
