# Written by docs/make_sdk.py from workbench/aio/file_dataset.py: change it there.
"""Datasets of any files: references to data in versions that never change (AZ-46 to AZ-63)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from workbench.errors import UsageError
from workbench.home import user_at_host
from workbench.workspace.data_transfer import DataTransfer, Moved
from workbench.workspace.named_data import NamedData
from workbench.workspace.progress_display import Progress, ProgressDisplay
from workbench.workspace.tag_texts import keys_of, tag_texts

if TYPE_CHECKING:
    from workbench.entities.configuration import DataInput
    from workbench.sdk.workspace import Workspace

Tags = Mapping[str, str | None]


class FileDataset:
    """Any files: one that is to be registered, or a version."""

    kind = "file"

    def __init__(
        self,
        source: dict[str, Any],
        table: dict[str, Any] | None = None,
        *,
        workspace: Workspace | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        self.source = source
        """Where its files are: {datastore or target, paths}."""
        self.table = table
        self.workspace = workspace
        self.details: dict[str, Any] = details or {}
        """The version's entity; empty before it is registered."""

    @property
    def name(self) -> str | None:
        """Its name; None before it is registered."""
        return self.details.get("name")

    @property
    def version(self) -> int | None:
        """Its version; None before it is registered."""
        return self.details.get("version")

    @property
    def id(self) -> str:
        """NAME:VERSION; raises UsageError before it is registered."""
        if not self.details:
            raise UsageError("the dataset is not registered", ".register(workspace, NAME)")
        return f"{self.name}:{self.version}"

    def __repr__(self) -> str:
        return f"<dataset {self.id if self.details else 'not registered'}>"

    def _at(self) -> Workspace:
        if self.workspace is None:
            raise UsageError("the dataset is not registered", ".register(workspace, NAME)")
        return self.workspace

    def register(
        self,
        workspace: Workspace,
        name: str,
        *,
        description: str | None = None,
        tags: Tags | None = None,
        create_new_version: bool = False,
        locations: Mapping[str, str] | None = None,
    ) -> Self:
        """Make it a version; nothing is copied (AZ-46, AZ-55).

        locations: where the same files lie on machines already. Raises Conflict for a name that is there,
        unless it may be a new version; UsageError for what is no such data.
        """
        details = workspace.session.call(
            "datasets",
            "register",
            name=name,
            source=self.source,
            kind=self.kind,
            table=self.table,
            locations=dict(locations or {}),
            description=description,
            tags=tag_texts(tags),
            new_version=create_new_version,
            created_by=user_at_host(),
        )
        return type(self)(self.source, details.get("table"), workspace=workspace, details=details)

    def refresh(self) -> dict[str, Any]:
        """Ask for its entity again."""
        self.details = self._at().session.call("datasets", "get", dataset=self.id)
        return self.details

    def add_tags(self, tags: Tags) -> None:
        """Give it tags (AZ-56)."""
        self.details = self._at().session.call("datasets", "tag", dataset=self.id, set=tag_texts(tags))

    def remove_tags(self, *keys: str | Sequence[str]) -> None:
        """Take tags away."""
        self.details = self._at().session.call("datasets", "tag", dataset=self.id, remove=keys_of(keys))

    def update(self, *, description: str | None) -> None:
        """Write what it is; None takes it away (AZ-56)."""
        self.details = self._at().session.call(
            "datasets", "describe", dataset=self.id, description=description
        )

    def locate(self, **places: str) -> None:
        """Say where the same files lie on machines already: gpu1="/data/imagenet"."""
        self.details = self._at().session.call("datasets", "locate", dataset=self.id, set=places)

    def fingerprint(self, contents: bool = False) -> dict[str, Any]:
        """Look at its files where they lie: paths, sizes and times, or with contents every byte (AZ-63).

        What is kept with the version: {hash, content, files, bytes, made_on?, made}. The first look decides:
        raises Conflict where the files are others now.
        """
        with ProgressDisplay() as display:
            asked = {"dataset": self.id, "contents": contents}
            with closing(self._at().session.items("datasets", "fingerprint", **asked)) as stream:
                for item in stream:
                    if "version" in item:
                        self.details = item["version"]
                    else:
                        display.say(f"{item['files']} files")
        found: dict[str, Any] = self.details["fingerprint"]
        return found

    def lineage(self) -> dict[str, Any]:
        """What made it, what read it, and the models that came of it."""
        found: dict[str, Any] = self._at().session.call("datasets", "lineage", dataset=self.id)
        return found

    def to_path(self) -> tuple[str, ...]:
        """The paths of its files below it, as they are now."""
        found: list[str] = []
        with closing(self._at().session.items("datasets", "files", dataset=self.id)) as stream:
            for part in stream:
                found += [str(path) for path, _ in part.get("entries", [])]
        return tuple(found)

    def download(
        self, target_path: str | Path, overwrite: bool = False, on_progress: Progress | None = None
    ) -> Moved:
        """Bring its files to a folder here; goes on where a cut left it."""
        with ProgressDisplay() as display:
            shown = on_progress or display
            return self._at().session.aside(
                lambda local: DataTransfer(local.client, shown).fetch_dataset(
                    self.id, Path(target_path), overwrite
                )
            )

    def cached(self) -> tuple[dict[str, Any], ...]:
        """Machines' caches that this workspace brought it to: {target, key, path?, bytes?, brought, used?}.

        Machines that are connected are asked whether they have it still.
        """
        return tuple(self._at().session.call("datasets", "cached", dataset=self.id))

    def archive(self) -> None:
        """Hide the version from lists; it is not what its name alone means any more."""
        self.details = self._at().session.call("datasets", "archive", dataset=self.id)

    def reactivate(self) -> None:
        """Bring it back."""
        self.details = self._at().session.call("datasets", "archive", dataset=self.id, archived=False)

    def unregister_all_versions(self) -> None:
        """Forget every version of its name; the data itself is not touched (AZ-56)."""
        self._at().session.call("datasets", "remove", dataset=self.name, all_versions=True)

    def as_named_input(self, name: str) -> NamedData:
        """It as an input of a run (AZ-57): .as_mount(), .as_download() or .as_direct()."""
        return NamedData(name, f"data:{self.id}")

    def as_input(self) -> DataInput:
        """It as an input that is named after its flag in an estimator's words (AZ-144)."""
        return self.as_named_input("data").as_mount().as_input()
