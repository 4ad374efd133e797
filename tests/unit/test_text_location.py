"""One grammar for places: paths, the prompt, links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cli.places import words_for
from workbench.errors import UsageError
from workbench.text import location
from workbench.text.location import NOUNS, Location

NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)


@given(st.sampled_from(NOUNS), st.lists(NAMES, max_size=3), st.dictionaries(NAMES, NAMES, max_size=3))
def test_what_is_written_reads_back(noun: str, path: list[str], options: dict[str, str]) -> None:
    place = Location(noun, tuple(path), options)
    assert location.parse(location.format(place)) == place


def test_paths_name_places() -> None:
    place = location.parse("runs/mnist/calm-otter-42?tab=metrics")
    assert place == Location("runs", ("mnist", "calm-otter-42"), {"tab": "metrics"})
    assert location.format(place) == "runs/mnist/calm-otter-42?tab=metrics"
    assert location.parse("run/mnist").noun == "runs"


def test_the_prompt_names_the_same_places() -> None:
    place = location.parse(":runs @gpu1 /resnet status=failed")
    assert place == Location("runs", (), {"target": "gpu1", "text": "resnet", "status": "failed"})
    assert location.parse(":runs/mnist").path == ("mnist",)
    assert location.parse(":runs mnist @1").path == ("mnist", "@1")
    assert location.parse(":runs @best:mnist @2:mnist").path == ("@best:mnist", "@2:mnist")


@pytest.mark.parametrize("text", ["", ":", "/", "nowhere/x", ":nowhere"])
def test_what_names_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"location|place"):
        location.parse(text)


def test_only_places_that_are_there_are_named() -> None:
    """A noun whose screen comes later is no place yet."""
    with pytest.raises(ValueError, match="'endpoints'") as caught:
        location.parse("endpoints/churn")
    assert str(caught.value).endswith(
        "places start with runs, compute, models, data, datastores, environments, builds, queue, forwards,"
        " experiments, compare, activity"
    )


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("runs/mnist", ["run", "ls", "-e", "mnist"]),
        ("runs/mnist/calm-otter-42", ["run", "show", "calm-otter-42"]),
        ("runs/mnist/@1?tab=logs", ["run", "logs", "@1"]),
        ("models", ["model", "ls"]),
        ("models?text=chu", ["model", "ls", "--", "chu"]),
        ("models/churn", ["model", "show", "churn"]),
        ("models/churn?tab=history", ["model", "history", "churn"]),
        ("models/churn:7", ["model", "show", "churn:7"]),
        ("models/churn/7", ["model", "show", "churn:7"]),
        (
            ":runs @gpu1 /resnet status=failed",
            ["run", "ls", "--status", "failed", "--target", "gpu1", "--", "resnet"],
        ),
        ("compute/gpu1", ["compute", "show", "gpu1"]),
        (":compute", ["compute", "ls"]),
        ("compare/sweep", ["run", "compare", "sweep"]),
        (":compare", ["run", "comparisons"]),
        ("experiments/mnist", ["experiment", "show", "mnist"]),
        (":activity", ["activity", "ls"]),
        (":data", ["data", "ls"]),
        (":datasets /wea", ["data", "ls", "--", "wea"]),
        ("data/weather", ["data", "versions", "weather"]),
        ("data/weather:2", ["data", "show", "weather:2"]),
        ("data/weather/2?tab=rows", ["data", "preview", "weather:2"]),
        ("data/weather:2?tab=lineage", ["data", "lineage", "weather:2"]),
        ("datastores/lake", ["datastore", "show", "lake"]),
        (":datastores", ["datastore", "ls"]),
        (":environments", ["env", "ls"]),
        ("environments/digits", ["env", "ls", "digits"]),
        ("environments/digits@stable", ["env", "show", "digits@stable"]),
        ("environments/digits:2?tab=lock", ["env", "show", "digits:2", "--lock"]),
        ("environments/digits/2?tab=machines", ["env", "builds", "digits:2"]),
        (":builds", ["env", "builds"]),
    ],
)
def test_a_location_is_a_command(place: str, words: list[str]) -> None:
    assert words_for(place) == words


@pytest.mark.parametrize("place", ["models/a/b/c", "runs/a/b/c", "runs/a/b?tab=nope", "nowhere/x"])
def test_a_place_without_a_command_says_so(place: str) -> None:
    with pytest.raises(UsageError):
        words_for(place)
