"""Models as a service: registering, finding, describing, handing out and removing versions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Any

from workbench.compute.link import Link
from workbench.entities.base import replace
from workbench.entities.model import Model, ModelDetails, ModelFacts, ModelVersion
from workbench.entities.run import Run, RunFile
from workbench.entities.snapshot import Entry, Manifest
from workbench.errors import NotFound, Unreachable, UsageError
from workbench.registry.bringing import Bringing, chosen, sweep
from workbench.registry.contents import check_entries, look
from workbench.registry.registering import described, lineage, written_after
from workbench.remote.tracking.child_runs import FOLDER
from workbench.runs.activity import activity
from workbench.runs.locks import Locks
from workbench.services.context import Context
from workbench.services.operation import call, items, read
from workbench.services.spool_reading import blocks
from workbench.store.registry import manifests, model_versions, models
from workbench.store.registry.model_versions import VersionQuery
from workbench.store.runs import files, run_data, run_rows
from workbench.text.asset_reference import AssetReference, checked_name, parse
from workbench.text.numbers import counted

MAX_LIST = 10_000
LONGEST_DESCRIPTION = 1 << 20
Names = list[str] | None
Entries = dict[str, str | None] | None
Models = list[Model]
Versions = list[ModelVersion]
Files = list[Entry]
RunFiles = list[RunFile]
NOTHING_SAID = ModelFacts()


class ModelService:
    """The noun `models`; `model` is NAME (its newest version), NAME:VERSION or NAME@ALIAS."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._bringing = Locks()
        self._last_read: tuple[str, dict[str, Entry]] = ("", {})
        """A manifest, which never changes, and its files by path: they are asked for one by one."""

    @call
    async def list(self, text: str | None = None) -> Models:
        """All models by name; with text those with its words in name, description or tags."""
        return await self._store.read(models.every, text)

    @call
    async def get(self, name: str) -> Model:
        """One model: its aliases, its gate, how many versions. Raises NotFound."""
        return await self._store.read(models.get, checked_name(name))

    @call
    async def versions(
        self,
        name: str | None = None,
        tags: Entries = None,
        properties: Entries = None,
        run: str | None = None,
        dataset: str | None = None,
        framework: str | None = None,
        latest: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> Versions:
        """Versions that fit all that is said, newest first (AZ-167); a tag's null is any value.

        dataset: NAME or NAME:VERSION. Raises NotFound.
        """
        query = VersionQuery(
            name=name,
            tags=tags or {},
            properties=properties or {},
            run=None if run is None else (await self._context.resolve(run)).id,
            dataset=None if dataset is None else parse(dataset.removeprefix("data:")),
            framework=framework,
            latest=latest,
            limit=min(max(limit, 0), MAX_LIST),
            offset=max(offset, 0),
        )
        return await self._store.read(model_versions.find, query)

    @call
    async def version(self, model: str) -> ModelVersion:
        """One version; raises NotFound."""
        return await self._store.read(model_versions.get, parse(model))

    @call
    async def details(self, model: str) -> ModelDetails:
        """Signature, input example, requirements and formats of a version; raises NotFound."""
        return await self._store.read(model_versions.details, parse(model))

    @call
    async def files(self, model: str) -> Files:
        """The files of a version, by path, with their hashes; raises NotFound."""
        return [*(await self._files_of(model)).values()]

    async def _files_of(self, model: str) -> dict[str, Entry]:
        manifest = (await self.version(model)).manifest
        known, found = self._last_read
        if known != manifest:
            entries = (await self._store.read(manifests.get, manifest)).entries
            found = {entry.path: entry for entry in entries}
            self._last_read = (manifest, found)
        return found

    @read
    async def download(self, model: str, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """One file's bytes from offset; raises NotFound."""
        entries = await self._files_of(model)
        if path not in entries:
            raise NotFound(f"{model} has no file {path[:200]!r}", f"wb model show {model} lists its files")
        place = self._store.blob_path(entries[path].sha256)
        if not place.exists():
            raise NotFound(f"the content of {path} is not here any more", "register the model again")
        async for block in blocks(place, offset, place.stat().st_size):
            yield block

    @call
    async def register(
        self, name: str, manifest: str, facts: ModelFacts = NOTHING_SAID, path: str | None = None,
        one_file: bool = False,
    ) -> ModelVersion:  # fmt: skip
        """A new version of files that were sent by `snapshots.missing` and `.upload` (AZ-172).

        path: what they were called where they came from. Raises NotFound where a file was never sent,
        UsageError for paths, an MLmodel file or facts that cannot be (AZ-168).
        """
        _check(name, facts)
        entries = (await self._store.read(manifests.get, manifest)).entries
        check_entries(entries)
        missing = await self._store.missing_blobs(entry.sha256 for entry in entries)
        if missing:
            raise NotFound(f"{counted(len(missing), 'file')} of the model never came here", "register again")
        return await self._keep(name, entries, facts, None, path, one_file)

    @items
    async def register_run(
        self, name: str, run: str, path: str, facts: ModelFacts = NOTHING_SAID
    ) -> AsyncGenerator[dict[str, Any], None]:
        """A new version of a run's file or folder (AZ-89): {"file", "done", "total"} (bytes) as it comes,
        {"version": ModelVersion} at the end. A cut one goes on where it stopped when it is asked again.
        Of files written after the run ended the version has a property that names them.

        Raises NotFound, Unreachable, RemoteError (a file changed meanwhile), UsageError.
        """
        _check(name, facts)
        asked, found = await self._context.resolve(run), await self._context.place(run)
        if asked.inside is not None and path.startswith("outputs/"):
            path = f"outputs/{FOLDER}/{asked.id}/{path.removeprefix('outputs/')}"
        link, wanted, one_file = await self._wanted(found, path)
        late = written_after(found, wanted.values())
        facts = replace(facts, properties={**facts.properties, **late})
        total = sum(file.size for file in wanted.values())
        bringing = Bringing(self._store, self._context.folder, found.id, path, self._here(found))
        entries: dict[str, Entry] = {}
        await asyncio.to_thread(sweep, self._context.folder)
        lock = self._bringing.of(str(bringing.staging))
        async with lock, activity(self._store, "register", f"models/{name}", "fetching files") as progress:
            done = 0
            async with aclosing(bringing.bring(link, wanted)) as coming:
                async for step in coming:
                    if step.entry is not None:
                        entries[step.path] = step.entry
                        done += step.size
                    now = done if step.entry is not None else done + step.size
                    await progress.report(step.path, now, total)
                    yield {"file": step.path, "done": now, "total": total}
            check_entries([*entries.values()])
            manifest = Manifest(entries=tuple(entries[at] for at in sorted(entries)))
            await self._store.write(manifests.put, manifest)
            yield {"version": await self._keep(name, manifest.entries, facts, asked, path, one_file)}
            await bringing.done()

    async def _wanted(self, run: Run, path: str) -> tuple[Link | None, dict[str, RunFile], bool]:
        """The files of a path of a run; without a link where they are here and no machine can be asked."""
        if await self._context.brought(run):
            return None, *chosen(await self._store.read(files.every, run.id), path)
        try:
            link = await self._context.link(run.target)
        except (Unreachable, NotFound):
            known = await self._store.read(files.every, run.id)
            here = self._here(run)
            if not any(file.path == path or file.path.startswith(f"{path}/") for file in known):
                raise
            wanted, one_file = chosen(known, path)
            if any(here(file) is None for file in wanted.values()):
                raise
            return None, wanted, one_file
        return link, *chosen(await self._listed(link, run), path)

    async def _listed(self, link: Link, run: Run) -> RunFiles:
        with suppress(NotFound):  # the machine pruned it: what was fetched is still here
            return await self._context.collector.list(link, run.id)
        return await self._store.read(files.every, run.id)

    def _here(self, run: Run) -> Any:
        def here(file: RunFile) -> Any:
            place = self._context.collector.path(run.id, file.path)
            return place if run.status.terminal and file.collected and place.exists() else None

        return here

    async def _keep(
        self, name: str, entries: tuple[Entry, ...], facts: ModelFacts, run: Run | None, path: str | None,
        one_file: bool,
    ) -> ModelVersion:  # fmt: skip
        contents = await asyncio.to_thread(look, entries, self._store.blob_path)
        # Its metrics may have come while its files did.
        current = None if run is None else await self._store.read(run_rows.get, run.id)
        version, details = described(name, entries, contents, facts, current)
        version = replace(version, path=path, one_file=one_file)
        if current is not None:
            read = await self._store.read(run_data.of_run, current.id)
            version = replace(version, datasets=lineage(facts.datasets, read))
        settled = current is None or current.status.terminal
        return await self._store.write(model_versions.register, version, details, settled)

    @call
    async def tag(self, model: str, set: Entries = None, remove: Names = None) -> ModelVersion:
        """Set and remove tags of a version (AZ-166); raises NotFound."""
        return await self._store.write(model_versions.put_tags, parse(model), set or {}, remove or [])

    @call
    async def add_properties(self, model: str, properties: dict[str, str]) -> ModelVersion:
        """Add properties; raises Conflict for a second value of one (AZ-166)."""
        return await self._store.write(model_versions.add_properties, parse(model), properties)

    @call
    async def describe(self, model: str, description: str) -> ModelVersion:
        """Write what is said of a version (Markdown), "" for nothing (AZ-166); raises NotFound."""
        if len(description) > LONGEST_DESCRIPTION:
            raise UsageError(f"a description has at most {LONGEST_DESCRIPTION} characters")
        return await self._store.write(model_versions.describe, parse(model), description)

    @call
    async def mark_deployed(self, model: str, deployment: str, on: bool = True) -> ModelVersion:
        """Say that a deployment uses a version, or no longer does (AZ-169); raises NotFound."""
        return await self._store.write(model_versions.mark_deployed, parse(model), deployment, on)

    @call
    async def remove(self, model: str, whole: bool = False) -> dict[str, Any]:
        """Remove a version; with whole, model is a name and all of it goes: {"removed": [version]}.

        Its files go when the workspace is pruned. Raises NotFound; Refused while an alias or a deployment has
        it, which data names (AZ-169).
        """
        reference = AssetReference(checked_name(model)) if whole else parse(model)
        return {"removed": await self._store.write(model_versions.remove, reference, whole)}


def _check(name: str, facts: ModelFacts) -> None:
    checked_name(name)
    if facts.framework_version is not None and facts.framework is None:
        raise UsageError(
            "a version of a framework without the framework",
            "say both: --framework NAME --framework-version V",
        )
    if len(facts.description or "") > LONGEST_DESCRIPTION:
        raise UsageError(f"a description has at most {LONGEST_DESCRIPTION} characters")
