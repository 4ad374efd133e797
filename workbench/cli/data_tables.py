"""wb data preview, snapshot, profile: the rows of a tabular dataset, and what its columns hold."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Listing, command
from workbench.cli.data import DATASET, print_version
from workbench.cli.data_register import DESCRIPTION, NEW_VERSION, TAG
from workbench.cli.parsing import at_least, tags
from workbench.cli.progress import waiting
from workbench.cli.session import Session
from workbench.errors import NotFound, RunFailed, UsageError
from workbench.remote.forms.protocol import COMPLETED
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field
from workbench.views import data as look

PROFILE_KEYS = (
    "column", "type", "count", "missing", "min", "max", "mean", "std", "q05", "q25", "median", "q75", "q95",
    "distinct", "estimated",
)  # fmt: skip


@command("preview", cls=Listing)
@DATASET
@click.option("-n", "--rows", type=at_least(1), default=20, metavar="N", help="So many rows; 20.")
@click.pass_obj
def preview(session: Session, dataset: str, rows: int) -> None:
    """Print the first rows of a table, behind all its steps."""
    found = session.call("datasets", "preview", dataset=dataset, rows=rows)
    names = [column["name"] for column in found["columns"]]
    records = [dict(zip(names, row, strict=False)) for row in found["rows"]]
    fields = [
        Field(
            Column(
                clean_name(column["name"], 60),
                right=column["type"] in look.NUMBERS,
                least=4,
                keep=100 - place,
            ),
            look.value_of(place),
        )
        for place, column in enumerate(found["columns"])
    ]
    plain = [{str(place): row.get(name) for place, name in enumerate(names)} for row in records]
    chosen = output.chosen_format(session)
    shown = plain if chosen == "table" else records
    output.rows(session, shown, fields, names, "no rows")
    if found["cut"]:
        output.note(session, "there may be more: reading stopped before so many rows were found", "warn")


@command("snapshot", cls=Listing)
@DATASET
@click.argument("name")
@click.option(
    "--datastore", metavar="NAME", shell_complete=complete.datastore, help="Where to; else the default one."
)
@click.option("--path", metavar="PATH", help="Which file there; else below snapshots/.")
@NEW_VERSION
@TAG
@DESCRIPTION
@click.pass_obj
def snapshot(session: Session, /, dataset: str, name: str, **options: Any) -> None:
    """Keep what a query brings now, as a dataset that stays so whatever becomes of the database.

    Its rows are written to a datastore as lines of JSON; the new version knows its query, and their hash.
    """
    from workbench.home import user_at_host

    made: dict[str, Any] = {}
    with waiting(session.terminal.stderr, session.terminal.cells, f"keeping {clean_name(dataset, 100)}"):
        for item in session.workspace.items(
            "datasets",
            "snapshot",
            dataset=dataset,
            name=name,
            datastore=options["datastore"],
            path=options["path"],
            description=options["description"],
            tags=tags(options["words"]),
            new_version=options["new_version"],
            created_by=user_at_host(),
        ):
            made = item.get("version") or made
    print_version(session, made)


@command("profile", cls=Listing)
@DATASET
@click.option(
    "-t", "--target", metavar="NAME", shell_complete=complete.target, help="Where; else where it lies."
)
@click.option(
    "--env", "python", metavar="ENV", help="The environment of its Python; parquet needs pyarrow there."
)
@click.option("--anew", is_flag=True, help="Make it again.")
@click.pass_obj
def profile(session: Session, dataset: str, target: str | None, python: str | None, anew: bool) -> None:
    """Print what a table's columns hold: count, missing, least, greatest, mean, quantiles, distinct.

    Where the version has no profile yet a run makes one where its files lie, with nothing but Python there;
    the run has it as its table "profile".
    """
    found = None if anew or target or python else _known(session, dataset)
    if found is None:
        run = session.call("datasets", "make_profile", dataset=dataset, target=target, python=python)
        with waiting(session.terminal.stderr, session.terminal.cells, f"run {run['name']} profiles it"):
            for item in session.workspace.items("runs", "watch", run=run["id"]):
                run = item["run"]
        found = session.call("datasets", "profile", dataset=dataset)
        if "columns" not in found and run["status"] == COMPLETED:
            raise UsageError(
                f"{dataset} has no columns to tell of", f"wb data files {dataset} lists its files"
            )
        if "columns" not in found:
            raise RunFailed(f"the run {run['name']} ended {run['status']}", f"wb run logs {run['id']}")
    fields = [
        Field(
            Column("COLUMN", keep=100, least=8, middle=True),
            lambda row: Cell(clean_name(row["column"]), "bold"),
        ),
        Field(Column("TYPE", keep=70), lambda row: clean_name(row["type"])),
        Field(Column("COUNT", right=True, keep=60), look.figure("count")),
        Field(Column("MISSING", right=True, keep=90), look.figure("missing")),
        Field(Column("DISTINCT", right=True, keep=65), look.distinct),
        Field(Column("MIN", right=True, keep=80, least=4), look.figure("min")),
        Field(Column("Q25", right=True, keep=40, least=4), look.figure("q25")),
        Field(Column("MEDIAN", right=True, keep=45, least=4), look.figure("median")),
        Field(Column("Q75", right=True, keep=40, least=4), look.figure("q75")),
        Field(Column("MAX", right=True, keep=80, least=4), look.figure("max")),
        Field(Column("MEAN", right=True, keep=75, least=4), look.figure("mean")),
    ]
    output.rows(session, found["columns"], fields, PROFILE_KEYS, "no columns")


def _known(session: Session, dataset: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = session.call("datasets", "profile", dataset=dataset)
    except NotFound as problem:
        if not problem.message.endswith("has no profile"):
            raise
        return None
    return found if "columns" in found else None
