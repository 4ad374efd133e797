"""What one types after `/` in the list of runs, as parameters of `runs.table`. Pure.

Words are looked for in names, descriptions and commands; KEY=VALUE narrows: status, target (also @NAME), tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.text.location import Location
from workbench.text.states import RUN
from workbench.tui.model.run_list import RunQuery

KEYS = ("status", "target", "text", "archived")
"""Options of a location that filter runs."""
_STATES = {name.lower(): name for name in RUN} | {
    look.word.replace(" ", ""): name for name, look in RUN.items()
}


def read(text: str) -> dict[str, str]:
    """The options of a location that a typed filter means. Raises ValueError with a sentence."""
    options: dict[str, str] = {}
    words = []
    for word in text.split():
        key, equals, value = word.partition("=")
        if word.startswith("@") and len(word) > 1:
            options["target"] = word[1:]
        elif equals and key in ("status", "target", "archived"):
            options[key] = value
        elif set(word) & set("<>"):
            raise ValueError("figures do not filter yet; s sorts by one, C shows its column")
        elif equals:
            raise ValueError(
                f"runs are not filtered by {key}; there are status=, target= (or @NAME), archived="
            )
        else:
            words.append(word)
    if words:
        options["text"] = " ".join(words)
    parameters(options)
    return options


def write(options: Mapping[str, str]) -> str:
    """The options as one types them."""
    words = [f"status={options['status']}"] if options.get("status") else []
    words += [f"@{options['target']}"] if options.get("target") else []
    words += [f"archived={options['archived']}"] if options.get("archived") else []
    return " ".join([*words, *([options["text"]] if options.get("text") else [])])


def parameters(options: Mapping[str, str]) -> tuple[tuple[str, Any], ...]:
    """The parameters of `runs.table` for the options of a location. Raises ValueError with a sentence."""
    found: list[tuple[str, Any]] = []
    if options.get("status"):
        names = options["status"].lower().split(",")
        if names == ["active"]:
            found.append(("active", True))
        else:
            unknown = [name for name in names if name not in _STATES]
            if unknown:
                raise ValueError(
                    f"there is no state {unknown[0]}; try running, queued, failed, completed or active"
                )
            found.append(("status", [_STATES[name] for name in names]))
    if options.get("target"):
        found.append(("target", options["target"]))
    if options.get("text"):
        found.append(("text", options["text"]))
    if options.get("archived"):
        found.append(("archived", options["archived"] in ("yes", "true", "1")))
    return tuple(found)


def query(location: Location) -> RunQuery:
    """The runs a location is about; those of all experiments stand in groups unless it narrows them.

    Raises ValueError with a sentence.
    """
    experiment = location.path[0] if location.path else None
    found = parameters(location.options)
    return RunQuery(experiment, found, grouped=experiment is None and not found)
