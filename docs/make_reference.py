"""Writes docs/reference.md from the commands themselves; `--check` only says whether it is current."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from workbench.cli.main import build

PAGE = Path(__file__).parent / "reference.md"
CELLS = 100
HEAD = """# Commands

Written by docs/make_reference.py from the commands' own help; a test keeps it current.

**What comes out.** Data goes to standard output, everything else to standard error. On a terminal data is a
table, in a pipe lines of tab-separated values; `-o json`, `jsonl` or `csv` choose, `--to FILE` writes to a
file instead (and takes the format from its name). JSON has the fields of the things themselves, times in UTC
as RFC 3339. What is not known is absent. `NO_COLOR` switches colours off, `CLICOLOR_FORCE=1` on, `COLUMNS`
sets the width.

**How a run is named.** By its name (`calm-otter-42`), by its id or the beginning of it, by `@1` (the newest),
`@2` and so on, or by `@best` (the best of the newest run's experiment, by the metric it is judged by).
`@best:mnist` and `@1:mnist` are the best and the newest run of that experiment.

**How a command ends.**

| code | meaning |
|---|---|
| 0 | done |
| 1 | the thing failed: a run that was waited for, a machine that is not well |
| 2 | the words do not fit |
| 3 | there is no such thing |
| 4 | a machine cannot be reached, or wants a sign-in |
| 5 | refused: exists already, is protected, a no to a question, a tree over the limits |
| 130 | interrupted |

`wb compute exec` ends with its command's own code. An error is one line and one hint; `--debug` adds the
traceback.

**What the environment says.** `WORKBENCH_HOME` moves everything kept on this side, `WORKBENCH_WORKSPACE`
names the workspace, `WORKBENCH_EMBEDDED=1` does without the local server, unless one runs. More in
[settings](settings.md).
"""


def commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below a group, in the order its help lists them."""
    context = click.Context(group, info_name=path[-1])
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def page() -> str:
    """The whole page."""
    root = build()
    found = list(commands(root, ("wb",)))
    links = [f"[{' '.join(path[1:])}](#{'-'.join(path)})" for path, _ in found if len(path) == 2]
    parts = [HEAD, f"\n{' · '.join(links)}\n", _entry(("wb",), root)]
    return "".join([*parts, *(_entry(path, command) for path, command in found)])


def _entry(path: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(
        command,
        info_name=" ".join(path),
        terminal_width=CELLS,
        help_option_names=["-h", "--help"],
        max_content_width=CELLS,
    )
    marks = "##" if len(path) <= 2 else "###"
    return f"\n{marks} {' '.join(path)}\n\n```\n{command.get_help(context)}\n```\n"


def main() -> int:
    """Write the page, or with --check exit 1 when it is not current."""
    text = page()
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.exists() and PAGE.read_text("utf-8") == text else 1
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
