"""wb activity subscribe, subscriptions, unsubscribe, test: who hears of which events."""

from __future__ import annotations

import os
from typing import Any

import click

from workbench.cli import output
from workbench.cli.command import Command, Launcher, Listing, command
from workbench.cli.parsing import assignments, at_least, command_words, duration
from workbench.cli.session import Session
from workbench.errors import UsageError, WorkbenchError
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field
from workbench.views import subscriptions as look

USAGE = "wb activity subscribe NAME --on RunCompleted -- notify-send done"
KEYS = ("name", "sink", "filter", "command", "host", "cursor", "delivered", "failed", "problem")
NAME = click.argument("name", metavar="NAME")


@command("subscribe", cls=Launcher)
@NAME
@click.option(
    "--on", "kinds", multiple=True, metavar="KIND", help="RunCompleted, AlertRaised ... (repeatable)."
)
@click.option("--subject", "prefix", metavar="TEXT", help="Only subjects that begin so: experiments/mnist/.")
@click.option("--subject-end", "suffix", metavar="TEXT", help="Only subjects that end so.")
@click.option("--data", "values", multiple=True, metavar="KEY=VALUE", help="Only such data: state=Failed.")
@click.option("--bell", is_flag=True, help="Say it, and ring, in every dashboard that is open.")
@click.option("--webhook", "url", metavar="URL", help="Post it as JSON.")
@click.option("--allow", multiple=True, metavar="HOST", help="Where may be posted; else the URL's own host.")
@click.option("--plain-http", is_flag=True, help="Post without TLS, too.")
@click.option("--sign", is_flag=True, help="Sign what is posted; the secret is made and printed this once.")
@click.option("--secret", metavar="NAME", help="Sign with the value of this variable of the environment.")
@click.option("--timeout", type=duration, metavar="TIME", help="How long one delivery may take; 30s.")
@click.option(
    "--after", type=at_least(0), metavar="N", help="Also events that were: all after this sequence."
)
@click.pass_context
def subscribe(context: click.Context, /, **options: Any) -> None:
    """Have events brought to a command, a webhook or the bell. At least once each, in order.

    \b
        wb activity subscribe done --on RunCompleted -- notify-send 'a run is over'
        wb activity subscribe bad --on AlertRaised --data severity=bad --bell
        wb activity subscribe chat --on RunCompleted --data state=Failed --webhook https://chat.example/hook

    A command finds the event as JSON on its standard input. Several words after -- are run exactly as they
    are; one quoted word is a shell line.
    """
    session = context.ensure_object(Session)
    words = context.meta.get("command")
    asked = _asked(words, **options)
    made = session.call("subscriptions", "add", **{key: value for key, value in asked.items() if value})
    if made.get("secret"):
        output.note(session, "the secret that signs it, told this once:")
        output.write(session, clean_name(str(made["secret"])) + "\n")
    output.note(session, f"try it: wb activity test {options['name']}")


def _asked(words: list[str] | None, **options: Any) -> dict[str, Any]:
    """The parameters of subscriptions.add; raises UsageError."""
    url, secret = options["url"], options["secret"]
    if (words is not None) + (url is not None) + options["bell"] != 1:
        raise UsageError("name one of --webhook, --bell and -- COMMAND", USAGE)
    if secret is not None and secret not in os.environ:
        raise UsageError(f"there is no variable {secret!r} in this environment", f"export {secret}=...")
    chosen = {
        "kinds": list(options["kinds"]),
        "prefix": options["prefix"] or "",
        "suffix": options["suffix"] or "",
        "data": assignments(options["values"], "value of data"),
    }
    return {
        "name": options["name"],
        "sink": "webhook" if url else "bell" if options["bell"] else "command",
        "filter": {key: value for key, value in chosen.items() if value},
        "command": command_words(words, USAGE) if words is not None else None,
        "url": url,
        "allow": list(options["allow"]) or [host for host in [look.host_of(url or "")] if host],
        "plain_http": options["plain_http"],
        "sign": options["sign"],
        "secret": os.environ[secret] if secret else None,
        "timeout": options["timeout"],
        "after": options["after"],
    }


@command("subscriptions", cls=Listing)
@click.pass_obj
def subscriptions(session: Session) -> None:
    """List who hears of which events, and how their deliveries went."""
    found = session.call("subscriptions", "list")
    fields = [
        Field(Column("NAME", keep=100), lambda item: Cell(clean_name(item["name"]), "bold")),
        Field(Column("TO", keep=90, least=10), look.sink),
        Field(Column("OF", keep=80, least=12), look.wanted),
        Field(Column("DONE", right=True, keep=60), lambda item: str(item.get("delivered", 0))),
        Field(Column("LOST", right=True, keep=70), _failed),
        Field(
            Column("", keep=40, least=16),
            lambda item: Cell(look.problem(item), "bad"),
        ),
    ]
    output.rows(session, found, fields, KEYS, "nobody subscribed; wb activity subscribe --help")


def _failed(item: dict[str, Any]) -> Cell:
    count = item.get("failed", 0)
    return Cell(str(count), "bad" if count else "quiet")


@command("unsubscribe", cls=Command)
@NAME
@click.pass_obj
def unsubscribe(session: Session, name: str) -> None:
    """End a subscription."""
    session.call("subscriptions", "remove", name=name)
    output.note(session, f"{clean_name(name)} hears of nothing any more")


@command("test", cls=Command)
@NAME
@click.pass_obj
def test(session: Session, name: str) -> None:
    """Hand a made-up event (kind Test, sequence 0) to a subscription now, and say how it went."""
    found = session.call("subscriptions", "test", name=name)
    if not found["delivered"]:
        problem = clean_name(str(found.get("problem") or ""), 400)
        raise WorkbenchError(f"it was not delivered: {problem}", "see docs/alerts.md")
    output.note(session, "delivered")
