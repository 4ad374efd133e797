"""Forwards as cells and words, for both faces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench.errors import UsageError
from workbench.text.sanitize import clean_name
from workbench.text.tables import Cell

Forward = Mapping[str, Any]
TOOLS = {"tensorboard": "TensorBoard", "jupyter": "Jupyter"}
_HOST = r"[^:\s]*[^:\s\d][^:\s]*"  # what is all digits is a port
_PLACE = re.compile(rf"^(?:(?P<local>\d{{1,5}}):)?(?:(?P<host>{_HOST}):)?(?P<port>\d{{1,5}})\Z")
_ROLES = {"open": "good", "starting": "waiting", "waiting": "warn"}


def leads_to(forward: Forward) -> str:
    """Where it leads: a machine's port, another host as the machine knows it, a tool of a run."""
    target = clean_name(str(forward.get("target", "")), 64)
    tool = TOOLS.get(str(forward.get("tool")))
    if tool is not None:
        return f"{tool} on {target}"
    host = clean_name(str(forward.get("host", "")), 100)
    port = forward.get("port")
    return f"{target} port {port}" if host == "localhost" else f"{host} port {port} from {target}"


def run_of(forward: Forward) -> str:
    """The run it is for; empty for none."""
    return clean_name(str(forward.get("run_name") or forward.get("run") or ""), 100)


def state(forward: Forward) -> Cell:
    """How it stands."""
    said = clean_name(str(forward.get("state", "")), 20)
    return Cell(said, _ROLES.get(said, ""))


def shown_url(forward: Forward) -> str:
    """Its URL for a screen, where others may look on: what its page asks for is left out."""
    return clean_name(str(forward.get("url") or ""), 300).partition("?")[0]


def traffic(forward: Forward) -> str:
    """How many go through it now."""
    return str(forward.get("connections", 0))


def problem(forward: Forward) -> Cell:
    """What is wrong with it."""
    return Cell(clean_name(str(forward.get("problem") or ""), 300), "warn")


def place_of(text: str) -> dict[str, Any]:
    """What [LOCAL:][HOST:]PORT says; raises UsageError."""
    match = _PLACE.match(text)
    if match is None:
        raise UsageError(f"{clean_name(text)!r} is no port", "8888, 9000:8888 or 9000:other-host:8888")
    said = {"port": int(match["port"]), "local": int(match["local"] or 0), "host": match["host"]}
    return {name: value for name, value in said.items() if value is not None}
