"""Reads what a job file asks for at the end of its run. Pure; all mistakes are noted, not the first only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.entities.configuration import OnEnd
from workbench.remote.supervision.on_end import MOST
from workbench.runs import scalars
from workbench.runs.expressions import has_expressions
from workbench.runs.yaml_tree import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from workbench.runs.job_reading import JobReader

KEYS = ("command", "webhook", "webhook_secret", "allow", "plain_http", "sign")
WAYS = ("command", "webhook", "webhook_secret")


def read_on_end(node: Node, path: str, reader: JobReader) -> list[OnEnd] | None:
    """The entries that could be read: a bare text is a shell line; one mapping stands for a list of one."""
    items = node.items if isinstance(node, Sequence) else (node,)
    if len(items) > MOST:
        reader.complain(node.place, path, f"has more than {MOST} entries")
        return None
    found = []
    for number, item in enumerate(items):
        name = f"{path}[{number}]"
        if isinstance(item, Scalar):
            command = reader.command(item, name)
            entry = None if command is None else OnEnd(command=command)
        elif isinstance(item, Mapping):
            entry = _entry(item, name, reader)
        else:
            reader.complain(item.place, name, "must be a shell line, or a mapping with command or webhook")
            entry = None
        if entry is not None and any(map(has_expressions, _words(entry))):
            reader.complain(item.place, name, "${{...}} is replaced in command only")
        elif entry is not None:
            found.append(entry)
    return found


def _words(entry: OnEnd) -> list[str]:
    return (
        [entry.command] if isinstance(entry.command, str) else [*(entry.command or []), entry.webhook or ""]
    )


def _entry(node: Mapping, path: str, reader: JobReader) -> OnEnd | None:
    said: dict[str, Any] = {}
    before = len(reader.problems)
    for key, value in node.entries:
        name = f"{path}.{key.text}"
        if key.text not in KEYS:
            reader.complain(key.place, name, f"unknown field; known are {', '.join(KEYS)}")
        elif key.text == "command":
            said["command"] = _command(value, name, reader)
        elif key.text == "allow":
            said["allow"] = _texts(value, name, reader)
        elif not isinstance(value, Scalar):
            reader.complain(value.place, name, "must be text")
        elif key.text == "plain_http":
            said["plain_http"] = scalars.boolean(value.text)
            if said["plain_http"] is None:
                reader.complain(value.place, name, "must be true or false")
        else:
            said[key.text] = reader.text(value, name, one_line=True)
    ways = [way for way in WAYS if way in said]
    if len(ways) != 1 and len(reader.problems) == before:
        reader.complain(node.place, path, f"must have one of {', '.join(WAYS)}")
    if len(reader.problems) > before:
        return None
    return _checked(OnEnd(**said), node, path, reader)


def _checked(entry: OnEnd, node: Mapping, path: str, reader: JobReader) -> OnEnd | None:
    """The entry with its own host allowed where nothing else is said; None when nothing may be posted."""
    if entry.command is not None:
        if entry.allow or entry.plain_http or entry.sign is not None:
            reader.complain(node.place, path, "allow, plain_http and sign belong to a webhook")
            return None
        return entry
    if entry.webhook is None:
        if not entry.allow:
            reader.complain(node.place, path, "allow must name the host that is posted to")
            return None
        return entry
    from workbench.remote.supervision.webhook import (  # brings TLS
        Undelivered,
        check_allowed,
        literal,
        place_of,
    )

    try:
        place = place_of(entry.webhook, entry.plain_http)
        # A number may be of a private network: it is allowed by hand only.
        allow = entry.allow or ([place.host] if literal(place.host) is None else [])
        check_allowed(place, allow)
    except Undelivered as refused:
        reader.complain(node.place, f"{path}.webhook", refused.message)
        return None
    return OnEnd(webhook=entry.webhook, allow=allow, plain_http=entry.plain_http, sign=entry.sign)


def _command(node: Node, path: str, reader: JobReader) -> list[str] | str | None:
    if isinstance(node, Sequence):
        words = _texts(node, path, reader)
        if not words or not words[0].strip():
            reader.complain(node.place, path, "is empty: say what to run")
            return None
        return words
    return reader.command(node, path)


def _texts(node: Node, path: str, reader: JobReader) -> list[str]:
    """The texts of a list, or of one text alone."""
    items = node.items if isinstance(node, Sequence) else (node,)
    found = []
    for number, item in enumerate(items):
        if not isinstance(item, Scalar):
            reader.complain(item.place, f"{path}[{number}]", "must be text")
        elif (text := reader.text(item, f"{path}[{number}]")) is not None:
            found.append(text)
    return found


def check_secrets(entries: list[OnEnd], secrets: list[str], reader: JobReader) -> None:
    """Note the secrets that entries name and the run does not have."""
    for number, entry in enumerate(entries):
        for field in ("webhook_secret", "sign"):
            name = getattr(entry, field)
            if name is not None and name not in secrets:
                place = reader.places["workbench.on_end"]
                message = f"{name} is no secret of the run; name it in workbench.secrets"
                reader.complain(place, f"workbench.on_end[{number}].{field}", message)
