"""A `wb` whose workspace is scripted, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faces.fixed_runs import NOW
from tests.faces.scripted import PIPE, AsyncWorld, World
from workbench.cli.main import main
from workbench.cli.session import Session
from workbench.cli.terminal import Terminal
from workbench.workspace.async_client import AsyncClient


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class Answers:
    """A person with answers ready; what was asked is kept."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, bool]] = []

    def present(self) -> bool:
        """There while there are answers, or questions were asked already."""
        return bool(self.answers or self.asked)

    def ask(self, prompt: str, *, echo: bool) -> str:
        """The next answer."""
        self.asked.append((prompt, echo))
        return self.answers.pop(0)


Wb = Callable[..., Done]


@pytest.fixture
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local times are UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that commands are given in: one with something to run."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "train.py").write_text("print('hello')\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def wb(capfd: pytest.CaptureFixture[str], in_utc: None, code: Path, tmp_path: Path) -> Wb:
    """Call with words and world=, terminal=, asker=; times are in UTC."""

    def call(
        *words: str, world: World | None = None, terminal: Terminal = PIPE, asker: Answers | None = None
    ) -> Done:
        world = world or World()
        session = Session(
            opener=lambda name: world.open(tmp_path / "home", name),
            terminal=terminal,
            asker=asker or Answers(),
            clock=lambda: NOW,
            asynchronous=lambda name: AsyncClient(AsyncWorld(world)),
        )
        ended = main(words, session)
        return Done(ended, *capfd.readouterr())

    return call
