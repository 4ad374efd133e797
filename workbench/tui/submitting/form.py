"""What the form of a new run means: options of `wb submit`, and the line one could type instead. Pure."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.tui.dialogs.form import Field
from workbench.tui.here import here

_SHELL = frozenset("|&;<>()$`*?~#\n{}[]!=")
"""Signs that make a command a line for the shell rather than words."""


def fields(
    *,
    code: str,
    command: str = "",
    target: str = "",
    experiment: str = "",
    gpus: str = "",
    default: str = "",
    targets: Sequence[str] = (),
    experiments: Sequence[str] = (),
    environments: Sequence[str] = (),
) -> list[Field]:
    """The form's fields; default: the machine that is taken where none is said."""
    usual = f"{default}, the default" if default else "the default machine"
    return [
        Field("code", "directory", code, "what is sent with it"),
        Field("command", "command", command, "python train.py --lr 3e-4"),
        Field("target", "machine", target, usual, targets),
        Field("experiment", "experiment", experiment, "named after the directory", experiments),
        Field("gpus", "gpus", gpus, "as many as the machine gives a run"),
        Field("environment", "environment", "", "the machine's own; or requirements.txt", environments),
        Field("name", "name", "", "made up"),
        Field("follow", "then", "yes", "open its log", switch=True),
    ]


def command_of(text: str) -> str | list[str]:
    """The command as `submit` takes it: exact words, or one line for the shell where it needs one."""
    words = text.strip()
    first = words.partition(" ")[0]
    if _SHELL & set(words) and not (set(words) & _SHELL <= {"="} and "=" not in first):
        return words
    try:
        return shlex.split(words)
    except ValueError:
        return words


def options(values: Mapping[str, str]) -> dict[str, Any]:
    """The options of `Workspace.configure` for the form's values."""
    found: dict[str, Any] = {"code": os.path.expanduser(values["code"].strip())}
    for key in ("target", "experiment", "name"):
        if values.get(key, "").strip():
            found[key] = values[key].strip()
    if values.get("gpus", "").strip():
        found["gpus"] = int(values["gpus"])
    if values.get("environment", "").strip():
        found["environment"] = environment_of(values)
    return found


def environment_of(values: Mapping[str, str]) -> str:
    """The environment: a file that is not here but in the directory that is sent is meant there."""
    text = os.path.expanduser(values.get("environment", "").strip())
    code = Path(os.path.expanduser(values["code"].strip())).resolve()
    beside = bool(text) and not (here() / text).exists() and (code / text).exists()
    return str(code / text) if beside else text


def command_line(values: Mapping[str, str]) -> str:
    """The command that does the same."""
    parts = ["wb submit"]
    for flag, key in (("-t", "target"), ("-e", "experiment"), ("--gpus", "gpus"), ("--name", "name")):
        if values.get(key, "").strip():
            parts += [flag, shlex.quote(values[key].strip())]
    code = values["code"].strip()
    if here() != Path(os.path.expanduser(code)).resolve():
        parts += ["--code", shlex.quote(code)]
    if environment := environment_of(values):
        parts += ["--env", shlex.quote(environment)]
    if values.get("follow"):
        parts.append("--follow")
    command = command_of(values["command"])
    return " ".join([*parts, "--", shlex.quote(command) if isinstance(command, str) else shlex.join(command)])


def check(values: Mapping[str, str]) -> dict[str, str]:
    """A sentence for each field that will not do."""
    wrong = {}
    if not values["command"].strip():
        wrong["command"] = "a command is wanted, such as python train.py"
    code = Path(os.path.expanduser(values["code"].strip() or "."))
    if not code.is_dir():
        wrong["code"] = f"{code} is no directory here"
    gpus = values.get("gpus", "").strip()
    if gpus and not gpus.isdecimal():
        wrong["gpus"] = "gpus is a number; 0 hides them"
    return wrong
