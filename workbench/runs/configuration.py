"""A run configuration from a job file, from the words of a command line, or from both (AZ-126 to AZ-131).

The file is the `command` job YAML; `job_fields` holds its fields. Every mistake is reported at once, by field
and line (or by the words of the command line it came from).
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from workbench.entities.configuration import DataOutput, OnEnd, Retries, RunConfiguration
from workbench.entities.experiment import valid_experiment_name
from workbench.errors import ConfigurationError, NotFound
from workbench.remote.runs import retrying
from workbench.runs import overrides, runconfig, scalars
from workbench.runs.expressions import has_expressions, named_inputs, replace_expressions
from workbench.runs.job_data import Data
from workbench.runs.job_fields import JOB
from workbench.runs.job_inputs import Input
from workbench.runs.job_on_end import check_secrets
from workbench.runs.job_paths import Finder
from workbench.runs.job_reading import JobReader, shown
from workbench.runs.overrides import Options
from workbench.runs.yaml_lines import MAX_BYTES, read_yaml
from workbench.runs.yaml_tree import Broken, Mapping, Node, Place, Problem, Scalar

__all__ = [
    "Options",
    "command_of_words",
    "configuration_from_command",
    "load_job",
    "load_runconfig",
    "parse_job",
]

HINT = "docs/jobs.md lists the fields; --set FIELD=VALUE changes one from the command line"
OPTIONS_HINT = "wb submit --help lists the options"


def load_job(path: Path, sets: Iterable[str] = (), options: Options | None = None) -> RunConfiguration:
    """The configuration of a job file with what the command line adds to it.

    Paths of this side - `code`, data, files of an environment - become absolute: relative to the file, or to
    the current directory when an option said them. Raises NotFound when there is no such file and
    ConfigurationError with every mistake in it.
    """
    return parse_job(_text_of(path), str(path), sets, options, Finder(path.resolve().parent))


def load_runconfig(
    path: Path,
    sets: Iterable[str] = (),
    options: Options | None = None,
    script: str | None = None,
    arguments: list[str] | None = None,
) -> RunConfiguration:
    """The configuration of a `.runconfig` with what the command line adds to it (AZ-126).

    Its script and files are looked for in the folder above `.azureml`, else beside it. script, arguments: in
    place of the file's. Raises NotFound when there is no such file and ConfigurationError with every mistake.
    """
    source, text = str(path), _text_of(path)
    try:
        root, problems = read_yaml(text)
    except Broken as broken:
        raise _error(source, [broken.problem]) from broken
    tree = runconfig.job_tree(root, problems, script, arguments)
    return _read(tree, source, sets, options, Finder(runconfig.project_of(path)), problems)


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as problem:
        hint = "give the path of a job file, or -- COMMAND"
        raise NotFound(f"cannot read {path}: {problem.strerror}", hint) from problem
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        raise _error(str(path), [Problem(Place(line, 1), "", "the file is not UTF-8 text")]) from problem


def parse_job(
    text: str,
    source: str,
    sets: Iterable[str] = (),
    options: Options | None = None,
    finder: Finder | None = None,
) -> RunConfiguration:
    """The configuration that the YAML text of a job says, with what the command line adds to it.

    source names the text in errors. Without a finder paths stay as they are written. Raises
    ConfigurationError; its data["problems"] are mappings of line and column (or set), field, message.
    """
    try:
        root, problems = read_yaml(text)
    except Broken as broken:
        raise _error(source, [broken.problem]) from broken
    return _read(root, source, sets, options, finder, problems)


def configuration_from_command(
    command: list[str] | str, options: Options | None = None, sets: Iterable[str] = ()
) -> RunConfiguration:
    """The configuration of a command given by words: a list is an exact argv, one text a shell line.

    `code` of the options becomes an absolute path; without it the run's directory is empty. Raises
    ConfigurationError.
    """
    node: Node = overrides.argv_node(command) if isinstance(command, list) else overrides.line_node(command)
    place = node.place
    root = Mapping(place, ((Scalar(place, "command"), node),))
    return _read(root, "the command line", sets, options, Finder(Path.cwd()), [])


def command_of_words(words: list[str]) -> list[str] | str:
    """What stands after `--`: several words are an exact argv, one word is a shell line."""
    return words[0] if len(words) == 1 else words


def _read(
    root: Node,
    source: str,
    sets: Iterable[str],
    options: Options | None,
    finder: Finder | None,
    problems: list[Problem],
) -> RunConfiguration:
    changes = overrides.from_options(options or Options(), problems) + overrides.from_sets(sets, problems)
    root = overrides.apply(root, changes, problems)
    reader = JobReader(problems, finder)
    found = reader.mapping(root, JOB)
    if not isinstance(root, Mapping) and problems:  # no field of it was read, so none is missing either
        raise _error(source, problems)
    configuration = _assemble(found, reader, root.place)
    if problems or configuration is None:
        raise _error(source, problems)
    return configuration


def _assemble(found: dict[str, Any], reader: JobReader, start: Place) -> RunConfiguration | None:
    """The entity, None when there is no command; what fields say only together is checked here."""
    _check_expressions(found, reader)
    experiment = found.get("experiment_name", "default")
    if not valid_experiment_name(experiment):
        reader.complain(
            reader.places["experiment_name"],
            "experiment_name",
            "must start with a letter or digit, then letters, digits, _ and -, up to 255 characters",
        )
    told: dict[str, Input | Data] = found.get("inputs", {})
    inputs = {name: item for name, item in told.items() if isinstance(item, Input)}
    data = {name: item.value for name, item in told.items() if isinstance(item, Data)}
    outputs: dict[str, DataOutput] = found.get("outputs", {})
    texts = {name: item.text for name, item in inputs.items()}
    template = found.get("command")
    if template is None:
        if "command" not in reader.places or not any(p.field == "command" for p in reader.problems):
            reader.complain(reader.places.get("command", start), "command", "is missing: say what to run")
        return None
    _check_inputs(template, inputs, reader)
    _check_data(inputs, bool(data or outputs), found, reader)
    command = _replaced(template, texts, (data, outputs), reader)
    target = found.get("compute")
    secrets = found.get("workbench.secrets", [])
    on_end: list[OnEnd] = found.get("workbench.on_end", [])
    check_secrets(on_end, secrets, reader)
    return RunConfiguration(
        command=command,
        template=template if template != command else None,
        code=_code(found.get("code"), reader),
        experiment=experiment,
        name=found.get("display_name"),
        description=found.get("description"),
        target=target.removeprefix("azureml:") if target else None,
        tags=found.get("tags", {}),
        inputs={name: item.value for name, item in inputs.items()},
        written={k: text for k, text in texts.items() if text != scalars.plain_text(inputs[k].value)},
        data_inputs=data,
        outputs=outputs,
        environment=found.get("environment"),
        distribution=found.get("distribution"),
        services=found.get("services", {}),
        shm_size=found.get("resources.shm_size"),
        docker_args=found.get("resources.docker_args", []),
        cpus=found.get("resources.cpus"),
        environment_variables=found.get("environment_variables", {}),
        gpus=found.get("resources.gpus"),
        priority=found.get("resources.priority", 0),
        timeout=found.get("limits.timeout"),
        grace=found.get("workbench.grace"),
        retries=_retries(found, reader),
        setup=found.get("workbench.setup", []),
        secrets=secrets,
        on_end=on_end,
        collect_outputs=found.get("workbench.collect_outputs", True),
        ingest=found.get("workbench.ingest", True),
        mlflow=found.get("workbench.mlflow"),
        snapshot_code=found.get("workbench.snapshot_code", True),
    )


def _retries(found: dict[str, Any], reader: JobReader) -> Retries | None:
    """How often it is tried again; `lost` stands for every way in which its keepers can be lost."""
    count, named = found.get("workbench.retry.count"), found.get("workbench.retry.on", [])
    if count is None:
        if named:
            place = reader.places["workbench.retry.on"]
            reader.complain(place, "workbench.retry", "count is missing: say how often")
        return None
    for cause in named:
        if cause not in retrying.CAUSES:
            known = ", ".join(cause for cause in retrying.CAUSES if cause not in retrying.LOST[1:])
            place = reader.places["workbench.retry.on"]
            reader.complain(
                place, "workbench.retry.on", f"{shown(cause)} is no end it knows; known are {known}"
            )
    if count > retrying.MAX_COUNT:
        place = reader.places["workbench.retry.count"]
        reader.complain(place, "workbench.retry.count", f"is more than {retrying.MAX_COUNT}")
    causes = [each for cause in named for each in (retrying.LOST if cause == "lost" else (cause,))]
    return Retries(count=count, on=list(dict.fromkeys(causes))) if count else None


def _check_inputs(template: list[str] | str, inputs: dict[str, Input], reader: JobReader) -> None:
    """A value from the command line that reaches no command is a mistake: the record would claim it."""
    used = named_inputs(template if isinstance(template, str) else "\0".join(template))
    for name in inputs.keys() - used:
        place = inputs[name].place
        if place.words:
            close = difflib.get_close_matches(name, used, 1)
            meant = f", did you mean {close[0]}?" if close else "; --set command=... changes the command"
            message = f"the command does not use ${{{{inputs.{name}}}}}{meant}"
            reader.complain(place, f"inputs.{name}", message)


def _check_data(
    inputs: dict[str, Input], machine_reads: bool, found: dict[str, Any], reader: JobReader
) -> None:
    """What data and values say only together. The machine replaces the names of data, so a value has none."""
    for name, item in inputs.items():
        if machine_reads and has_expressions(item.text):
            reader.complain(item.place, f"inputs.{name}", "a value cannot hold ${{...}} beside data")
    words = found.get("resources.docker_args")
    environment = found.get("environment")
    if words and (environment is None or environment.startswith(("/", "~"))):
        why = "belongs to a run in a container: environment names none"
        reader.complain(reader.places["resources.docker_args"], "resources.docker_args", why)


def _replaced(
    template: list[str] | str,
    values: dict[str, str],
    kept: tuple[Collection[str], Collection[str]],
    reader: JobReader,
) -> list[str] | str:
    """The command with the values of its inputs. kept: names of data inputs and of outputs, which stay."""
    words = template if isinstance(template, list) else [template]
    replaced = []
    for word in words:
        text, complaints = replace_expressions(word, values, *kept)
        replaced.append(text)
        for complaint in complaints:
            reader.complain(reader.places["command"], "command", complaint)
    return replaced if isinstance(template, list) else replaced[0]


def _check_expressions(found: dict[str, Any], reader: JobReader) -> None:
    elsewhere = (
        "code",
        "compute",
        "display_name",
        "experiment_name",
        "environment_variables",
        "workbench.setup",
    )
    for field in elsewhere:
        value = found.get(field)
        texts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and has_expressions(text) for text in texts):
            reader.complain(reader.places[field], field, "${{...}} is replaced in command only")


def _code(text: str | None, reader: JobReader) -> str | None:
    if text is None or reader.finder is None:
        return text
    try:
        return reader.finder.code(text, reader.places["code"])
    except ValueError as reason:
        reader.complain(reader.places["code"], "code", str(reason))
        return None


def _error(source: str, problems: list[Problem]) -> ConfigurationError:
    ordered = sorted(problems, key=lambda p: (bool(p.place.words), p.place.line, p.place.column))
    first = ordered[0]
    where = first.place.words or f"{source}, line {first.place.line}"
    # Words of a command line say which field they are about.
    about = f"{where}: {first.field}" if first.field and not first.place.words else where
    more = f" (and {len(ordered) - 1} more)" if len(ordered) > 1 else ""
    options_alone = all(p.place.words and not p.place.words.startswith("--set ") for p in ordered)
    return ConfigurationError(
        f"{about}: {first.message}{more}",
        OPTIONS_HINT if options_alone else HINT,
        source=source,
        problems=[problem.to_wire() for problem in ordered],
    )
