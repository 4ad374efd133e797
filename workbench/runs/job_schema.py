"""The JSON schema of a job file, made from the table that reads it, for editors to complete. Pure."""

from __future__ import annotations

from typing import Any

from workbench.remote.on_end import MOST
from workbench.runs.job_fields import INPUT_TYPES, JOB, Field, Kind

_SCALAR = ["string", "number", "boolean"]
_VARIABLE = "^[A-Za-z_][A-Za-z0-9_]*$"

_SIMPLE: dict[Kind, dict[str, Any]] = {
    Kind.IGNORED: {},
    Kind.JOB_TYPE: {"const": "command"},
    Kind.TEXT: {"type": _SCALAR},
    Kind.LINE: {"type": _SCALAR, "pattern": r"^[^\n]+$"},
    Kind.COMMAND: {"type": "string", "minLength": 1},
    Kind.COUNT: {"type": "integer", "minimum": 0, "maximum": 4096},
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
    Kind.ENVIRONMENT: {
        "type": "object",
        "properties": {"python": {"type": "string", "pattern": "^/"}},
        "additionalProperties": False,
    },
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
        "additionalProperties": {
            "anyOf": [
                {"type": _SCALAR},
                {
                    "type": "object",
                    "properties": {
                        "type": {"enum": list(INPUT_TYPES)},
                        "default": {"type": _SCALAR},
                        "description": {"type": "string"},
                        "optional": {"type": "boolean"},
                        "min": {"type": "number"},
                        "max": {"type": "number"},
                        "enum": {"type": "array", "items": {"type": _SCALAR}},
                    },
                    "required": ["default"],
                    "additionalProperties": False,
                },
            ]
        },
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
