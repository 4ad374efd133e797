"""Who uses GPUs outside the queue, with a driver that takes its time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from workbench.remote.queue import foreign_news
from workbench.remote.queue.foreign_news import ForeignNews

PATIENCE = 30.0
USED = {"GPU-b": "used"}
ASKED: dict[str, Any] = {"devices": ["GPU-a", "GPU-b"], "foreign_memory": None}


class Driver:
    """Answers what is in `busy`, once it may."""

    def __init__(self) -> None:
        self.busy: dict[str, str] = dict(USED)
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()

    def __call__(self, asked: dict[str, Any]) -> dict[str, str]:
        self.asked += 1
        assert self.answers.wait(PATIENCE)
        return self.busy


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    """A driver whose word is old at once."""
    monkeypatch.setattr(foreign_news, "FRESH", 0.0)
    made = Driver()
    yield made
    made.answers.set()


def test_a_driver_that_hangs_is_asked_once_and_what_was_known_is_told(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    news = ForeignNews(driver)
    driver.answers.clear()
    assert [news.busy(ASKED, 0.01) for _ in range(3)] == [{}, {}, {}], "nothing is known yet"
    assert driver.asked == 1
    monkeypatch.setattr(foreign_news, "FRESH", 1000.0)
    driver.answers.set()
    assert news.busy(ASKED, PATIENCE) == USED
    driver.answers.clear()
    other = {"devices": ["GPU-b", "GPU-c"], "foreign_memory": None}
    assert news.busy(other, 0.01) == USED, "of those that are asked for"
    assert news.busy({**other, "devices": ["GPU-c"]}, 0.01) == {}


def test_a_question_that_broke_is_asked_again(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_news, "FRESH", 1000.0)
    monkeypatch.setattr(threading, "excepthook", lambda broken: None)
    tries: list[int] = []

    def breaks_once(asked: dict[str, Any]) -> tuple[str, ...]:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("no process")
        return driver(asked)

    assert ForeignNews(breaks_once).busy(ASKED, PATIENCE) == USED


def test_it_is_believed_for_a_moment_only(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_news, "FRESH", 1000.0)
    news = ForeignNews(driver)
    assert news.busy(ASKED, PATIENCE) == USED
    driver.busy = {}
    assert news.busy(ASKED, PATIENCE) == USED
    assert driver.asked == 1
    assert news.busy({**ASKED, "foreign_memory": 1}, PATIENCE) == {}, "another limit is another question"
    assert driver.asked == 2
