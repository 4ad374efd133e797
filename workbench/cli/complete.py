"""What the Tab key offers: names of runs, machines and experiments, asked of the workspace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from workbench.cli.session import Session
from workbench.errors import WorkbenchError

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _names(noun: str, key: str, **parameters: Any) -> Complete:
    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        try:
            found = context.ensure_object(Session).call(noun, "list", **parameters)
        except (WorkbenchError, OSError):
            return []  # a shell that is completing has no place for an error
        return [str(item[key]) for item in found if str(item[key]).startswith(incomplete)]

    return complete


run = _names("runs", "name", limit=50)
target = _names("compute", "name")
experiment = _names("experiments", "name")
