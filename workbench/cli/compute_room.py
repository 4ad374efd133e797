"""wb compute du, prune: what the workbench keeps on machines, and removing what is not needed any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from workbench.cli import ask, complete, output
from workbench.cli.command import Listing, command
from workbench.cli.files import print_use
from workbench.cli.parsing import at_least, duration
from workbench.cli.progress import ProgressBar
from workbench.cli.session import Session
from workbench.errors import UsageError, WorkbenchError
from workbench.text import sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field
from workbench.views import holdings as look
from workbench.views import machine_files

KEPT = "best,tagged,registered"


@command("du", cls=Listing)
@click.argument("name", shell_complete=complete.target)
@click.argument("path", required=False)
@click.option("--limit", type=at_least(1), default=10, metavar="N", help="The largest so many; else 10.")
@click.pass_obj
def du(session: Session, name: str, path: str | None, limit: int) -> None:
    """Show what takes the room on a machine: of ours without a path, else in that folder.

    As JSON without a path: root, free, total and every run, snapshot and environment with its size.
    """
    if path is not None:
        print_use(session, session.workspace.items("files", "usage", target=name, path=path), limit)
        return
    held = _held(session, name)
    if not output.as_table(session):
        output.record(session, held, ())
        return
    total, plain = held["total"], session.terminal.ascii_only
    fields = [
        Field(Column("SIZE", right=True, keep=100), lambda row: sizes.short(row["bytes"])),
        Field(Column("PART", right=True, keep=60), lambda row: machine_files.share(row["bytes"], total)),
        Field(Column("", keep=40), lambda row: Cell(machine_files.bar(row["bytes"], total, plain), "active")),
        Field(Column("WHAT", keep=90), lambda row: f"{row['count']} {row['name']}"),
    ]
    output.rows(session, look.parts(held), fields, (), "nothing of ours is there")
    runs = look.largest(held, limit)
    if runs:
        print()
        output.rows(session, runs, _run_fields(), (), "")
    free = f"; {sizes.short(held['free'])} free" if held.get("free") is not None else ""
    output.note(session, f"{sizes.short(total)} in {clean_name(held['root'], 1000)}{free}")
    output.note(session, f"wb compute prune {clean_name(name)} --dry-run shows what of it may go")


def _held(session: Session, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        for item in session.workspace.items("compute", "du", name=name):
            if "holdings" in item:
                found = item["holdings"]
            else:
                told = f"counting: {item.get('done')} of {item.get('of')} runs"
                bar.say(f"{told}, {sizes.short(item.get('bytes'))}")
    return found


def _run_fields() -> list[Field]:
    return [
        Field(Column("SIZE", right=True, keep=100), lambda run: sizes.short(run["bytes"])),
        Field(Column("AGE", right=True, keep=70), look.age),
        Field(Column("RUN", keep=90, least=12), lambda run: clean_name(str(run.get("name") or run["id"]))),
        Field(Column("EXPERIMENT", keep=50, least=8), lambda run: clean_name(run.get("experiment") or "-")),
        Field(Column("", keep=60), lambda run: "" if run.get("over") else Cell("not over", "active")),
    ]


@command("prune", cls=Listing)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete.target)
@click.option("--all", "everywhere", is_flag=True, help="Every machine that was attached.")
@click.option("--older", type=duration, default="30d", metavar="TIME", help="Over for so long; else 30d.")
@click.option(
    "--keep",
    default=KEPT,
    metavar="WORDS",
    help=f"What stays at any age: best, tagged, registered, archived, or none; else {KEPT}.",
)
@click.option("--dry-run", is_flag=True, help="Only list what would go and how much it frees.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def prune(
    session: Session,
    names: tuple[str, ...],
    everywhere: bool,
    older: float,
    keep: str,
    dry_run: bool,
    yes: bool,
) -> int:
    """Remove old runs of machines for good, and the code and environments nothing needs any more.

    What was fetched of the runs stays here, with their metrics and output; what was not is lost. best is the
    best run of each experiment by its metric. What is not over never goes, whatever its age; code stays for a
    day after it was sent; old copies of our program go when nothing there uses them.
    As JSON one plan a machine: target, remove, kept (runs that stay, by reason), stays, bytes, blobs, free.
    """
    if everywhere == bool(names):
        raise UsageError("name machines, or take --all", "wb compute prune gpu1 --dry-run")
    words = [word.strip() for word in keep.split(",") if word.strip() not in ("", "none")]
    targets = session.call("compute", "list") if everywhere else []
    chosen = list(names) or [str(target["name"]) for target in targets if target.get("kind") != "local"]
    plans, wrong = [], 0
    for name in chosen:
        try:
            plans.append(session.call("compute", "prune_plan", name=name, older=older, keep=words))
        except WorkbenchError as problem:
            if len(chosen) == 1:
                raise
            wrong = max(wrong, problem.exit_code)
            click.echo(f"{clean_name(name)}: {clean_name(problem.message, 400)}", err=True)
    _show(session, plans)
    going = [plan for plan in plans if plan["remove"] or plan.get("blobs")]
    if dry_run or not going:
        return wrong
    size = sizes.short(sum(plan["bytes"] for plan in going))
    where = clean_name(going[0]["target"]) if len(going) == 1 else counted(len(going), "machine")
    ask.confirm(session, f"Remove all of this from {where} for good ({size})?", yes=yes)
    for plan in going:
        _carry_out(session, plan)
    return wrong


def _show(session: Session, plans: list[dict[str, Any]]) -> None:
    rows = [{"target": plan["target"], **item} for plan in plans for item in plan["remove"]]
    fields = [
        Field(Column("SIZE", right=True, keep=100), lambda row: sizes.short(row["bytes"])),
        Field(Column("AGE", right=True, keep=70), look.age),
        Field(Column("WHAT", keep=95, least=16), look.what),
        Field(Column("EXPERIMENT", keep=40, least=8), lambda row: clean_name(row.get("experiment") or "")),
        Field(Column("", keep=60, least=10), lambda row: Cell(clean_name(row.get("warning") or ""), "warn")),
    ]
    if len(plans) > 1:
        fields.insert(0, Field(Column("MACHINE", keep=90), lambda row: clean_name(row["target"])))
    keys = ("target", "kind", "id", "name", "bytes", "age", "warning")
    whole = output.chosen_format(session) in ("json", "jsonl")
    output.rows(session, plans if whole else rows, fields, keys, "nothing may go")
    for plan in plans:
        head = f"{clean_name(plan['target'])}: " if len(plans) > 1 else ""
        output.note(session, head + look.plan_words(plan))
        if kept := look.kept_words(plan):
            output.note(session, f"{' ' * len(head)}{kept}")


def _carry_out(session: Session, plan: Mapping[str, Any]) -> None:
    name, freed, end = plan["target"], 0, {}
    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        for item in session.workspace.items("compute", "prune", name=name, **look.by_kind(plan["remove"])):
            if "removed" in item:
                freed += item["removed"].get("bytes") or 0
                bar(f"freeing {clean_name(name)}", freed, plan["bytes"])
            elif "kept" in item:
                kept = {key: value for key, value in item["kept"].items() if key != "why"}
                told = ", ".join(f"{kind} {clean_name(str(one))[:26]}" for kind, one in kept.items())
                output.note(session, f"{told} stays: {clean_name(str(item['kept'].get('why')), 300)}", "warn")
            else:
                end = item
    told = f"{sizes.short(end.get('bytes'))} freed on {clean_name(name)}"
    output.note(session, f"{told}: {counted(end.get('runs') or 0, 'run')} removed", "good")
