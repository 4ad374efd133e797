"""The JSON schema of a job file, made from the table that reads it, for editors to complete. Pure."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from workbench.remote.supervision.on_end import MOST
from workbench.runs.job_fields import (
    DATA_MODES,
    DATA_TYPES,
    DISTRIBUTIONS,
    ENVIRONMENT_KEYS,
    ENVIRONMENT_SOURCES,
    EVALUATED,
    INPUT_TYPES,
    JOB,
    MOST_PROCESSES,
    OUTPUT_MODES,
    SERVICES,
    Field,
    Kind,
)

_SCALAR = ["string", "number", "boolean"]
_VARIABLE = "^[A-Za-z_][A-Za-z0-9_]*$"

_SIZE = r"^[0-9]+\s*[bkmgtBKMGT]?([iI]?[bB])?$"


def _mapping(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    """A mapping of these fields and no others."""
    found = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": list(required)} if required else found


def _value() -> dict[str, Any]:
    """An input that is a value with its type and bounds."""
    return _mapping(
        {
            "type": {"enum": list(INPUT_TYPES)},
            "default": {"type": _SCALAR},
            "description": {"type": "string"},
            "optional": {"type": "boolean"},
            "min": {"type": "number"},
            "max": {"type": "number"},
            "enum": {"type": "array", "items": {"type": _SCALAR}},
        },
        "default",
    )


def _data() -> dict[str, Any]:
    """An input that is a file or folder."""
    return _mapping(
        {
            "type": {"enum": list(DATA_TYPES)},
            "path": {"type": "string", "pattern": r"^[^\n]+$"},
            "mode": {"enum": [*DATA_MODES, *EVALUATED]},
            "description": {"type": "string"},
            "optional": {"type": "boolean"},
        },
        "path",
    )


def _outputs() -> dict[str, Any]:
    """Files and folders that are kept."""
    fields: dict[str, Any] = {
        "type": {"enum": list(DATA_TYPES)},
        "path": {"type": "string", "pattern": r"^[^\n]+$"},
        "mode": {"enum": list(OUTPUT_MODES)},
        "name": {"type": "string", "pattern": r"^[^\n]+$"},
        "description": {"type": "string"},
    }
    return {
        "type": "object",
        "propertyNames": {"pattern": _VARIABLE},
        "additionalProperties": {"anyOf": [{"type": "null"}, _mapping(fields)]},
    }


def _distribution() -> dict[str, Any]:
    """Several processes; each type with its own counts."""
    count = {"type": "integer", "minimum": 1, "maximum": MOST_PROCESSES}
    servers = {"type": "integer", "minimum": 0, "maximum": MOST_PROCESSES}
    others = [name for name in DISTRIBUTIONS if name != "tensorflow"]
    processes = _mapping({"type": {"enum": others}, "process_count_per_instance": count}, "type")
    workers = {"worker_count": count, "parameter_server_count": servers}
    return {"anyOf": [processes, _mapping({"type": {"const": "tensorflow"}, **workers}, "type")]}


def _environment() -> dict[str, Any]:
    """An environment that is written out."""
    text = {"type": "string", "pattern": r"^[^\n]+$"}
    shapes: dict[str, Any] = {
        "python": {"anyOf": [text, {"type": "number"}]},
        "groups": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "conda_file": {"anyOf": [text, {"type": "object"}]},
        "build": _mapping({"path": text, "dockerfile_path": text}, "path"),
        "version": {"type": ["string", "integer"]},
        "description": {"type": "string"},
        "tags": {"type": "object", "additionalProperties": {"type": [*_SCALAR, "null"]}},
        "os_type": {"enum": ["linux", "Linux"]},
    }
    found = _mapping(
        {name: {"description": about, **shapes.get(name, text)} for name, about in ENVIRONMENT_KEYS.items()}
    )
    together = ({"image", "conda_file"},)
    apart = [pair for pair in combinations(ENVIRONMENT_SOURCES, 2) if set(pair) not in together]
    return {
        **found,
        "anyOf": [{"required": [name]} for name in (*ENVIRONMENT_SOURCES, "python", "name")],
        "not": {"anyOf": [{"required": [*pair]} for pair in apart]},
        "dependentRequired": {"groups": ["project"]},
    }


_SIMPLE: dict[Kind, dict[str, Any]] = {
    Kind.IGNORED: {},
    Kind.JOB_TYPE: {"const": "command"},
    Kind.TEXT: {"type": _SCALAR},
    Kind.LINE: {"type": _SCALAR, "pattern": r"^[^\n]+$"},
    Kind.COMMAND: {"type": "string", "minLength": 1},
    Kind.COUNT: {"type": "integer", "minimum": 0, "maximum": 4096},
    Kind.POSITIVE: {"type": "integer", "minimum": 1, "maximum": 4096},
    Kind.ONE: {"const": 1},
    Kind.INTEGER: {"type": "integer"},
    Kind.SECONDS: {"type": "number", "exclusiveMinimum": 0},
    Kind.GRACE: {"type": "number", "minimum": 0},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.LINES: {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": _SCALAR}}]},
    Kind.PATTERNS: {
        "anyOf": [
            {"type": "boolean"},
            {"const": "off"},
            {"type": "string"},
            {"type": "array", "items": {"type": _SCALAR}},
        ]
    },
    Kind.NAMES: {"type": "array", "items": {"type": "string", "pattern": _VARIABLE}},
    Kind.TAGS: {"type": "object", "additionalProperties": {"type": [*_SCALAR, "null"]}},
    Kind.VARIABLES: {
        "type": "object",
        "propertyNames": {"pattern": _VARIABLE},
        "additionalProperties": {"type": [*_SCALAR, "null"]},
    },
    Kind.ENVIRONMENT: {"anyOf": [{"type": "string", "minLength": 1}, _environment()]},
    Kind.OUTPUTS: _outputs(),
    Kind.DISTRIBUTION: _distribution(),
    Kind.SERVICES: {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {
                "type": {"enum": list(SERVICES)},
                "job_service_type": {"enum": list(SERVICES)},
                "nodes": {},
                "log_dir": {},
            },
            "anyOf": [{"required": ["type"]}, {"required": ["job_service_type"]}],
            "additionalProperties": False,
        },
    },
    Kind.SIZE: {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": _SIZE}]},
    Kind.WORDS: {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": _SCALAR}}]},
    Kind.ON_END: {
        "type": "array",
        "maxItems": MOST,
        "items": {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "object",
                    "properties": {
                        "command": {"type": ["string", "array"], "items": {"type": _SCALAR}},
                        "webhook": {"type": "string"},
                        "webhook_secret": {"type": "string", "pattern": _VARIABLE},
                        "allow": {"type": "array", "items": {"type": "string"}},
                        "plain_http": {"type": "boolean"},
                        "sign": {"type": "string", "pattern": _VARIABLE},
                    },
                    "additionalProperties": False,
                },
            ]
        },
    },
    Kind.INPUTS: {
        "type": "object",
        "propertyNames": {"pattern": _VARIABLE},
        "additionalProperties": {"anyOf": [{"type": _SCALAR}, _value(), _data()]},
    },
}


def job_schema() -> dict[str, Any]:
    """The schema as plain JSON values (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "command job",
        **_schema(JOB),
        "required": ["command"],
    }


def _schema(about: Field) -> dict[str, Any]:
    if about.kind is Kind.MAPPING:
        return {
            "description": about.description,
            "type": "object",
            "properties": {name: _schema(field) for name, field in about.fields.items()},
            "additionalProperties": False,
        }
    return {"description": about.description, **_SIMPLE[about.kind]}
