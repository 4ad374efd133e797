"""A run from outside: what `Workspace.submit`, `Workspace.get_run` and `Experiment.get_runs` answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.aio.model import Model
from workbench.aio.model_facts import Datasets, facts
from workbench.aio.session import Session, cancelled, fetched
from workbench.errors import Conflict
from workbench.remote.tracking.logged_metrics import with_numbers
from workbench.views.waited import waited_line
from workbench.workspace import model_files
from workbench.workspace.downloads import save_stream
from workbench.workspace.facade import Workspace as Local
from workbench.workspace.progress_display import Progress, ProgressDisplay
from workbench.workspace.tag_texts import keys_of, tag_texts
from workbench.workspace.waiting import ShownOutput, raise_unless_completed, raise_unless_over, say_left

if TYPE_CHECKING:
    from workbench.entities.configuration import RunConfiguration

Tags = Mapping[str, str | None]


class RunHandle:
    """One run of a workspace, wherever it runs; it may be over. Made by the workspace."""

    def __init__(self, session: Session, details: dict[str, Any]) -> None:
        self._session = session
        self.details = details
        """The run's entity, as it was when it was last asked for: id, name, status, target, params, ..."""

    @property
    def id(self) -> str:
        """Its id, for good."""
        return str(self.details["id"])

    @property
    def name(self) -> str:
        """Its display name."""
        return str(self.details["name"])

    @property
    def experiment(self) -> str:
        """The name of the experiment it belongs to."""
        return str(self.details["experiment"])

    @property
    def status(self) -> str:
        """Its state when it was last asked for: NotStarted, Queued, Running, Completed, ..."""
        return str(self.details["status"])

    @property
    def tags(self) -> dict[str, str | None]:
        """Its tags when it was last asked for."""
        return dict(self.details.get("tags") or {})

    @property
    def properties(self) -> dict[str, str]:
        """Its properties when it was last asked for."""
        return dict(self.details.get("properties") or {})

    async def get_tags(self) -> dict[str, str | None]:
        """Ask for its tags now."""
        await self.refresh()
        return self.tags

    async def get_properties(self) -> dict[str, str]:
        """Ask for its properties now."""
        await self.refresh()
        return self.properties

    def __repr__(self) -> str:
        return f"<run {self.name} {self.id}: {self.status}>"

    async def refresh(self) -> dict[str, Any]:
        """Ask how it stands now; answers, and keeps as `details`, the whole entity."""
        self.details = await self._session.call("runs", "get", run=self.id)
        return self.details

    async def get_status(self) -> str:
        """Ask for its state now."""
        await self.refresh()
        return self.status

    async def get_details(self) -> dict[str, Any]:
        """Its entity now, with the configuration it was submitted with as `runDefinition` (AZ-74)."""
        details = await self.refresh()
        if details.get("inside") is not None:
            return details
        asked = await self._session.call("runs", "configuration", run=self.id)
        return {**details, "runDefinition": asked["configuration"]}

    async def wait_for_completion(
        self, show_output: bool = False, raise_on_error: bool = True, timeout: float | None = None
    ) -> dict[str, Any]:
        """Wait until it ends; answers its details then (AZ-85).

        show_output: its output goes to stdout meanwhile; else a notebook, or a terminal, has a line that says
        how it stands. Who interrupts ends the waiting alone (AZ-15). Raises RunFailed, whose data says why,
        when it did not complete and raise_on_error is true; WaitTimeout when it goes on after timeout
        seconds.
        """
        try:
            if show_output:
                await self._follow(timeout)
            else:
                await self._watch(timeout)
        except cancelled:
            say_left(self.name)
            raise
        raise_unless_over(self.details, timeout)
        if raise_on_error:
            raise_unless_completed(self.details)
        return self.details

    async def _follow(self, timeout: float | None) -> None:
        with ShownOutput() as output:
            async with aclosing(
                self._session.items("runs", "follow", run=self.id, timeout=timeout)
            ) as stream:
                async for item in stream:
                    if "log" in item:
                        output.write(str(item["log"]))
                    elif "run" in item:
                        self.details = item["run"]

    async def _watch(self, timeout: float | None) -> None:
        with ProgressDisplay() as display:
            async with aclosing(self._session.items("runs", "watch", run=self.id, timeout=timeout)) as stream:
                async for item in stream:
                    self.details = item["run"]
                    display.say(waited_line(self.details))

    @fetched
    async def parent(self) -> RunHandle | None:
        """The run it is a child of; None for one that stands alone (AZ-84)."""
        above = self.details.get("parent")
        if above is None:
            return None
        return RunHandle(self._session, await self._session.call("runs", "get", run=str(above)))

    async def submit_child(
        self, configuration: RunConfiguration, on_progress: Progress | None = None
    ) -> RunHandle:
        """Submit a run below this one, to a target and with a configuration of its own (AZ-82).

        Raises what `Workspace.submit` raises.
        """
        return await submit(self._session, configuration, parent=self.id, on_progress=on_progress)

    async def get_children(
        self,
        recursive: bool = False,
        tags: Tags | None = None,
        properties: Tags | None = None,
        status: str | None = None,
    ) -> list[RunHandle]:
        """The runs below it, the first made first; recursive: each followed by those below it (AZ-84).

        tags, properties: all must fit; a value of None is that the name is there. status: Completed, ...
        """
        found = await self._session.call(
            "runs",
            "children",
            run=self.id,
            recursive=recursive,
            tags=dict(tags or {}) or None,
            properties=dict(properties or {}) or None,
            status=None if status is None else [status],
        )
        return [RunHandle(self._session, details) for details in found]

    async def cancel(self, grace: float | None = None) -> dict[str, Any]:
        """Ask its machine to end it: TERM, grace seconds, KILL of the whole tree; answers its details.

        Raises Unreachable when the machine cannot be asked, Conflict when the run is over.
        """
        self.details = await self._session.call("runs", "cancel", run=self.id, grace=grace)
        return self.details

    async def hold(self) -> None:
        """Keep it from starting until it is released; raises Conflict when it has started."""
        await self._in_queue("hold")

    async def release(self) -> None:
        """Let it start again when its turn comes; raises Conflict when it has started."""
        await self._in_queue("release")

    async def set_priority(self, priority: int) -> None:
        """Have it go by another priority, higher first; raises Conflict when it has started."""
        await self._in_queue("priority", priority=priority)

    async def _in_queue(self, method: str, **parameters: Any) -> None:
        outcome = await self._session.call("queue", method, runs=[self.id], **parameters)
        for why in outcome["refused"].values():
            raise Conflict(f"{self.name}: {why}", "see: wb queue")

    async def tag(self, key: str, value: str | None = None) -> None:
        """Give it a tag, or a tag another value (AZ-78)."""
        self.details = await self._session.call("runs", "tag", run=self.id, set=tag_texts({key: value}))

    async def set_tags(self, tags: Tags) -> None:
        """Give it several tags; others stay."""
        self.details = await self._session.call("runs", "tag", run=self.id, set=tag_texts(tags))

    async def remove_tags(self, *keys: str | Sequence[str]) -> None:
        """Take tags away; those it does not have are no mistake."""
        self.details = await self._session.call("runs", "tag", run=self.id, remove=keys_of(keys))

    async def add_properties(self, properties: Mapping[str, str]) -> None:
        """Add what never changes; raises Conflict for another value of one that is there (AZ-78)."""
        self.details = await self._session.call(
            "runs", "add_properties", run=self.id, properties=tag_texts(properties)
        )

    async def describe(self, description: str | None = None, name: str | None = None) -> None:
        """Write its description (Markdown), or give it another display name (AZ-80)."""
        self.details = await self._session.call(
            "runs", "describe", run=self.id, description=description, name=name
        )

    async def get_metrics(self, name: str | None = None, recursive: bool = False) -> dict[str, Any]:
        """What it logged so far, by name: one value, a list of several, a table's columns (AZ-99, AZ-100).

        Numbers come as floats in the order of their steps. name: only this one; {} when it never logged it.
        recursive: those of all runs below it too, by run id.
        """
        found: dict[str, Any] = with_numbers(
            await self._session.call("runs", "values", run=self.id, name=name)
        )
        if not recursive:
            return found
        by_run = {self.id: found}
        for child in await self.get_children(recursive=True):
            by_run[child.id] = await child.get_metrics(name)
        return by_run

    async def get_warnings(self) -> list[str]:
        """What its own logging complained of, each text once; `details["warnings"]` counts them all."""
        found: list[str] = await self._session.call("runs", "warnings", run=self.id)
        return found

    async def get_file_names(self) -> list[str]:
        """The files below outputs/ and logs/, as its machine has them now, else as last seen (AZ-88)."""
        return [file["path"] for file in await self._session.call("runs", "files", run=self.id)]

    async def download_file(
        self, name: str, output_file_path: str | Path = ".", on_progress: Progress | None = None
    ) -> Path:
        """Save one of its files at a path (a folder: under its own name); answers where (AZ-88).

        A broken download is resumed. Raises NotFound, Conflict, Unreachable.
        """
        place = Path(output_file_path)
        with ProgressDisplay() as display:
            shown = on_progress or display
            return await self._session.aside(lambda local: local.download(self.id, name, place, shown))

    async def download_files(
        self, prefix: str = "", output_directory: str | Path = ".", on_progress: Progress | None = None
    ) -> list[Path]:
        """Save all files whose names begin with prefix below a folder, under their names; answers where."""
        saved = []
        for name in await self.get_file_names():
            if name.startswith(prefix):
                saved.append(await self.download_file(name, Path(output_directory) / name, on_progress))
        return saved

    async def get_all_logs(self, destination: str | Path | None = None) -> list[Path]:
        """Save its output as stream.log, and what is below logs/, in a folder; answers where (AZ-88).

        destination: absent, a folder here that is called as the run's id.
        """
        folder = Path(destination or self.id)
        output = await self._session.aside(
            lambda local: save_stream(local.read("runs", "logs", run=self.id), folder / "stream.log")
        )
        return [output, *await self.download_files("logs/", folder)]

    async def register_model(
        self,
        model_name: str,
        model_path: str = "outputs/model.pkl",
        *,
        tags: Tags | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        datasets: Datasets = (),
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        on_progress: Progress | None = None,
    ) -> Model:
        """Make a file or folder of its outputs the next version of a model (AZ-89), hashes checked.

        What was cut goes on where it stopped when it is asked for again. Raises NotFound, Unreachable,
        RemoteError, UsageError.
        """
        from workbench.aio.workspace import Workspace

        said = facts(tags, properties, description, datasets, model_framework, model_framework_version)
        with ProgressDisplay() as display:
            shown = on_progress or display
            found = await self._session.aside(
                lambda local: model_files.register_from_run(
                    local.client, model_name, self.id, model_path, said, shown
                )
            )
        return Model(Workspace(self._session), found)

    async def restore_snapshot(self, path: str | Path) -> Path:
        """Save the code it ran with as a zip, in a folder or as that file; answers where (AZ-117)."""
        place = Path(path)

        def save(local: Local) -> Path:
            to = place / f"{self.name}.zip" if place.is_dir() else place
            return local.save_snapshot(self.id, to)

        return await self._session.aside(save)


async def submit(
    session: Session,
    configuration: RunConfiguration,
    *,
    parent: str | None = None,
    on_progress: Progress | None = None,
    on_notice: Any = None,
) -> RunHandle:
    """Pack, send and start what a configuration says; see `Workspace.submit`."""
    with ProgressDisplay() as display:
        shown = on_progress or display

        def work(local: Local) -> dict[str, Any]:
            return local.submit(configuration, parent=parent, on_progress=shown, on_notice=on_notice)

        return RunHandle(session, await session.aside(work))
