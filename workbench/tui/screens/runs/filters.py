"""The filter of a list of runs, as options of a location and as parameters of `runs.table`. Pure.

What one types after `/` is the option `filter`; status, target, text and archived alone, as in links, mean
the same as when they are typed.
"""

from __future__ import annotations

from collections.abc import Mapping

from workbench.text.filter_problem import FilterProblem
from workbench.text.location import Location
from workbench.tui.model.run_list import RunQuery

KEYS = ("filter", "status", "target", "text", "archived")
"""Options of a location that filter runs."""


def read(text: str) -> dict[str, str]:
    """The options of a location that a typed filter means. Raises FilterProblem."""
    from workbench.text.filter_parse import parse

    parse(text)
    return {"filter": text.strip()} if text.strip() else {}


def problem(text: str) -> FilterProblem | None:
    """What is wrong with a typed filter."""
    try:
        read(text)
    except FilterProblem as problem:
        return problem
    return None


def write(options: Mapping[str, str]) -> str:
    """The options as one types them."""
    said = [options["filter"]] if options.get("filter") else []
    said += [
        f"{key}={','.join(_value(value) for value in options[key].split(','))}"
        for key in ("status", "target", "archived")
        if options.get(key)
    ]
    text = options.get("text", "")
    if len(said) > 1 and options.get("filter"):
        said[0] = f"({said[0]})"
    return " ".join([*said, *(_value(word) for word in text.split())])


def parameters(options: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The parameters of `runs.table` for the options of a location. Raises FilterProblem."""
    text = write(options)
    if not text:
        return ()
    read(text)
    return (("filter", text),)


def query(location: Location) -> RunQuery:
    """The runs a location is about; those of all experiments stand in groups unless it narrows them.

    Raises FilterProblem.
    """
    experiment = location.path[0] if location.path else None
    found = parameters(location.options)
    group = location.options.get("group") or None
    grouped = experiment is None and not found and group is None
    return RunQuery(experiment, found, grouped=grouped, group=group)


def fixes(query: RunQuery, attribute: str) -> bool:
    """Whether all runs of a query have one and the same value of an attribute, such as target."""
    asked = dict(query.filters)
    if attribute in asked:
        return True
    if not asked.get("filter"):
        return False
    from workbench.text.filter_parse import parse
    from workbench.text.filter_tree import fixed

    return fixed(parse(asked["filter"]).tree, attribute)


def _value(text: str) -> str:
    """A value or a word, in quotes where it would be read as something else."""
    from workbench.text.filter_format import written_value

    return written_value(text)
