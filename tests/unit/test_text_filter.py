"""Filters as text: what they mean, how they are written, and what is said, and where, about those that mean nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.text import filter_times
from workbench.text.filter_format import format
from workbench.text.filter_match import case_matters, globs
from workbench.text.filter_parse import DEEPEST, MOST_TERMS, parse
from workbench.text.filter_problem import FilterProblem, pointed
from workbench.text.filter_tree import And, Comparison, Field, Kind, Not, Or, Presence, Words, positive

LOSS = Comparison(Field(Kind.ANY, "loss"), "<", ("0.1",))
NOW = datetime(2026, 11, 26, 15, 30, tzinfo=UTC)


def test_the_forms_of_one_filter_mean_the_same() -> None:
    tree = parse("loss<0.1 status=failed /resnet").tree
    failed = Comparison(Field(Kind.ATTRIBUTE, "status"), "=", ("failed",))
    assert tree == And((LOSS, failed, Words("resnet")))
    for said in (
        "loss < 0.1 and attributes.status == 'failed' AND resnet",
        'loss<0.1 & run.status = "failed" && "resnet"',
        "  (loss<0.1)   ((status IN (failed)))and(resnet) ",
    ):
        assert parse(said).tree == tree


def test_names_belong_to_whom_they_say() -> None:
    for said, field in {
        "metric.loss.MIN": Field(Kind.METRIC, "loss", "min"),
        "metrics.`loss.min`": Field(Kind.METRIC, "loss.min"),
        'metrics."a``b".best': Field(Kind.METRIC, "a``b", "best"),
        "parameters.optimizer.lr": Field(Kind.PARAM, "optimizer.lr"),
        "tags.mlflow.runName": Field(Kind.TAG, "mlflow.runName"),
        "attributes.`Run name`": Field(Kind.ATTRIBUTE, "name"),
        "run_id": Field(Kind.ATTRIBUTE, "id"),
        "run.seed": Field(Kind.ANY, "run.seed"),
        "val/loss": Field(Kind.ANY, "val/loss"),
        "`status`": Field(Kind.ANY, "status"),
    }.items():
        assert (
            parse(f"{said} = 'x'" if field.kind is not Kind.METRIC else f"{said}=1").named[0].field == field
        )


def test_values_end_where_they_should() -> None:
    for said, values in {
        "command=--lr=3": ("--lr=3",),
        "branch='it''s (1)'": ("it's (1)",),
        "(name=a/b-c)": ("a/b-c",),
        "(name~a[(]b)": ("a[(]b",),
        "model=a,b c": ("a", "b"),
        "created>-7d": ("-7d",),
        "created>2026-11-02 12:30 otter": ("2026-11-02 12:30",),
        "loss ≤ 3": ("3",),
        "branch=fix<3>": ("fix<3>",),
    }.items():
        tree = parse(said).tree
        leaf = tree.parts[0] if isinstance(tree, And) else tree
        assert isinstance(leaf, Comparison)
        assert leaf.values == values


@pytest.mark.parametrize(
    ("said", "column", "words", "unfinished"),
    [
        ("status=faild", 8, "no state 'faild'; did you mean failed?", True),
        ("attributes.statsu=failed", 12, "no attribute statsu; did you mean status?", True),
        ("artifact_uri='x'", 1, "there is no URI to compare", False),
        ("loss<", 6, "a value is missing", True),
        ("loss<abc", 6, "'abc' is no number", True),
        ("loss<nan", 6, "nan has no order", True),
        ("duraton>2h", 9, "did you mean duration?", True),
        ("duration>soon", 10, "not a duration", True),
        ("created>yesturday", 9, "did you mean yesterday?", True),
        ("created>2026-02-30", 9, "is no time", True),
        ("tags.x<3", 7, "tags are texts", False),
        ("metrics.x LIKE 'a'", 11, "x is a number and takes", False),
        ("status>failed", 7, "status is a state and takes = !=", False),
        ("a and", 6, "something is missing here", True),
        ("a or or b", 6, "something is missing before or", False),
        ("(a=1", 1, "this ( is not closed", True),
        ("a=1)", 4, "there is no ( for this )", False),
        ("a='x", 3, "the ' is not closed", True),
        ("lr IN (1, ", 11, "a value is missing", True),
        ("< 3", 1, "a name is missing before <", False),
        ("metrics.`x`", 9, "a comparison is missing", True),
        ("name~(a|b)", 6, "( is not taken here", False),
        ("name~^ab+c", 9, "+ repeats only .", False),
        ("name ~ [a", 8, "[ begins a class", False),
        ("archived=maybe", 10, "neither yes nor no", True),
        ("exit_code=many", 11, "is no number", True),
        ("a=`b`", 3, "backticks are for names", False),
        ("loss=<1", 5, "=< is no comparison; did you mean <=?", False),
        ("name=~net", 5, "=~ is no comparison; did you mean ~?", False),
        ("loss>1,5", 7, "> takes one value; decimals have a point", False),
        ("metrics.loss BETWEEN 1 AND 2", 14, "loss>=1 metrics.loss<=2 says both", False),
        ("status is failed", 8, "IS stands only before NULL; = compares", False),
        ("metrics. < 1", 1, "a name is missing behind metrics.", True),
    ],
)
def test_what_is_wrong_is_said_at_its_column(said: str, column: int, words: str, unfinished: bool) -> None:
    with pytest.raises(FilterProblem) as raised:
        parse(said)
    assert words in raised.value.said
    assert (raised.value.start + 1, raised.value.unfinished) == (column, unfinished)


def test_the_words_stand_where_there_is_room() -> None:
    problem = FilterProblem("no state", 4, 9, "did you mean failed?")
    assert pointed("a b faild", problem, 60) == "    ^^^^^ no state; did you mean failed?"
    late = FilterProblem("no state", 40, 45)
    assert pointed("x" * 45, late, 50) == f"{'no state':>39} ^^^^^"
    assert pointed("日本 faild", FilterProblem("no", 3, 8), 60) == "     ^^^^^ no"
    assert pointed("x" * 45, late, 30, scrolled=35) == "     ^^^^^ no state"


@given(st.text("loss<>=!~()'\"`, andorti.1*[]|&\\\x00é\ud800", max_size=60))
def test_any_text_is_a_filter_or_a_problem_within_it(said: str) -> None:
    try:
        tree = parse(said).tree
    except FilterProblem as problem:
        found = problem
    else:
        assert parse(format(tree)).tree == tree
        return
    assert 0 <= found.start <= len(said)
    assert found.stop > found.start
    pointed(said, found, 20)


def test_nothing_can_be_too_much() -> None:
    for said in ("(" * 2000, "not " * 900 + "a", "a " * 900, "a=" + "1," * 1500 + "1", "b" * 5000):
        with pytest.raises(FilterProblem, match="at most"):
            parse(said)
    parse("(" * DEEPEST + "a" + ")" * DEEPEST)
    parse("a " * MOST_TERMS)


def test_not_goes_into_the_leaves() -> None:
    gone = Presence(Field(Kind.TAG, "x"), there=False)
    tree = parse("not (loss<0.1 or not (a tags.x IS NOT NULL))").tree
    assert positive(tree) == And(
        (Comparison(LOSS.field, ">=", ("0.1",)), Words("a"), Presence(gone.field, True))
    )
    assert positive(Not(And((LOSS, Or((Words("a"), gone)))))) == Or(
        (Comparison(LOSS.field, ">=", ("0.1",)), And((Words("a", False), Presence(gone.field, True))))
    )


ALPHABET = st.sampled_from("abAB10.-_ é[]^*?\\|\n")


@given(
    st.lists(
        st.sampled_from(["a", "B", ".", ".*", ".+", "[ab]", "[^a-z]", r"\d", r"\w", r"\s", r"\.", "|", "1"]),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
    st.booleans(),
    st.text(ALPHABET, max_size=12),
)
def test_a_pattern_matches_what_the_regular_expression_does(
    atoms: list[str], begins: bool, ends: bool, text: str
) -> None:
    pattern = f"{'^' if begins else ''}{''.join(atoms)}{r'$' if ends else ''}"
    flags = re.DOTALL | re.ASCII | (0 if case_matters(pattern) else re.IGNORECASE)
    wanted = re.search(re.sub(r"\$$", r"\\Z", pattern), text, flags) is not None
    low = text if case_matters(pattern) else re.sub("[A-Z]", lambda found: found[0].lower(), text)
    assert any(glob_fits(glob, low) for glob in globs(pattern)) is wanted


def glob_fits(glob: str, text: str) -> bool:
    """Whether SQLite finds it so."""
    import sqlite3

    connection = sqlite3.connect(":memory:")
    found: Any = connection.execute("SELECT ? GLOB ?", (text, glob)).fetchone()
    connection.close()
    return bool(found[0])


def test_times_are_those_of_the_clock_here(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        for said, start, stop in [
            ("yesterday", "2026-11-24T23:00", "2026-11-25T23:00"),
            ("thu", "2026-11-25T23:00", "2026-11-26T23:00"),
            ("friday", "2026-11-19T23:00", "2026-11-20T23:00"),
            ("2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
            ("2026-12", "2026-11-30T23:00", "2026-12-31T23:00"),
            ("2025", "2024-12-31T23:00", "2025-12-31T23:00"),
            ("2026-11-26T12:30", "2026-11-26T11:30", "2026-11-26T11:30"),
            ("2026-11-26T12:30Z", "2026-11-26T12:30", "2026-11-26T12:30"),
            ("1764160200000", "2025-11-26T12:30", "2025-11-26T12:30"),
            ("7 days ago", "2026-11-19T15:30", "2026-11-19T15:30"),
            ("-1h30m", "2026-11-26T14:00", "2026-11-26T14:00"),
            ("3 May", "2026-05-02T22:00", "2026-05-03T22:00"),
            ("may 3, 2025", "2025-05-02T22:00", "2025-05-03T22:00"),
            ("27 November", "2025-11-26T23:00", "2025-11-27T23:00"),
            ("29 feb", "2024-02-28T23:00", "2024-02-29T23:00"),
        ]:
            span = filter_times.parse(said, NOW)
            assert [when.astimezone(UTC).isoformat()[:16] for when in span] == [start, stop], said
    time.tzset()
    with pytest.raises(ValueError, match="is no time"):
        filter_times.parse("-99999999d", NOW)
    for wrong in ("30 feb", "mayo 3", "3 foo", "0 may", "3 may 20"):
        with pytest.raises(ValueError, match="is no time"):
            filter_times.parse(wrong, NOW)
    assert filter_times.parse("now", NOW) == (NOW, NOW + timedelta())
