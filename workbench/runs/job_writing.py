"""A run configuration as the YAML of a job file: what a rerun or a dry run prints. Pure."""

from __future__ import annotations

import shlex
from typing import Any

import yaml

from workbench.entities.configuration import DataInput, DataOutput, Distribution, OnEnd, RunConfiguration
from workbench.environments import reference
from workbench.environments.reference import Form
from workbench.runs import scalars
from workbench.runs.job_fields import SERVICES
from workbench.runs.job_paths import is_address
from workbench.runs.job_processes import PROCESSES
from workbench.runs.yaml_tree import Place, Scalar

_SERVICE = {tool: service for service, tool in SERVICES.items()}


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
        "environment": _environment(c.environment),
        "distribution": _distribution(c.distribution),
        "inputs": {n: _input(c, n) for n in c.inputs} | {n: _data(v) for n, v in c.data_inputs.items()}
        or None,
        "outputs": {name: _output(output) for name, output in c.outputs.items()} or None,
        "environment_variables": c.environment_variables or None,
        "resources": _said(
            gpus=c.gpus,
            cpus=c.cpus,
            priority=c.priority or None,
            shm_size=c.shm_size,
            docker_args=[_Quoted(word) for word in c.docker_args] or None,
        ),
        "services": {name: {"type": _SERVICE[tool]} for name, tool in c.services.items()} or None,
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


def _environment(text: str | None) -> Any:
    """A mapping for an interpreter and for what was written out in place, else the text."""
    if text is None:
        return None
    found = reference.read(text)
    if found.form is Form.PYTHON:
        return {"python": text}
    if found.definition is None:
        return _Quoted(text)
    said = dict(found.definition)
    file = said.pop("dockerfile_path", None)
    if "build" in said:
        said["build"] = _said(path=said["build"], dockerfile_path=file)
    if "conda" in said:
        said["conda_file"] = said.pop("conda")
    return _texts(said)


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return _Quoted(value) if isinstance(value, str) else value


def _distribution(asked: Distribution | None) -> dict[str, Any] | None:
    if asked is None:
        return None
    if asked.type != "tensorflow":
        return {"type": asked.type, PROCESSES: asked.processes}
    workers = asked.processes - asked.parameter_servers
    return {"type": asked.type, "worker_count": workers, "parameter_server_count": asked.parameter_servers}


def _data(data: DataInput) -> dict[str, Any]:
    return {"type": data.type, "path": _Quoted(data.asset or data.path), "mode": data.mode}


def _output(output: DataOutput) -> dict[str, Any] | None:
    """Nothing where nothing was said."""
    said = _said(
        type=output.type if output.type != "uri_folder" else None,
        path=_Quoted(output.path) if output.path is not None else None,
        mode=output.mode if output.mode != "rw_mount" else None,
        name=_Quoted(output.name) if output.name is not None else None,
    )
    return said


def _input(c: RunConfiguration, name: str) -> Any:
    value, text = c.inputs[name], _written(c, name)
    if isinstance(value, str):
        return {"type": "string", "default": _Quoted(value)} if is_address(value) else _Quoted(value)
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
