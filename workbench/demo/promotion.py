"""The demo's last act: the best run becomes a model's champion in place of a weaker one, through a gate."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from workbench.errors import Refused
from workbench.home import user_at_host
from workbench.text import numbers
from workbench.text.style import Look
from workbench.text.tables import wrap
from workbench.views import models as look_of
from workbench.workspace import Workspace
from workbench.workspace.model_files import register_from_run

MODEL = "digits"
PATH = "outputs/model.json"
ALIAS = "champion"


def rules(metric: str) -> list[str]:
    """The gate: better than the champion by a tenth of a point, and no file that runs code when loaded."""
    return [f"{metric} >= {ALIAS}.{metric} + 0.001", "safe"]


def weaker(comparison: dict[str, Any], metric: str) -> int | None:
    """The first run that is not the best and has the metric, by its place; None where there is none."""
    for index, value in enumerate(comparison["metrics"].get(metric, {}).get("values", [])):
        if index != comparison.get("best") and numbers.finite(value) is not None:
            return index
    return None


class Told(Protocol):
    """Who tells the story."""

    look: Look

    def say(self, text: str = "", role: str = "") -> None:
        """One line."""

    def command(self, words: str) -> None:
        """What one would type."""


class Rivals(NamedTuple):
    """Two versions: a weaker one that is champion, and the best, which may become it."""

    old: dict[str, Any]
    new: dict[str, Any]


def set_up(workspace: Workspace, comparison: dict[str, Any], metric: str, tell: Told) -> Rivals | None:
    """Register a weaker run as champion behind a gate, then the best; None where there are no two.

    comparison: the JSON of `runs.compare`.
    """
    weak, best = weaker(comparison, metric), comparison.get("best")
    if weak is None or best is None:
        return None
    runs = comparison["runs"]
    old = _registered(workspace, runs[weak], tell)
    gate = rules(metric)
    tell.command(f"wb model set {MODEL} --protect {ALIAS} --gate {gate[1]} \\")
    tell.say(f"        --gate '{gate[0]}'", "active")
    workspace.call("models", "set", name=MODEL, gate=gate, protect=[ALIAS])
    _move(workspace, old, "the first one", tell)
    return Rivals(old, _registered(workspace, runs[best], tell))


def decide(workspace: Workspace, rivals: Rivals, tell: Told) -> bool:
    """Promote the best, and show that there is no way back; whether it is champion at the end."""
    _move(workspace, rivals.new, "the best of the comparison", tell)
    try:
        _move(workspace, rivals.old, "no reason", tell)
    except Refused:
        tell.say(f"   The gate keeps it out. Who was {ALIAS} when: wb model history {MODEL}")
    return is_champion(workspace, rivals.new)


def is_champion(workspace: Workspace, version: dict[str, Any]) -> bool:
    """Whether a version has the alias now."""
    found = workspace.call("models", "version", model=f"{MODEL}@{ALIAS}")
    return bool(found["version"] == version["version"])


def _registered(workspace: Workspace, run: dict[str, Any], tell: Told) -> dict[str, Any]:
    tell.command(f"wb model register {MODEL} --run {run['name']} --path {PATH}")
    return register_from_run(workspace.client, MODEL, run["id"], PATH)


def _move(workspace: Workspace, version: dict[str, Any], why: str, tell: Told) -> None:
    """Ask the gate, tell what it says, and move the alias; raises Refused when it says no."""
    name = look_of.reference(version)
    tell.command(f"wb model promote {name} --to {ALIAS} --why '{why}'")
    asked = {"model": name, "alias": ALIAS, "by": user_at_host()}
    verdict: dict[str, Any] = {}
    for item in workspace.items("models", "judge", **asked):
        verdict = item.get("verdict", verdict)
    for line in verdict.get("lines", []):
        sign, rule, said = look_of.rule_line(line)
        if tell.look.ascii_only:
            sign = "+" if line["passed"] else "x"
        tell.say(f"     {sign} {rule}", "good" if line["passed"] else "bad")
        for part in wrap(said, max(20, tell.look.width - 8)):
            tell.say(f"       {part}", "quiet")
    tell.say(f"     {look_of.verdict_lines(verdict)[-1].text}", "bold")
    workspace.call("models", "promote", **asked, seen=verdict.get("current") or 0, why=why)
