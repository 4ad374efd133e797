"""The beginning of a gate's rule that says which runs measure: evaluation X on data:NAME:V: ... Pure."""

from __future__ import annotations

import re

from workbench.errors import UsageError
from workbench.registry.gate_tree import JOB, Evaluated
from workbench.text.asset_reference import parse as parse_reference
from workbench.text.filter_problem import FilterProblem

_EVALUATION = re.compile(
    r"\s*evaluation\s+(?:(?P<recipe>(?!job:)[^\s:]+)|job:(?P<job>[^\s:'\"]+)|job:(?P<quote>['\"])(?P<quoted>[^'\"]+)(?P=quote))"
    r"\s+on\s+(?:data|azureml):(?P<dataset>[^\s]*?)\s*(?P<colon>:(?=\s|$))"
)
_RECIPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}/[A-Za-z0-9][A-Za-z0-9._-]{0,254}", re.ASCII)
_HINT = "evaluation job:eval.yml on data:NAME:VERSION: acc >= 0.9, or evaluation EXPERIMENT/RUN on ..."


def read_lead(text: str) -> tuple[Evaluated | None, int]:
    """Where a rule's metrics come from, None for its version's own run, and where its condition begins.

    Raises FilterProblem.
    """
    lead = re.match(r"\s*evaluation\s", text)
    if lead is None:
        return None, 0
    found = _EVALUATION.match(text)
    if found is None:
        raise FilterProblem(
            "an evaluation names a job file or run, a dataset and a condition", lead.end(), len(text), _HINT
        )
    recipe, dataset = found["recipe"], found["dataset"]
    if recipe is None:
        recipe = JOB + (found["job"] or found["quoted"])
    elif recipe.endswith((".yml", ".yaml")):
        raise FilterProblem(f"{recipe!r} is a file", *found.span("recipe"), f"write {JOB}{recipe}")
    elif not _RECIPE.fullmatch(recipe):
        hint = "name a run that evaluated before (wb ps --experiment EXPERIMENT), or a job file: job:eval.yml"
        raise FilterProblem(f"{recipe!r} is no EXPERIMENT/RUN", *found.span("recipe"), hint)
    try:
        exact = parse_reference(dataset).version is not None
    except UsageError as problem:
        raise FilterProblem(problem.message, *found.span("dataset"), problem.hint) from problem
    if not exact:
        hint = f"data:{dataset.partition('@')[0]}:1"
        raise FilterProblem("a gate names a version of the data", *found.span("dataset"), hint)
    return Evaluated(recipe, dataset), found.end()


def written(evaluated: Evaluated, condition: str) -> str:
    """The rule that has a condition judged by such runs."""
    job = evaluated.job
    recipe = f"{JOB}'{job}'" if job is not None and re.search(r"[\s:]", job) else evaluated.recipe
    return f"evaluation {recipe} on data:{evaluated.dataset}: {condition}"
