"""What an input of a run means on one machine: a path there, something to bring, or only words.

The first of these that holds: the version says where it lies on that machine; it is that machine's own; this
machine is the machine; else it is brought to the machine's cache.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from workbench.entities.configuration import DataInput, RunConfiguration
from workbench.entities.dataset import DatasetVersion, DataSource, Fingerprint
from workbench.entities.datastore import Datastore, DatastoreKind
from workbench.entities.target import Target, TargetKind
from workbench.errors import UsageError
from workbench.text.data_path import WEB, DataPath, read_data_path

MODEL_TYPES = ("mlflow_model", "custom_model", "triton_model")
DIRECT = ("direct", "eval_mount_direct")


class Place(NamedTuple):
    """Where an input is, seen from its machine; exactly one of these is set but for the last."""

    here: list[str] | None = None
    """Paths of this side, to be sent."""
    there: list[str] | None = None
    """Paths of the run's own machine."""
    machine: tuple[str, list[str]] | None = None
    """Paths of another machine."""
    urls: list[str] | None = None
    datastore: tuple[Datastore, list[str]] | None = None
    manifest: tuple[str, bool] | None = None
    """Files that this side keeps by their contents, and whether they are one file."""
    fingerprint: Fingerprint | None = None
    """What should be found there."""


def read_input(name: str, item: DataInput) -> DataPath:
    """What an input's path says; raises UsageError that names the input."""
    try:
        return read_data_path(item.asset or item.path, "model" if item.type in MODEL_TYPES else "data")
    except UsageError as problem:
        raise UsageError(f"input {name}: {problem.message}", problem.hint) from problem


def place_of_path(path: DataPath, target: Target, datastore: Datastore | None, own: str) -> Place:
    """Where something that is no version lies. own: the folder of the workspace's own datastores."""
    if path.url:
        return Place(urls=[path.path])
    if path.datastore is not None:
        assert datastore is not None
        return place_of_store(datastore, [path.path], target, own)
    if path.target is not None:
        return _of_target(path.target, [path.path], target)
    where = os.path.expanduser(path.path)
    if target.kind is TargetKind.LOCAL or not os.path.lexists(where):
        return Place(there=[path.path])  # of a machine that is not this one: its own path
    return Place(here=[where])


def place_of_version(version: DatasetVersion, target: Target, datastore: Datastore | None, own: str) -> Place:
    """Where a version's files lie for a run on target."""
    located = version.locations.get(target.name)
    if located is not None:
        return Place(there=[located], fingerprint=_made_there(version, target))
    place = place_of_source(version.source, target, datastore, own)
    if place.there is not None:
        return place._replace(fingerprint=_made_there(version, target))
    return place


def place_of_source(source: DataSource, target: Target, datastore: Datastore | None, own: str) -> Place:
    """Where the paths of a version's source are."""
    if source.datastore is not None:
        assert datastore is not None
        return place_of_store(datastore, source.paths, target, own)
    if source.target is not None:
        return _of_target(source.target, source.paths, target)
    return Place(urls=source.paths)


def place_of_store(datastore: Datastore, paths: list[str], target: Target, own: str) -> Place:
    """Where paths below a datastore's root are."""
    root = datastore.root
    if datastore.kind is DatastoreKind.MACHINE and datastore.target is not None:
        return _of_target(datastore.target, [_below(root, path) for path in paths], target)
    if datastore.kind is DatastoreKind.FOLDER:
        root = root if os.path.isabs(root) else os.path.join(own, root)
        whole = [_below(root, path) for path in paths]
        return Place(there=whole) if target.kind is TargetKind.LOCAL else Place(here=whole)
    return Place(datastore=(datastore, paths))


def _of_target(name: str, paths: list[str], target: Target) -> Place:
    if name == target.name:
        return Place(there=paths)
    if name == "local":
        whole = [os.path.expanduser(path) for path in paths]
        return Place(there=whole) if target.kind is TargetKind.LOCAL else Place(here=whole)
    return Place(machine=(name, paths))


def _below(root: str, path: str) -> str:
    path = path.strip("/")
    return f"{root.rstrip('/')}/{path}" if path else root


def _made_there(version: DatasetVersion, target: Target) -> Fingerprint | None:
    """The fingerprint that its files have to have on that machine, where it says anything about them."""
    found = version.fingerprint
    if found is None or (found.made_on != target.name and not found.content):
        return None
    return found


def check_inputs(configuration: RunConfiguration) -> None:
    """Raise UsageError for an input or output that no machine could make sense of."""
    for name, item in configuration.data_inputs.items():
        path = read_input(name, item)
        if path.url and path.path.partition(":")[0].lower() not in WEB and item.mode not in DIRECT:
            raise UsageError(
                f"input {name}: {item.path} is no address of the web",
                "add its place as a datastore, or say what is meant here: wb workspace map set",
            )
        plain = not (path.url or path.datastore or path.target or path.data or path.model)
        if plain and not path.path.startswith(("/", "~")):
            raise UsageError(
                f"input {name}: {item.path} is no absolute path", "where is it: here, or MACHINE:PATH?"
            )
    for name, output in configuration.outputs.items():
        if output.path is None:
            continue
        path = read_data_path(output.path)
        if path.url or path.data or path.model:
            raise UsageError(
                f"output {name}: nothing can be written to {output.path}",
                "a path on the machine, or datastore:NAME/PATH",
            )
