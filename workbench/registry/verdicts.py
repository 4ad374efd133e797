"""What a model's gate says of a version, and which runs would have to measure first. Reads the store only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from workbench.entities.model import Evaluation, ModelVersion, RuleVerdict, Verdict
from workbench.registry.gate_judge import Standing, judge
from workbench.registry.gate_parse import parse
from workbench.registry.gate_tree import CHAMPION, Rule
from workbench.remote.forms.protocol import COMPLETED
from workbench.store.registry import model_evaluations, model_figures, model_versions, models
from workbench.store.registry.model_figures import Figures
from workbench.text.asset_reference import AssetReference
from workbench.text.filter_problem import FilterProblem


class Missing(NamedTuple):
    """An evaluation that a gate asks for and that was not completed."""

    version: AssetReference
    recipe: str
    dataset: str


def verdict(connection: sqlite3.Connection, reference: AssetReference, alias: str) -> Verdict:
    """What the gate says of a version that is to get an alias; nothing changes. Raises NotFound."""
    version = model_versions.get(connection, reference)
    model = models.get(connection, version.name)
    rules = [(text, read(text)) for text in model.gate]
    against = {one for _, rule in rules if rule is not None for one in rule.aliases}
    numbers = {one: number for one, number in model.aliases.items() if one in against}
    standings = {
        number: _standing(connection, model_versions.get(connection, AssetReference(model.name, number)))
        for number in {version.version, *numbers.values()}
    }
    holders = {one: standings[number] for one, number in numbers.items()}
    known = _measured(connection, standings.values())
    lines = []
    for text, rule in rules:
        if rule is None:
            lines.append(RuleVerdict(rule=text, passed=False, said="the rule cannot be read"))
            continue
        wanted = rule.evaluated
        measured = {} if wanted is None else known.get((wanted.recipe, wanted.dataset), {})
        lines.append(judge(rule, standings[version.version], holders, measured))
    return Verdict(
        name=model.name,
        version=version.version,
        alias=alias,
        passed=all(line.passed for line in lines),
        lines=lines,
        champion=model.aliases.get(CHAMPION),
        current=model.aliases.get(alias),
        protected=alias in model.protected,
        time=datetime.now(UTC),
    )


def missing(connection: sqlite3.Connection, reference: AssetReference, again: bool = False) -> list[Missing]:
    """The evaluations without which the gate cannot judge a version, in the order of its rules.

    Those of whom it is held against too: figures of the same data are compared. again: also the version's
    own that were completed. Raises NotFound.
    """
    version = model_versions.get(connection, reference)
    model = models.get(connection, version.name)
    found = dict[Missing, None]()
    for rule in map(read, model.gate):
        if rule is None or rule.evaluated is None:
            continue
        wanted = rule.evaluated
        against = [model.aliases[alias] for alias in rule.aliases if alias in model.aliases]
        for number in [version.version, *against]:
            exact = AssetReference(model.name, number)
            anew = again and number == version.version
            if anew or not _completed(connection, exact, wanted.recipe, wanted.dataset):
                found[Missing(exact, wanted.recipe, wanted.dataset)] = None
    return list(found)


def read(text: str) -> Rule | None:
    """A rule that was kept; None for one that another release could read and this one cannot."""
    try:
        return parse(text)
    except FilterProblem:
        return None


def _standing(connection: sqlite3.Connection, version: ModelVersion) -> Standing:
    figures = model_figures.of_version(connection, AssetReference(version.name, version.version))
    bare = Standing(
        version.name,
        version.version,
        {},
        tags=version.tags,
        properties=version.properties,
        runs_code=version.runs_code,
    )
    return _with(bare, figures)


def _with(standing: Standing, figures: Figures) -> Standing:
    return standing._replace(
        metrics=figures.last, lowest=figures.lowest, highest=figures.highest, rising=figures.rising
    )


def _measured(
    connection: sqlite3.Connection, standings: Iterable[Standing]
) -> dict[tuple[str, str], dict[str, tuple[Evaluation, Standing]]]:
    """The evaluations of versions, by recipe and dataset, then by NAME:VERSION."""
    found: dict[tuple[str, str], dict[str, tuple[Evaluation, Standing]]] = {}
    for standing in standings:
        for one in model_evaluations.every(connection, AssetReference(standing.name, standing.version)):
            figures = model_figures.of_run(connection, one.run)
            found.setdefault((one.recipe, one.dataset), {})[standing.called] = (one, _with(standing, figures))
    return found


def _completed(connection: sqlite3.Connection, exact: AssetReference, recipe: str, dataset: str) -> bool:
    return any(
        (one.recipe, one.dataset, one.status) == (recipe, dataset, COMPLETED)
        for one in model_evaluations.every(connection, exact)
    )
