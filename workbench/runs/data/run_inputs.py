"""Making a run's data ready on its machine, and keeping what was done: what the sender calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from workbench.compute.fleet import Fleet
from workbench.compute.link import Link
from workbench.data.sameness import next_version
from workbench.entities.base import replace, to_wire
from workbench.entities.configuration import DataInput, RunConfiguration
from workbench.entities.dataset import CachedCopy, DatasetVersion
from workbench.entities.datastore import Datastore
from workbench.entities.run import Run
from workbench.entities.run_data import DataDirection, Mechanism, RunData
from workbench.entities.target import Target
from workbench.errors import Conflict, UsageError
from workbench.runs.data.blob_origin import BlobOrigin
from workbench.runs.data.bringing import Bringing, Brought, Say
from workbench.runs.data.folder_origin import FolderOrigin
from workbench.runs.data.machine_origin import MachineOrigin
from workbench.runs.data.origins import Origin
from workbench.runs.data.places import (
    DIRECT,
    Place,
    place_of_path,
    place_of_version,
    read_input,
)
from workbench.runs.data.run_outputs import output_row, output_spec
from workbench.runs.data.web_origin import WebOrigin
from workbench.runs.locks import Locks
from workbench.store.async_store import AsyncStore
from workbench.store.fleet import targets
from workbench.store.registry import dataset_caches, datasets, datastores, model_versions
from workbench.store.runs import run_data
from workbench.text.asset_reference import parse, split_kind
from workbench.text.numbers import first_of
from workbench.text.sanitize import clean_name

NAMED = 3
Changed = Callable[[DatasetVersion], Awaitable[str | None]]
"""In words how a version's files are others than its fingerprint says; None where they are not."""
OpenStore = Callable[[Datastore, list[str], dict[str, Any] | None], Origin]
"""The files of paths of a datastore that is neither a folder here nor a machine's; how a table is read."""


def no_store(datastore: Datastore, paths: list[str], table: dict[str, Any] | None) -> Origin:
    """Where no other datastores are known."""
    raise UsageError(f"the datastore {datastore.name} ({datastore.kind.value}) cannot be read here")


async def as_they_were(version: DatasetVersion) -> str | None:
    """Where nobody looks."""
    return None


class Found(NamedTuple):
    """One input made ready: what the machine is told of it, and what is kept."""

    spec: dict[str, Any]
    row: RunData


class Kept(NamedTuple):
    """How a machine has the files of a version."""

    mechanism: Mechanism
    """In place, or in its cache."""
    location: str
    files: int | None = None
    bytes: int | None = None
    sent: int = 0
    """Bytes that were brought for it just now."""


class RunInputs:
    """Data of one workspace's runs. folder: the workspace's own. changed: refuse or warn, see settings."""

    def __init__(
        self,
        store: AsyncStore,
        fleet: Fleet,
        folder: Path,
        changed: str = "refuse",
        open_store: OpenStore = no_store,
        changed_since: Changed = as_they_were,
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._folder = folder
        self._changed = changed
        self._open_store = open_store
        self._changed_since = changed_since
        self._ways = Locks()

    async def ready(
        self, link: Link, run: Run, configuration: RunConfiguration, say: Say
    ) -> dict[str, Any] | None:
        """Bring what the run's machine lacks; `spec["data"]` of the run, None when it has none.

        What is kept of it (AZ-60) is written. It may be repeated: what is there costs a look. Raises
        WorkbenchError for what cannot be had, Unreachable for what cannot be had now.
        """
        if not configuration.data_inputs and not configuration.outputs:
            return None
        target = await self._store.read(targets.get, run.target)
        inputs, rows = {}, []
        for name, item in configuration.data_inputs.items():
            found = await self._input(link, run, target, name, item, say)
            inputs[name] = found.spec
            rows.append(found.row)
        outputs = {}
        root = str(link.hello.get("root") or "")
        for name, output in configuration.outputs.items():
            outputs[name] = await output_spec(self._store, target, self._folder, name, output)
            rows.append(output_row(run, root, name, output, outputs[name]))
        await self._keep(run, rows)
        return {"inputs": inputs, "outputs": outputs, "changed": self._changed}

    async def keep(self, link: Link, target: Target, version: DatasetVersion, say: Say) -> Kept:
        """Have a version's files on a machine before a run wants them, all of them.

        Where they lie there already nothing is done. Raises WorkbenchError as `ready` does.
        """
        place = await self._place_of(version, target)
        if place.there is not None:
            return Kept(Mechanism.IN_PLACE, ", ".join(place.there)[:4000])
        if (words := await self._changed_since(version)) is not None:
            raise Conflict(words, next_version(version))
        origin = await self._origin(link, place, version.table)
        async with self._ways.of(f"{target.name}\0{origin.identity}"):
            brought = await Bringing(link, origin, f"data:{version.reference}", say).bring()
        await self._store.write(dataset_caches.put, version.name, version.version, _copy(target, brought))
        location = _location(link, brought, brought.file)
        return Kept(Mechanism.CACHE, location, brought.files, brought.bytes, brought.sent)

    async def _keep(self, run: Run, rows: list[RunData]) -> None:
        """Write what is known of a run's data; what was brought for it once was, however often one looks."""
        known = {(row.direction, row.name): row for row in await self._store.read(run_data.of_run, run.id)}
        kept = []
        for row in rows:
            old = known.get((row.direction, row.name))
            same = old is not None and row.sent is not None and old.hash == row.hash
            kept.append(replace(row, sent=max(row.sent or 0, old.sent or 0)) if same and old else row)
        await self._store.write(run_data.put, run.id, kept)

    async def _input(
        self, link: Link, run: Run, target: Target, name: str, item: DataInput, say: Say
    ) -> Found:
        about: dict[str, Any] = {"type": item.type, "mode": item.mode}
        row = RunData(
            run=run.id,
            direction=DataDirection.INPUT,
            name=name,
            type=item.type,
            mode=item.mode,
            source=item.path,
            asset=item.asset,
            mechanism=Mechanism.DIRECT,
        )
        if item.asset is not None:
            about["asset"] = item.asset
        place, version = await self._place(name, item, target)
        if version is not None and version.table is not None:
            about["table"] = version.table
        if item.mode in DIRECT and place.there is None:
            value = item.path
            return Found({**about, "value": value}, replace(row, location=value))
        if place.there is not None:
            return Found({**about, **_there(place)}, _in_place(row, place))
        if version is not None and (words := await self._changed_since(version)) is not None:
            if self._changed != "warn":
                raise Conflict(f"input {name}: {words}", f"{next_version(version)}; or data.changed = warn")
            about["warning"] = f"input {name}: {words}"
        return await self._cached(link, target, name, item, about, row, place, say)

    async def _cached(
        self,
        link: Link,
        target: Target,
        name: str,
        item: DataInput,
        about: dict[str, Any],
        row: RunData,
        place: Place,
        say: Say,
    ) -> Found:
        origin = await self._origin(link, place, about.get("table"))
        called = item.asset or item.path
        async with self._ways.of(f"{target.name}\0{origin.identity}"):
            brought = await Bringing(link, origin, called, say).bring(leave=True)
        asset = None if item.asset is None else split_kind(item.asset)
        if asset is not None and asset[0] == "data":
            version = parse(asset[1])
            if version.version is not None:
                copy = _copy(target, brought)
                await self._store.write(dataset_caches.put, version.name, version.version, copy)
        if item.asset is None and item.type == "uri_file" and brought.file is None:
            raise UsageError(f"input {name}: {item.path} is a folder, and its type is uri_file", "uri_folder")
        if item.asset is None and item.type == "uri_folder" and brought.file is not None:
            raise UsageError(f"input {name}: {item.path} is a file, and its type is uri_folder", "uri_file")
        copied = item.mode == "rw_mount"
        if origin.linked:
            linked = first_of([clean_name(path, 100) for path in origin.linked], NAMED)
            words = f"input {name}: left out, being links to folders: {linked}"
            about["warning"] = "; ".join(filter(None, [about.get("warning"), words]))
        spec = {**about, "key": brought.key, "file": brought.file}
        if brought.fetch:
            spec["fetch"] = brought.fetch
        kept = replace(
            row,
            mechanism=Mechanism.COPY if copied else Mechanism.CACHE,
            location=_location(link, brought, None if copied else brought.file),
            hash=brought.key,
            files=brought.files,
            bytes=brought.bytes,
            sent=brought.sent,
        )
        return Found(spec, kept)

    async def _place(self, name: str, item: DataInput, target: Target) -> tuple[Place, DatasetVersion | None]:
        """Where an input lies, and which version it is."""
        path = read_input(name, item)
        if path.model is not None:
            model = await self._store.read(model_versions.get, path.model)
            return Place(manifest=(model.manifest, model.one_file)), None
        if path.data is not None:
            version = await self._store.read(datasets.get, path.data.name, path.data.version)
            return await self._place_of(version, target), version
        known = None
        if path.datastore is not None:
            known = await self._store.read(datastores.get, path.datastore)
        return place_of_path(path, target, known, str(self._folder)), None

    async def _place_of(self, version: DatasetVersion, target: Target) -> Place:
        store = version.source.datastore
        known = None if store is None else await self._store.read(datastores.get, store)
        return place_of_version(version, target, known, str(self._folder))

    async def _origin(self, link: Link, place: Place, table: dict[str, Any] | None) -> Origin:
        if place.here is not None:
            return FolderOrigin(place.here, self._folder / "data-seen")
        if place.machine is not None:
            return MachineOrigin(self._fleet, *place.machine)
        if place.urls is not None:
            return WebOrigin(link, place.urls)
        if place.manifest is not None:
            return BlobOrigin(self._store, *place.manifest)
        assert place.datastore is not None
        return self._open_store(*place.datastore, table)


def _copy(target: Target, brought: Brought) -> CachedCopy:
    return CachedCopy(
        target=target.name,
        key=brought.key,
        path=brought.path,
        files=brought.files,
        bytes=brought.bytes,
        brought=datetime.now(UTC),
    )


def _there(place: Place) -> dict[str, Any]:
    """What the machine is told of paths of its own."""
    paths = place.there or []
    found = place.fingerprint
    expected = {"fingerprint": to_wire(found)} if found is not None else {}
    if len(paths) > 1 or any(mark in paths[0] for mark in "*?["):
        return {"paths": paths, **expected}
    return {"path": paths[0], **expected}


def _in_place(row: RunData, place: Place) -> RunData:
    paths = place.there or []
    found = place.fingerprint
    row = replace(row, mechanism=Mechanism.IN_PLACE, location=", ".join(paths)[:4000], sent=0)
    return row if found is None else replace(row, hash=found.hash, files=found.files, bytes=found.bytes)


def _location(link: Link, brought: Brought, file: str | None) -> str:
    tree = brought.path or f"{link.hello.get('root')}/data/{brought.key}/tree"
    return tree if file is None else f"{tree}/{file}"
