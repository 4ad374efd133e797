"""wb model set, evaluate, promote, rollback, alias: gates, and the aliases that go through them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from workbench.cli import output
from workbench.cli.command import Listing, Moving, command
from workbench.cli.models import MODEL, NAME, print_verdict
from workbench.cli.session import Session
from workbench.errors import Refused, RunFailed, UsageError
from workbench.home import user_at_host
from workbench.text import asset_reference, times
from workbench.text.asset_reference import AssetReference
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field
from workbench.views import models as look

CHAMPION = "champion"
EVALUATION_KEYS = ("name", "version", "recipe", "dataset", "status", "metrics", "run")


@command("set", cls=Listing)
@NAME
@click.option(
    "--gate",
    "gate",
    multiple=True,
    metavar="RULE",
    help="A rule of its gate; all of them replace those there are.",
)
@click.option(
    "--gate-file",
    type=click.Path(path_type=Path),
    metavar="FILE.yml",
    help="A file with the whole gate: gate: [RULE, ...], protect: [ALIAS, ...].",
)
@click.option("--no-gate", is_flag=True, help="Take all rules away.")
@click.option("--protect", multiple=True, metavar="ALIAS", help="Let this alias only move through the gate.")
@click.option("--unprotect", multiple=True, metavar="ALIAS", help="Let it move freely again.")
@click.option("--description", metavar="TEXT", help="What there is to say of it (Markdown).")
@click.pass_obj
def change(
    session: Session,
    name: str,
    gate: tuple[str, ...],
    gate_file: Path | None,
    no_gate: bool,
    protect: tuple[str, ...],
    unprotect: tuple[str, ...],
    description: str | None,
) -> None:
    """Set a model's gate, protected aliases and description.

    A rule compares metrics: 'acc >= champion.acc - 0.002', 'min(loss) < 0.4', 'latency_ms < 20ms'; asks for
    'tag:reviewed' or 'safe' (no file runs code); or has a run measure first, by a job file or as an earlier
    run: 'evaluation job:eval.yml on data:NAME:VERSION: acc >= champion.acc'.
    """
    if ((gate or gate_file is not None) and no_gate) or (gate and gate_file is not None):
        raise UsageError("--gate, --gate-file and --no-gate exclude each other")
    rules = list(gate) if gate or no_gate else None
    folder = Path()
    if gate_file is not None:
        from workbench.workspace.gate_files import read_gate

        read = read_gate(gate_file)
        rules, protect, folder = read.rules, (*protect, *read.protect), gate_file.parent
    if rules is None and not (protect or unprotect or description is not None):
        raise UsageError("there is nothing to set", "add --gate RULE, --protect ALIAS or --description TEXT")
    recipes: dict[str, Any] = {}
    if rules:
        from workbench.workspace import model_gates

        recipes = model_gates.recipes(session.workspace, rules, folder)
    found = session.call(
        "models",
        "set",
        name=name,
        gate=rules,
        protect=list(protect) or None,
        unprotect=list(unprotect) or None,
        description=description,
        recipes=recipes or None,
    )
    facts = [
        ("name", clean_name(found["name"])),
        *(("rule", clean_name(rule, 1000)) for rule in found["gate"]),
        ("protected", clean_name(", ".join(found["protected"]))),
        ("description", clean_name(str(found.get("description") or ""), 1000)),
    ]
    output.record(session, found, facts)


@command("promote", cls=Moving)
@MODEL
@click.option("--to", "alias", required=True, metavar="ALIAS", help="champion, candidate or another.")
@click.option("--why", metavar="TEXT", help="Why, for the history.")
@click.option("--force", metavar="REASON", help="Promote it whatever the gate says; the history marks it.")
@click.option("--approver", metavar="WHO", help="Who else agreed.")
@click.option(
    "--evaluate/--no-evaluate",
    default=None,
    help="Run the evaluations that rules ask for first, or judge by those there are (as --dry-run does).",
)
@click.option("--dry-run", is_flag=True, help="Only say what the gate says; exit by it.")
@click.pass_obj
def promote(
    session: Session,
    model: str,
    alias: str,
    why: str | None,
    force: str | None,
    approver: str | None,
    evaluate: bool | None,
    dry_run: bool,
) -> None:
    """Give a version an alias if the model's gate lets it; its verdict is shown line by line first.

    Evaluations that rules ask for are run and waited for, of the version and of whom it is held against.
    """
    by = user_at_host()
    evaluate = not dry_run if evaluate is None else evaluate
    verdict: dict[str, Any] = {}
    judged = session.workspace.items("models", "judge", model=model, alias=alias, evaluate=evaluate, by=by)
    for item in _told(session, judged):
        verdict = item["verdict"]
    print_verdict(session, verdict)
    exact = f"{verdict['name']}:{verdict['version']}"
    if dry_run:
        output.record(session, verdict, [("passed", "yes" if verdict["passed"] else "no")])
        if not verdict["passed"]:
            raise Refused(f"the gate would keep {exact} from being {clean_name(alias)}")
        return
    seen = verdict.get("current") or 0
    moved = session.call(
        "models",
        "promote",
        model=exact,
        alias=alias,
        by=by,
        seen=seen,
        why=why,
        force=force,
        approver=approver,
    )
    _print_move(session, moved)


@command("evaluate", cls=Listing)
@MODEL
@click.option(
    "--job",
    type=click.Path(path_type=Path),
    metavar="FILE.yml",
    help="Measure by this job file instead, with --data.",
)
@click.option("--data", metavar="NAME:V", help="On which version of a dataset.")
@click.option("--again", is_flag=True, help="Also what was measured already.")
@click.pass_obj
def evaluate(session: Session, model: str, job: Path | None, data: str | None, again: bool) -> None:
    """Run the evaluations that the model's gate asks for, and print what they measured.

    Of the version, and of the champion on the same data where it is held against that. With --job a job file
    that has a model and data as inputs is run once; it counts for the gate if that names the same.
    """
    asked: dict[str, Any] = {"model": model, "again": again, "by": user_at_host()}
    if (job is None) != (data is None):
        raise UsageError("--job and --data belong together", "--job eval.yml --data NAME:VERSION")
    if job is not None:
        from workbench.workspace import model_gates

        asked |= {"job": model_gates.recipe(session.workspace, job), "name": str(job), "dataset": data}
    found: list[dict[str, Any]] = []
    for item in _told(session, session.workspace.items("models", "evaluate", **asked)):
        found = item["evaluations"]
    fields = [
        Field(Column("BY", keep=100, least=10, middle=True), look.evaluated_by),
        Field(Column("ON", keep=95, least=8), lambda item: clean_name(item["dataset"], 200)),
        Field(Column("STATUS", keep=98), look.evaluation_status),
        Field(Column("METRICS", keep=90, least=12), look.evaluation_metrics),
        Field(Column("RUN", keep=60, least=8), lambda item: clean_name(item.get("run_name") or item["run"])),
    ]
    none = "the gate asks for no evaluation; --job FILE.yml --data NAME:VERSION measures by one"
    output.rows(session, found, fields, EVALUATION_KEYS, none)
    for one in found:
        if one["status"] != "Completed":
            run = clean_name(one.get("run_name") or one["run"])
            raise RunFailed(f"the evaluation {run} ended {clean_name(one['status'])}", f"wb logs {run}")


def _told(session: Session, stream: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """What is no news of an evaluation; those are told a person."""
    told: set[tuple[str, str]] = set()
    for item in stream:
        if "evaluation" not in item:
            yield item
            continue
        one = item["evaluation"]
        run, status = one["run"], str(one["run"]["status"])
        if (run["id"], status) not in told:
            told.add((run["id"], status))
            what = f"{clean_name(str(one['model']), 200)} on {clean_name(str(one['dataset']), 200)}"
            output.note(session, f"evaluating {what}: {clean_name(run['name'])} {clean_name(status)}")


def _print_move(session: Session, move: dict[str, Any]) -> None:
    now = session.clock()
    facts: list[tuple[str, Cell | str]] = [
        ("alias", clean_name(move["alias"])),
        ("version", look.move_cells(move)),
        ("how", look.how(move)),
        ("who", clean_name(move["who"])),
        ("why", look.why(move)),
        ("time", times.local(times.parse(move["time"]), now)),
    ]
    output.record(session, {key: value for key, value in move.items() if key != "verdict"}, facts)


@command("rollback", cls=Listing)
@NAME
@click.option("--alias", default=CHAMPION, metavar="ALIAS", help="Of which alias; else champion.")
@click.option("--why", metavar="TEXT", help="Why, for the history; a protected alias needs it.")
@click.option("--approver", metavar="WHO", help="Who else agreed.")
@click.pass_obj
def rollback(session: Session, name: str, alias: str, why: str | None, approver: str | None) -> None:
    """Take back an alias's newest move; whoever had it before has it again. Once more goes further back.

    The gate is not asked, of a protected alias neither: that takes a reason, and the history marks it.
    """
    held = session.call("models", "get", name=name)["aliases"].get(alias, 0)
    moved = session.call(
        "models", "rollback", name=name, alias=alias, by=user_at_host(), seen=held, why=why, approver=approver
    )
    _print_move(session, moved)


@command("alias", cls=Listing)
@MODEL
@click.argument("alias")
@click.option("--remove", is_flag=True, help="Take it away: nobody has it any more.")
@click.option("--why", metavar="TEXT", help="Why, for the history.")
@click.pass_obj
def alias(session: Session, model: str, alias: str, remove: bool, why: str | None) -> None:
    """Give a version an alias without asking the gate; refused for protected ones."""
    named = asset_reference.parse(model)
    version = None
    if not remove:
        if named == AssetReference(named.name):
            raise UsageError("an alias is of one version", f"wb model alias {named.name}:VERSION {alias}")
        version = session.call("models", "version", model=model)["version"]
    moved = session.call(
        "models", "alias", name=named.name, alias=alias, version=version, by=user_at_host(), why=why
    )
    _print_move(session, moved)
