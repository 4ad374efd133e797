"""wb compute forward, forwards; wb run forward: ports of this machine that lead to others'."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Listing, command
from workbench.cli.progress import waiting
from workbench.cli.session import Session
from workbench.errors import UsageError
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell, Column, Field
from workbench.views.forwards import TOOLS, leads_to, place_of, problem, run_of, state, traffic

KEYS = ("local", "target", "host", "port", "run", "tool", "state", "url", "connections", "served", "problem")


@command("forward", cls=Listing)
@click.argument("name", shell_complete=complete.target)
@click.argument("place", metavar="[LOCAL:][HOST:]PORT")
@click.pass_obj
def forward(session: Session, name: str, place: str) -> None:
    """Lead a port of this machine to one of another; prints its URL.

    It stays until it is removed (wb compute forwards --remove), over reconnects and restarts of the local
    server. Without LOCAL any free port is taken. HOST is another one, as the machine knows it. Who is on this
    machine can use it; nobody else can.
    """
    _print_one(session, session.call("forwards", "add", target=name, **place_of(place)))


@command("forward", cls=Listing)
@click.argument("run", shell_complete=complete.run)
@click.argument("place", metavar="[LOCAL:]PORT", required=False)
@click.option("--tensorboard", "tool", flag_value="tensorboard", help="Start TensorBoard there, lead to it.")
@click.option("--jupyter", "tool", flag_value="jupyter", help="Start Jupyter there, lead to it.")
@click.pass_obj
def run_forward(session: Session, run: str, place: str | None, tool: str | None) -> None:
    """Lead a port of this machine to a run's: until the run is over; prints its URL.

    TensorBoard and Jupyter are started in the run's folder by its interpreter, also for a run that is over.
    They end when the forward is removed, and ten minutes after nobody could reach them any more.
    """
    if (place is None) == (tool is None):
        raise UsageError("say a port, or a tool, one of them", f"wb run forward {run} --tensorboard")
    if place is not None:
        _print_one(session, session.call("forwards", "add", run=run, **place_of(place)))
        return
    words = f"starting {TOOLS[str(tool)]} ..."
    with waiting(session.terminal.stderr, session.terminal.cells, words):
        found = session.call("forwards", "serve", run=run, tool=tool)
    _print_one(session, found)


@command("forwards", cls=Listing)
@click.option("--remove", "removed", type=int, multiple=True, metavar="LOCAL", help="Close one (repeatable).")
@click.pass_obj
def forwards(session: Session, removed: tuple[int, ...]) -> None:
    """List the ports that lead to other machines, or close some."""
    for local in removed:
        session.call("forwards", "remove", local=local)
    if removed:
        output.note(session, f"closed {', '.join(map(str, removed))}")
        return
    print_forwards(session, session.call("forwards", "list"))


def print_forwards(session: Session, found: list[dict[str, Any]]) -> None:
    """Print forwards as a list."""
    fields = [
        Field(Column("STATE", keep=90), state),
        Field(Column("LOCAL", right=True, keep=100), lambda one: str(one["local"])),
        Field(Column("LEADS TO", keep=95, least=12), leads_to),
        Field(Column("RUN", keep=60, least=8), run_of),
        Field(Column("NOW", right=True, keep=50), traffic),
        Field(Column("URL", keep=80, least=16), lambda one: clean_name(str(one.get("url") or ""), 300)),
    ]
    if any(one.get("problem") for one in found):
        fields.append(Field(Column("PROBLEM", keep=70, least=16), problem))
    output.rows(session, found, fields, KEYS, "no ports are forwarded; wb compute forward gpu1 8888 does it")


def _print_one(session: Session, found: dict[str, Any]) -> None:
    """Its URL alone, or all of it in a format that was asked for."""
    url = clean_name(str(found.get("url") or ""), 300)
    if session.format is not None or session.query is not None or session.to is not None:
        output.record(session, found, [("url", Cell(url)), ("leads to", Cell(leads_to(found)))])
        return
    print(url)
    close = f"wb compute forwards --remove {found['local']}"
    output.note(session, f"leads to {leads_to(found)}; to close it: {close}")
