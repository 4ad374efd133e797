"""Settings of a machine as KEY=VALUE words of a command line. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from workbench.cli.parsing import assignments, setting
from workbench.errors import UsageError

KINDS = {
    "gpus": "int",
    "slots": "int",
    "login_shell": "bool",
    "install_python": "bool",
    "protected": "bool",
    "grace": "duration",
    "stream_cap": "size",
    "foreign_memory": "size",
    "foreign_utilisation": "int",
    "power_timeout": "duration",
}
"""Settings that are not text; the rest of `TargetSettings` is, or a list of it."""
LISTS = ("setup", "devices", "alerts_off")
TEXTS = (
    "address",
    "transport",
    "identity",
    "jump",
    "root",
    "lease_dir",
    "python",
    "ssh_config",
    "container_engine",
    "start",
    "stop",
    "restart",
)
VARIABLE = "environment_variables."
AUTO = "auto"
"""What container_engine may be set to for being looked for, as when nothing is set."""


def settings_of(words: Sequence[str], variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """KEY=VALUE words as typed changes of settings; a cleared one is None, a cleared list empty.

    variables are the environment variables set before: words change some of them. Raises UsageError for
    unknown keys and for values that do not fit.
    """
    changes: dict[str, Any] = {}
    for word in words:
        key, text = next(iter(assignments([word], "setting").items()))
        name = key.removeprefix(VARIABLE)
        key = key.replace("-", "_")
        if name and key.startswith(VARIABLE):
            kept = changes.setdefault("environment_variables", dict(variables or {}))
            kept.pop(name, None)
            kept |= {name: text} if text else {}
        elif key in LISTS:
            changes[key] = [*changes.get(key, []), *([text] if text else [])]
        elif key == "container_engine" and text == AUTO:
            changes[key] = None
        elif key in TEXTS or key in KINDS:
            changes[key] = setting(KINDS.get(key, "text"), key, text) if text else None
        else:
            known = (*TEXTS, *KINDS, *LISTS)
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"settings: {', '.join(known)}"
            raise UsageError(f"there is no setting {key!r}", hint)
    return changes
