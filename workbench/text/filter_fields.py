"""What a run can be asked about in a filter: its attributes by name, and how the other names are written."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from workbench.text.filter_tree import FIGURES, Field, Kind


class Measure(Enum):
    """What an attribute is, and so what it is compared with."""

    TEXT = "a text"
    STATE = "a state"
    NUMBER = "a number"
    DURATION = "a duration"
    TIME = "a time"
    FLAG = "yes or no"


class Attribute(NamedTuple):
    """One attribute of every run; also are its other names, MLflow's among them."""

    name: str
    measure: Measure
    also: tuple[str, ...] = ()
    help: str = ""


ATTRIBUTES = (
    Attribute("status", Measure.STATE, ("state",), "failed, running ...; active, waiting, over"),
    Attribute("name", Measure.TEXT, ("run_name", "run name"), "the display name"),
    Attribute("id", Measure.TEXT, ("run_id",), "the id"),
    Attribute("experiment", Measure.TEXT, ("exp",), "the experiment's name"),
    Attribute("target", Measure.TEXT, ("machine",), "the machine"),
    Attribute("created", Measure.TIME, (), "when it was submitted"),
    Attribute("started", Measure.TIME, ("start_time",), "when its command started"),
    Attribute("ended", Measure.TIME, ("end_time",), "when it was over"),
    Attribute("duration", Measure.DURATION, ("took",), "from its start to its end, or until now"),
    Attribute("age", Measure.DURATION, (), "since it was submitted"),
    Attribute("command", Measure.TEXT, (), "its command"),
    Attribute("description", Measure.TEXT, ("note",), "its description"),
    Attribute("submitted_by", Measure.TEXT, ("user", "user_id"), "who submitted it"),
    Attribute("environment", Measure.TEXT, (), "the Python it was to run in"),
    Attribute("snapshot", Measure.TEXT, (), "the id of its code's snapshot"),
    Attribute("parent", Measure.TEXT, (), "the id of the run it is a child of"),
    Attribute("commit", Measure.TEXT, (), "the git commit of its code"),
    Attribute("branch", Measure.TEXT, (), "the git branch of its code"),
    Attribute("dirty", Measure.FLAG, (), "whether its code was not committed"),
    Attribute("cause", Measure.TEXT, (), "why it ended, as a code"),
    Attribute("message", Measure.TEXT, (), "why it waits or ended, in words"),
    Attribute("exit_code", Measure.NUMBER, (), "what its command exited with"),
    Attribute("attempt", Measure.NUMBER, (), "which attempt it is in"),
    Attribute("gpus", Measure.NUMBER, (), "how many GPUs it has or had"),
    Attribute("warnings", Measure.NUMBER, (), "what its logging complained about, counted"),
    Attribute("archived", Measure.FLAG, (), "hidden from lists; else only those that are not are listed"),
)
BY_NAME = {name: attribute for attribute in ATTRIBUTES for name in (attribute.name, *attribute.also)}
"""Attributes by each of their names, in lower case."""
PREFIXES = {
    **dict.fromkeys(("metrics", "metric"), Kind.METRIC),
    **dict.fromkeys(("params", "param", "parameters", "parameter"), Kind.PARAM),
    **dict.fromkeys(("tags", "tag"), Kind.TAG),
    **dict.fromkeys(("properties", "property"), Kind.PROPERTY),
    **dict.fromkeys(("attributes", "attribute", "attr", "run"), Kind.ATTRIBUTE),
}
"""What may stand before the dot of a name, in lower case."""
NOT_HERE = {
    "artifact_uri": "outputs stand in the run's folder on its machine; there is no URI to compare",
    "lifecycle_stage": "archived=yes finds what is hidden; nothing that is deleted stays",
}
"""Names of MLflow that mean nothing here, and why."""
_MOVING = {Measure.TIME, Measure.DURATION, Measure.NUMBER}


def measure_of(field: Field) -> Measure:
    """What an attribute field is."""
    return BY_NAME[field.name].measure


def steady(field: Field) -> bool:
    """Whether a field changes with the events of runs alone, neither with the clock nor with each record."""
    if field.kind is Kind.ATTRIBUTE:
        return measure_of(field) not in _MOVING
    return field.kind in (Kind.TAG, Kind.PROPERTY)


def split_figure(name: str) -> tuple[str, str]:
    """A name without the figure it ends with, and the figure: loss.min is the min of loss."""
    stem, dot, last = name.rpartition(".")
    return (stem, last.lower()) if dot and stem and last.lower() in FIGURES else (name, "last")
