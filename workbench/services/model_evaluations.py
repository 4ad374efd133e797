"""Evaluations of models as a service: runs that measure a version for its gate, asked for once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any

from workbench.entities.base import from_wire, replace, to_wire
from workbench.entities.configuration import RunConfiguration
from workbench.entities.model import Evaluation, EvaluationRecipe
from workbench.entities.run import Run
from workbench.errors import NotFound, UsageError
from workbench.registry import promotion, verdicts
from workbench.registry.evaluating import check_recipe, evaluation_of
from workbench.registry.gate_tree import JOB, Evaluated
from workbench.registry.verdicts import Missing
from workbench.remote.forms.run_ids import new_run_id
from workbench.services.context import Context
from workbench.services.operation import call, items
from workbench.services.runs import RunService
from workbench.store.async_store import AsyncStore
from workbench.store.registry import datasets, model_evaluations, model_versions
from workbench.store.registry.model_evaluations import Recipe
from workbench.store.runs import kept_runs, references, run_rows
from workbench.text.asset_reference import AssetReference, parse

EVALUATES = "workbench.evaluates"
"""The property of an evaluation's run that says which version it measured."""
Evaluations = list[Evaluation]


class ModelEvaluationService:
    """The noun `models`, as far as it is about what gates have measured."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._runs = RunService(context)
        self._asking = asyncio.Lock()

    @items
    async def judge(
        self, model: str, alias: str, evaluate: bool = False, by: str | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """What the gate says of a version that is to get an alias: {"verdict": Verdict}, nothing is moved.

        evaluate: runs that rules ask for and that are not there, of the version and of whom it is held
        against, are submitted and waited for first: {"evaluation": {"model", "recipe", "dataset", "run":
        Run}} at each change. Raises NotFound, Unreachable.
        """
        promotion.settable(alias)
        version = await self._store.read(model_versions.get, parse(model))
        exact = AssetReference(version.name, version.version)
        if evaluate:
            async for item in self._measured(await self._store.read(verdicts.missing, exact), by):
                yield item
        yield {"verdict": await self._store.read(verdicts.verdict, exact, alias)}

    @items
    async def evaluate(
        self,
        model: str,
        dataset: str | None = None,
        job: EvaluationRecipe | None = None,
        name: str | None = None,
        again: bool = False,
        by: str | None = None,
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Run what the gate measures a version by, and whom it is held against: items as `judge` has them,
        {"evaluations": [Evaluation]} of the version at the end. again: also what was measured already.

        job: measure by this on a dataset (NAME:VERSION) instead; name: what it is called, such as eval.yml.
        It counts for the gate only where that has the same job. Raises NotFound, Unreachable, UsageError.
        """
        version = await self._store.read(model_versions.get, parse(model))
        exact = AssetReference(version.name, version.version)
        if job is None:
            missing = await self._store.read(verdicts.missing, exact, again)
            async for item in self._measured(missing, by):
                yield item
            yield {"evaluations": await self._store.read(model_evaluations.every, exact)}
            return
        if dataset is None or not name:
            raise UsageError("an evaluation is on a version of a dataset", "name it: data:NAME:VERSION")
        data = dataset.removeprefix("data:").removeprefix("azureml:")
        await self._store.read(_check_dataset, data)
        recipe = Recipe(name if name.startswith(JOB) else f"{JOB}{name}", *_kept(job))
        check_recipe(job.configuration, recipe.name, data)
        run = await self._submitted(Missing(exact, recipe.name, data), recipe, by)
        await self._store.write(model_evaluations.put, exact, recipe, data, run)
        told: Run | None = None
        async for item in self._runs.watch(run):
            told = item["run"]
            yield _item(Missing(exact, recipe.name, data), told)
        assert told is not None
        metrics = {key: value.last for key, value in told.metrics.items()}
        found = Evaluation(
            name=exact.name, version=version.version, recipe=recipe.name, dataset=data, run=run,
            run_name=told.name, status=told.status.value, metrics=metrics,
        )  # fmt: skip
        yield {"evaluations": [found]}

    @call
    async def evaluations(self, model: str) -> Evaluations:
        """What measured a version for its gate, the newest of each kind; raises NotFound."""
        return await self._store.read(model_evaluations.every, parse(model))

    async def _measured(
        self, missing: Iterable[Missing], by: str | None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Have all of them run, at once as far as machines have room, and wait for each."""
        asked = [(one, await self._asked(one, by)) for one in missing]
        for one, run in asked:
            async for item in self._runs.watch(run):
                yield _item(one, item["run"])

    async def _asked(self, one: Missing, by: str | None) -> str:
        """The id of the run that evaluates: the one under way, else a new one."""
        async with self._asking:  # two who promote at once share it
            for known in await self._store.read(model_evaluations.every, one.version):
                if (known.recipe, known.dataset) == (one.recipe, one.dataset):
                    run = await self._store.read(run_rows.get, known.run)
                    if not run.status.terminal:
                        return run.id
            recipe = await self._store.read(model_evaluations.recipe, one.version.name, one.recipe)
            run_id = await self._submitted(one, recipe, by)
            await self._store.write(model_evaluations.put, one.version, recipe, one.dataset, run_id)
            return run_id

    async def _submitted(self, one: Missing, recipe: Recipe, by: str | None) -> str:
        configuration = evaluation_of(recipe.configuration, one.version, one.dataset)
        properties = {EVALUATES: f"model:{one.version}"}
        run = await self._runs.submit(
            new_run_id(), configuration, recipe.snapshot, submitted_by=by, properties=properties
        )
        return run.id


async def gather(
    store: AsyncStore, model: str, wanted: Iterable[Evaluated], sent: Mapping[str, EvaluationRecipe]
) -> list[Recipe]:
    """How each evaluation of a gate is asked for: as it was sent, as it is kept, or as the run it names was.

    Raises NotFound (run, dataset, a job file that nobody sent), UsageError for what cannot evaluate models.
    """
    kept = {recipe.name: recipe for recipe in await store.read(model_evaluations.recipes, model)}
    found: dict[str, Recipe] = {}
    for one in wanted:
        await store.read(_check_dataset, one.dataset)
        known = found.get(one.recipe) or kept.get(one.recipe)
        if one.recipe in sent:
            known = Recipe(one.recipe, *_kept(sent[one.recipe]))
        elif known is None and one.job is not None:
            raise NotFound(
                f"the job file {one.job} is not here", "set the gate from the folder that it is named from"
            )
        elif known is None:
            known = await _like(store, one.recipe)
        check_recipe(from_wire(RunConfiguration, known.configuration), one.recipe, one.dataset)
        found[one.recipe] = known
    return list(found.values())


async def _like(store: AsyncStore, recipe: str) -> Recipe:
    """As the run EXPERIMENT/RUN was asked for."""
    experiment, _, run = recipe.partition("/")
    found = await store.read(run_rows.get, await store.read(references.resolve, run, experiment))
    configuration = await store.read(kept_runs.configuration, found.id)
    return Recipe(recipe, found.snapshot, to_wire(replace(configuration, target=found.target)))


def _kept(sent: EvaluationRecipe) -> tuple[str | None, dict[str, Any]]:
    return sent.snapshot, to_wire(sent.configuration)


def _check_dataset(connection: Any, dataset: str) -> None:
    reference = parse(dataset)
    if reference.version is None:
        raise UsageError(f"{dataset} is no version of a dataset", f"data:{reference.name}:1")
    datasets.get(connection, reference.name, reference.version)


def _item(one: Missing, run: Run) -> dict[str, Any]:
    return {
        "evaluation": {"model": str(one.version), "recipe": one.recipe, "dataset": one.dataset, "run": run}
    }
