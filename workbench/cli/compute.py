"""wb compute ls, show, doctor, adopt, set, detach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from workbench.cli import ask, complete, output
from workbench.cli.command import Command, Listing, command
from workbench.cli.compute_settings import VARIABLE, settings_of
from workbench.cli.session import Session
from workbench.errors import UsageError
from workbench.text import states
from workbench.text.sanitize import clean_name
from workbench.text.style import paint
from workbench.text.tables import Column, Field, wrap
from workbench.views.machines import card, load, name_of, problem, seen, state, with_summary

NAME = click.argument("name", shell_complete=complete.target)
KEYS = (
    "name",
    "kind",
    "address",
    "state",
    "last_seen",
    "gpus",
    "free",
    "default",
    "problem",
    "cordon",
    "running",
    "waiting",
)


@command("ls", cls=Listing)
@click.pass_obj
def ls(session: Session) -> None:
    """List machines and how they stand."""
    print_targets(session, session.call("compute", "list"))


def print_targets(session: Session, targets: Sequence[dict[str, Any]]) -> None:
    """Print machines as the list of `wb compute ls`."""
    found = [with_summary(target) for target in targets]
    now, plain = session.clock(), session.terminal.ascii_only
    fields = [
        Field(Column("STATE", keep=90, least=8), lambda target: state(target, plain)),
        Field(Column("NAME", keep=100, least=10), lambda target: name_of(target, plain)),
        Field(
            Column("ADDRESS", keep=60, least=12, middle=True),
            lambda target: clean_name(target.get("address") or "this machine"),
        ),
        Field(Column("GPUS", right=True, keep=80), lambda target: str(target.get("gpus", "-"))),
    ]
    if any("free" in target for target in found):
        fields.append(Field(Column("FREE", right=True, keep=85), lambda target: str(target.get("free", "-"))))
    if any(target.get("running") or target.get("waiting") for target in found):
        fields.append(Field(Column("RUNS", keep=75), load))
    fields.append(Field(Column("SEEN", right=True, keep=50), lambda target: seen(target, now)))
    if any(target.get("problem") or target.get("cordon") for target in found):
        fields.append(Field(Column("PROBLEM", keep=70, least=16), problem))
    output.rows(session, found, fields, KEYS, "no machines; attach one: wb compute attach gpu1 you@host")


@command("show", cls=Listing)
@NAME
@click.pass_obj
def show(session: Session, name: str) -> None:
    """Show one machine: how it stands, what it has, how it is set."""
    print_target(session, session.call("compute", "get", name=name))


def print_target(session: Session, target: dict[str, Any]) -> None:
    """Print one machine."""
    facts = card(target, session.clock(), session.terminal.ascii_only)
    output.record(session, with_summary(target), facts)


@command("doctor", cls=Listing)
@NAME
@click.pass_obj
def doctor(session: Session, name: str) -> int:
    """Check a machine: each finding with what to do about it. Exits 1 when something is bad.

    A line that begins with $ is a command to copy: one of ours, else one to run on the machine.
    """
    found = session.call("compute", "doctor", name=name)
    if output.as_table(session):
        width, colour, plain = session.terminal.look
        output.write(session, "\n".join(report(found, width, colour, plain)) + "\n")
    else:
        output.rows(session, found, [], ("state", "name", "text", "hint", "fix"), "")
    return 1 if any(check.get("state") == "bad" for check in found) else 0


def report(checks: Sequence[dict[str, Any]], width: int, colour: bool, plain: bool) -> list[str]:
    """Findings as lines: glyph, name and what was found, below it what to do and a command that does it."""
    left = max([len(clean_name(check["name"], 30)) for check in checks], default=0)
    room = max(20, min(width, 160) - left - 4)
    lines = []
    for check in checks:
        look = states.look(states.CHECK, clean_name(str(check.get("state", ""))))
        glyph = paint(look.ascii if plain else look.glyph, look.role, colour)
        said = wrap(clean_name(check.get("text") or look.word, 1000), room)
        hint = wrap(clean_name(check.get("hint") or "", 1000), room - 2)
        lines.append(f"{glyph} {clean_name(check['name'], 30):{left}}  {said[0]}")
        arrow = "> " if plain else "→ "
        hints = [
            paint((arrow if not at else "  ") + part, "active", colour)
            for at, part in enumerate(hint)
            if part
        ]
        lines += [" " * (left + 4) + part for part in (*said[1:], *hints)]
        if check.get("fix"):  # in one line, so that it can be copied
            command = clean_name(check["fix"], 1000)
            lines.append(" " * (left + 4) + paint("$ ", "quiet", colour) + paint(command, "bold", colour))
    return lines


@command("adopt", cls=Listing)
@NAME
@click.option(
    "--from", "workspaces", multiple=True, metavar="WORKSPACE", help="Those of this workspace (repeatable)."
)
@click.option("--all-workspaces", is_flag=True, help="Those of every workspace.")
@click.pass_obj
def adopt(session: Session, name: str, workspaces: tuple[str, ...], all_workspaces: bool) -> None:
    """Bring back runs that a machine still has and this workspace does not know.

    They are the runs submitted from a workspace of this one's name; how many there are of others is told.
    As JSON: adopted, known, others (how many by workspace), broken (ids that cannot be read).
    """
    from workbench.cli.runs import print_runs

    if workspaces and all_workspaces:
        raise UsageError("--from and --all-workspaces exclude each other", "name workspaces, or take all")
    options = {"workspaces": list(workspaces)} if workspaces else {}
    found = session.call("compute", "adopt", name=name, all_workspaces=all_workspaces, **options)
    if output.chosen_format(session) == "json":
        output.record(session, found, ())
        return
    print_runs(session, found["adopted"], "no run there was unknown here")
    output.note(session, f"{len(found['adopted'])} brought back, {found.get('known', 0)} known already")
    others = found.get("others") or {}
    if others:
        told = ", ".join(f"{clean_name(workspace)} ({count})" for workspace, count in sorted(others.items()))
        output.note(session, f"left to other workspaces: {told}; take them with --from or --all-workspaces")
    broken = found.get("broken") or []
    if broken:
        shown = ", ".join(clean_name(str(run)) for run in broken[:5])
        output.note(session, f"{len(broken)} could not be read there: {shown}")


@command("set", cls=Listing)
@NAME
@click.argument("words", nargs=-1, metavar="KEY=VALUE...")
@click.option("--default", "make_default", is_flag=True, help="Submit goes here when no machine is named.")
@click.pass_obj
def change(session: Session, name: str, words: tuple[str, ...], make_default: bool) -> None:
    """Change a machine's settings, and print it as it then is. KEY= alone clears a setting.

    \b
    Keys: address identity jump root lease_dir python transport ssh_config
          gpus slots devices foreign_memory foreign_utilisation setup login_shell install_python
          grace stream_cap protected alerts_off environment_variables.NAME
          container_engine start stop restart power_timeout
    container_engine is docker, podman, nerdctl, a whole command, auto or none.
    Lists (setup, devices, alerts_off) take one KEY=VALUE per item. start, stop
    and restart are lines that a shell of this side runs: see wb compute start.
    """
    if not words and not make_default:
        raise UsageError("there is nothing to set", f"wb compute set {name} gpus=1, or --default")
    variables: dict[str, str] = {}
    if any(word.startswith(VARIABLE) for word in words):
        before = session.call("compute", "get", name=name).get("settings") or {}
        variables = before.get("environment_variables") or {}
    changes = settings_of(words, variables)
    found: dict[str, Any] = {}
    if changes:
        found = session.call("compute", "set", name=name, changes=changes)
    if make_default:
        found = session.call("compute", "default", name=name)
    print_target(session, found)


@command("detach", cls=Command)
@NAME
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say what would be forgotten.")
@click.pass_obj
def detach(session: Session, name: str, yes: bool, dry_run: bool) -> None:
    """Forget a machine: nothing on it is touched, its runs stay in lists."""
    target = session.call("compute", "get", name=name)
    if dry_run:
        output.note(session, f"would forget {target['name']}")
        return
    ask.confirm(session, f"Forget {clean_name(target['name'])}? Nothing on it is touched.", yes=yes)
    session.call("compute", "detach", name=target["name"])
    output.note(session, f"forgot {target['name']}")
