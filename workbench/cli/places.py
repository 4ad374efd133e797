"""Which command shows a location: `wb runs/mnist` is `wb run ls -e mnist`. Pure."""

from __future__ import annotations

from workbench.errors import UsageError
from workbench.text import location
from workbench.text.location import Location

TABS = {"logs": "logs", "metrics": "metrics", "files": "files", "snapshot": "snapshot", "overview": "show"}

PLACES = (
    "places: runs, runs/EXPERIMENT, runs/EXPERIMENT/RUN, compute/NAME, queue, forwards, experiments/NAME,"
    " compare/NAME, activity"
)


def words_for(text: str) -> list[str]:
    """The words of the command that shows the place text names; raises UsageError when none does."""
    try:
        place = location.parse(text)
    except ValueError as problem:
        raise UsageError(str(problem), PLACES) from problem
    words = _words(place)
    if words is None:
        raise UsageError(f"no command shows {location.format(place)}", PLACES)
    return words


def _words(place: Location) -> list[str] | None:
    if place.noun == "runs":
        return _runs(place)
    if len(place.path) > 1:
        return None
    nouns = {"compute": "compute", "experiments": "experiment"}
    if place.noun in nouns:
        return [nouns[place.noun], "show", place.path[0]] if place.path else [nouns[place.noun], "ls"]
    if place.noun == "queue":
        return ["queue", *place.path]
    if place.noun == "forwards" and not place.path:
        return ["compute", "forwards"]
    if place.noun == "compare":
        return ["run", "compare", *place.path] if place.path else ["run", "comparisons"]
    if place.noun == "activity" and not place.path:
        return ["activity", "ls"]
    return None


def _runs(place: Location) -> list[str] | None:
    options = dict(place.options)
    if len(place.path) == 2:
        tab = options.pop("tab", "overview")
        return ["run", TABS[tab], place.path[1]] if tab in TABS else None
    if len(place.path) > 2:
        return None
    words = ["run", "ls", *(["-e", place.path[0]] if place.path else [])]
    for key in ("status", "target"):
        if key in options:
            words += [f"--{key}", options.pop(key)]
    text = options.pop("text", "")
    for key, value in options.items():
        words += ["--tag", f"{key}={value}"]
    return [*words, "--", text] if text else words
