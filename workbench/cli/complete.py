"""What the Tab key offers: names of runs, machines, experiments, metrics, files, asked of the workspace."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem

from workbench.cli.session import Session
from workbench.errors import WorkbenchError
from workbench.text import states

_WORD = re.compile(r"[\w.-]+")

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _asked(read: Callable[[click.Context], Iterable[str]]) -> Complete:
    """What read finds and begins with the word so far; nothing where it cannot be asked."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        try:
            return [text for text in dict.fromkeys(read(context)) if text.startswith(incomplete)]
        except (WorkbenchError, OSError):
            return []  # a shell that is completing has no place for an error

    return complete


def _call(context: click.Context, noun: str, method: str, **parameters: Any) -> Any:
    return context.ensure_object(Session).call(noun, method, **parameters)


def _places(context: click.Context) -> Iterable[str]:
    """Runs by where they stand: the newest, the best, and the best of each experiment."""
    found = _call(context, "experiments", "list")
    return ["@1", "@best", *(f"@best:{item['name']}" for item in found)]


def _names(runs: list[dict[str, Any]]) -> Iterable[str]:
    """How runs are named on a command line: by id where a name would need quotes, or do worse than that."""
    return (str(run["name"] if _WORD.fullmatch(str(run["name"])) else run["id"]) for run in runs)


def _of_run(method: str, key: str) -> Complete:
    """Things of the run that the command line names already."""

    def read(context: click.Context) -> Iterable[str]:
        named = context.params.get("run")
        return [str(item[key]) for item in _call(context, "runs", method, run=named)] if named else []

    return _asked(read)


def _targets(context: click.Context) -> list[str]:
    return [str(item["name"]) for item in _call(context, "compute", "list")]


def _pools(context: click.Context) -> list[str]:
    return [str(item["name"]) for item in _call(context, "compute", "pools")]


def _environments(context: click.Context) -> Iterable[str]:
    """Names of environments, and of presets."""
    found = _call(context, "environments", "list"), _call(context, "environments", "presets")
    return [str(item["name"]) for items in found for item in items]


def environment(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of environments; their versions and aliases once a ":" or "@" was typed; files of this side."""
    name, mark = re.split("[:@]", incomplete, maxsplit=1)[0], re.search("[:@]", incomplete)
    if mark is not None:
        read = _asked(lambda context: _versions(context, name, mark.group()))
        return [CompletionItem(text) for text in read(context, parameter, incomplete)]
    found = [CompletionItem(text) for text in _environment(context, parameter, incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


def _versions(context: click.Context, name: str, mark: str) -> Iterable[str]:
    for item in _call(context, "environments", "list", name=name):
        for text in [str(item["version"])] if mark == ":" else item["aliases"]:
            yield f"{name}{mark}{text}"


def run(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of runs; @1, @best and @best:EXPERIMENT once an @ was typed."""
    read = _run_at if incomplete.startswith("@") else _run_named
    return read(context, parameter, incomplete)


def file(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files of this side, found by the shell."""
    return [CompletionItem(incomplete, type="file")]


_run_at = _asked(_places)
_run_named = _asked(lambda context: _names(_call(context, "runs", "list", limit=200)))
active_run = _asked(lambda context: _names(_call(context, "runs", "list", active=True, limit=200)))
target = _asked(_targets)
_environment = _asked(_environments)
view = _asked(lambda context: [str(item["name"]) for item in _call(context, "views", "list")])
comparison = _asked(lambda context: [str(item["name"]) for item in _call(context, "comparisons", "list")])
pool = _asked(_pools)
place = _asked(lambda context: [*_targets(context), *_pools(context), "any"])
experiment = _asked(lambda context: [str(item["name"]) for item in _call(context, "experiments", "list")])
state = _asked(lambda context: [name.lower() for name in states.RUN])
metric = _of_run("metrics", "name")
kept_file = _of_run("files", "path")
datastore = _asked(lambda context: [str(item["name"]) for item in _call(context, "datastores", "list")])
dataset = _asked(lambda context: [str(item["name"]) for item in _call(context, "datasets", "list")])
secret = _asked(lambda context: [str(item["name"]) for item in _call(context, "secrets", "list")])
model = _asked(lambda context: [str(item["name"]) for item in _call(context, "models", "list")])
