"""A run configuration as the YAML of a job file: what a rerun or a dry run prints. Pure."""

from __future__ import annotations

import shlex
from typing import Any

import yaml

from workbench.entities.configuration import OnEnd, RunConfiguration
from workbench.runs import scalars
from workbench.runs.yaml_lines import Place, Scalar


class _Plain(str):
    """Text that is written without quotes."""


class _Quoted(str):
    """Text that is written in quotes, so that it is never read as a number."""


class _Dumper(yaml.SafeDumper):
    """Block style, lists indented, no anchors, several lines as they are."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _plain(dumper: yaml.SafeDumper, text: _Plain) -> yaml.ScalarNode:
    # The tag PyYAML itself would guess, whatever it is, so that it writes none.
    tag: str = dumper.resolve(yaml.ScalarNode, str(text), (True, False))  # type: ignore[no-untyped-call]
    return dumper.represent_scalar(tag, str(text))


def _quoted(dumper: yaml.SafeDumper, text: _Quoted) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Quotes escape what YAML would fold or take for the end of a line.
    odd = not text.replace("\n", "").isprintable()
    style = '"' if odd else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(_Plain, _plain)
_Dumper.add_representer(_Quoted, _quoted)
_Dumper.add_representer(str, _text)


def to_job_yaml(configuration: RunConfiguration) -> str:
    """The job file that reads as this configuration again.

    An exact argv becomes the shell line that runs the same words. Fields at their defaults are left out.
    """
    c = configuration
    job: dict[str, Any] = {
        "type": "command",
        "display_name": c.name,
        "experiment_name": c.experiment if c.experiment != "default" else None,
        "description": c.description,
        "command": _command(c),
        "code": c.code,
        "compute": c.target,
        "environment": {"python": c.environment} if c.environment is not None else None,
        "inputs": {name: _input(c, name) for name in c.inputs} or None,
        "environment_variables": c.environment_variables or None,
        "resources": _said(gpus=c.gpus, priority=c.priority or None),
        "limits": _said(timeout=_number(c.timeout)),
        "tags": c.tags or None,
        "workbench": _said(
            setup=c.setup or None,
            secrets=c.secrets or None,
            on_end=[_on_end(entry) for entry in c.on_end] or None,
            grace=_number(c.grace),
            retry=_said(count=c.retries.count, on=c.retries.on or None) if c.retries else None,
            collect_outputs=None if c.collect_outputs else False,
            ingest=None if c.ingest is True else c.ingest,
            mlflow=c.mlflow,
            snapshot_code=None if c.snapshot_code else False,
        ),
    }
    kept = {key: value for key, value in job.items() if value is not None}
    return yaml.dump(kept, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**6)


def _command(c: RunConfiguration) -> str:
    if isinstance(c.command, str):
        return c.template if isinstance(c.template, str) else c.command
    words = c.template if isinstance(c.template, list) else c.command
    texts = [_written(c, name) for name in c.inputs]
    # Quotes around an expression hold only values that need none themselves.
    return shlex.join(words if all(shlex.quote(text) == text for text in texts) else c.command)


def _input(c: RunConfiguration, name: str) -> Any:
    value, text = c.inputs[name], _written(c, name)
    if isinstance(value, str):
        return _Quoted(value)
    bare = scalars.literal(Scalar(Place(), text))
    if type(bare) is type(value) and bare == value:
        return _Plain(text)
    kind = {bool: "boolean", int: "integer", float: "number"}[type(value)]
    return {"type": kind, "default": _Plain(text)}


def _written(c: RunConfiguration, name: str) -> str:
    return c.written.get(name, scalars.plain_text(c.inputs[name]))


def _on_end(entry: OnEnd) -> Any:
    """A bare text where a shell line is all there is; an argv as a list."""
    if isinstance(entry.command, str):
        return entry.command
    return _said(
        command=[_Quoted(word) for word in entry.command] if entry.command is not None else None,
        webhook=entry.webhook,
        webhook_secret=entry.webhook_secret,
        allow=entry.allow or None,
        plain_http=entry.plain_http or None,
        sign=entry.sign,
    )


def _number(value: float | None) -> _Plain | None:
    if value is None:
        return None
    return _Plain(str(int(value)) if value.is_integer() else repr(value))


def _said(**fields: Any) -> dict[str, Any] | None:
    return {key: value for key, value in fields.items() if value is not None} or None
