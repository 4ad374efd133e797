"""wb activity alerts, silence, rules: what is wrong with machines, and whom it may call."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Listing, command
from workbench.cli.parsing import duration
from workbench.cli.session import Session
from workbench.errors import UsageError
from workbench.text import durations, times
from workbench.text.sanitize import clean_name
from workbench.text.style import paint
from workbench.text.tables import Cell, Column, Field, render, wrap
from workbench.views import alerts as look

KEYS = ("severity", "target", "rule", "gpu", "run", "about", "since", "silenced_until", "text", "advice")
COLUMNS = (
    Column("", keep=100),
    Column("MACHINE", keep=95, least=8),
    Column("RULE", keep=80),
    Column("AGE", right=True, keep=60),
    Column("", keep=40),
)


@command("alerts", cls=Listing)
@click.argument("target", required=False, metavar="[NAME]", shell_complete=complete.target)
@click.option("--since", type=duration, metavar="TIME", help="Also those that are over, so long back.")
@click.pass_obj
def alerts(session: Session, target: str | None, since: float | None) -> None:
    """List what is wrong with machines now, and what to do about it.

    With --since also what was wrong: events AlertRaised and AlertCleared, the newest first.
    """
    if since is not None:
        _history(session, target, since)
        return
    found = session.call("alerts", "list", target=target)
    if output.as_table(session) and found:
        output.write(session, "\n".join(_lines(session, found)) + "\n")
    else:
        output.rows(session, found, [], KEYS, "nothing is wrong with any machine that is watched")


def _lines(session: Session, found: list[dict[str, Any]]) -> list[str]:
    """A row an alert, and below it what is wrong and what to do, in full."""
    now, seen = session.clock(), session.terminal.look
    rows: list[list[Cell | str]] = [
        [
            look.severity(alert, seen.ascii_only),
            clean_name(alert["target"]),
            Cell(clean_name(alert["rule"]), "quiet"),
            look.age(alert, now),
            Cell(look.silence(alert, now), "quiet"),
        ]
        for alert in found
    ]
    header, *lines = render(COLUMNS, rows, *seen)
    room = max(20, min(seen.width, 120) - 4)
    arrow = "> " if seen.ascii_only else "→ "
    out = [header]
    for alert, line in zip(found, lines, strict=True):
        out.append(line)
        out += ["  " + part for part in wrap(look.text(alert), room)]
        for number, part in enumerate(wrap(look.advice(alert), room - 2)):
            out.append("  " + paint(("  " if number else arrow) + part, "active", seen.colour))
    return out


def _history(session: Session, target: str | None, seconds: float) -> None:
    from datetime import timedelta

    since = times.rfc3339(session.clock() - timedelta(seconds=seconds))
    events = session.call("alerts", "lately", since=since, limit=10_000)
    wanted = [event for event in events if target in (None, look.of_event(event)["target"])]
    now, plain = session.clock(), session.terminal.look.ascii_only
    fields = [
        Field(Column("WHEN", right=True), lambda event: times.local(times.parse(event["time"]), now)),
        Field(Column(""), lambda event: _happened(event, plain)),
        Field(Column("MACHINE"), lambda event: clean_name(look.of_event(event)["target"])),
        Field(Column("", least=20), lambda event: look.text(look.of_event(event))),
    ]
    output.rows(
        session, wanted, fields, ("time", "kind", "subject", "data.rule", "data.text"), "nothing was wrong"
    )


def _happened(event: dict[str, Any], plain: bool) -> Cell:
    if event["kind"] == "AlertRaised":
        return look.severity(look.of_event(event), plain)
    lasted = durations.short(look.of_event(event).get("lasted"))
    return Cell(f"over after {lasted}", "good")


@command("silence", cls=Listing)
@click.argument("target", metavar="NAME", shell_complete=complete.target)
@click.argument("rule", metavar="RULE")
@click.option("--for", "seconds", type=duration, metavar="TIME", help="So long: 2h, 1d ...")
@click.option("--gpu", metavar="UUID", help="Only for this GPU of it.")
@click.option("--end", is_flag=True, help="Let it call again.")
@click.pass_obj
def silence(
    session: Session, target: str, rule: str, seconds: float | None, gpu: str | None, end: bool
) -> None:
    """Let a rule call nobody about a machine for a while; what is wrong is still listed.

    \b
        wb activity silence gpu1 held-idle --for 2h
    """
    if (seconds is None) == (not end):
        raise UsageError("say how long, or --end", f"wb activity silence {target} {rule} --for 2h")
    found = session.call(
        "alerts", "silence", target=target, rule=rule, gpu=gpu, seconds=0 if end else seconds
    )
    if output.as_table(session):
        said = "calls again" if end else f"calls nobody for {durations.short(seconds)}"
        output.note(session, f"{clean_name(rule)} of {clean_name(target)} {said}")
    else:
        output.rows(session, found, [], KEYS, "")


@command("rules", cls=Listing)
@click.pass_obj
def rules(session: Session) -> None:
    """List the rules: when each calls, with the settings as they are, and when it is over."""
    found = session.call("alerts", "rules")
    if not output.as_table(session):
        output.rows(session, found, [], ("rule", "severity", "off", "condition", "over"), "")
        return
    seen = session.terminal.look
    room, lines = max(20, min(seen.width, 120) - 4), []
    for card in found:
        severity = look.severity(card, seen.ascii_only)
        off = paint("  off", "quiet", seen.colour) if card.get("off") else ""
        name = paint(clean_name(card["rule"]), "bold", seen.colour)
        lines.append(f"{paint(severity.text, severity.role, seen.colour)}  {name}{off}")
        lines += ["  " + part for part in wrap(f"when {clean_name(card['condition'], 400)}", room)]
        over = wrap(f"over: {clean_name(card['over'], 200)}", room)
        lines += ["  " + paint(part, "quiet", seen.colour) for part in over]
    output.write(session, "\n".join(lines) + "\n")
