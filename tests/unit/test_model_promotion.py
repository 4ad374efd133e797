"""Promotion: gates, aliases that are compared before they move, their history, and taking back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.model_making import put_version, register
from tests.services import Services, services
from tests.store_making import open_store
from workbench.errors import Conflict, NotFound, Refused, UsageError
from workbench.registry import promotion
from workbench.store.registry import model_versions, models
from workbench.text.asset_reference import AssetReference


async def versions(live: Services, *accuracies: float | None) -> None:
    """Versions of churn with such metrics."""

    def put(change: Any) -> None:
        for value in accuracies:
            manifest = "0" * 64
            from workbench.entities.model import ModelDetails, ModelVersion

            version = ModelVersion(
                name="churn", version=0, created=datetime.now(UTC), manifest=manifest, files=1, size=1,
                metrics={} if value is None else {"acc": value},
            )  # fmt: skip
            model_versions.register(change, version, ModelDetails(), True)

    await live.store.write(put)


async def judged(live: Services, model: str, alias: str = "champion") -> Any:
    (item,) = [item async for item in live.items("models.judge", model=model, alias=alias)]
    return item["verdict"]


async def test_a_better_version_is_promoted_a_worse_one_is_refused_line_by_line(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await versions(live, 0.90, 0.95, 0.80, None)
        await live.call(
            "models.set",
            name="churn",
            gate=["acc >= champion.acc - 0.002", "acc > 0.5"],
            protect=["champion"],
        )
        first = await live.call(
            "models.promote", model="churn:1", alias="champion", by="ann", why="the first"
        )
        assert (first["version"], first.get("previous"), first["who"], first["why"], first["forced"]) == (
            1,
            None,
            "ann",
            "the first",
            False,
        )
        verdict = await judged(live, "churn:2")
        assert (verdict["passed"], verdict["champion"], verdict["current"]) == (True, 1, 1)
        await live.call("models.promote", model="churn:2", alias="champion", by="bob", seen=1)
        for number, said in ((3, "acc 0.8 >= 0.948"), (4, "has no metric acc")):
            verdict = await judged(live, f"churn:{number}")
            assert verdict["passed"] is False
            assert said in verdict["lines"][0]["said"]
            with pytest.raises(Refused) as caught:
                await live.call("models.promote", model=f"churn:{number}", alias="champion")
            assert caught.value.exit_code == 5
            assert [line["passed"] for line in caught.value.data["verdict"]["lines"]] == [False, number == 3]
        model = await live.call("models.get", name="churn")
        assert model["aliases"] == {"champion": 2}
        with pytest.raises(Conflict, match="already"):
            await live.call("models.promote", model="churn:2", alias="champion")


async def test_force_needs_a_reason_and_is_marked_with_who_approved(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await versions(live, 0.9, 0.5)
        await live.call("models.set", name="churn", gate=["acc > 0.8"])
        for reason in ("", "  "):
            with pytest.raises(UsageError, match="reason"):
                await live.call("models.promote", model="churn:2", alias="champion", force=reason)
        moved = await live.call(
            "models.promote", model="churn:2", alias="champion", by="ann", force="a fire", approver="bob"
        )
        assert (moved["forced"], moved["why"], moved["approver"]) == (True, "a fire", "bob")
        assert moved["verdict"]["passed"] is False
        # Where the gate lets it there is nothing to mark.
        moved = await live.call("models.promote", model="churn:1", alias="champion", force="to be sure")
        assert moved["forced"] is False


async def test_a_protected_alias_only_moves_through_a_gate(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await versions(live, 0.9, 0.5)
        await live.call("models.set", name="churn", protect=["champion"])
        for version in (1, None):
            with pytest.raises(Refused, match="protected"):
                await live.call("models.alias", name="churn", alias="champion", version=version)
        with pytest.raises(Refused, match="no gate"):
            await live.call("models.promote", model="churn:1", alias="champion")
        await live.call("models.set", name="churn", gate=["acc > 0.8"])
        await live.call("models.promote", model="churn:1", alias="champion")
        await live.call("models.alias", name="churn", alias="candidate", version=2)
        with pytest.raises(Refused, match="protected"):
            await live.call("models.alias", name="churn", alias="champion")
        with pytest.raises(Conflict, match="protected"):
            await live.call("models.rollback", name="churn", alias="champion", why="a fire")
        await live.call("models.set", name="churn", unprotect=["champion"])
        await live.call("models.alias", name="churn", alias="champion")
        assert (await live.call("models.get", name="churn"))["aliases"] == {"candidate": 2}


async def test_two_who_protect_at_once_both_do(tmp_path: Path) -> None:
    """Many, since one may only be overtaken between its look and its write."""
    names = [f"a{number}" for number in range(12)]
    async with services(tmp_path) as live:
        await register(live)
        await asyncio.gather(*(live.call("models.set", name="churn", protect=[name]) for name in names))
        found = await live.call("models.get", name="churn")
        assert found["protected"] == sorted(names)


async def test_a_protected_alias_is_rolled_back_at_once_for_a_reason_and_marked(tmp_path: Path) -> None:
    """What burns is put out first: nothing is judged, but why, and what the gate says, is kept."""
    async with services(tmp_path) as live:
        await versions(live, 0.9, 0.95)
        await live.call("models.set", name="churn", gate=["acc >= champion.acc"], protect=["champion"])
        for number in (1, 2):
            await live.call("models.promote", model=f"churn:{number}", alias="champion")
        for reason in (None, " "):
            with pytest.raises(UsageError, match="needs a reason"):
                await live.call("models.rollback", name="churn", alias="champion", why=reason)
        assert (await live.call("models.get", name="churn"))["aliases"] == {"champion": 2}
        moved = await live.call(
            "models.rollback", name="churn", alias="champion", by="ann", why="it guesses", approver="bob"
        )
        assert (moved["version"], moved["unjudged"], moved["forced"], moved["approver"]) == (
            1, True, False, "bob",
        )  # fmt: skip
        assert moved["verdict"]["passed"] is False, "the gate is not asked, but what it says is kept"
        await live.call("models.set", name="churn", unprotect=["champion"])
        again = await live.call("models.promote", model="churn:2", alias="champion")
        assert again["unjudged"] is False
        moved = await live.call("models.rollback", name="churn", alias="champion")
        assert (moved["version"], moved["unjudged"], moved.get("verdict")) == (1, False, None)


async def test_what_was_champion_on_a_day_is_told_for_good(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await versions(live, 0.9, 0.95)
        start = datetime.now(UTC)
        await live.call("models.promote", model="churn:1", alias="champion", by="ann")
        between = datetime.now(UTC)
        await live.call("models.promote", model="churn:2", alias="champion", by="bob")
        await live.call("models.alias", name="churn", alias="champion", by="eve")
        await live.call("models.remove", model="churn:1")
        for at, expected in ((start, []), (between, [1]), (datetime.now(UTC), [])):
            standing = await live.call("models.standing", name="churn", at=at.isoformat())
            assert [move["version"] for move in standing] == expected
        moves = await live.call("models.history", name="churn", alias="champion")
        assert [
            (move["who"], move.get("version"), move.get("previous"), move["action"]) for move in moves
        ] == [
            ("eve", None, 2, "remove"),
            ("bob", 2, 1, "promote"),
            ("ann", 1, None, "promote"),
        ]
        with pytest.raises(UsageError, match="zone"):
            await live.call("models.standing", name="churn", at="2026-05-03T12:00:00")
        assert len(await live.call("models.history", name="churn", until=between.isoformat())) == 1


async def test_one_step_back_and_another(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await versions(live, 1, 2, 3)
        for number in (1, 2, 3):
            await live.call("models.promote", model=f"churn:{number}", alias="champion")
        for expected in (2, 1):
            moved = await live.call("models.rollback", name="churn", alias="champion", by="ann", why="errors")
            assert (moved["version"], moved["action"], moved["why"]) == (expected, "rollback", "errors")
        await live.call("models.promote", model="churn:3", alias="champion")
        assert (await live.call("models.rollback", name="churn", alias="champion"))["version"] == 1
        moved = await live.call("models.rollback", name="churn", alias="champion")
        assert moved.get("version") is None
        with pytest.raises(Conflict, match="no move"):
            await live.call("models.rollback", name="churn", alias="champion")
        # What it would go back to may be gone.
        for number in (1, 2):
            await live.call("models.promote", model=f"churn:{number}", alias="champion")
        await live.call("models.remove", model="churn:1")
        with pytest.raises(Conflict, match="was removed"):
            await live.call("models.rollback", name="churn", alias="champion")


async def test_of_two_who_promote_at_once_one_wins_and_the_other_is_told(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await versions(live, 0.90, 0.95, 0.96)
        await live.call("models.set", name="churn", gate=["acc > champion.acc"])
        await live.call("models.promote", model="churn:1", alias="champion", by="first")
        seen = [(await judged(live, f"churn:{number}"))["current"] for number in (2, 3)]
        assert seen == [1, 1]
        outcomes = await asyncio.gather(
            *(
                live.call("models.promote", model=f"churn:{number}", alias="champion", by=who, seen=1)
                for number, who in ((2, "ann"), (3, "bob"))
            ),
            return_exceptions=True,
        )
        won = [one for one in outcomes if isinstance(one, dict)]
        lost = [one for one in outcomes if isinstance(one, Conflict)]
        assert (len(won), len(lost)) == (1, 1)
        assert f"moved meanwhile by {won[0]['who']}" in lost[0].message
        assert lost[0].data["current"] == won[0]["version"]
        assert len(await live.call("models.history", name="churn")) == 2
        with pytest.raises(Conflict):
            await live.call("models.promote", model="churn:3", alias="champion", seen=0)


def test_the_gate_judges_what_the_store_holds_when_the_alias_moves(tmp_path: Path) -> None:
    """Two without a look before: the second is held against what the first made champion."""
    store = open_store(tmp_path)
    try:
        for value in (0.95, 0.93):
            put_version(store, metrics={"acc": value})
        store.write(models.change_facts, "churn", {"gate": ["acc > champion.acc"]})
        store.write(promotion.promote, AssetReference("churn", 1), "champion", "ann")
        with pytest.raises(Refused, match=r"acc 0\.93 > champion\.acc 0\.95"):
            store.write(promotion.promote, AssetReference("churn", 2), "champion", "bob")
    finally:
        store.close()


async def test_a_rule_that_cannot_be_read_is_pointed_at_and_keeps_the_gate_as_it_was(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await register(live)
        await live.call("models.set", name="churn", gate=["acc > 1"])
        with pytest.raises(UsageError) as caught:
            await live.call("models.set", name="churn", gate=["acc > 2", "acc >> 3"])
        assert caught.value.data["rule"] == "acc >> 3"
        assert caught.value.data["start"] == 5
        assert "column 6" in caught.value.message
        assert (await live.call("models.get", name="churn"))["gate"] == ["acc > 1"]
        for alias in ("latest", "1", "", "a b", "../x"):
            with pytest.raises(UsageError):
                await live.call("models.alias", name="churn", alias=alias, version=1)
            with pytest.raises(UsageError):
                await live.call("models.promote", model="churn:1", alias=alias)
            with pytest.raises(UsageError):
                await live.call("models.set", name="churn", protect=[alias])
        with pytest.raises(NotFound):
            await live.call("models.promote", model="churn:9", alias="champion")
        with pytest.raises(NotFound):
            await judged(live, "nobody")


async def test_a_slip_in_an_alias_lets_nothing_through(tmp_path: Path) -> None:
    """A comparison with an alias that nobody has holds: it must not be one that was written wrong."""
    async with services(tmp_path) as live:
        await versions(live, 0.90, 0.95)
        await live.call("models.alias", name="churn", alias="release-candidate", version=1)
        for slip, meant in (
            ("chmpion", "champion"),
            ("Champion", "champion"),
            ("release-canddate", "release"),
        ):
            with pytest.raises(UsageError) as caught:
                await live.call("models.set", name="churn", gate=[f"acc > @{slip}.acc"])
            assert meant in caught.value.hint
        await live.call(
            "models.set", name="churn", gate=["acc > @shadow.acc", "acc > @release-candidate.acc"]
        )
        verdict = await judged(live, "churn:2")
        assert [line["said"] for line in verdict["lines"]] == [
            "there is no shadow yet to compare with",
            "acc 0.95 > release-candidate.acc 0.9",
        ]


async def test_aliases_that_differ_by_capitals_alone_are_refused(tmp_path: Path) -> None:
    async with services(tmp_path) as live:
        await versions(live, 0.90, 0.95)
        await live.call("models.alias", name="churn", alias="Shadow", version=1)
        for alias in ("Latest", "Champion", "shadow"):
            with pytest.raises(UsageError, match="capital"):
                await live.call("models.alias", name="churn", alias=alias, version=2)
            with pytest.raises(UsageError, match="capital"):
                await live.call("models.promote", model="churn:2", alias=alias, force="because")
        await live.call("models.alias", name="churn", alias="Shadow", version=2)
