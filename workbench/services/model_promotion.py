"""Promotion of models as a service: gates, verdicts, aliases and their history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from workbench.entities.model import AliasMove, EvaluationRecipe, Model
from workbench.errors import UsageError
from workbench.registry import promotion
from workbench.services.context import Context
from workbench.services.model_evaluations import gather
from workbench.services.models import LONGEST_DESCRIPTION
from workbench.services.operation import call
from workbench.store.registry import model_aliases, model_evaluations, models
from workbench.store.registry.model_evaluations import Recipe
from workbench.store.sqlite.database import Transaction
from workbench.text.asset_reference import AssetReference, checked_alias, checked_name, parse

Names = list[str] | None
Tags = dict[str, str | None] | None
Moves = list[AliasMove]
SOMEBODY = "local"
Recipes = dict[str, EvaluationRecipe] | None


class ModelPromotionService:
    """The noun `models`, as far as aliases and gates go."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    @call
    async def set(
        self,
        name: str,
        description: str | None = None,
        tags: Tags = None,
        gate: Names = None,
        protect: Names = None,
        unprotect: Names = None,
        recipes: Recipes = None,
    ) -> Model:
        """Write description, tags or gate of a model, each as a whole, and protect or free aliases.

        Rules that name an evaluation keep how its run is asked for from now on. recipes: those of job files,
        by their names in rules (job:FILE), each with its code taken in; one that is not sent stays as it was.
        Raises NotFound; UsageError for a rule that cannot be read (data has rule, start and stop), or that
        compares with an alias that is a slip for another.
        """
        known = await self._store.read(models.get, checked_name(name))
        facts: dict[str, Any] = {}
        if description is not None:
            if len(description) > LONGEST_DESCRIPTION:
                raise UsageError(f"a description has at most {LONGEST_DESCRIPTION} characters")
            facts["description"] = description
        if tags is not None:
            facts["tags"] = tags
        for alias in protect or []:
            promotion.settable(alias)
        aliases = models.Protection(tuple(protect or ()), tuple(unprotect or ()))
        if gate is not None:
            rules = promotion.checked_rules(gate)
            promotion.check_aliases(rules, [*known.aliases, *known.protected, *(protect or ())])
            facts["gate"] = [rule.text for rule in rules]
            wanted = [rule.evaluated for rule in rules if rule.evaluated is not None]
            how = await gather(self._store, name, wanted, recipes or {})
            return await self._store.write(_set, name, facts, aliases, how)
        if not facts and aliases == models.SAME:
            return known
        return await self._store.write(models.change_facts, name, facts, aliases)

    @call
    async def promote(
        self,
        model: str,
        alias: str,
        by: str | None = None,
        seen: int | None = None,
        why: str | None = None,
        force: str | None = None,
        approver: str | None = None,
    ) -> AliasMove:
        """Give a version an alias, if the gate lets it, in one step.

        seen: the version that had it when `judge` was asked, 0 for none; it must have it still. force: a
        reason to do it whatever the gate says, which the history marks. Raises Refused (data: verdict),
        Conflict (moved meanwhile by who, or it has it already), NotFound.
        """
        return await self._store.write(
            promotion.promote, parse(model), alias, by or SOMEBODY, seen=seen, why=why, force=force,
            approver=approver,
        )  # fmt: skip

    @call
    async def alias(
        self,
        name: str,
        alias: str,
        version: int | None = None,
        by: str | None = None,
        seen: int | None = None,
        why: str | None = None,
    ) -> AliasMove:
        """Give a version an alias past the gate; without a version nobody has it any more.

        Raises Refused for a protected alias, Conflict, NotFound.
        """
        reference = None if version is None else AssetReference(name, version)
        return await self._store.write(
            promotion.set_alias, checked_name(name), alias, reference, by or SOMEBODY, seen=seen, why=why
        )

    @call
    async def rollback(
        self,
        name: str,
        alias: str,
        by: str | None = None,
        seen: int | None = None,
        why: str | None = None,
        approver: str | None = None,
    ) -> AliasMove:
        """Take back the newest move of an alias that was not taken back.

        That of a protected one too, without its gate: it needs a reason and is marked unjudged. Raises
        Conflict, NotFound, UsageError.
        """
        return await self._store.write(
            promotion.rollback, checked_name(name), alias, by or SOMEBODY, seen=seen, why=why,
            approver=approver,
        )  # fmt: skip

    @call
    async def history(
        self, name: str, alias: str | None = None, until: datetime | None = None, limit: int = 1000
    ) -> Moves:
        """The moves of a model's aliases, or of one, the newest first; up to a time. Raises NotFound."""
        if alias is not None:
            checked_alias(alias)
        _check_time(until)
        return await self._store.read(
            model_aliases.history, checked_name(name), alias, until, max(0, min(limit, 10_000))
        )

    @call
    async def standing(self, name: str, at: datetime | None = None) -> Moves:
        """Who had each alias at a time (now): the move that decided it. Raises NotFound."""
        _check_time(at)
        return await self._store.read(
            model_aliases.standing, checked_name(name), datetime.now(UTC) if at is None else at
        )


def _set(
    change: Transaction, name: str, facts: dict[str, Any], aliases: models.Protection, recipes: list[Recipe]
) -> Model:
    """Facts with a gate, and how its evaluations are run, at once."""
    for recipe in recipes:
        model_evaluations.put_recipe(change, name, recipe)
    model_evaluations.keep_recipes(change, name, [recipe.name for recipe in recipes])
    return models.change_facts(change, name, facts, aliases)


def _check_time(time: datetime | None) -> None:
    if time is not None and time.tzinfo is None:
        raise UsageError("a time without its zone", "write it as 2026-05-03T12:00:00Z")
