"""Evaluations that gates ask for: how each is run (its recipe), and which run measured which version."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from workbench.entities.model import Evaluation
from workbench.errors import NotFound
from workbench.store.registry import model_figures, model_versions, models
from workbench.store.sqlite.codec import to_text
from workbench.store.sqlite.database import Transaction
from workbench.text.asset_reference import AssetReference


class Recipe(NamedTuple):
    """How an evaluation is asked for, apart from the run or file it came from."""

    name: str
    """As a rule names it: EXPERIMENT/RUN or job:FILE."""
    snapshot: str | None
    """The id of its code."""
    configuration: dict[str, Any]


def put_recipe(change: Transaction, model: str, recipe: Recipe) -> None:
    """Keep a recipe; what another one of that name measured is no longer known. Raises NotFound."""
    number = models.number(change.connection, model)
    row = change.execute(
        "SELECT snapshot, data FROM model_recipes WHERE model = ? AND name = ?", (number, recipe.name)
    ).fetchone()
    data = to_text(recipe.configuration)
    if row is not None and (row[0], json.loads(row[1])) == (recipe.snapshot, json.loads(data)):
        return
    change.execute(
        "INSERT INTO model_recipes (model, name, snapshot, data) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (model, name) DO UPDATE SET snapshot = excluded.snapshot, data = excluded.data",
        (number, recipe.name, recipe.snapshot, data),
    )
    change.execute(
        "DELETE FROM model_evaluations WHERE recipe = ?"
        " AND version IN (SELECT id FROM model_versions WHERE model = ?)",
        (recipe.name, number),
    )


def keep_recipes(change: Transaction, model: str, names: Sequence[str]) -> None:
    """Forget the recipes of a model but these; raises NotFound."""
    change.execute(
        "DELETE FROM model_recipes WHERE model = ? AND name NOT IN (SELECT value FROM json_each(?))",
        (models.number(change.connection, model), json.dumps(list(names))),
    )


def recipes(connection: sqlite3.Connection, model: str) -> list[Recipe]:
    """Those that a model's gate keeps; raises NotFound."""
    rows = connection.execute(
        "SELECT name, snapshot, data FROM model_recipes WHERE model = ? ORDER BY name",
        (models.number(connection, model),),
    )
    return [Recipe(name, snapshot, json.loads(data)) for name, snapshot, data in rows]


def recipe(connection: sqlite3.Connection, model: str, name: str) -> Recipe:
    """One of them; raises NotFound."""
    for known in recipes(connection, model):
        if known.name == name:
            return known
    raise NotFound(f"{model} keeps no evaluation {name!r}", f"set the gate again: wb model set {model}")


def put(change: Transaction, reference: AssetReference, recipe: Recipe, dataset: str, run: str) -> bool:
    """Keep which run evaluated a version for a rule; the newest counts. Raises NotFound.

    False, and nothing is kept, where the gate does not ask for it in this way: not at all, or not any more.
    """
    asked = recipe._replace(configuration=json.loads(to_text(recipe.configuration)))
    if asked not in recipes(change.connection, reference.name):
        return False
    change.execute(
        "INSERT INTO model_evaluations (version, recipe, dataset, run) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (version, recipe, dataset) DO UPDATE SET run = excluded.run",
        (model_versions.key_of(change.connection, reference), recipe.name, dataset, run),
    )
    return True


def every(connection: sqlite3.Connection, reference: AssetReference) -> list[Evaluation]:
    """What evaluated a version, and what it measured; without runs that were removed. Raises NotFound."""
    version = model_versions.get(connection, reference)
    rows = connection.execute(
        "SELECT e.recipe, e.dataset, e.run, r.name, r.status FROM model_evaluations e"
        " JOIN runs r ON r.id = e.run WHERE e.version = ? ORDER BY e.recipe, e.dataset",
        (model_versions.key_of(connection, reference),),
    ).fetchall()
    return [
        Evaluation(
            name=version.name,
            version=version.version,
            recipe=recipe,
            dataset=dataset,
            run=run,
            run_name=run_name,
            status=status,
            metrics=dict(model_figures.of_run(connection, run).last),
        )
        for recipe, dataset, run, run_name, status in rows
    ]
