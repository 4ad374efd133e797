"""MLflow's filters and orders over runs and logged models, in memory. Pure.

A filter is comparisons joined by AND: `metrics.loss < 0.1 AND tags."my tag" LIKE '%x%'`.
"""

import re
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple

from workbench.remote.mlflow_api.wire import BAD, Refused

LONGEST = 6000
MOST_COMPARISONS = 100
METRIC, PARAM, TAG, ATTRIBUTE, DATASET = "metric", "param", "tag", "attribute", "dataset"
_ENTITIES = {
    "metric": METRIC, "metrics": METRIC, "param": PARAM, "params": PARAM, "parameter": PARAM,
    "parameters": PARAM, "tag": TAG, "tags": TAG, "attribute": ATTRIBUTE, "attributes": ATTRIBUTE,
    "attr": ATTRIBUTE, "run": ATTRIBUTE, "dataset": DATASET, "datasets": DATASET,
}  # fmt: skip
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^']|'')*'|"[^"]*")
    | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<operator><=|>=|!=|<>|==|[<>=(),])
    | (?P<name>(?:\w+\s*\.\s*)?(?:`[^`]*`|"[^"]*"|[\w.\-/:]+))
    )""",
    re.X,
)
_COMPARE = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}  # type: Dict[str, Callable[[Any, Any], bool]]

# value: a text, a float, or a tuple of texts (IN); None with IS NULL.
Comparison = NamedTuple("Comparison", [("entity", str), ("name", str), ("operator", str), ("value", Any)])
# What a thing has: (entity, name) -> its values, none where it has none.
Values = Callable[[str, str], List[Any]]


def parse(text):
    # type: (str) -> List[Comparison]
    """The comparisons of a filter; an empty one has none. Raises Refused, saying where it is wrong."""
    if len(text) > LONGEST:
        raise Refused(BAD, "Invalid filter: longer than %d characters" % LONGEST)
    tokens = _tokens(text)
    found = []  # type: List[Comparison]
    place = 0
    while place < len(tokens):
        if found:
            if tokens[place][1].upper() != "AND":
                raise _wrong(text, "AND is wanted, not %s" % tokens[place][1])
            place += 1
        comparison, place = _comparison(text, tokens, place)
        found.append(comparison)
        if len(found) > MOST_COMPARISONS:
            raise _wrong(text, "more than %d comparisons" % MOST_COMPARISONS)
    return found


def fits(comparisons, values):
    # type: (Iterable[Comparison], Values) -> bool
    """Whether a thing satisfies all of them; what it does not have satisfies none but IS NULL."""
    return all(_fits(one, values(one.entity, one.name)) for one in comparisons)


def ordered(things, orders, values_of):
    # type: (List[Any], List[Tuple[str, bool]], Callable[[Any], Values]) -> List[Any]
    """Things by (field, ascending); those without a value, or with nan, come last either way."""
    found = list(things)
    for field, ascending in reversed(orders):
        entity, name = _field(field, field)
        keyed = [(_sortable(values_of(thing)(entity, name)), thing) for thing in found]
        have = [pair for pair in keyed if pair[0] is not None]
        have.sort(key=_key, reverse=not ascending)
        found = [thing for _, thing in have] + [thing for key, thing in keyed if key is None]
    return found


def order_of(text):
    # type: (str) -> Tuple[str, bool]
    """A term of order_by, as (field, ascending)."""
    bare = text.strip()
    found = re.match(r"(?is)(.+?)\s+(asc|desc)\Z", bare)
    return (found.group(1), found.group(2).lower() == "asc") if found else (bare, True)


def _tokens(text):
    # type: (str) -> List[Tuple[str, str]]
    found = []
    place = 0
    end = len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise _wrong(text, "character %d is not understood" % (place + 1))
        kind = str(match.lastgroup)
        found.append((kind, match.group(kind)))
        place = match.end()
    return found


def _comparison(text, tokens, place):
    # type: (str, List[Tuple[str, str]], int) -> Tuple[Comparison, int]
    if place >= len(tokens) or tokens[place][0] != "name":
        raise _wrong(text, "a comparison begins with a name such as metrics.loss")
    entity, name = _field(text, tokens[place][1])
    words = [token[1] for token in tokens[place + 1 : place + 4]] + [""] * 3
    upper = [word.upper() for word in words]
    if upper[:2] == ["IS", "NULL"]:
        return Comparison(entity, name, "IS NULL", None), place + 3
    if upper[:3] == ["IS", "NOT", "NULL"]:
        return Comparison(entity, name, "IS NOT NULL", None), place + 4
    if upper[0] == "IN" or upper[:2] == ["NOT", "IN"]:
        operator = "IN" if upper[0] == "IN" else "NOT IN"
        values, after = _listed(text, tokens, place + 1 + len(operator.split()))
        return Comparison(entity, name, operator, values), after
    operator = {"==": "=", "<>": "!="}.get(upper[0], upper[0])
    if operator not in _COMPARE and operator not in ("LIKE", "ILIKE"):
        raise _wrong(text, "%s is no comparison" % (words[0] or "nothing"))
    if place + 2 >= len(tokens):
        raise _wrong(text, "a value is missing at its end")
    value = _literal(text, tokens[place + 2])
    if entity == METRIC and not isinstance(value, float):
        raise _wrong(text, "a metric is compared with a number")
    return Comparison(entity, name, operator, value), place + 3


def _listed(text, tokens, place):
    # type: (str, List[Tuple[str, str]], int) -> Tuple[Tuple[Any, ...], int]
    values = []
    if place >= len(tokens) or tokens[place][1] != "(":
        raise _wrong(text, "IN needs a list in brackets")
    place += 1
    while place < len(tokens) and tokens[place][1] != ")":
        if tokens[place][1] != ",":
            values.append(_literal(text, tokens[place]))
        place += 1
    if place >= len(tokens):
        raise _wrong(text, "a bracket is not closed")
    return tuple(values), place + 1


def _literal(text, token):
    # type: (str, Tuple[str, str]) -> Any
    kind, word = token
    if kind == "number":
        return float(word)
    if kind == "text":
        return word[1:-1].replace("''", "'")
    raise _wrong(text, "%s needs quotes" % word)


def _field(text, word):
    # type: (str, str) -> Tuple[str, str]
    head, dot, rest = word.partition(".")
    head, rest = head.strip(), rest.strip()
    if not dot:
        return ATTRIBUTE, _bare(head)
    entity = _ENTITIES.get(head.lower())
    if entity is None:
        kinds = [METRIC, "parameter", TAG, ATTRIBUTE, DATASET]
        raise Refused(BAD, "Invalid entity type '%s'. Valid values are %s" % (head[:100], kinds))
    return entity, _bare(rest)


def _bare(name):
    # type: (str) -> str
    return name[1:-1] if len(name) > 1 and name[0] == name[-1] and name[0] in '`"' else name


def _fits(comparison, values):
    # type: (Comparison, List[Any]) -> bool
    operator, wanted = comparison.operator, comparison.value
    if operator in ("IS NULL", "IS NOT NULL"):
        return bool(values) == (operator == "IS NOT NULL")
    return any(_holds(operator, value, wanted) for value in values)


def _holds(operator, value, wanted):
    # type: (str, Any, Any) -> bool
    if operator in ("IN", "NOT IN"):
        return (value in wanted) == (operator == "IN")
    if operator in ("LIKE", "ILIKE"):
        return like(str(wanted), str(value), operator == "ILIKE")
    if isinstance(value, (int, float)) != isinstance(wanted, float):
        value, wanted = str(value), str(wanted)
    return _COMPARE[operator](value, wanted)


def like(pattern, value, blind):
    # type: (str, str, bool) -> bool
    """SQL's LIKE: % is anything, _ one character. blind: to upper and lower case. Linear in time."""
    if blind:
        pattern, value = pattern.lower(), value.lower()
    at = place = 0
    star, resume = -1, 0
    while at < len(value):
        if place < len(pattern) and pattern[place] == "%":
            star, resume = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("_", value[at]):
            place += 1
            at += 1
        elif star >= 0:
            resume += 1
            place, at = star + 1, resume
        else:
            return False
    return not pattern[place:].strip("%")


def _key(pair):
    # type: (Tuple[Any, Any]) -> Any
    return pair[0]


def _sortable(values):
    # type: (List[Any]) -> Optional[Any]
    if not values or values[0] is None or values[0] != values[0]:
        return None
    return values[0]


def _wrong(text, why):
    # type: (str, str) -> Refused
    return Refused(BAD, "Invalid filter '%s': %s" % (text[:200], why))
