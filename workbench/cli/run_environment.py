"""wb run env: what a run ran in."""

from __future__ import annotations

from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Listing, command
from workbench.cli.session import Session
from workbench.text.sanitize import clean, clean_name
from workbench.text.tables import Cell
from workbench.views import environments as look

MOST = 200


@command("env", cls=Listing)
@click.argument("run", shell_complete=complete.run)
@click.option("--freeze", is_flag=True, help="Print what was installed alone, as a requirements file.")
@click.pass_obj
def environment(session: Session, run: str, freeze: bool) -> None:
    """Show what a run ran in: its environment's definition, and what was installed exactly."""
    found = session.call("runs", "environment", run=run)
    installed = found.get("installed") or {}
    if freeze:
        packages: dict[str, str] = next(iter(installed.values()), {})
        text = "".join(f"{clean_name(name)}=={clean_name(packages[name])}\n" for name in sorted(packages))
        output.write(session, text)
        return
    version = found.get("version")
    facts: list[tuple[str, Cell | str]] = [
        ("environment", clean_name(str(found.get("environment") or "the target's own interpreter"), 300))
    ]
    if version is not None:
        facts += [fact for fact in look.facts(version, session.clock()) if fact[0] not in ("name", "version")]
    facts += [("interpreters", "\n".join(map(_interpreter, found.get("interpreters") or [])))]
    facts += [("installed", _installed(path, packages)) for path, packages in installed.items()]
    if output.chosen_format(session) not in ("json", "jsonl") and version is not None:
        found = {**found, "version": {key: value for key, value in version.items() if key != "lock"}}
    output.record(session, found, facts)


def _interpreter(item: dict[str, Any]) -> str:
    return clean_name(f"{item.get('path')} ({item.get('version')})", 300)


def _installed(path: str, packages: dict[str, str]) -> str:
    lines = [f"{name}=={packages[name]}" for name in sorted(packages)]
    more = [f"and {len(lines) - MOST} more: --freeze prints them"] if len(lines) > MOST else []
    return clean("\n".join([f"in {path}:", *lines[:MOST], *more]), 40 * MOST)
