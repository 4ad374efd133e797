"""Attaching a machine: a host of ~/.ssh/config or an address one types, then a card of what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

from workbench.errors import WorkbenchError
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.form import Field, Form
from workbench.tui.dialogs.notice import Notice
from workbench.tui.dialogs.pick import Choice, Pick
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.compute.signing_in import sign_in
from workbench.workspace.ssh_hosts import ssh_hosts

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

TYPED = "\x00typed"


async def attach(app: Dashboard) -> None:
    """Ask which machine and attach it. Has to be called from a worker."""
    try:
        known = {target["name"] for target in await app.services.call("compute", "list")}
    except WorkbenchError as problem:
        app.complain(problem)
        return
    hosts = [host for host in await asyncio.to_thread(ssh_hosts) if host.name not in known]
    name: str | None = TYPED
    if hosts:
        choices = [Choice(host.name, host.name, host.address) for host in hosts]
        choices.append(Choice(TYPED, "another address ...", "user@host:port"))
        name = await app.push_screen_wait(Pick("Attach a machine", choices, do="attach"))
    if name == TYPED:
        await _typed(app, known)
    elif name:
        await attach_as(app, name, {"address": name})


async def _typed(app: Dashboard, known: set[str]) -> None:
    def check(values: Mapping[str, str]) -> dict[str, str]:
        wrong = {}
        if not values["address"].strip():
            wrong["address"] = "an address is wanted: user@host, user@host:2222, or a Host of ~/.ssh/config"
        if values["name"].strip() in known:
            wrong["name"] = f"{values['name']} is attached already"
        return wrong

    def command(values: Mapping[str, str]) -> str:
        name, address = _named(values), values["address"].strip()
        jump = f" --jump {values['jump'].strip()}" if values["jump"].strip() else ""
        return f"wb compute attach {name} {address}{jump}"

    asked = [
        Field("address", "address", "", "user@host or user@host:port"),
        Field("name", "name", "", "named after the host"),
        Field("jump", "through", "", "a jump host, if there is one"),
        Field("identity", "key", "", "a private key file; else the agent and the usual ones"),
    ]
    dialog = Form("Attach a machine", asked, do="attach", check=check, command=command)
    values = await app.push_screen_wait(dialog)
    if values is not None:
        said = {key: values[key].strip() for key in ("address", "jump", "identity")}
        settings = {key: value for key, value in said.items() if value}
        await attach_as(app, _named(values), settings)


def _named(values: Mapping[str, str]) -> str:
    """The name, or one made of the address."""
    host = values["address"].strip().rpartition("@")[2].partition(":")[0].partition(".")[0]
    return values["name"].strip() or host


async def attach_as(app: Dashboard, name: str, settings: Mapping[str, Any]) -> None:
    """Attach a machine under a name and show what was found. Has to be called from a worker."""
    app.notify(f"reaching {clean_name(name)} ...", timeout=3, markup=False)
    try:
        found = await sign_in(app, name, "attach", {"kind": "ssh", "settings": dict(settings)})
    except WorkbenchError as problem:
        app.complain(problem)
        return
    if found is None:
        return
    app.tell(Dirty(targets={name}))
    card = found.get("card") or {}
    said = Text("\n".join(clean_name(line, 200) for line in card.get("lines") or []))
    for warning in card.get("warnings") or []:
        words = warning if isinstance(warning, str) else str(warning.get("text", ""))
        said.append(f"\n\n{clean_name(words, 400)}", "italic")
    said.append("\n\nNext: R sends a directory's command there.", "bold")
    await app.push_screen_wait(Notice(f"{clean_name(name)} is attached", said))
