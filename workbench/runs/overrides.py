"""What a command line adds to a job file: `--set path=value` and the options of submit. Pure.

Each becomes a change of the file's tree before anything is checked, so a value is judged alike wherever it
was written, and a mistake names the words it came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from workbench.runs.job_fields import DATA_TYPES
from workbench.runs.yaml_lines import read_yaml
from workbench.runs.yaml_tree import Broken, Mapping, Node, Place, Problem, Scalar, Sequence

_FREE_KEYS = ("tags", "environment_variables")
"""Mappings whose keys may hold dots."""


@dataclass(frozen=True)
class Override:
    """One change: put node at path; several of them with add are appended to a list."""

    path: tuple[str, ...]
    node: Node
    add: bool = False


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `wb submit` may say beside the command or file; None and empty mean not said."""

    target: str | None = None
    experiment: str | None = None
    name: str | None = None
    description: str | None = None
    code: str | None = None
    """Relative to the current directory, not to the file."""
    environment: str | None = None
    """A name, a file that defines one, image:NAME, or the absolute path of an interpreter on the target."""
    distribution: str | None = None
    """TYPE, or TYPE:PROCESSES."""
    gpus: int | None = None
    priority: int | None = None
    timeout: float | None = None
    """Seconds."""
    tags: tuple[str, ...] = ()
    """NAME=TEXT, or NAME alone."""
    inputs: tuple[str, ...] = ()
    """NAME=VALUE; a value that is an address or a path that is here is data."""
    outputs: tuple[str, ...] = ()
    """NAME, NAME=ADDRESS, or NAME=data:DATASET."""
    variables: tuple[str, ...] = ()
    """Environment variables, NAME=VALUE."""
    retry: str | None = None
    """COUNT, or COUNT:CAUSE,CAUSE."""
    setup: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    on_end: tuple[str, ...] = ()
    """Shell lines that the machine runs when the run is over."""
    on_end_webhooks: tuple[str, ...] = ()
    """Addresses that it posts to then."""
    snapshot_code: bool | None = None
    """False: nothing is sent."""
    collect_outputs: bool | None = None
    """False: outputs/ and logs/ stay on the machine."""
    ingest: bool | None = None
    """False: what the command logs to files of its own is not read."""


def from_options(options: Options, problems: list[Problem]) -> list[Override]:
    """The changes that options ask for; pairs that are none are noted in problems."""
    single = (
        ("--target", ("compute",), options.target),
        ("--experiment", ("experiment_name",), options.experiment),
        ("--name", ("display_name",), options.name),
        ("--description", ("description",), options.description),
        ("--code", ("code",), options.code),
        ("--env", ("environment",), options.environment),
        ("--gpus", ("resources", "gpus"), options.gpus),
        ("--priority", ("resources", "priority"), options.priority),
        ("--timeout", ("limits", "timeout"), options.timeout),
    )
    said = [(word, path, str(value)) for word, path, value in single if value is not None]
    changes = [Override(path, _quoted(text, f"{word} {text}")) for word, path, text in said]
    if options.distribution is not None:
        changes.append(_distribution(options.distribution))
    changes += [_output(text) for text in options.outputs]
    for word, field, pairs in (
        ("--tag", "tags", options.tags),
        ("--input", "inputs", options.inputs),
        ("--variable", "environment_variables", options.variables),
    ):
        for pair in pairs:
            key, equals, text = pair.partition("=")
            place = _said(f"{word} {pair}")
            if not key or (not equals and field != "tags"):
                problems.append(Problem(place, field, f"{word} wants NAME=VALUE"))
            else:
                plain = field == "inputs" or not equals
                changes.append(Override((field, key), Scalar(place, text, plain)))
    for word, field, value in (
        ("--no-code", "snapshot_code", options.snapshot_code),
        ("--no-outputs", "collect_outputs", options.collect_outputs),
        ("--no-ingest", "ingest", options.ingest),
    ):
        if value is not None:
            scalar = Scalar(_said(word), "true" if value else "false")
            changes.append(Override(("workbench", field), scalar))
    if options.retry is not None:
        changes += _retry(options.retry)
    for word, field, texts in (("--setup", "setup", options.setup), ("--secret", "secrets", options.secrets)):
        changes += [Override(("workbench", field), _quoted(text, f"{word} {text}"), True) for text in texts]
    changes += [
        Override(("workbench", "on_end"), _quoted(text, f"--on-end {text}"), True) for text in options.on_end
    ]
    for url in options.on_end_webhooks:
        place = _said("--on-end-webhook URL")  # the address may be a secret of its own
        entry = Mapping(place, ((Scalar(place, "webhook"), Scalar(place, url, False)),))
        changes.append(Override(("workbench", "on_end"), entry, True))
    return changes


def _distribution(text: str) -> Override:
    """What --distribution asks for; it replaces what a file says of it."""
    place = _said(f"--distribution {text}")
    kind, colon, count = text.partition(":")
    entries: list[tuple[Scalar, Node]] = [(Scalar(place, "type"), Scalar(place, kind))]
    if colon:
        key = "worker_count" if kind.lower() == "tensorflow" else "process_count_per_instance"
        entries.append((Scalar(place, key), Scalar(place, count)))
    return Override(("distribution",), Mapping(place, tuple(entries)))


def _output(text: str) -> Override:
    """What --output asks for: a folder, where it goes, or the dataset it becomes a version of."""
    name, equals, value = text.partition("=")
    place = _said(f"--output {text}")
    if not equals:
        return Override(("outputs", name), Mapping(place, ()))
    if value.startswith("data:"):
        return Override(("outputs", name, "name"), Scalar(place, value.removeprefix("data:"), False))
    return Override(("outputs", name, "path"), Scalar(place, value, False))


def _retry(text: str) -> list[Override]:
    """What --retry asks for; it replaces what a file says of it."""
    place = _said(f"--retry {text}")
    count, _, causes = text.partition(":")
    entries: list[tuple[Scalar, Node]] = [(Scalar(place, "count"), Scalar(place, count, True))]
    if causes:
        items = tuple(Scalar(place, cause.strip()) for cause in causes.split(","))
        entries.append((Scalar(place, "on"), Sequence(place, items)))
    return [Override(("workbench", "retry"), Mapping(place, tuple(entries)))]


def from_sets(sets: Iterable[str], problems: list[Problem]) -> list[Override]:
    """The changes that `--set path=value` ask for, in order."""
    changes = []
    for text in sets:
        place = _said(f"--set {text}")
        dotted, equals, value = text.partition("=")
        path = _split(dotted.strip())
        if not equals or not all(path):
            message = "--set wants FIELD=VALUE, such as inputs.lr=3e-4"
            problems.append(Problem(place, dotted.strip()[:200], message))
            continue
        changes.append(Override(path, _value(value, place)))
    return changes


def apply(root: Node, changes: Iterable[Override], problems: list[Problem]) -> Node:
    """The tree after all changes, in order."""
    for change in changes:
        try:
            root = _put(root, change.path, change)
        except _Blocked as blocked:
            message = f"cannot be set: {blocked.args[0]} is not a mapping"
            problems.append(Problem(change.node.place, ".".join(change.path), message))
    return root


def argv_node(words: list[str]) -> Sequence:
    """Several words of a command line as the command of a job: an exact argv."""
    place = _said("-- COMMAND")
    return Sequence(place, tuple(Scalar(place, word, False) for word in words))


def line_node(line: str) -> Scalar:
    """One quoted word of a command line as the command of a job: a shell line."""
    return _quoted(line, "-- COMMAND")


class _Blocked(Exception):
    """A path leads through something that has no fields."""


def _put(node: Node | None, path: tuple[str, ...], change: Override) -> Node:
    if not path:
        return _merged(node, change)
    if node is None or (isinstance(node, Scalar) and node.null):
        node = Mapping(change.node.place, ())
    if not isinstance(node, Mapping):
        raise _Blocked(".".join(change.path[: len(change.path) - len(path)]) or "the file")
    key, rest = path[0], path[1:]
    put = _put(node.get(key), rest, change)
    if node.get(key) is None:
        return replace(node, entries=(*node.entries, (Scalar(change.node.place, key), put)))
    return replace(node, entries=tuple((k, put if k.text == key else v) for k, v in node.entries))


def _merged(old: Node | None, change: Override) -> Node:
    if change.add:
        items = old.items if isinstance(old, Sequence) else () if old is None else (old,)
        return Sequence(change.node.place, (*items, change.node))
    declared = isinstance(old, Mapping) and len(change.path) == 2
    if (
        declared
        and isinstance(old, Mapping)
        and change.path[0] == "inputs"
        and isinstance(change.node, Scalar)
    ):
        # A declared input keeps its type and bounds; only its value, or its path, is another.
        field = "default" if old.get("path") is None and not _of_data(old) else "path"
        kept = tuple((key, value) for key, value in old.entries if key.text != field)
        return replace(old, entries=(*kept, (Scalar(change.node.place, field), change.node)))
    if (
        declared
        and change.path[0] == "outputs"
        and isinstance(change.node, Mapping)
        and not change.node.entries
    ):
        assert old is not None
        return old  # it is wanted, and the file says more of it
    return change.node


def _of_data(declared: Mapping) -> bool:
    kind = declared.get("type")
    return isinstance(kind, Scalar) and kind.text in DATA_TYPES


def _split(dotted: str) -> tuple[str, ...]:
    head, dot, rest = dotted.partition(".")
    if dot and head in _FREE_KEYS:
        return head, rest
    return tuple(dotted.split("."))


def _value(text: str, place: Place) -> Node:
    if re.match(r"\s*[\[{]", text):
        try:
            node, problems = read_yaml(text)
        except Broken:
            return Scalar(place, text)  # a shell line such as `[ -f x ] && ...`
        if not problems:
            return _moved(node, place)
    return Scalar(place, text)


def _moved(node: Node, place: Place) -> Node:
    if isinstance(node, Sequence):
        return replace(node, place=place, items=tuple(_moved(item, place) for item in node.items))
    if isinstance(node, Mapping):
        pairs = tuple((replace(key, place=place), _moved(value, place)) for key, value in node.entries)
        return replace(node, place=place, entries=pairs)
    return replace(node, place=place)


def _quoted(text: str, words: str) -> Scalar:
    return Scalar(_said(words), text, False)


def _said(words: str) -> Place:
    return Place(words=words if len(words) <= 200 else words[:197] + "...")
