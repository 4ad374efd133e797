"""`--to -`: standard output where a command writes data, refused in words where it writes files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

STDOUT = "-"
TO_FILE = "Write to a file instead of standard output, which is `-`."


def to_file(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """The callback of an option that names a file for what else is printed: None for `-`."""
    return None if str(value) == STDOUT else value


def to_place(instead: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """The callback of an option that names where files are made: `-` is refused. instead: what to do."""

    def checked(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        if str(value) == STDOUT:
            raise click.BadParameter(f"{STDOUT} is standard output, which takes no files: {instead}")
        return value

    return checked
