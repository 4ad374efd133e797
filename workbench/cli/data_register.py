"""wb data register, derive: making datasets, of data and of other datasets."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import output
from workbench.cli.command import Listing, command
from workbench.cli.data import DATASET, print_version
from workbench.cli.parsing import assignments, at_least, tags
from workbench.cli.session import Session
from workbench.errors import UsageError
from workbench.text.row_filter import read_condition
from workbench.text.sanitize import clean_name
from workbench.workspace.data_sources import FORMATS

NEW_VERSION = click.option(
    "--new-version", is_flag=True, help="Make the next version of a dataset that is there."
)
TAG = click.option("--tag", "words", multiple=True, metavar="KEY[=VALUE]", help="A tag (repeatable).")
DESCRIPTION = click.option("--description", metavar="TEXT", help="What it is.")


@command("register", cls=Listing)
@click.argument("name")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@NEW_VERSION
@click.option(
    "--at",
    "places",
    multiple=True,
    metavar="MACHINE=PATH",
    help="Where the same files lie on a machine already.",
)
@TAG
@DESCRIPTION
@click.option("--table", type=click.Choice(list(FORMATS)), help="It is a table of such files.")
@click.option("--separator", metavar="CHARACTER", help="Between values of a line; else ',' or a tab.")
@click.option("--no-header", is_flag=True, help="The first line of a file is no header.")
@click.option("--encoding", metavar="NAME", help="utf8, latin1, utf16 ...")
@click.option("--multi-line", is_flag=True, help="Quoted values may have line breaks in them.")
@click.option("--empty-as-string", is_flag=True, help="What is empty in a text column is a text, not null.")
@click.option("--include-path", is_flag=True, help="A first column Path tells each row's file.")
@click.option("--partition-format", metavar="FORM", help="Columns in paths: {state}/{date:yyyy/MM/dd}/x.csv")
@click.option(
    "--type", "types", multiple=True, metavar="COLUMN=TYPE", help="integer, float, boolean, datetime, text."
)
@click.option("--no-infer", is_flag=True, help="Columns are texts, but those of --type.")
@click.option("--no-validate", is_flag=True, help="Read nothing now; needs --no-infer.")
@click.option("--sql", metavar="SQL", help="A table of what it brings: of an SQLite file, or a database.")
@click.option("--sql-file", metavar="FILE", help="The query is in a file; - is stdin.")
@click.option("--sql-timeout", type=float, metavar="SECONDS", help="The next row may take so long; 30.")
@click.pass_obj
def register(session: Session, /, name: str, paths: tuple[str, ...], **options: Any) -> None:
    """Make a dataset of files, folders, patterns or URLs: a reference, nothing is copied.

    \b
        wb data register digits ./digits
        wb data register weather 'gpu1:/data/weather/**/*.csv' --table csv
        wb data register scans datastore:lake/scans --new-version
        wb data register sold gpu1:~/shop.db --sql 'SELECT day, sum(price) FROM sales GROUP BY day'
        wb data register sold datastore:shop --sql-file sold.sql

    The first rows of a table are read where they lie: whether they can be, and which types columns have.
    """
    from workbench.home import user_at_host
    from workbench.workspace.data_sources import absent, source_of

    table = table_of(**options)
    source = source_of(paths)
    made = session.call(
        "datasets",
        "register",
        name=name,
        source=source,
        kind="file" if table is None else "tabular",
        table=table,
        locations=assignments(options["places"], "location") or None,
        tags=tags(options["words"]),
        description=options["description"],
        new_version=options["new_version"],
        created_by=user_at_host(),
    )
    for path in absent(source):
        output.warn(session, f"there is nothing at {clean_name(path, 300)} yet")
    print_version(session, made)


def table_of(**options: Any) -> dict[str, Any] | None:
    """The definition of a table that options say, None for a dataset of files; raises UsageError."""
    said = {
        "header": False if options["no_header"] else None,
        "encoding": options["encoding"],
        "support_multi_line": options["multi_line"] or None,
        "empty_as_string": options["empty_as_string"] or None,
        "include_path": options["include_path"] or None,
        "partition_format": options["partition_format"],
        "set_column_types": assignments(options["types"], "type") or None,
        "infer_column_types": False if options["no_infer"] else None,
        "validate": False if options["no_validate"] else None,
        "separator": options["separator"],
    }
    chosen = {key: value for key, value in said.items() if value is not None}
    query = _query(options["sql"], options["sql_file"])
    if query is not None:
        if options["table"] is not None:
            raise UsageError("a query is a table by itself", "without --table")
        wait = options["sql_timeout"]
        return {"format": "sqlite", "query": query, **({"query_timeout": wait} if wait else {}), **chosen}
    if options["sql_timeout"] is not None:
        raise UsageError("this is about queries", "add --sql 'SELECT ...'")
    if options["table"] is None:
        if chosen:
            raise UsageError("this is about tables", f"add --table {', '.join(FORMATS)}")
        return None
    form, separator = FORMATS[options["table"]]
    return {"format": form, **({"separator": separator} if separator else {}), **chosen}


def _query(text: str | None, file: str | None) -> str | None:
    """The query that is meant; raises UsageError."""
    if file is None:
        return text
    if text is not None:
        raise UsageError("the query is said twice", "--sql or --sql-file")
    try:
        with click.open_file(file, encoding="utf-8") as opened:
            return str(opened.read())
    except (OSError, UnicodeError) as problem:
        raise UsageError(f"{file} cannot be read: {problem}") from problem


@command("derive", cls=Listing)
@DATASET
@click.argument("name")
@click.option("--where", metavar="CONDITION", help="Rows that fit: age > 5 and state = 'CA'")
@click.option("--columns", metavar="A,B", help="Only these, in this order.")
@click.option("--drop", metavar="A,B", help="Without these.")
@click.option("--skip", type=at_least(0), metavar="N", help="Without the first so many rows.")
@click.option("--take", type=at_least(0), metavar="N", help="The first so many rows.")
@click.option("--sample", type=float, metavar="SHARE", help="Each row with this chance: 0.1")
@click.option(
    "--split", metavar="SHARE[:rest]", help="One part of a random split, or the rest of it: 0.8:rest"
)
@click.option("--seed", type=int, default=0, metavar="N", help="Of --sample and --split; 0.")
@NEW_VERSION
@TAG
@DESCRIPTION
@click.pass_obj
def derive(session: Session, /, dataset: str, name: str, **options: Any) -> None:
    """Make a dataset of a table's rows behind further steps; the source is not changed or copied.

    \b
        wb data derive weather dry --where 'rain = 0' --columns day,temp
        wb data derive weather train --split 0.8 --seed 7
        wb data derive weather test --split 0.8:rest --seed 7

    Steps are taken in the order of this list, whatever the order of the words.
    """
    from workbench.home import user_at_host

    steps = steps_of(**options)
    if not steps:
        raise UsageError("there is no step to take", "such as --take 100")
    made = session.call(
        "datasets",
        "derive",
        dataset=dataset,
        name=name,
        steps=steps,
        description=options["description"],
        tags=tags(options["words"]),
        new_version=options["new_version"],
        created_by=user_at_host(),
    )
    print_version(session, made)


def steps_of(**options: Any) -> list[dict[str, Any]]:
    """The steps that options say; raises UsageError."""
    steps: list[dict[str, Any]] = []
    if options["where"] is not None:
        steps.append({"op": "filter", "where": read_condition(options["where"])})
    for key, op in (("columns", "keep"), ("drop", "drop")):
        if options[key] is not None:
            steps.append({"op": op, "columns": [name.strip() for name in options[key].split(",")]})
    for op in ("skip", "take"):
        if options[op] is not None:
            steps.append({"op": op, "n": options[op]})
    seed = options["seed"]
    if options["sample"] is not None:
        steps.append({"op": "share", "low": 0.0, "high": _share(options["sample"]), "seed": seed})
    if options["split"] is not None:
        text, _, rest = options["split"].partition(":")
        if rest not in ("", "rest"):
            raise UsageError(f"{options['split']!r} is no part of a split", "0.8, or 0.8:rest")
        cut = _share(text)
        low, high = (cut, 1.0) if rest else (0.0, cut)
        steps.append({"op": "share", "low": low, "high": high, "seed": seed})
    return steps


def _share(text: Any) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"{text!r} is no share of rows", "a number between 0 and 1")
    return share
