"""What an MLflow model folder says of itself: its MLmodel file, read as data and nothing else. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from workbench.errors import UsageError
from workbench.text.sanitize import clean, clean_name

FILE = "MLmodel"
LARGEST = 1 << 20
"""Bytes of an MLmodel file, and of each file that it names."""
_DEEPEST = 40
_FRAMEWORKS = {
    "sklearn": ("scikit-learn", "sklearn_version"),
    "pytorch": ("pytorch", "pytorch_version"),
    "tensorflow": ("tensorflow", "tensorflow_version"),
    "keras": ("keras", "keras_version"),
    "xgboost": ("xgboost", "xgb_version"),
    "lightgbm": ("lightgbm", "lgb_version"),
    "catboost": ("catboost", "catboost_version"),
    "onnx": ("onnx", "onnx_version"),
    "transformers": ("transformers", "transformers_version"),
    "sentence_transformers": ("sentence-transformers", "sentence_transformers_version"),
    "spacy": ("spacy", "spacy_version"),
    "statsmodels": ("statsmodels", "statsmodels_version"),
    "prophet": ("prophet", "prophet_version"),
    "spark": ("spark", "pyspark_version"),
}


class MlflowModel(NamedTuple):
    """What one MLmodel says."""

    flavors: dict[str, Any]
    signature: dict[str, Any] | None
    example: str | None
    """The path, in the folder, of its input example."""
    framework: str | None
    framework_version: str | None
    run: str | None
    """The id of the run in the tracker that wrote it."""


class _Loader(yaml.SafeLoader):
    """Plain values only: no tags that make objects, no aliases, which multiply what a file holds."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("it has an alias")
        self.depth += 1
        if self.depth > _DEEPEST:
            raise yaml.YAMLError("it is nested too deep")
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def read(content: bytes) -> MlflowModel:
    """What an MLmodel file says; raises UsageError when it is none."""
    if len(content) > LARGEST:
        raise UsageError(f"the {FILE} file has more than {LARGEST} bytes")
    try:
        value = yaml.load(content.decode("utf-8"), _Loader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, OverflowError, TypeError) as problem:
        said = clean_name(str(problem), 200)
        raise UsageError(
            f"the {FILE} file cannot be read: {said}", "it should be YAML as MLflow writes it"
        ) from problem
    if not isinstance(value, dict) or not isinstance(value.get("flavors"), dict):
        raise UsageError(f"the {FILE} file names no flavors", "it should be YAML as MLflow writes it")
    flavors = _plain(value["flavors"])
    framework, version = _framework(flavors)
    info = value.get("saved_input_example_info")
    example = info.get("serving_input_path") or info.get("artifact_path") if isinstance(info, dict) else None
    run = value.get("run_id")
    return MlflowModel(
        flavors,
        _signature(value.get("signature")),
        example if isinstance(example, str) else None,
        framework,
        version,
        clean_name(run, 64) if isinstance(run, str) else None,
    )


def example_of(content: bytes) -> Any:
    """The input example that a file holds: JSON, else its text; None when it is neither or too large."""
    if len(content) > LARGEST:
        return None
    try:
        return _plain(json.loads(content))
    except (ValueError, RecursionError):
        return None


def _framework(flavors: Mapping[str, Any]) -> tuple[str | None, str | None]:
    for flavor, (name, key) in _FRAMEWORKS.items():
        said = flavors.get(flavor)
        if isinstance(said, dict):
            version = said.get(key)
            return name, clean_name(_text(version), 100) if version is not None else None
    return None, None


def _signature(value: Any) -> dict[str, Any] | None:
    """MLflow writes each part of a signature as JSON in a text."""
    if not isinstance(value, dict):
        return None
    found = {}
    for part in ("inputs", "outputs", "params"):
        said = value.get(part)
        if isinstance(said, str):
            try:
                said = json.loads(said)
            except (ValueError, RecursionError):
                said = None
        if said is not None:
            found[part] = _plain(said)
    return found or None


def _plain(value: Any, depth: int = 0) -> Any:
    """value as JSON can say it, harmless on a screen, with bounds on depth, lengths and counts."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, Mapping):
        items = list(value.items())[:10_000]
        return {clean_name(_text(key), 500): _plain(item, depth + 1) for key, item in items}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value[:100_000]]
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, int) and abs(value) < 1 << 63:
        return value
    return clean(_text(value), 100_000)


def _text(value: Any) -> str:
    """value in words; a number of more digits than Python writes out is told by its size."""
    if isinstance(value, int) and value.bit_length() > 1000:
        return f"a number of {value.bit_length()} bits"
    return str(value)
