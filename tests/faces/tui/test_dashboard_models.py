"""Models in the dashboard: found, held against the champion, promoted after the gate's verdict, rolled back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faces.tui.conftest import Open
from tests.faces.tui.world import World
from tests.faces.tui.world_models import Models


@pytest.fixture
def world() -> World:
    world = World()
    world.models = Models(world)  # type: ignore[attr-defined]
    return world


def models(world: World) -> Models:
    found: Models = world.models  # type: ignore[attr-defined]
    return found


async def test_models_are_listed_found_and_opened(stage: Open, world: World) -> None:
    async with stage(world) as it:
        await it.press("3")
        await it.see("churn +7 +8 +8 +3", "candidate:8", "3 models")
        await it.press("slash")
        await it.type("dig")
        await it.press("enter")
        await it.see("1 model$")
        await it.press("enter")
        await it.see("digits", "1 version$", "no gate")
        await it.press("escape")
        await it.see("digits")


async def test_versions_stand_beside_the_champion_with_their_lineage(stage: Open, world: World) -> None:
    async with stage(world, "models/churn") as it:
        await it.see("8 +candidate", "7 +champion", r"0\.9 -0\.07", r"0\.96 -0\.01", "! pickle")
        await it.see("data:customers:3 -> calm-otter-38 -> churn:8 +! runs code when loaded")
        await it.press("j")
        await it.see("data:customers:3 -> calm-otter-37 -> churn:7")
        await it.press("enter")
        await it.see("Models . churn . 7", "safetensors +3.24 MiB", "age double", "scikit-learn==1.5.2")
        assert "\x1b" not in it.text
        await it.press("escape")
        await it.see("7 +champion")
        assert it.table.cursor == "7"


async def test_metrics_of_versions_are_curves(stage: Open, world: World) -> None:
    async with stage(world, "models/churn?tab=metrics") as it:
        await it.see("acc", "latency_ms", "loss", "⣀|⠒|⠤|⡠|⢀")
        await it.press("enter")
        await it.see("champion 7", "version")
        await it.press("escape")
        await it.see("latency_ms")


async def test_the_history_says_who_when_and_why(stage: Open, world: World) -> None:
    async with stage(world, "models/churn?tab=history") as it:
        await it.see("candidate +nobody -> 8 +set +ann", "champion +6 -> 7 +promote +bob +two points better")
        await it.press("tab")
        await it.see(
            "acc >= champion.acc - 0.002", "What it says of churn:8", "model.pkl runs code when it is loaded"
        )
        await it.see(r"churn:7 is champion since .* \(bob\): two points better")


async def test_the_verdict_is_seen_before_anything_moves(stage: Open, world: World) -> None:
    models(world).all.append(
        {**models(world).all[0], "version": 9, "metrics": {"acc": 0.99, "latency_ms": 3.0}}
    )
    async with stage(world, "models/churn") as it:
        await it.see("9 +-")
        await it.press("p")
        await it.see("Promote churn:9", "wb model promote churn:9 --to champion")
        await it.press("tab")
        await it.type("better")
        await it.press("enter")
        await it.see(
            "✔ acc >= champion.acc - 0.002",
            r"acc 0.99 >= 0.968 \(champion.acc 0.97 - 0.002\)",
            "churn:9 may be champion; churn:7 has it now",
        )
        assert models(world).found["churn"]["aliases"]["champion"] == 7
        await it.press("enter")
        await it.miss("may be champion")
        assert world.asked("models.promote") == [], "Enter means no"
        await it.press("p")
        await it.see("wb model promote")
        await it.press("enter")
        await it.see("may be champion")
        await it.press("tab", "enter")
        await it.told("churn:9 is champion; z takes it back")
        (asked,) = world.asked("models.promote")
        assert (asked["model"], asked["seen"], asked.get("force")) == ("churn:9", 7, None)
        await it.see("9 +champion")
        await it.press("z")
        await it.told("taken back: churn:9 promoted to champion")
        await it.see("7 +champion")


async def test_a_gate_that_says_no_wants_a_reason(stage: Open, world: World) -> None:
    async with stage(world, "models/churn") as it:
        await it.see("8 +candidate")
        await it.press("p", "enter")
        await it.see("✖ acc >= champion.acc - 0.002", "promote anyway", "a reason")
        await it.press("tab", "enter")
        await it.see("going on needs a reason")
        assert world.asked("models.promote") == []
        await it.type("a fire")
        await it.press("enter")
        await it.told("churn:8 is champion")
        (asked,) = world.asked("models.promote")
        assert asked["force"] == "a fire"
        await it.press("tab", "tab")
        await it.see("FORCED +.* a fire", "a fire +the gate said no")


async def test_somebody_who_was_quicker_is_told_of(stage: Open, world: World) -> None:
    models(world).all.append(
        {**models(world).all[0], "version": 9, "metrics": {"acc": 0.99, "latency_ms": 3.0}}
    )
    async with stage(world, "models/churn") as it:
        await it.see("9 +-")
        await it.press("p", "enter")
        await it.see("may be champion")
        models(world).move("champion", 6, "bob", "quick")
        await it.press("tab", "enter")
        await it.told("moved meanwhile by bob")


async def test_rolled_back_after_a_yes(stage: Open, world: World) -> None:
    async with stage(world, "models/churn") as it:
        await it.see("8 +candidate")
        await it.press("u")
        await it.see("Roll back which alias", "champion +6 -> 7")
        await it.type("cham")
        await it.press("enter")
        # A protected one asks for why: the gate is not asked, and everybody can read that.
        await it.see("Roll champion back", "churn:6 has it again", "the history marks that")
        await it.press("enter")
        await it.see("moves back for a reason")
        await it.type("it guesses")
        await it.press("enter")
        await it.see("6 +champion")
        move = models(world).moves[0]
        assert (move["why"], move["unjudged"]) == ("it guesses", True)
        await it.press("u")
        await it.see("Roll back which alias")
        await it.type("cand")
        await it.press("enter")
        await it.see("Roll candidate back", "nobody has it then")
        await it.press("y")
        await it.see("8 +-")


async def test_a_version_is_measured_as_its_gate_asks(stage: Open, world: World) -> None:
    async with stage(world, "models/churn") as it:
        await it.see("8 +candidate")
        await it.press("E")
        await it.see("Evaluate churn:8", "wb model evaluate churn:8")
        await it.press("enter")
        await it.told("churn:8: score 0.91 on test:3 by eval.yml")
        await it.press("enter")
        await it.see("evaluated", "score 0.91 on test:3 by eval.yml .brave-lark-2.")


async def test_the_gate_is_changed_and_a_rule_that_cannot_be_read_is_said(stage: Open, world: World) -> None:
    async with stage(world, "models/churn") as it:
        await it.see("8 +candidate")
        await it.press("e")
        await it.see("Gate of churn", "wb model set churn --gate 'acc >= champion.acc - 0.002'")
        for _ in range(3):
            await it.press("tab")
        await it.type("acc >> 3")
        await it.press("enter")
        await it.told("column 6")
        assert len(models(world).found["churn"]["gate"]) == 3
        await it.see("acc >> 3")
        await it.press("tab", "tab", "tab")
        await it.press("ctrl+u")
        await it.type("acc > 0.5")
        await it.press("enter")
        await it.until(lambda: "acc > 0.5" in models(world).found["churn"]["gate"])


async def test_aliases_tags_and_removal(stage: Open, world: World) -> None:
    async with stage(world, "models/churn") as it:
        await it.see("8 +candidate")
        await it.press("delete")
        await it.told("in use by candidate")
        await it.press("a")
        await it.see("naming one of them takes it away", "wb model alias churn:8 ALIAS")
        await it.type("candidate")
        await it.see("wb model alias churn candidate --remove")
        await it.press("enter")
        await it.until(lambda: "candidate" not in models(world).found["churn"]["aliases"])
        await it.press("t")
        await it.see("stage=beta")
        await it.type(" gold")
        await it.press("enter")
        await it.until(lambda: "gold" in models(world).version("churn:8")["tags"])
        await it.press("delete")
        await it.see("Remove churn:8 for good", "type churn:8")
        await it.type("churn")
        await it.press("colon", "8", "enter")
        await it.until(lambda: all(one["version"] != 8 for one in models(world).all))
        await it.press("o")
        await it.see("Runs . mnist")


async def test_a_run_becomes_a_version_and_is_promoted(stage: Open, world: World) -> None:
    async with stage(world, "runs/mnist/vivid-lark-40") as it:
        await it.see("vivid-lark-40")
        await it.press("p")
        await it.see(
            "Register vivid-lark-40", "wb model register mnist --run vivid-lark-40 --path outputs/model"
        )
        await it.press("tab", "tab", "space")
        await it.press("tab", "tab", "enter")
        await it.told("mnist:1 is registered")
        await it.see("Promote mnist:1")
        await it.press("enter")
        await it.see("no rules: this model has no gate", "mnist:1 may be champion; nobody has it now")
        await it.press("tab", "enter")
        await it.told("mnist:1 is champion")


async def test_a_model_or_version_that_is_gone_says_so(stage: Open, world: World) -> None:
    for place in ("models/nobody", "models/churn:99", "models/churn/99"):
        async with stage(world, place) as it:
            await it.see("no model")
            await it.press("p")
            await it.told("there is no version")


async def test_models_in_80_columns_and_in_ascii(stage: Open, world: World) -> None:
    async with stage(world, "models/churn", size=(80, 24), environ={"TERM": "linux"}) as it:
        await it.see("8 +candidate", "7 +champion")
        await it.press("p", "enter")
        await it.see("x acc >= champion.acc")


async def test_the_champion_is_pointed_out_on_every_curve(stage: Open, world: World) -> None:
    """Its mark stands on its place, its value in the heading, and a line says what the mark means."""
    async with stage(world, "models/churn?tab=metrics") as it:
        await it.see("acc +▲ 0.97", "latency_ms +▲ 17", "▲ champion, version 7")
        assert it.text.count("▲") >= 7, "three headings, three curves, and what it means"
        await it.press("enter")
        await it.see("▲ champion 7 +0.97")


async def test_what_went_past_the_gate_stands_out_in_the_history(stage: Open, world: World) -> None:
    models(world).rollback("churn", "champion", "eve", why="it guesses")
    models(world).moves[0]["verdict"] = models(world).verdict("churn", 6, "champion")
    async with stage(world, "models/churn?tab=history") as it:
        await it.see("champion +7 -> 6 +UNJUDGED +eve +it guesses")


async def test_a_champion_that_is_older_than_all_that_are_listed_is_compared_with(
    stage: Open, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.tui.screens.models.model.LIMIT", 1)
    newest, asked = models(world).versions, []

    def versions(**words: Any) -> Any:
        asked.append(words.get("limit"))
        return newest(**words)[: words.get("limit")]

    world.answers["models.versions"] = versions
    async with stage(world, "models/churn") as it:
        await it.see("8 +candidate +0.9 -0.07", "the newest 1 of 8 versions")
        assert asked[-1] == 1
