"""wb run report: what there is to say of runs as one document."""

from __future__ import annotations

from pathlib import PurePath

import click

from workbench.cli import complete, output
from workbench.cli.command import Command, command
from workbench.cli.session import Session
from workbench.cli.to_option import STDOUT
from workbench.errors import UsageError
from workbench.views import report as document

HTML, MARKDOWN = (".html", ".htm"), (".md", ".markdown")


@command("report", cls=Command)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...|COMPARISON", shell_complete=complete.run)
@click.option(
    "--to", "to", required=True, metavar="FILE", help="report.html, or report.md; `-` prints Markdown."
)
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Draw this one; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="Say what is the same, too.")
@click.option("--no-code", "no_code", is_flag=True, help="Leave out how their code differs.")
@click.option(
    "--no-values", "no_values", is_flag=True, help="Leave out texts, tables, evaluations and images."
)
@click.option("--title", metavar="TEXT", help="What stands at its top.")
@click.pass_obj
def report(
    session: Session,
    runs: tuple[str, ...],
    to: str,
    metrics: tuple[str, ...],
    everything: bool,
    no_code: bool,
    no_values: bool,
    title: str | None,
) -> None:
    """Write a report of a run, of several, or of a saved comparison: one file that needs nothing else.

    Notes, what differs, curves, what else was logged, and code. HTML has the images in it, needs no network
    and runs no script; Markdown has its charts as SVG, and says how images are fetched.
    """
    session.to = None if to == STDOUT else to
    suffix = MARKDOWN[0] if session.to is None else PurePath(to).suffix.lower()
    if suffix not in (*HTML, *MARKDOWN):
        raise UsageError(f"{to!r} names no kind of document", "end it in .html or .md")
    told = session.workspace.report(
        list(runs),
        metrics=metrics,
        code=not no_code,
        everything=everything,
        values=not no_values,
        images=suffix in HTML,
    )
    if title is not None:
        told["title"] = title
    output.write(session, document.html(told) if suffix in HTML else document.markdown(told))
    if session.to is not None:
        output.line(session, to)
