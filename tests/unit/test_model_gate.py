"""Gates: what a rule means, where one that means nothing goes wrong, and what it says of a version."""

from __future__ import annotations

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.entities.model import Evaluation
from workbench.registry import gate_units
from workbench.registry.gate_judge import Standing, judge
from workbench.registry.gate_lead import written as written_lead
from workbench.registry.gate_parse import LONGEST, parse, problem_of
from workbench.registry.gate_tree import All, Any, Comparison, Entry, Metric, Number, Safe, Sum
from workbench.text.filter_problem import FilterProblem
from workbench.text.filter_tree import FIGURES

NEW = Standing(
    "churn",
    7,
    {"acc": 0.977, "latency_ms": 12.0, "val/acc": 0.9, "bad": math.nan, "zero": 0.0, "loss": 0.5,
     "size/MiB": 3.0, "wild": math.inf, "old": 3.0},
    lowest={"acc": 0.3, "loss": 0.2, "zero": 0.0, "wild": 1.0, "latency_ms": 9.0},
    highest={"acc": 0.98, "loss": 2.5, "zero": 0.0, "wild": 1.0, "latency_ms": 30.0},
    rising=frozenset({"acc"}),
    tags={"reviewed": None, "stage": "beta"},
    properties={"licence": "MIT"},
)  # fmt: skip
CHAMPION = Standing(
    "churn",
    6,
    {"acc": 0.979, "only": 1.0, "broken": math.nan, "huge": -math.inf, "loss": 0.4},
    lowest={"acc": 0.1, "loss": 0.3},
    highest={"acc": 0.981, "loss": 9.0},
    rising=frozenset({"acc"}),
)
HOLDERS = {"champion": CHAMPION}


def said(text: str, holders: dict[str, Standing] | None = None) -> tuple[bool, str]:
    found = judge(parse(text), NEW, HOLDERS if holders is None else holders)
    return found.passed, found.said


def test_the_rules_of_the_interface() -> None:
    assert said("acc >= champion.acc - 0.002") == (
        True,
        "acc 0.977 >= 0.977 (champion.acc 0.979 - 0.002)",
    )
    assert said("latency_ms < 20")[0]
    assert said("tag:reviewed") == (True, "tag reviewed is there")
    rule = parse("evaluation digits-eval/calm-otter-3 on data:test:3: acc >= 0.9 and latency_ms < 5")
    assert rule.evaluated is not None
    assert (rule.evaluated.recipe, rule.evaluated.dataset) == ("digits-eval/calm-otter-3", "test:3")
    for text, job in (
        ("evaluation job:jobs/eval.yml on data:test:3: acc > 0.9", "jobs/eval.yml"),
        ("evaluation job:'my jobs/eval.yml' on azureml:test:3 : acc > 0.9", "my jobs/eval.yml"),
    ):
        rule = parse(text)
        assert rule.evaluated is not None
        assert (rule.evaluated.job, rule.evaluated.dataset) == (job, "test:3")
        assert parse(written_lead(rule.evaluated, "acc > 0.9")).evaluated == rule.evaluated


def test_an_alias_of_any_name_can_be_compared_with() -> None:
    others = {"release-1": CHAMPION, "v1.2": CHAMPION}
    for text in ("acc > @release-1.acc - 1", "acc > @`v1.2`.acc - 1", "acc > @`v1.2`.`acc` - 1"):
        passed, words = said(text, others)
        assert passed
        assert "0.979 - 1" in words
    for text in ("acc > @v1.2.acc", "acc > @`v 1`.acc", "acc > @`v1`", "acc > @`latest`.acc"):
        assert problem_of(text) is not None, text


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("acc > champion.acc", False),
        ("acc >= champion.acc - 0.001", False),
        ("acc >= 97%", True),
        ("val/acc >= 0.9", True),
        ("`val/acc` > 0.9", False),
        ("acc < 1 and latency_ms < 10", False),
        ("acc < 1 or latency_ms < 10", True),
        ("(acc > 2 or latency_ms < 20) and safe", True),
        ("(acc + champion.acc) / 2 > 0.977", True),
        ("((acc + champion.acc) / 2 > 0.977)", True),
        ("acc != 0.977", False),
        ("acc = 0.977", True),
        ("acc == 0.977", True),
        ("zero = 0", True),
        ("-acc < 0", True),
        ("acc / zero > 0", False),
        ("bad >= 0 or bad < 0", False),
        ("bad != 3", False),
        ("tag:stage = beta", True),
        ("tag:stage = 'beta'", True),
        ("tag:stage != beta", False),
        ("tag:nobody", False),
        ("tag:nobody != x", False),
        ("tag:reviewed = yes", False),
        ("property:licence = MIT", True),
        ("min(loss) < 0.25", True),
        ("max(loss) < 0.25", False),
        ("last(loss) = 0.5", True),
        ("best(loss) = 0.2 and best(acc) = 0.98", True),
        ("loss.min < 0.25 and loss.best = 0.2 and metrics.loss = 0.5", True),
        ("`loss.min` < 0.25", False),
        ("MIN(loss) < min(champion.loss)", True),
        ("best(acc) >= best(champion.acc)", False),
        ("champion.loss.max > max( @champion.loss ) - 1", True),
        ("max(`val/acc`) > 0.1", False),
        ("min > 0", False),
        ("latency_ms < 20ms", True),
        ("latency_ms < 0.02 s and acc > 0.9", True),
        ("latency_ms < 10000 us or acc > 2", False),
        ("latency_ms + 1ms <= 13ms", True),
        ("size/MiB < 4MB", True),
        ("size/MiB < 3MB", False),
        ("max(latency_ms) < 0.5min", True),
        ("wild > 0", False),
        ("wild < 0", False),
        ("min(wild) > 0", True),
        ("acc * 1e308 * 1e308 > 0", False),
    ],
)
def test_what_a_rule_says_of_a_version(text: str, passed: bool) -> None:
    assert said(text)[0] is passed


def test_absent_is_not_zero_but_a_first_champion_has_nobody_to_beat() -> None:
    assert said("nothing >= 0") == (False, "churn:7 has no metric nothing")
    assert said("nothing < 1 or acc > 2")[0] is False
    assert said("acc >= champion.nothing") == (False, "champion churn:6 has no metric nothing")
    assert said("acc >= champion.acc", {}) == (True, "there is no champion yet to compare with")
    assert said("champion.acc <= nothing", {})[0] is False
    assert said("champion.x <= @candidate.y", {"candidate": NEW})[0] is False
    assert said("only >= champion.only")[0] is False


def test_a_model_that_runs_code_is_not_safe() -> None:
    risky = NEW._replace(runs_code=["model/a.pkl"])
    found = judge(parse("safe"), risky, {})
    assert (found.passed, found.said) == (False, "model/a.pkl runs code when it is loaded")


def test_what_is_no_finite_number_fits_nothing_on_either_side_and_is_said() -> None:
    assert said("bad < 1") == (False, "bad of churn:7 is not a number (nan)")
    assert said("min(bad) < 1") == (False, "min(bad) of churn:7 is not a number (nan)")
    assert said("wild > 1") == (False, "wild of churn:7 is infinite (inf)")
    assert said("acc > champion.broken") == (False, "broken of champion churn:6 is not a number (nan)")
    assert said("acc > champion.huge - 1") == (False, "huge of champion churn:6 is infinite (-inf)")
    assert said("max(old) > 1") == (False, "of old of churn:7 only the last value is known")
    assert said("bad < champion.acc", {}) == (False, "bad of churn:7 is not a number (nan)")
    assert said("acc / zero > 0") == (False, "nan (acc 0.977 / zero 0) > 0: nothing to compare")


def test_figures_and_units_are_said_as_they_were_written() -> None:
    assert said("min(loss) < min(champion.loss)") == (True, "min(loss) 0.2 < min(champion.loss) 0.3")
    assert said("latency_ms < 0.01s") == (False, "latency_ms 12 < 0.01s: no")


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("loss_min", None),
        ("loss/max", None),
        ("val.mean", None),
        ("latency_ms_min", "ms"),
        ("latency_ms/mean", "ms"),
        ("latency_ms_p95", "ms"),
        ("size_MiB_max", "mib"),
        ("epoch_minutes", "min"),
        ("epoch_mins_total", "min"),
        ("min", None),
        ("ms", None),
        ("latency_ms", "ms"),
    ],
)
def test_what_a_name_says_of_many_values_is_no_unit(name: str, unit: str | None) -> None:
    assert gate_units.unit_of(name) == unit


def test_a_champion_is_held_against_by_its_own_evaluation_on_the_same_data() -> None:
    rule = parse("evaluation job:eval.yml on data:test:3: acc >= champion.acc")

    def measured(version: int, value: float, status: str = "Completed") -> tuple[Evaluation, Standing]:
        standing = Standing("churn", version, {"acc": value})
        evaluation = Evaluation(
            name="churn", version=version, recipe="job:eval.yml", dataset="test:3", run=f"R{version}",
            status=status, metrics={"acc": value},
        )  # fmt: skip
        return evaluation, standing

    only = judge(rule, NEW, HOLDERS, {"churn:7": measured(7, 0.6)})
    assert (only.passed, only.said) == (False, "champion churn:6 was not evaluated on test:3 by eval.yml")
    both = judge(rule, NEW, HOLDERS, {"churn:7": measured(7, 0.6), "churn:6": measured(6, 0.5)})
    assert (both.passed, both.said, both.run) == (True, "acc 0.6 >= champion.acc 0.5", "R7")
    failed = judge(rule, NEW, HOLDERS, {"churn:7": measured(7, 0.6), "churn:6": measured(6, 0.5, "Failed")})
    assert (failed.passed, failed.said) == (
        False,
        "champion churn:6 was evaluated in R6, which ended Failed, on test:3 by eval.yml",
    )
    assert judge(rule, NEW, {}, {"churn:7": measured(7, 0.6)}).passed, "the first has nobody to beat"


def test_an_evaluation_is_judged_by_what_its_run_measured_and_counts_only_when_it_completed() -> None:
    rule = parse("evaluation e/r on data:test:3: acc >= 0.9")
    assert judge(rule, NEW, {}).said == "churn:7 was not evaluated on test:3 by e/r"
    for status, value, passed in (
        ("Completed", 0.95, True),
        ("Completed", 0.5, False),
        ("Failed", 0.95, False),
    ):
        evaluation = Evaluation(
            name="churn",
            version=7,
            recipe="e/r",
            dataset="test:3",
            run="R",
            status=status,
            metrics={"acc": value},
        )
        found = judge(rule, NEW, {}, {"churn:7": (evaluation, Standing("churn", 7, evaluation.metrics))})
        assert (found.passed, found.run) == (passed, "R")


@pytest.mark.parametrize(
    ("text", "start", "word"),
    [
        ("", 0, "empty"),
        ("acc", 0, "comparison"),
        ("acc >=", 6, "missing"),
        ("acc >= 0.9 latency", 11, "not expected"),
        ("acc >= 'high'", 7, "no figure"),
        ("acc >= champion", 7, "which metric"),
        ("1 < 2", 0, "no metric"),
        ("acc < 1 < 2", 8, "two sides"),
        ("tag: = 3", 0, "no name"),
        ("tag:x >= 3", 6, "= or !="),
        ("tag:x =", 7, "value is missing"),
        ("(acc > 1", 0, "not closed"),
        ("acc > 1)", 7, "no ( for"),
        ("acc > (1 + 2", 6, "not closed"),
        ("`acc > 1", 0, "not closed"),
        ("acc > 1 and", 11, "missing"),
        ("acc # 3", 4, "means nothing"),
        ("acc > 1; drop", 7, "means nothing"),
        ("acc > 1\x1b[2J", 7, "control"),
        ("@latest.acc > 1", 0, "alias"),
        ("@x > 1", 0, "alias"),
        ("acc > 1e999", 6, "too large"),
        ("evaluation a on b", 11, "names a job file or run"),
        ("evaluation ../x on data:t:1: acc > 1", 11, "EXPERIMENT/RUN"),
        ("mean(loss) > 1", 0, "no figure"),
        ("mni(loss) > 1", 0, "no figure"),
        ("min() > 1", 4, "belongs here"),
        ("min(loss > 1", 3, "not closed"),
        ("min(loss + 1) > 1", 3, "not closed"),
        ("min(loss.max) > 1", 0, "is nothing"),
        ("acc < 20ms", 8, "no unit in its name"),
        ("loss_min < 5min", 12, "loss_min says no unit in its name"),
        ("latency_ms < 20 MB", 16, "different things"),
        ("latency_ms + epoch_sec < 20 s", 28, "different units"),
        ("latency_ms < 20 ms_", 16, "not expected"),
        ("evaluation eval.yml on data:t:1: acc > 1", 11, "is a file"),
        ("evaluation job: on data:t:1: acc > 1", 11, "names a job"),
        ("evaluation e/r on data:t: acc > 1", 23, "names a version"),
        ("evaluation e/r on data:t@latest: acc > 1", 23, "names a version"),
        ("x" * (LONGEST + 1), LONGEST, "at most"),
        ("(" * 50 + "acc > 1" + ")" * 50, 21, "at most"),
    ],
)
def test_a_problem_is_said_at_its_column(text: str, start: int, word: str) -> None:
    with pytest.raises(FilterProblem) as caught:
        parse(text)
    assert word in caught.value.message
    assert caught.value.start == start


NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name not in ("and", "or", "safe", "champion", "evaluation")
)
NUMBERS = st.floats(0.001, 1000).map(lambda value: Number(float(f"{value:.6g}"), f"{value:.6g}"))
METRICS = st.builds(Metric, NAMES, st.sampled_from([None, "champion", "candidate"]), st.sampled_from(FIGURES))
FIGURES = st.recursive(
    NUMBERS | METRICS, lambda inner: st.builds(Sum, st.sampled_from("+-*/"), inner, inner), max_leaves=5
)
COMPARISONS = st.builds(Comparison, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), METRICS, FIGURES)
ENTRIES = st.builds(Entry, st.sampled_from(["tag", "property"]), NAMES)
LEAVES = COMPARISONS | ENTRIES | st.just(Safe())
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda kind, parts: kind(tuple(parts)),
        st.sampled_from([All, Any]),
        st.lists(inner, min_size=2, max_size=3),
    ),
    max_leaves=8,
)


def written(tree: object) -> str:
    """A tree as text, every bracket written."""
    if isinstance(tree, Number):
        return tree.text
    if isinstance(tree, Metric):
        lead = "" if tree.alias is None else f"{'' if tree.alias == 'champion' else '@'}{tree.alias}."
        return f"{lead}{tree.name}" if tree.figure == "last" else f"{tree.figure}({lead}{tree.name})"
    if isinstance(tree, Sum):
        return f"({written(tree.left)} {tree.operator} {written(tree.right)})"
    if isinstance(tree, Comparison):
        return f"{written(tree.left)} {tree.operator} {written(tree.right)}"
    if isinstance(tree, Entry):
        return f"{tree.kind}:{tree.name}"
    if isinstance(tree, Safe):
        return "safe"
    assert isinstance(tree, All | Any)
    word = " and " if isinstance(tree, All) else " or "
    return word.join(f"({written(part)})" for part in tree.parts)


@given(TREES)
def test_a_rule_is_read_as_it_is_written(tree: object) -> None:
    assert parse(written(tree)).condition == tree


def value(figure: object, metrics: dict[str, dict[str, float]]) -> float:
    """The naive reading of a figure; metrics by alias, "" for the version's own."""
    if isinstance(figure, Number):
        return figure.value
    if isinstance(figure, Metric):
        return metrics[figure.alias or ""][figure.name]
    assert isinstance(figure, Sum)
    left, right = value(figure.left, metrics), value(figure.right, metrics)
    if figure.operator == "/":
        return left / right if right else math.nan
    return {"+": left + right, "-": left - right, "*": left * right}[figure.operator]


@given(COMPARISONS, st.floats(-5, 5), st.floats(-5, 5))
def test_figures_come_to_what_arithmetic_says(tree: Comparison, own: float, other: float) -> None:
    class Every(dict[str, float]):
        """Has every metric."""

        def __init__(self, value: float) -> None:
            self.value = value

        def __getitem__(self, name: str) -> float:
            return self.value

        def __contains__(self, name: object) -> bool:
            return True

        def get(self, name: object, default: object = None) -> float:  # type: ignore[override]
            return self.value

    def standing(version: int, value: float) -> Standing:
        return Standing("m", version, Every(value), Every(value), Every(value))

    holders = {name: standing(1, other) for name in ("champion", "candidate")}
    metrics = {"": Every(own), "champion": Every(other), "candidate": Every(other)}
    found = judge(parse(written(tree)), standing(2, own), holders).passed
    left, right = value(tree.left, metrics), value(tree.right, metrics)
    if math.isnan(left) or math.isnan(right):
        assert not found
    elif math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-12):
        return  # what rounding makes of it
    else:
        naive = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
        assert found is {**naive, "=": False, "!=": True}[tree.operator]


@given(st.text(alphabet=string.printable + "äé\x00", max_size=60))
def test_any_text_is_a_rule_or_a_problem_at_a_place_in_it(text: str) -> None:
    try:
        parse(text)
    except FilterProblem as problem:
        found = (problem.start, problem.stop)
    else:
        return
    assert 0 <= found[0] <= len(text)
    assert found[0] < found[1]
