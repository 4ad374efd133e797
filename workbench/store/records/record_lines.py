"""The lines of record files as `remote/forms/record_form.py` has them, and what decodes them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from workbench.remote.forms import protocol

Step = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
Small = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Scalar = str | int | float | bool | None


class Record(msgspec.Struct, tag_field="k", gc=False):
    """A line; t: seconds since the header."""

    t: float = 0.0


class Child(msgspec.Struct, gc=False):
    """The child run of a header."""

    id: str
    name: str | None = None
    parent: str | None = None


class Header(Record, tag=protocol.RECORD_HEADER):
    """The first line."""

    attempt: Small = 1
    rank: Small = 0
    wall: float = 0.0
    pid: int | None = None
    run: str | None = None
    child: Child | None = None


class Metric(Record, tag=protocol.RECORD_METRIC, kw_only=True):
    """A point."""

    n: str
    v: float | str | bool | None = None
    text: str | None = None
    s: Step | None = None


class Param(Record, tag=protocol.RECORD_PARAM, kw_only=True):
    """A param."""

    n: str
    v: Scalar


class Tag(Record, tag=protocol.RECORD_TAG, kw_only=True):
    """A tag, or with gone that there is none."""

    n: str
    v: Scalar = None
    gone: bool = False


class Property(Record, tag=protocol.RECORD_PROPERTY, kw_only=True):
    """A property."""

    n: str
    v: Scalar


class Row(Record, tag=protocol.RECORD_ROW, kw_only=True):
    """A row."""

    n: str
    v: dict[str, Any]
    s: Step | None = None


class Table(Record, tag=protocol.RECORD_TABLE, kw_only=True):
    """A table, or with schema an evaluation's data."""

    n: str
    v: dict[str, Any]
    s: Step | None = None
    schema: str | None = None
    schema_version: str = ""


class About(msgspec.Struct, gc=False):
    """What is said of a model that was asked for."""

    tags: dict[str, Scalar] = {}
    properties: dict[str, Scalar] = {}
    framework: str | None = None
    framework_version: str | None = None
    description: str | None = None


class Artifact(Record, tag=protocol.RECORD_ARTIFACT, kw_only=True):
    """A file that has a name, and maybe a model it should become."""

    n: str
    path: str
    model: str | None = None
    about: About | None = None


class Warning(Record, tag=protocol.RECORD_WARNING, kw_only=True):
    """A complaint."""

    v: str


class Status(Record, tag=protocol.RECORD_STATUS, kw_only=True):
    """How an interactive run or a child ended."""

    v: str
    message: str | None = None


class Environment(Record, tag=protocol.RECORD_ENVIRONMENT, kw_only=True):
    """An interpreter that was started."""

    python: str
    s: Small = 0
    version: str = ""
    platform: str = ""
    distributions: dict[str, str] | None = None
    more: Small = 0


Line = (
    Header | Metric | Param | Tag | Property | Row | Table | Artifact | Warning | Status
    | Environment
)  # fmt: skip
DECODER = msgspec.json.Decoder(Line)
BROKEN = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError)
