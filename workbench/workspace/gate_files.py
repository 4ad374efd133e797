"""A model's gate as a file: rules, evaluations by job files, protected aliases. Read, never run.

gate:
- acc >= champion.acc - 0.002
- evaluation: {job: eval.yml, data: test:3}
  rules: [score >= champion.score, latency_ms < 20ms]
protect: [champion]
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from workbench.errors import ConfigurationError, NotFound
from workbench.registry.gate_lead import written
from workbench.registry.gate_tree import JOB, Evaluated
from workbench.runs.yaml_lines import MAX_BYTES, read_yaml
from workbench.runs.yaml_tree import Broken, Mapping, Node, Place, Scalar, Sequence
from workbench.text.sanitize import clean_name

_EXAMPLE = "evaluation: {job: eval.yml, data: NAME:VERSION}, and rules: [...] beside it"


class GateFile(NamedTuple):
    """What one says."""

    rules: list[str]
    """As text, a rule each."""
    protect: list[str]
    """The aliases that are to move through it only."""


def read_gate(path: Path) -> GateFile:
    """The gate that a YAML file says; raises NotFound, and ConfigurationError with the line of a mistake."""
    try:
        with path.open("rb") as source:
            text = source.read(MAX_BYTES + 1).decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise ConfigurationError(f"{path} is no UTF-8 text", "a gate's file is YAML") from problem
    except OSError as problem:
        raise NotFound(f"cannot read {path}: {problem.strerror}", "name the file of a gate") from problem
    try:
        root, problems = read_yaml(text)
    except Broken as broken:
        raise _wrong(path, broken.problem.place, broken.problem.message) from broken
    if problems:
        raise _wrong(path, problems[0].place, problems[0].message)
    if isinstance(root, Mapping):
        _only(path, root, ("gate", "protect"))
        return GateFile(_rules(path, root.get("gate")), _words(path, root.get("protect"), "protect"))
    return GateFile(_rules(path, root), [])


def _rules(path: Path, node: Node | None) -> list[str]:
    if node is None or not isinstance(node, Sequence):
        place = Place(1, 1) if node is None else node.place
        raise _wrong(path, place, "a gate is a list of rules")
    found = []
    for item in node.items:
        if isinstance(item, Scalar) and not item.null:
            found.append(item.text)
        elif isinstance(item, Mapping):
            found += _evaluated(path, item)
        else:
            raise _wrong(path, item.place, "a rule is a text")
    return found


def _evaluated(path: Path, item: Mapping) -> list[str]:
    """The rules of an evaluation, each as one that names it."""
    _only(path, item, ("evaluation", "rules"))
    said = item.get("evaluation")
    if not isinstance(said, Mapping):
        raise _wrong(path, item.place, "a rule is a text, or an evaluation with rules")
    _only(path, said, ("job", "run", "data"))
    job, run, data = (_word(path, said, key) for key in ("job", "run", "data"))
    if data is None or (job is None) == (run is None):
        raise _wrong(path, said.place, "an evaluation names a job file or a run, and a version of a dataset")
    conditions = _words(path, item.get("rules"), "rules")
    if not conditions:
        raise _wrong(path, item.place, "an evaluation has rules that its metrics are held against")
    dataset = data.removeprefix("data:").removeprefix("azureml:")
    evaluated = Evaluated(f"{JOB}{job}" if job is not None else str(run), dataset)
    return [written(evaluated, condition) for condition in conditions]


def _words(path: Path, node: Node | None, key: str) -> list[str]:
    """The texts of a list, or of one text."""
    if node is None:
        return []
    items = node.items if isinstance(node, Sequence) else (node,)
    found = [item.text for item in items if isinstance(item, Scalar) and not item.null]
    if len(found) != len(items):
        raise _wrong(path, node.place, f"{key} is a list of texts")
    return found


def _word(path: Path, value: Mapping, key: str) -> str | None:
    node = value.get(key)
    if node is None:
        return None
    if not isinstance(node, Scalar) or node.null:
        raise _wrong(path, node.place, f"{key} is a text")
    return node.text


def _only(path: Path, value: Mapping, keys: tuple[str, ...]) -> None:
    for key, _ in value.entries:
        if key.text not in keys:
            known = ", ".join(keys)
            raise _wrong(path, key.place, f"{clean_name(key.text, 60)} means nothing here; {known} do")


def _wrong(path: Path, place: Place, message: str) -> ConfigurationError:
    return ConfigurationError(f"{path}, line {place.line}: {message}", _EXAMPLE)
