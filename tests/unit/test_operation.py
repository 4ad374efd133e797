"""Operations: only marked methods are reachable, and parameters must fit the signature."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypedDict, Unpack, cast
from unittest import mock

import pytest

from tests.services import services
from workbench.entities.run import GitFacts
from workbench.errors import NotFound, UsageError
from workbench.services.context import Context
from workbench.services.later import Later
from workbench.services.offered import SERVICES
from workbench.services.operation import Kind, call, find, items, operations, write


class Shared(TypedDict, total=False):
    size: int
    words: list[str] | None


class Service:
    @call
    async def sum(self, by: str, **shared: Unpack[Shared]) -> str:
        return f"{by} {dict(shared)}"

    @call
    async def add(self, a: int, b: int = 2) -> int:
        return a + b

    @call
    async def commit(self, git: GitFacts, names: list[str] | None = None) -> str:
        return f"{git.commit} {names}"

    @items
    async def count(self, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number

    @write
    async def take(self, name: str, *, source: AsyncIterator[bytes]) -> str:
        return name + (b"".join([block async for block in source])).decode()

    async def hidden(self) -> str:
        return "never"


@pytest.fixture
def table():
    return operations([("thing", Service())])


async def test_a_marked_method_is_called_with_checked_parameters(table):
    assert await find(table, "thing", "add").call({"a": 1}) == 3
    assert (
        await find(table, "thing", "commit").call({"git": {"commit": "abc"}, "names": ["x"]}) == "abc ['x']"
    )
    assert [n async for n in find(table, "thing", "count").iterate({"to": 3})] == [0, 1, 2]


async def test_parameters_that_operations_share_may_be_absent_and_are_checked(table):
    summing = find(table, "thing", "sum")
    assert await summing.call({"by": "a"}) == "a {}"
    assert await summing.call({"by": "a", "size": 1, "words": None}) == "a {'size': 1, 'words': None}"
    many = [str(number) for number in range(5000)]
    assert (await summing.call({"by": "a", "words": many})).endswith("'4999']}")
    for slip in ({"size": "x"}, {"sizes": 1}, {"size": None}, {"words": ["a", 1]}, {"words": [*many, 1]}):
        with pytest.raises(UsageError, match=r"thing\.sum"):
            await summing.call({"by": "a", **slip})


@pytest.mark.parametrize("parameters", [{}, {"a": "x"}, {"a": 1, "c": 2}, [], None, {"a": 1, "b": []}])
def test_what_does_not_fit_is_refused_in_words(table, parameters):
    with pytest.raises(UsageError, match=r"thing\.add"):
        find(table, "thing", "add").call(parameters)


async def test_bytes_go_into_a_write_operation(table):
    async def source() -> AsyncIterator[bytes]:
        yield b"1"
        yield b"2"

    assert await find(table, "thing", "take").write({"name": "x"}, source()) == "x12"


@pytest.mark.parametrize(("noun", "method", "kind"), [
    ("thing", "hidden", None), ("thing", "__init__", None), ("other", "add", None), ("thing", "add", Kind.ITEMS),
])  # fmt: skip
def test_unmarked_methods_cannot_be_reached(table, noun, method, kind):
    with pytest.raises(NotFound):
        find(table, noun, method, kind)


async def test_services_are_loaded_one_after_the_other_until_one_has_what_is_asked(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        table = live.workspace.operations
        assert not table.loaded("datastores.list")
        assert not table.loaded("datastores.none")
        assert await live.call("datastores.list")
        assert table.loaded("datastores.list")
        assert not table.loaded("datastores.none"), "others of the noun may have it"
        with pytest.raises(NotFound):
            find(table, "datastores", "none")
        assert table.loaded("datastores.none"), "now it is known to be none"


def test_no_two_services_answer_for_the_same_operation() -> None:
    context = cast(Context, mock.MagicMock())
    names = [name for noun, where in SERVICES for name in operations([(noun, Later(where, context).get())])]
    assert len(names) == len(set(names)) > 100


async def test_every_operation_of_the_house_knows_its_parameters(tmp_path: Path) -> None:
    """They are read from a signature when first called: what cannot be read must not wait for that."""
    async with services(tmp_path) as live:
        assert len(live.workspace.operations) > 200
        for name, operation in live.workspace.operations.items():
            with pytest.raises(UsageError, match=re.escape(name)):
                operation.arguments({"no such parameter": 1})
