"""What is done with forwarded ports: opened, closed, added; a run's TensorBoard and Jupyter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.confirm import Confirm
from workbench.tui.dialogs.form import Field, Form
from workbench.tui.model.dirty import Dirty
from workbench.views import forwards as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

REMOTE = ("SSH_TTY", "SSH_CONNECTION")


def show(app: Dashboard, forward: Mapping[str, Any]) -> None:
    """Open its page in the browser of this desk; where there is none, copy its URL to whoever sits at it."""
    url = str(forward.get("url") or "")
    there = any(app.environ.get(name) for name in REMOTE)
    desk = any(app.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    if there or not desk:
        app.copy_to_clipboard(url)  # not shown: it may hold what its page asks for
        app.notify(f"URL copied: {look.shown_url(forward)}", timeout=3, markup=False)
        return
    import webbrowser

    app.run_worker(lambda: webbrowser.open(url), name="browser", thread=True, exit_on_error=False)
    app.notify(f"opening {look.shown_url(forward)}", timeout=3, markup=False)


async def add(app: Dashboard, target: str) -> None:
    """Ask for a port and lead one of this machine to it. Has to be called from a worker."""
    names = [str(found["name"]) for found in await app.services.call("compute", "list")]

    def check(values: Mapping[str, str]) -> dict[str, str]:
        wrong = {}
        if values["target"].strip() not in names:
            wrong["target"] = "the name of a machine that is attached"
        try:
            look.place_of(values["place"].strip())
        except UsageError as problem:
            wrong["place"] = problem.hint
        return wrong

    def command(values: Mapping[str, str]) -> str:
        return f"wb compute forward {values['target'].strip() or 'NAME'} {values['place'].strip() or 'PORT'}"

    fields = [
        Field("target", "machine", target, "whose port it is", names),
        Field("place", "port", "", "8888, 9000:8888 for another one here, 9000:host:8888 for another host"),
    ]
    form = Form("Forward a port", fields, do="forward", check=check, command=command, first="place")
    values = await app.push_screen_wait(form)
    if values is not None:
        place = look.place_of(values["place"].strip())
        found = await app.services.call("forwards", "add", target=values["target"].strip(), **place)
        told(app, found)


async def close(app: Dashboard, forward: Mapping[str, Any]) -> None:
    """Close one, after a yes. Has to be called from a worker."""
    tool = look.TOOLS.get(str(forward.get("tool")))
    ends = f"{tool} ends with it, and whatever it runs." if tool else "What goes through it now is cut off."
    title = f"Close port {forward['local']}, which leads to {look.leads_to(forward)}?"
    if await app.push_screen_wait(Confirm(title, ends, do="close it")):
        await app.services.call("forwards", "remove", local=forward["local"])
        app.tell(Dirty(forwards={str(forward["local"])}))


async def serve(app: Dashboard, run: Mapping[str, Any], tool: str) -> None:
    """Start a tool of a run and lead to it; its URL is copied. Raises WorkbenchError."""
    name = clean_name(str(run.get("name") or run["id"]), 60)
    app.notify(f"starting {look.TOOLS[tool]} for {name} ...", timeout=5, markup=False)
    told(app, await app.services.call("forwards", "serve", run=run["id"], tool=tool))


def told(app: Dashboard, forward: Mapping[str, Any]) -> None:
    """Say where a new one is, and have it on the clipboard."""
    app.tell(Dirty(forwards={str(forward["local"])}))
    show(app, forward)
    words = f"{look.leads_to(forward)}: {look.shown_url(forward)}\nctrl+o lists all of them"
    app.notify(words, title="forwarded", timeout=8, markup=False)
