"""Which command shows a location: `wb runs/mnist` is `wb run ls -e mnist`. Pure."""

from __future__ import annotations

from workbench.errors import UsageError
from workbench.text import location
from workbench.text.location import Location

TABS = {"logs": "logs", "metrics": "metrics", "files": "files", "snapshot": "snapshot", "overview": "show"}

DATA_TABS = {"files": "files", "rows": "preview", "profile": "profile", "lineage": "lineage"}

PLACES = (
    "places: runs, runs/EXPERIMENT, runs/EXPERIMENT/RUN, compute/NAME, models/NAME, data/NAME:V,"
    " datastores/NAME, environments/NAME:V, builds, queue, forwards, experiments/NAME, compare/NAME, activity"
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
    if place.noun == "models":
        return _models(place)
    if place.noun == "data":
        return _data(place)
    if place.noun == "environments":
        return _environments(place)
    if len(place.path) > 1:
        return None
    if place.noun == "datastores":
        return ["datastore", "show", *place.path] if place.path else ["datastore", "ls"]
    if place.noun == "builds" and not place.path:
        return ["env", "builds"]
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


def _models(place: Location) -> list[str] | None:
    if len(place.path) > 2:
        return None
    if place.path:
        verb = "history" if place.options.get("tab") == "history" else "show"
        return ["model", verb, ":".join(place.path)]
    text = place.options.get("text", "")
    return ["model", "ls", "--", text] if text else ["model", "ls"]


def _data(place: Location) -> list[str] | None:
    if len(place.path) > 2:
        return None
    name = ":".join(place.path)
    if ":" in name or "@" in name:
        return ["data", DATA_TABS.get(place.options.get("tab", ""), "show"), name]
    text = place.options.get("text", "")
    return ["data", "versions", name] if name else ["data", "ls", *(["--", text] if text else [])]


def _environments(place: Location) -> list[str] | None:
    if len(place.path) > 2:
        return None
    name = ":".join(place.path)
    if ":" not in name and "@" not in name:
        return ["env", "ls", *([name] if name else [])]
    if place.options.get("tab") == "machines":
        return ["env", "builds", name]
    return ["env", "show", name, *(["--lock"] if place.options.get("tab") == "lock" else [])]


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
