"""A question whose server went away is asked again; what changes something is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from workbench.errors import NotFound, ServerError
from workbench.home import Home
from workbench.workspace import async_client, resuming
from workbench.workspace.async_client import AsyncClient
from workbench.workspace.client import AsyncServices, Client
from workbench.workspace.exchange import ServerGone
from workbench.workspace.facade import Workspace

GONE = ServerGone("the local server went away: Connection reset by peer", "try again")


class Cut:
    """Services whose first answers are errors."""

    def __init__(self, *problems: Exception) -> None:
        self.problems = list(problems)
        self.asked: list[tuple[str, str]] = []

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        self.asked.append((noun, method))
        if self.problems:
            raise self.problems.pop(0)
        return {"of": parameters}


class AsyncCut(Cut):
    """The same for event loops."""

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        return super().call(noun, method, **parameters)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resuming, "PAUSE", 0.0)
    monkeypatch.setattr(async_client, "PAUSE", 0.0)


def workspace(cut: Cut) -> Workspace:
    return Workspace(cast(Client, cut), Home(Path("/nowhere"), Path("/nowhere")), "default", {})


def test_a_question_is_asked_until_a_server_stays() -> None:
    cut = Cut(GONE, GONE, GONE)
    assert workspace(cut).call("runs", "get", run="@1") == {"of": {"run": "@1"}}
    assert cut.asked == [("runs", "get")] * 4


async def test_a_question_of_an_event_loop_too() -> None:
    cut = AsyncCut(GONE, GONE)
    found = await AsyncClient(cast(AsyncServices, cut)).call("runs", "list")
    assert (found, len(cut.asked)) == ({"of": {}}, 3)


async def test_what_changes_something_is_not() -> None:
    cut, other = Cut(GONE), AsyncCut(GONE)
    with pytest.raises(ServerGone):
        workspace(cut).call("runs", "cancel", runs=["@1"])
    with pytest.raises(ServerGone):
        await AsyncClient(cast(AsyncServices, other)).call("runs", "cancel", runs=["@1"])
    assert (len(cut.asked), len(other.asked)) == (1, 1)


@pytest.mark.parametrize("problem", [NotFound("no run", ""), ServerError("it does not start", "")])
def test_no_other_error_is_waited_for(problem: Exception) -> None:
    cut = Cut(problem)
    with pytest.raises(type(problem)):
        workspace(cut).call("runs", "get", run="@1")
    assert len(cut.asked) == 1


def test_nobody_waits_for_ever() -> None:
    cut = Cut(*[GONE] * 100)
    with pytest.raises(ServerGone):
        workspace(cut).call("runs", "get", run="@1")
    assert len(cut.asked) == resuming.ASKED_AGAIN + 1
