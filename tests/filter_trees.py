"""Filters of runs for hypothesis: trees over a few names and values, so that many of them fit something."""

from __future__ import annotations

from hypothesis import strategies as st

from workbench.text.filter_tree import (
    NUMERIC,
    ORDERED,
    And,
    Comparison,
    Field,
    Filter,
    Kind,
    Not,
    Or,
    Presence,
    Words,
)

NUMBERS = ("0", "0.5", "5e-1", "1e-3", "0.001", "7", "-1", "inf", "nan")
TEXTS = ("resnet-50", "ResNet", "vgg", "auto", "0.001", "a'b", "50%", "x_y", "é*[", "")
PATTERNS = ("res.*50", "^vgg$", "net|auto", "[^a-z]", "N", r"\d", "^.......", "é[*]", r"5+", "%")
LIKES = ("%net%", "vgg", "_gg", "%5%", "RES%", "%*[%", "%")
NAMES = ("loss", "lr", "model", "loss.min", "val loss", "odd`name", "status", "acc")
STATES = ("completed", "FAILED", "running", "queued", "active")


def _values(*offered: str, operator: str) -> st.SearchStrategy[tuple[str, ...]]:
    one = st.sampled_from(offered)
    if operator not in ("=", "!="):
        return st.tuples(one)
    return st.lists(one, min_size=1, max_size=3).map(tuple)


@st.composite
def _comparison(
    draw: st.DrawFn, field: Field, operators: tuple[str, ...], values: tuple[str, ...]
) -> Comparison:
    operator = draw(st.sampled_from(operators))
    if operator in ("~", "!~"):
        values = PATTERNS
    elif "LIKE" in operator:
        values = LIKES
    elif operator in ORDERED:
        values = tuple(value for value in values if value != "nan") if values is NUMBERS else NUMBERS[:-1]
    return Comparison(field, operator, draw(_values(*values, operator=operator)))


_NUMERIC = tuple(sorted(NUMERIC))
_ORDERED = tuple(sorted(ORDERED))
_TEXTUAL = ("=", "!=", "LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE", "~", "!~")
_FIGURES = st.sampled_from(("last", "min", "max", "best"))
_metric_field = st.builds(Field, st.just(Kind.METRIC), st.sampled_from(NAMES), _FIGURES)
_any_field = st.builds(Field, st.just(Kind.ANY), st.sampled_from(NAMES), _FIGURES)
_other_field = st.builds(Field, st.sampled_from((Kind.TAG, Kind.PROPERTY)), st.sampled_from(NAMES))
_param_field = st.builds(Field, st.just(Kind.PARAM), st.sampled_from(NAMES))


def _attribute(name: str) -> Field:
    return Field(Kind.ATTRIBUTE, name)


_TIMES = ("2026-11-01T12:00:01+00:00", "2026-11-01T12:00:05+00:00", "2026-11-01T13:00:00+00:00")
_leaf: st.SearchStrategy[Filter] = st.one_of(
    _metric_field.flatmap(lambda field: _comparison(field, _NUMERIC, NUMBERS)),
    _param_field.flatmap(lambda field: _comparison(field, (*_ORDERED, *_TEXTUAL), (*TEXTS, *NUMBERS[:-1]))),
    _any_field.flatmap(lambda field: _comparison(field, (*_ORDERED, *_TEXTUAL), (*TEXTS, *NUMBERS))),
    _other_field.flatmap(lambda field: _comparison(field, _TEXTUAL, TEXTS)),
    _comparison(_attribute("status"), ("=", "!="), STATES),
    _comparison(_attribute("archived"), ("=", "!="), ("yes", "no")),
    _comparison(_attribute("name"), _TEXTUAL, ("resnet-50", "vgg", "auto")),
    _comparison(_attribute("experiment"), _TEXTUAL, ("mnist", "other", "none")),
    _comparison(_attribute("description"), _TEXTUAL, ("vgg", "")),
    _comparison(_attribute("attempt"), ("=", "!="), ("1", "2")),
    st.builds(
        Comparison,
        st.sampled_from([_attribute(name) for name in ("created", "started", "ended")]),
        st.sampled_from(_NUMERIC),
        st.tuples(st.sampled_from(_TIMES)),
    ),
    st.builds(
        Comparison,
        st.just(_attribute("duration")),
        st.sampled_from(_ORDERED),
        st.tuples(st.sampled_from(("90s", "2h", "1d"))),
    ),
    st.builds(
        Presence,
        st.one_of(
            _metric_field.map(lambda field: Field(field.kind, field.name)),
            _any_field,
            _other_field,
            _param_field,
            st.sampled_from([_attribute(name) for name in ("ended", "started", "description", "duration")]),
        ),
        st.booleans(),
    ),
    st.builds(Words, st.sampled_from(("net", "VGG", "train.py", "or", "a'b", "50%", "two words"))),
)


def _joined(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    parts = st.lists(inner, min_size=2, max_size=4).map(tuple)
    return st.one_of(st.builds(And, parts), st.builds(Or, parts), st.builds(Not, inner))


FILTERS: st.SearchStrategy[Filter] = st.recursive(_leaf, _joined, max_leaves=8)
