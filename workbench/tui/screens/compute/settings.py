"""A machine's settings in a form, with the command line that does the same."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Any

from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.form import Field, Form, Values
from workbench.tui.model.dirty import Dirty

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

NUMBERS = ("gpus", "slots")
SECONDS = ("grace", "power_timeout")
POWER = ("start", "stop", "restart", "power_timeout")
TEXTS = ("python", "root", *NUMBERS, "grace", "setup", "container_engine", *POWER)
AUTO = "auto"
ENGINES = (AUTO, "podman", "docker", "nerdctl", "none")
"""What runs containers: looked for, one of these, a command of its own, or nothing."""
LABELS = {"container_engine": "containers by"}
HINTS = {
    "python": "the interpreter runs use there",
    "root": "~/.workbench there",
    "gpus": "GPUs of a run that does not say",
    "slots": "runs at once; 0: no limit",
    "grace": "seconds between TERM and KILL",
    "setup": "a shell line before each command",
    "container_engine": "auto, podman, docker, nerdctl, none",
    "start": "a shell line of this side that switches it on",
    "stop": "one that switches it off",
    "restart": "else stop, then start",
    "power_timeout": "seconds these may take",
}


def fields(target: Mapping[str, Any]) -> list[Field]:
    """The form's fields, filled with what is set."""
    now = target.get("settings") or {}
    found = []
    for key in _offered(target):
        words = ENGINES if key == "container_engine" else ()
        label = LABELS.get(key, key.replace("_", " "))
        found.append(Field(key, label, _text(key, now.get(key)), HINTS[key], words))
    protected = "yes" if now.get("protected") else ""
    found.append(Field("protected", "", protected, "ask for its name before detaching", switch=True))
    default = "yes" if target.get("default") else ""
    found.append(Field("default", "", default, "runs go here by default", switch=True))
    return found


def _offered(target: Mapping[str, Any]) -> tuple[str, ...]:
    """The settings that make sense: this machine is not switched on from itself."""
    return tuple(key for key in TEXTS if target.get("kind") != "local" or key not in POWER)


def _text(key: str, value: Any) -> str:
    """A setting as a line; a command that was set as its words is shown as a shell would read it."""
    if key == "container_engine":
        return str(value) if value else AUTO
    if isinstance(value, list):
        return shlex.join(value) if key in POWER else "; ".join(value)
    return "" if value is None else str(value)


def _seconds(key: str, text: str) -> float:
    try:
        found = float(text.removesuffix("s"))
    except ValueError:
        found = -1.0
    if not 0 <= found < inf:
        raise ValueError(f"{key.replace('_', ' ')} is a number of seconds, not {text}")
    return found


def changes(target: Mapping[str, Any], values: Values) -> dict[str, Any]:
    """What `compute.set` is to change. Raises ValueError with a sentence."""
    now = target.get("settings") or {}
    found: dict[str, Any] = {}
    for key in _offered(target):
        text = values[key].strip()
        if text == _text(key, now.get(key)):
            continue
        value: Any = text or None
        if key in NUMBERS and text:
            if not text.isdecimal():
                raise ValueError(f"{key} is a number, not {text}")
            value = int(text)
        elif key in SECONDS and text:
            value = _seconds(key, text)
        elif key == "container_engine":
            value = None if text in ("", AUTO) else text
            if value is None and not now.get(key):
                continue
        elif key == "setup":
            value = [text] if text else []
        found[key] = value
    if bool(values["protected"]) != bool(now.get("protected")):
        found["protected"] = bool(values["protected"])
    return found


def command_line(target: Mapping[str, Any], values: Values) -> str:
    """The command that does the same."""
    try:
        found = changes(target, values)
    except ValueError:
        return f"wb compute set {target['name']} ..."
    words = [f"wb compute set {target['name']}"]
    for key, value in found.items():
        text = value[0] if isinstance(value, list) and value else "" if value in (None, []) else str(value)
        words.append(shlex.quote(f"{key}={text.lower() if isinstance(value, bool) else text}"))
    if values["default"] and not target.get("default"):
        words.append("--default")
    return " ".join(words)


async def edit(app: Dashboard, name: str) -> None:
    """Show the form, and change what was changed in it. For a worker; raises WorkbenchError."""
    target = await app.services.call("compute", "get", name=name)

    def check(values: Values) -> dict[str, str]:
        try:
            changes(target, values)
        except ValueError as problem:
            return {"": str(problem)}
        return {}

    dialog = Form(
        f"Settings of {clean_name(name)}",
        fields(target),
        do="set",
        check=check,
        command=lambda values: command_line(target, values),
    )
    values = await app.push_screen_wait(dialog)
    if values is None:
        return
    wanted = changes(target, values)
    if wanted:
        await app.services.call("compute", "set", name=name, changes=wanted)
    if values["default"] and not target.get("default"):
        await app.services.call("compute", "default", name=name)
    app.tell(Dirty(targets={name}))
