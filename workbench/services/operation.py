"""What makes a method of a service callable from outside: a kind, and parameters checked by its signature.

Deny by default: a method without one of these marks cannot be reached through a client.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

import msgspec

from workbench.errors import NotFound, UsageError

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "_operation_kind"
PART = 2000
"""Items of a list of parameters that are converted at once."""


class Kind(StrEnum):
    """What an operation answers with."""

    CALL = "call"
    """One JSON value."""
    ITEMS = "items"
    """JSON values, one after the other."""
    READ = "read"
    """Bytes."""
    WRITE = "write"
    """Takes bytes (its last parameter, `source`), answers one JSON value."""
    DUPLEX = "duplex"
    """Bytes and JSON values, both ways at once (its last parameter, `source`)."""


def _marker(kind: Kind) -> Callable[[F], F]:
    def mark(function: F) -> F:
        setattr(function, _MARK, kind)
        return function

    return mark


call = _marker(Kind.CALL)
items = _marker(Kind.ITEMS)
read = _marker(Kind.READ)
write = _marker(Kind.WRITE)
duplex = _marker(Kind.DUPLEX)
_TAKING = (Kind.WRITE, Kind.DUPLEX)


class Arguments(dict[str, Any]):
    """Parameters that were checked."""


class _Form(NamedTuple):
    """What the parameters of a method must fit."""

    struct: type[msgspec.Struct]
    lists: dict[str, Any]
    """Types of those that are lists, by name."""


@functools.cache
def _form_of(function: Callable[..., Any], kind: Kind) -> _Form:
    """Read when it is first asked for, once for all workspaces; function: not bound.

    What several operations share is a TypedDict, unpacked: each of its names may be absent.
    """
    hints = typing.get_type_hints(function)
    fields: list[Any] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == "self" or (kind in _TAKING and parameter.name == "source"):
            continue
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            shared = typing.get_type_hints(typing.get_args(hints.pop(parameter.name))[0])
            fields += [(name, hint | msgspec.UnsetType, msgspec.UNSET) for name, hint in shared.items()]
            hints |= shared
            continue
        spec: tuple[Any, ...] = (parameter.name, hints[parameter.name])
        if parameter.default is not inspect.Parameter.empty:
            default = parameter.default
            spec += (msgspec.field(default=default) if not isinstance(default, list | dict) else default,)
        fields.append(spec)
    lists = {name: hint for name, hint in hints.items() if typing.get_origin(hint) is list}
    return _Form(msgspec.defstruct("Parameters", fields, kw_only=True, forbid_unknown_fields=True), lists)


class Operation:
    """A bound method of a service with its kind and the struct its parameters must fit."""

    def __init__(self, name: str, method: Callable[..., Any], kind: Kind) -> None:
        self.name = name
        self.kind = kind
        self._method = method

    def arguments(self, parameters: Any) -> Arguments:
        """What the method is called with; raises UsageError when the parameters do not fit.

        Any thread may do it beforehand: a long list is converted in parts, so that others have their turns.
        """
        if isinstance(parameters, Arguments):
            return parameters
        form = _form_of(getattr(self._method, "__func__", self._method), self.kind)
        long: dict[str, list[Any]] = {}
        if isinstance(parameters, dict):
            long = {
                name: parameters[name]
                for name in form.lists.keys() & parameters.keys()
                if isinstance(parameters[name], list) and len(parameters[name]) > PART
            }
            parameters = {**parameters, **{name: [] for name in long}}
        try:
            checked = msgspec.convert(parameters, form.struct, strict=False)
            given = ((name, getattr(checked, name)) for name in checked.__struct_fields__)
            found = Arguments((name, value) for name, value in given if value is not msgspec.UNSET)
            for name, values in long.items():
                found[name] = [
                    item
                    for start in range(0, len(values), PART)
                    for item in msgspec.convert(values[start : start + PART], form.lists[name], strict=False)
                ]
        except msgspec.ValidationError as problem:
            raise UsageError(f"{self.name}: {problem}") from problem
        return found

    def call(self, parameters: Any) -> Awaitable[Any]:
        """Start a CALL operation; raises UsageError when the parameters do not fit."""
        result: Awaitable[Any] = self._method(**self.arguments(parameters))
        return result

    def iterate(self, parameters: Any) -> AsyncGenerator[Any, None]:
        """Start an ITEMS or READ operation; raises UsageError when the parameters do not fit."""
        return _closing(self._method(**self.arguments(parameters)))

    def write(self, parameters: Any, source: AsyncIterator[bytes]) -> Awaitable[Any]:
        """Start a WRITE operation over source; raises UsageError when the parameters do not fit."""
        result: Awaitable[Any] = self._method(**self.arguments(parameters), source=source)
        return result

    def converse(self, parameters: Any, source: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        """Start a DUPLEX operation over source; raises UsageError when the parameters do not fit."""
        return _closing(self._method(**self.arguments(parameters), source=source))


async def _closing(values: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
    """values, closed with their consumer also where they are no generator."""
    try:
        async for value in values:
            yield value
    finally:
        close = getattr(values, "aclose", None)
        if close is not None:
            await close()


def operations(services: Iterable[tuple[str, object]]) -> dict[str, Operation]:
    """All marked methods of (noun, service) pairs, by "noun.method"; several services may share a noun."""
    found = {}
    for noun, service in services:
        for name, method in inspect.getmembers(service, inspect.ismethod):
            kind = getattr(method, _MARK, None)
            if kind is not None:
                found[f"{noun}.{name}"] = Operation(f"{noun}.{name}", method, kind)
    return found


def find(table: Mapping[str, Operation], noun: str, method: str, kind: Kind | None = None) -> Operation:
    """The operation of that name (and kind); raises NotFound."""
    operation = table.get(f"{noun}.{method}")
    if operation is None or (kind is not None and operation.kind is not kind):
        raise NotFound(
            f"no operation {noun}.{method}", "client and server may be of different versions: wb server stop"
        )
    return operation
