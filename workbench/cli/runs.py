"""wb run ls, wb run show, wb ps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import click

from workbench.cli import complete, output, run_columns
from workbench.cli.command import F, Listing, command
from workbench.cli.parsing import assignments, at_least, tags
from workbench.cli.run_choice import joined, tell_unknown, tell_unknown_names
from workbench.cli.run_groups import print_groups
from workbench.cli.session import Session
from workbench.cli.trends import MOST, trend
from workbench.errors import UsageError
from workbench.text import states
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.views import runs as run_view
from workbench.views.run_page import page

EMPTY = "no runs yet; start one: wb submit --follow -- python train.py"
SHOWN = 20
LISTED = 50
NONE_SUCH = "no run is like that; wb ps lists all"


_FILTERS = (
    click.argument("filter_words", nargs=-1, metavar="[FILTER]..."),
    click.option(
        "--filter",
        "filter_texts",
        multiple=True,
        metavar="FILTER",
        help="As FILTER; of several all have to fit.",
    ),
    click.option(
        "-e",
        "--experiment",
        metavar="NAME",
        shell_complete=complete.experiment,
        help="Of one experiment.",
    ),
    click.option("-t", "--target", metavar="NAME", shell_complete=complete.target, help="On one machine."),
    click.option(
        "--status",
        multiple=True,
        metavar="STATE",
        shell_complete=complete.state,
        help="In a state; may be repeated.",
    ),
    click.option("--tag", "tag_words", multiple=True, metavar="K[=V]", help="With a tag; may be repeated."),
    click.option(
        "--property",
        "property_words",
        multiple=True,
        metavar="K=VALUE",
        help="With a property; may be repeated.",
    ),
    click.option(
        "--view", metavar="NAME", shell_complete=complete.view, help="As a saved view: wb run views."
    ),
    click.option(
        "--group",
        metavar="BY",
        help="Sum up by status, target, experiment, param:NAME, tag:NAME ...",
    ),
    click.option(
        "--sort",
        metavar="BY",
        help="By name, status, started, duration, primary, best, metric:NAME, param:NAME ...",
    ),
    click.option("--reverse", is_flag=True, help="The highest first."),
    click.option(
        "--column",
        "columns",
        multiple=True,
        metavar="NAME",
        help="Show it, too: param:lr, tag:T, metric:loss, min:, max:, best:loss, attribute:branch.",
    ),
    click.option("--active", is_flag=True, help="Only those that have not ended."),
    click.option("--archived", is_flag=True, help="Only archived ones."),
    click.option("--children", is_flag=True, help="Child runs too; a filter finds them anyway."),
    click.option(
        "-n",
        "--limit",
        metavar="N",
        type=at_least(1),
        help=f"At most so many; else {SHOWN} on a terminal, {LISTED} in a pipe.",
    ),
)


def _filters(function: F) -> F:
    for option in reversed(_FILTERS):
        function = option(function)
    return function


@command("ls", cls=Listing)
@_filters
@click.pass_obj
def ls(session: Session, /, **filters: Any) -> None:
    """List runs, newest first. FILTER: words, and comparisons such as 'loss<0.1 lr>1e-4 status=failed'."""
    _list(session, **filters)


@command("ps", cls=Listing)
@_filters
@click.pass_obj
def ps(session: Session, /, **filters: Any) -> None:
    """List runs, newest first: short for `wb run ls`."""
    _list(session, **filters)


def _list(
    session: Session,
    *,
    filter_words: tuple[str, ...],
    filter_texts: tuple[str, ...],
    experiment: str | None,
    target: str | None,
    status: tuple[str, ...],
    tag_words: tuple[str, ...],
    property_words: tuple[str, ...],
    view: str | None,
    group: str | None,
    sort: str | None,
    reverse: bool,
    columns: tuple[str, ...],
    active: bool,
    archived: bool,
    children: bool,
    limit: int | None,
) -> None:
    saved = session.call("views", "get", name=view) if view else {}
    wanted = joined([saved.get("filter") or "", " ".join(filter_words), *filter_texts])
    experiment, group = experiment or saved.get("experiment"), group or saved.get("group")
    asked: dict[str, Any] = {
        "experiment": experiment,
        "status": [state_name(word) for word in status] or None,
        "target": target,
        "filter": wanted,
        "active": active or None,
        "archived": archived or None,
        "children": children or None,
    }
    if group is not None:
        if tag_words or property_words:
            raise UsageError("groups are narrowed by a filter", "such as tags.a='b' for --tag a=b")
        print_groups(session, group, asked)
        tell_unknown_names(session, [group] if ":" in group else [], experiment)
        return
    limit = limit or (SHOWN if output.as_table(session) else LISTED)
    found = session.call(
        "runs",
        "list",
        **asked,
        tags=tags(tag_words) or None,
        properties=assignments(property_words, "property") or None,
        sort=sort or saved.get("sort"),
        descending=reverse or (None if sort else saved.get("descending")),
        limit=limit,
    )
    filtered = any((experiment, target, status, tag_words, property_words, wanted, active, archived))
    if not found and target:
        session.call("compute", "get", name=target)  # raises for a name that no machine has
    if not found and wanted:
        tell_unknown(session, wanted, experiment)
    more = columns or run_columns.of_view(saved.get("columns") or ())
    print_runs(session, found, NONE_SUCH if filtered else EMPTY, columns=more)
    tell_unknown_names(session, [*([sort] if sort and ":" in sort else []), *columns], experiment)
    if len(found) == limit:
        which = "first" if sort or saved.get("sort") else "newest"
        output.note(session, f"the {which} {limit}; more with -n", "quiet")


def print_runs(
    session: Session,
    found: Sequence[run_view.Run],
    empty: str = EMPTY,
    depths: Mapping[str, int] | None = None,
    columns: Sequence[str] = (),
) -> None:
    """Print runs as the list of `wb ps`.

    empty: what a person is told when there are none. depths: how far each is set in, by id. columns: more
    of them, by name.
    """
    found = run_columns.with_columns(session, found, columns)
    shown = run_view.fields(
        found, primary_metrics(session, found), session.clock(), session.terminal.ascii_only, depths or {}
    )
    place = len(shown) - 1 if shown[-1].column.title == "NOTE" else len(shown)
    shown[place:place] = run_columns.fields(columns)
    output.rows(session, found, shown, (*run_view.KEYS, *columns), empty)


def primary_metrics(session: Session, found: Sequence[run_view.Run]) -> dict[str, run_view.Judge]:
    """What each experiment is judged by; nothing is asked when it would not be shown."""
    if not output.as_table(session) or not any(run.get("metrics") for run in found):
        return {}
    return run_view.judges(session.call("experiments", "list"))


def state_name(word: str) -> str:
    """The state a word means, in any case: failed, cancel-requested; raises UsageError with all of them."""
    plain = word.lower().replace("-", "").replace("_", "").replace(" ", "")
    for name in states.RUN:
        if name.lower() == plain:
            return name
    near = get_close_matches(plain, [name.lower() for name in states.RUN], n=1, cutoff=0.6)
    meant = [name for name in states.RUN if name.lower() in near]
    hint = f"did you mean {meant[0]}?" if meant else "states are " + ", ".join(states.RUN)
    raise UsageError(f"there is no state {word!r}", hint)


@command("show", cls=Listing)
@click.argument("run", shell_complete=complete.run)
@click.option("--packages", is_flag=True, help="List what was installed in the Python it ran with.")
@click.option(
    "--warnings", is_flag=True, help="List what its own logging complained of; JSON has their count."
)
@click.pass_obj
def show(session: Session, run: str, packages: bool, warnings: bool) -> None:
    """Show one run. RUN is an id or its beginning, a name, @1 for the newest, @best for the best."""
    if packages and warnings:
        raise UsageError("--packages and --warnings are two lists", "ask for one of them")
    found = session.call("runs", "get", run=run)
    if packages:
        _packages(session, found)
        return
    if warnings:
        _warnings(session, found)
        return
    if not output.as_table(session):
        output.record(session, found, [])
        return
    trends = {name: trend(session, found["id"], name) for name in list(found.get("metrics") or {})[:MOST]}
    complaints = session.call("runs", "warnings", run=found["id"]) if found.get("warnings") else []
    models = session.call("models", "versions", run=found["id"])
    lines = page(found, trends, complaints, session.clock(), session.terminal.look, models)
    output.write(session, "\n".join(lines) + "\n")
    name = clean_name(found["name"])
    output.note(session, f"\nwb logs {name}   wb run metrics {name} --plot", "quiet")


def _warnings(session: Session, run: run_view.Run) -> None:
    """Print each different warning of a run in full, a line each."""
    found = session.call("runs", "warnings", run=run["id"])
    if not found:
        output.note(session, f"the logging of {run['name']} complained of nothing")
    if output.chosen_format(session) not in ("table", "tsv"):
        output.rows(session, [{"text": text} for text in found], [], ("text",), "")
        return
    output.write(session, "".join(clean_name(text, output.LONGEST_LINE) + "\n" for text in found))
    if (run.get("warnings") or 0) > len(found):
        output.note(session, f"{counted(run['warnings'], 'warning')} in all; each is listed once", "quiet")


def _packages(session: Session, run: run_view.Run) -> None:
    """Print NAME==VERSION lines, as pip reads them; several Pythons each below a comment with its path."""
    installed = session.call("runs", "distributions", run=run["id"])
    found = [
        {"python": path, "name": name, "version": version}
        for path, distributions in installed.items()
        for name, version in sorted(distributions.items(), key=lambda item: item[0].lower())
    ]
    if not found:
        output.note(session, "what was installed is not known: no Python ran, or it could not be asked")
    if output.chosen_format(session) not in ("table", "tsv"):
        output.rows(session, found, [], ("python", "name", "version"), "")
        return
    lines = []
    for path in installed:
        lines += [f"# {clean_name(path, 4096)}"] if len(installed) > 1 else []
        lines += [
            f"{clean_name(row['name'], 300)}=={clean_name(row['version'], 300)}"
            for row in found
            if row["python"] == path
        ]
    output.write(session, "".join(line + "\n" for line in lines))
