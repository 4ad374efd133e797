"""wb run views: filters with order, columns and groups, saved under a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Listing, command
from workbench.cli.session import Session
from workbench.errors import UsageError
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field

KEYS = ("name", "filter", "experiment", "sort", "descending", "group", "columns")
EMPTY = "no views yet; wb run views good --save 'loss<0.1 status=completed' makes one"


@command("views", cls=Listing)
@click.argument("name", required=False, shell_complete=complete.view)
@click.argument("filter_words", nargs=-1, metavar="[FILTER]...")
@click.option("--save", is_flag=True, help="Keep the filter and what follows under NAME.")
@click.option("--remove", is_flag=True, help="Forget it; runs stay as they are.")
@click.option(
    "-e", "--experiment", metavar="NAME", shell_complete=complete.experiment, help="Of one experiment."
)
@click.option("--sort", metavar="BY", help="As wb ps --sort.")
@click.option("--reverse", is_flag=True, help="The highest first.")
@click.option("--group", metavar="BY", help="As wb ps --group.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="ID",
    help="As wb ps --column, and in the dashboard: metric:loss, param:lr ...",
)
@click.pass_obj
def views(
    session: Session,
    /,
    name: str | None,
    filter_words: tuple[str, ...],
    save: bool,
    remove: bool,
    columns: tuple[str, ...],
    reverse: bool,
    **asked: Any,
) -> None:
    """List saved views, show one, save or remove it. wb ps --view NAME lists its runs, w in the dashboard."""
    if save and remove:
        raise UsageError("--save and --remove are opposites", "give one of them")
    if name is None:
        if save or remove:
            raise UsageError("the view is not named", "wb run views NAME --save 'loss<0.1'")
        output.rows(session, session.call("views", "list"), _FIELDS, KEYS, EMPTY)
        return
    if remove:
        session.call("views", "remove", name=name)
        output.note(session, f"removed the view {clean_name(name)}")
        return
    given = filter_words or columns or reverse or any(asked.values())
    if given and not save:
        raise UsageError("a view is shown as it is", f"add --save to keep it: wb run views {name} --save ...")
    if save:
        words = " ".join(filter_words) or None
        found = session.call(
            "views",
            "save",
            name=name,
            filter=words,
            columns=list(columns) or None,
            descending=reverse or None,
            **asked,
        )
    else:
        found = session.call("views", "get", name=name)
    facts = [(key, clean_name(output.plain(found.get(key)), 400)) for key in KEYS]
    output.record(session, found, facts)


def _cell(key: str) -> Any:
    def show(row: Mapping[str, Any]) -> Cell:
        value = output.plain(row.get(key))
        return Cell(clean_name(value, 200)) if value else Cell("-", "quiet")

    return show


_FIELDS = [
    Field(Column("NAME", keep=100), _cell("name")),
    Field(Column("FILTER", keep=90), _cell("filter")),
    Field(Column("EXPERIMENT", keep=60), _cell("experiment")),
    Field(Column("SORT", keep=50), _cell("sort")),
    Field(Column("GROUP", keep=40), _cell("group")),
]
