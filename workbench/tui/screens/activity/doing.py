"""What is done on the activity page: a rule is silenced, somebody subscribes, tries it, ends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.text.durations import short
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.confirm import Confirm
from workbench.tui.dialogs.form import Field, Form, Values
from workbench.tui.dialogs.notice import Notice
from workbench.tui.dialogs.pick import Choice, Pick
from workbench.tui.model.dirty import Dirty
from workbench.views import subscriptions as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

KINDS = (
    "RunCompleted",
    "RunStatusChanged",
    "AlertRaised",
    "AlertCleared",
    "TargetChanged",
    "ActivityChanged",
)
SINKS = ("bell", "command", "webhook")
TIMES = (3600.0, 8 * 3600.0, 86400.0, 7 * 86400.0)


async def silence(app: Dashboard, alert: Mapping[str, Any]) -> None:
    """Ask how long a rule is to call nobody, and have it so. Raises WorkbenchError."""
    target, rule = str(alert["target"]), str(alert["rule"])
    choices = [Choice(str(seconds), short(seconds), "it is listed, and calls nobody") for seconds in TIMES]
    choices.append(Choice("0", "not at all", "it calls again"))
    title = f"Silence {clean_name(rule, 40)} of {clean_name(target, 60)}"
    chosen = await app.push_screen_wait(Pick(title, choices, do="silence"))
    if chosen is None:
        return
    await app.services.call("alerts", "silence", target=target, rule=rule, seconds=float(chosen))
    app.tell(Dirty(alerts={target}))


async def show_rules(app: Dashboard) -> None:
    """Show when each rule calls. Raises WorkbenchError."""
    cards = await app.services.call("alerts", "rules")
    lines = []
    for card in cards:
        off = " (off)" if card.get("off") else ""
        lines.append(f"{clean_name(card['rule'], 40)}{off}: {clean_name(card['condition'], 400)}")
    await app.push_screen_wait(Notice("When machines call", "\n".join(lines)))


async def subscribe(app: Dashboard) -> None:
    """Ask for what, and make it. Raises WorkbenchError."""
    fields = [
        Field("name", "name", "", "what it is called"),
        Field("kinds", "events", "RunCompleted", "kinds, with spaces between", KINDS),
        Field("data", "with", "", "values of its data: state=Failed"),
        Field("to", "to", "bell", "bell, command or webhook", SINKS),
        Field("where", "which", "", "a shell line, or https://..."),
    ]
    form = Form("Hear of events", fields, do="subscribe", check=_wrong, command=_command)
    values = await app.push_screen_wait(form)
    if values is None:
        return
    await app.services.call("subscriptions", "add", **parameters(values))
    app.tell(Dirty(subscriptions={values["name"].strip()}))


def _command(values: Values) -> str:
    return look.command_line(*(values[key].strip() for key in ("name", "kinds", "data", "to", "where")))


def _wrong(values: Values) -> dict[str, str]:
    """A sentence for each field that will not do."""
    wrong = {}
    if not values["name"].strip():
        wrong["name"] = "it needs a name"
    if any("=" not in pair.strip("=") for pair in values["data"].split()):
        wrong["data"] = "values are written KEY=VALUE"
    if values["to"].strip() not in SINKS:
        wrong["to"] = f"one of {', '.join(SINKS)}"
    elif values["to"].strip() != "bell" and not values["where"].strip():
        wrong["where"] = "say which command, or where to post"
    return wrong


def parameters(values: Values) -> dict[str, Any]:
    """What `subscriptions.add` takes; the host of a webhook is the one that may be posted to."""
    to, where = values["to"].strip(), values["where"].strip()
    chosen: dict[str, Any] = {}
    if values["kinds"].split():
        chosen["kinds"] = values["kinds"].replace(",", " ").split()
    if values["data"].split():
        chosen["data"] = dict(pair.split("=", 1) for pair in values["data"].split())
    found: dict[str, Any] = {"name": values["name"].strip(), "sink": to, "filter": chosen}
    if to == "command":
        found["command"] = where
    elif to == "webhook":
        host = look.host_of(where)
        found |= {"url": where, "allow": [host] if host else []}
    return found


async def test(app: Dashboard, subscription: Mapping[str, Any]) -> None:
    """Hand a made-up event over and say how it went. Raises WorkbenchError."""
    name = str(subscription["name"])
    found = await app.services.call("subscriptions", "test", name=name)
    if found["delivered"]:
        app.notify(f"{name}: delivered", timeout=3)
    else:
        app.notify(clean_name(str(found.get("problem") or ""), 300), title=name, severity="error", timeout=8)
    app.tell(Dirty(subscriptions={name}))


async def unsubscribe(app: Dashboard, subscription: Mapping[str, Any]) -> None:
    """End a subscription, after a yes. Raises WorkbenchError."""
    name = str(subscription["name"])
    said = f"{look.sink(subscription)} hears of nothing any more."
    if await app.push_screen_wait(Confirm(f"End the subscription {clean_name(name, 64)}?", said, do="end")):
        await app.services.call("subscriptions", "remove", name=name)
        app.tell(Dirty(subscriptions={name}))
