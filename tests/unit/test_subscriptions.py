"""Who hears of which events: filters, sinks, what goes wrong on the other side, and what is never shown."""

from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.receivers import raw_server, receiver, silence
from tests.services import services
from tests.unit.subscribing import add, event, happened, one, until
from workbench.entities.subscription import Filter
from workbench.errors import Conflict, NotFound, UsageError
from workbench.store.sqlite import events
from workbench.store.sqlite.database import Transaction

LOOPBACK = {"allow": ["127.0.0.1"], "plain_http": True}


@pytest.mark.parametrize(
    ("chosen", "fits"),
    [
        ({}, True),
        ({"kinds": ["RunCompleted", "AlertRaised"]}, True),
        ({"kinds": ["AlertRaised"]}, False),
        ({"prefix": "experiments/mnist/"}, True),
        ({"prefix": "experiments/cifar/"}, False),
        ({"suffix": "/R"}, True),
        ({"suffix": "/S"}, False),
        ({"data": {"state": "Failed"}}, True),
        ({"data": {"state": "failed"}}, False),
        ({"data": {"exit_code": "1"}}, True),
        ({"data": {"resources.memory": "1.5"}}, True),
        ({"data": {"resources.disk": ""}}, False),
        ({"data": {"resources": "1"}}, False),
        ({"data": {"removed": "true"}}, True),
        ({"data": {"state": "Failed", "exit_code": "2"}}, False),
    ],
)
def test_what_a_filter_lets_through(chosen: dict[str, Any], fits: bool) -> None:
    """AZ-18."""
    seen = event(state="Failed", exit_code=1, resources={"memory": 1.5}, removed=True)
    assert Filter(**chosen).fits(seen) is fits


def test_events_of_subscriptions_are_brought_to_none() -> None:
    assert not Filter().fits(event("SubscriptionChanged", "subscriptions/a"))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    monkeypatch.setattr("workbench.services.deliveries.PAUSES", (0.01, 0.01))


async def test_a_webhook_gets_what_fits_in_order_from_now_on(tmp_path: Path) -> None:
    """AZ-18, and AZ-21 in part."""
    async with services(tmp_path) as live, receiver() as there:
        await happened(live, state="Failed", n=0)
        await add(live, "a", sink="webhook", url=there.url, filter={"data": {"state": "Failed"}}, **LOOPBACK)
        for number in range(1, 6):
            await happened(live, state="Failed", n=number)
            await happened(live, state="Completed", n=number)
        posts = await there.until(5)
        assert [post.json["data"]["n"] for post in posts] == [1, 2, 3, 4, 5]
        first = posts[0].json
        assert (first["kind"], first["subject"]) == ("RunCompleted", "experiments/mnist/runs/R")
        assert (first["subscription"], first["workspace"], first["attempt"]) == ("a", "default", 1)
        assert posts[0].headers["X-Workbench-Sequence"] == str(first["sequence"])
        stands = await until(live, "a", lambda item: item["delivered"] == 5)
        assert (stands["failed"], "problem" in stands) == (0, False)


async def test_what_happened_while_nobody_was_there_is_brought_later(tmp_path: Path) -> None:
    async with receiver() as there:
        async with services(tmp_path) as live:
            await add(
                live, "a", sink="webhook", url=there.url, filter={"kinds": ["RunCompleted"]}, **LOOPBACK
            )
            await happened(live, n=1)
            await until(live, "a", lambda item: item["delivered"] == 1)
            await live.workspace.deliveries.close()
            await happened(live, n=2)
        async with services(tmp_path) as live:
            await happened(live, n=3)
            posts = await there.until(3)
    assert [post.json["data"]["n"] for post in posts] == [1, 2, 3]


async def test_it_is_tried_again_and_then_given_up_and_the_next_goes_on(tmp_path: Path) -> None:
    async with services(tmp_path) as live, receiver() as there:
        there.statuses = [500, 503, 200, 500, 500, 500, 500]
        await add(live, "a", sink="webhook", url=there.url, filter={"kinds": ["RunCompleted"]}, **LOOPBACK)
        for number in range(1, 5):
            await happened(live, n=number)
        stands = await until(live, "a", lambda item: item["delivered"] + item["failed"] == 4)
        tries = [(post.json["data"]["n"], post.json["attempt"]) for post in there.posts]
        # The second fails for good, so the third gets one try; it fails, the fourth does not.
        assert tries == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (4, 1)]
        assert (stands["delivered"], stands["failed"]) == (2, 2)
        told = [e.data for e in await live.store.read(events.after) if e.kind == "SubscriptionChanged"]
        assert [news["problem"] for news in told if "problem" in news] == ["127.0.0.1 answers 500"] * 2


async def test_what_is_refused_for_good_is_tried_once(tmp_path: Path) -> None:
    async with services(tmp_path) as live, receiver() as there, receiver() as elsewhere:
        there.status, there.location = 302, elsewhere.url
        await add(live, "a", sink="webhook", url=there.url, filter={"kinds": ["RunCompleted"]}, **LOOPBACK)
        await happened(live)
        stands = await until(live, "a", lambda item: item["failed"] == 1)
        assert "redirect" in stands["problem"]
        assert (len(there.posts), elsewhere.posts) == (1, [])


async def test_one_that_never_answers_holds_nobody_up(tmp_path: Path) -> None:
    async with services(tmp_path) as live, raw_server(silence) as port, receiver() as there:
        stuck = f"http://127.0.0.1:{port}/"
        for name, url in (("a", stuck), ("b", there.url), ("c", stuck)):
            kinds = {"kinds": ["RunCompleted"]}
            await add(live, name, sink="webhook", url=url, timeout=600, filter=kinds, **LOOPBACK)
        for number in range(20):
            await happened(live, n=number)
        assert len(await there.until(20)) == 20
        assert (await one(live, "a"))["delivered"] == 0
        assert live.workspace.deliveries.busy


async def test_a_name_that_leads_to_this_machine_is_refused_at_each_delivery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with services(tmp_path) as live, receiver() as there:
        asked: list[str] = []

        def resolve(host: str, port: int, *_: Any) -> list[Any]:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", there.port))]

        from workbench.remote.supervision import webhook

        monkeypatch.setattr(webhook.post, "__defaults__", _with(webhook.post, resolve))
        url = "http://hooks.example/x"
        await add(live, "a", sink="webhook", url=url, allow=["hooks.example"], plain_http=True)
        await happened(live)
        stands = await until(live, "a", lambda item: item["failed"] == 1)
        assert "private network" in stands["problem"]
        assert (asked, there.posts) == (["hooks.example"], [])


def _with(function: Any, resolve: Any) -> tuple[Any, ...]:
    """The defaults of post with another resolver."""
    return tuple(resolve if default is socket.getaddrinfo else default for default in function.__defaults__)


async def test_the_bell_is_an_event_for_every_dashboard(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await add(live, "a", sink="bell", filter={"kinds": ["RunCompleted"]})
        await add(live, "all", sink="bell")
        sequence = await happened(live, state="Failed")
        await until(live, "a", lambda item: item["delivered"] == 1)
        told = [e for e in await live.store.read(events.after) if e.kind == "Notified"]
        mine = next(e for e in told if e.subject == "subscriptions/a")
        assert mine.data == {
            "event": sequence,
            "kind": "RunCompleted",
            "subject": "experiments/mnist/runs/R",
            "text": "Failed",
        }


async def test_silenced_alerts_call_nobody(tmp_path: Path) -> None:
    async with services(tmp_path) as live, receiver() as there:
        await add(live, "a", sink="webhook", url=there.url, filter={"kinds": ["AlertRaised"]}, **LOOPBACK)
        await happened(live, "AlertRaised", rule="xid", silenced_until="2030-01-01T00:00:00Z")
        await happened(live, "AlertRaised", rule="ecc")
        (post,) = await there.until(1)
        assert post.json["data"]["rule"] == "ecc"


async def test_mere_progress_is_brought_to_who_asks_for_it_only(tmp_path: Path) -> None:
    def progress(change: Transaction) -> None:
        change.event("RunRecords", "experiments/mnist/runs/R", {}, fleeting=True)

    async with services(tmp_path) as live, receiver() as everything, receiver() as records:
        await add(live, "a", sink="webhook", url=everything.url, **LOOPBACK)
        await add(live, "b", sink="webhook", url=records.url, filter={"kinds": ["RunRecords"]}, **LOOPBACK)
        await live.store.write(progress)
        await happened(live)
        await records.until(1)
        assert {post.json["kind"] for post in await everything.until(1)} == {"RunCompleted"}


async def test_an_event_that_is_too_long_comes_without_its_data(tmp_path: Path) -> None:
    async with services(tmp_path) as live, receiver() as there:
        await add(live, "a", sink="webhook", url=there.url, filter={"kinds": ["RunCompleted"]}, **LOOPBACK)
        await happened(live, text="x" * 300_000)
        (post,) = await there.until(1)
        assert (post.json["data"], post.json["cut"]) == ({}, True)


async def test_the_address_and_what_signs_are_in_one_private_file_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    async with services(tmp_path) as live, receiver() as there:
        there.status = 500
        url = f"http://127.0.0.1:{there.port}/T0P-TOKEN"
        made = await add(live, "a", sink="webhook", url=url, sign=True, **LOOPBACK)
        given = await add(live, "b", sink="webhook", url=url, secret="S3SAME-S3SAME", **LOOPBACK)
        assert "secret" not in given
        await happened(live)
        await until(live, "a", lambda item: item["failed"] == 1)
        await until(live, "b", lambda item: item["failed"] == 1)
        assert (await live.call("subscriptions.test", name="a"))["delivered"] is False
        shown = json.dumps(await live.call("subscriptions.list")) + caplog.text
        told = await live.store.read(events.after)
        assert there.posts[0].headers["X-Workbench-Signature"].startswith("sha256=")
    secrets = [made["secret"], "S3SAME-S3SAME", "T0P-TOKEN"]
    shown += "".join(json.dumps(e.data) for e in told)
    assert not [secret for secret in secrets if secret in shown]
    holding = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets)
    }
    assert holding == {"a.json": 0o600, "b.json": 0o600}


async def test_unsubscribed_is_silent_and_leaves_nothing(tmp_path: Path) -> None:
    async with services(tmp_path) as live, receiver() as there:
        await add(live, "a", sink="webhook", url=there.url, **LOOPBACK)
        await live.call("subscriptions.remove", name="a")
        await happened(live)
        assert await live.call("subscriptions.list") == []
        assert list((tmp_path / "home").rglob("a.json")) == []
        assert there.posts == []
        with pytest.raises(NotFound):
            await live.call("subscriptions.remove", name="a")


async def test_one_without_its_file_says_so(tmp_path: Path) -> None:
    async with services(tmp_path) as live, receiver() as there:
        await add(live, "a", sink="webhook", url=there.url, **LOOPBACK)
        for path in (tmp_path / "home").rglob("a.json"):
            os.unlink(path)
        await happened(live)
        stands = await until(live, "a", lambda item: item["failed"] == 1)
        assert "cannot be read" in stands["problem"]


async def test_a_test_hands_over_a_made_up_event(tmp_path: Path) -> None:
    async with services(tmp_path) as live, receiver() as there:
        await add(live, "a", sink="webhook", url=there.url, filter={"kinds": ["RunCompleted"]}, **LOOPBACK)
        assert await live.call("subscriptions.test", name="a") == {"delivered": True}
        assert (there.posts[0].json["kind"], there.posts[0].json["sequence"]) == ("Test", 0)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"name": "a/b", "sink": "bell"}, "no name"),
        ({"sink": "bell", "filter": {"kinds": ["RunComplete"]}}, "no events"),
        ({"sink": "webhook"}, "has one"),
        ({"sink": "command", "command": []}, "has one"),
        ({"sink": "command", "command": ["a\0b"]}, "NUL"),
        ({"sink": "bell", "command": ["true"]}, "has one"),
        ({"sink": "bell", "timeout": 0}, "hour"),
        ({"sink": "webhook", "url": "http://hooks.example/", "allow": ["hooks.example"]}, "plain http"),
        ({"sink": "webhook", "url": "https://hooks.example/", "allow": []}, "allow list"),
        ({"sink": "webhook", "url": "https://a:b@hooks.example/", "allow": ["hooks.example"]}, "password"),
        (
            {"sink": "webhook", "url": "https://x.example/", "allow": ["x.example"], "secret": "abc"},
            "too short",
        ),
    ],
)
async def test_what_cannot_be_subscribed_to(tmp_path: Path, chosen: dict[str, Any], said: str) -> None:
    async with services(tmp_path) as live:
        with pytest.raises(UsageError, match=said):
            await live.call("subscriptions.add", **{"name": "a", **chosen})
        assert await live.call("subscriptions.list") == []


async def test_a_name_is_taken_once(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await add(live, "a", sink="bell")
        with pytest.raises(Conflict):
            await add(live, "a", sink="bell")


async def test_events_from_before_are_brought_when_asked_for(tmp_path: Path) -> None:
    async with services(tmp_path) as live, receiver() as there:
        sequence = await happened(live, n=1)
        await happened(live, n=2)
        await add(live, "a", sink="webhook", url=there.url, after=sequence - 1, **LOOPBACK)
        assert [post.json["data"]["n"] for post in await there.until(2)] == [1, 2]
