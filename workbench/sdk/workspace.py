# Written by docs/make_sdk.py from workbench/aio/workspace.py: change it there.
"""The workspace: everything else is reached from here (AZ-1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import config_file
from workbench.errors import Conflict, UsageError
from workbench.home import Home
from workbench.sdk.compute_target import ComputeTarget
from workbench.sdk.dataset import Dataset
from workbench.sdk.datastore import Datastore
from workbench.sdk.environment import Environment
from workbench.sdk.experiment import Experiment
from workbench.sdk.file_dataset import FileDataset
from workbench.sdk.keyvault import Keyvault
from workbench.sdk.model import Model
from workbench.sdk.run_handle import RunHandle, submit
from workbench.sdk.session import Session, Stream
from workbench.sdk.tabular_dataset import TabularDataset
from workbench.workspace.machine_views import MachineViews
from workbench.workspace.named_data import NamedData, with_inputs
from workbench.workspace.progress_display import Progress, ProgressDisplay

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.entities.configuration import RunConfiguration
    from workbench.workspace.bundles import BroughtRun
    from workbench.workspace.imports import FoundRun, Imported
    from workbench.workspace.interactive import InteractiveRun

Tags = Mapping[str, str | None]


class Workspace:
    """A workspace as its user sees it. A context manager; it belongs to one thread."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @classmethod
    def open(
        cls, name: str | None = None, *, embedded: bool | None = None, home: Home | None = None
    ) -> Workspace:
        """The named workspace, which comes to be with its first use.

        No name: WORKBENCH_WORKSPACE, else what a .azureml/config.json here or above says, else "default".
        embedded: the services in this process, unless a local server already owns the home; default: what
        WORKBENCH_EMBEDDED says. Raises ServerError when another process has the home for itself.
        """
        return cls(Session.open(name, embedded, home))

    @classmethod
    def from_config(
        cls, path: str | Path | None = None, *, embedded: bool | None = None, home: Home | None = None
    ) -> Workspace:
        """The workspace that a file names: path, or one found in that folder or above it (AZ-2).

        No path: from the current folder on. Raises NotFound that says where was searched (AZ-3).
        """
        found = config_file.config_of(None if path is None else Path(path), Path.cwd())
        return cls(Session.open(found.workspace, embedded, home))

    def write_config(self, path: str | Path = ".", file_name: str = config_file.NAME) -> Path:
        """Write .azureml/config.json below a folder, by which `from_config` finds this one (AZ-4)."""
        return config_file.write(Path(path), self.name, file_name)

    @classmethod
    def create(
        cls,
        name: str,
        *,
        friendly_name: str | None = None,
        description: str | None = None,
        tags: Tags | None = None,
        exist_ok: bool = False,
        embedded: bool | None = None,
        home: Home | None = None,
    ) -> Workspace:
        """A new workspace, with the datastores it is born with (AZ-5).

        Raises Conflict when there is one of that name, unless exist_ok is true.
        """
        session = Session.open(name, embedded, home)
        existed = session.home.has_workspace(name)
        if existed and not exist_ok:
            raise Conflict(f"there is a workspace {name} already", "open it, or say exist_ok=True")
        workspace = cls(session)
        workspace.describe(friendly_name=friendly_name, description=description, tags=tags)
        return workspace

    def workspaces(self) -> list[dict[str, Any]]:
        """All workspaces of this home: name, friendly_name, description, tags, created, runs, machines."""
        found: list[dict[str, Any]] = self.session.call("workspace", "list")
        return found

    def get_details(self) -> dict[str, Any]:
        """What is said about it: name, friendly_name, description, tags, created, runs, machines."""
        found: dict[str, Any] = self.session.call("workspace", "get")
        return found

    def describe(
        self,
        *,
        friendly_name: str | None = None,
        description: str | None = None,
        tags: Tags | None = None,
        untag: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Change what is said about it (AZ-7): None leaves a text as it is, "" takes it away."""
        found: dict[str, Any] = self.session.call(
            "workspace",
            "describe",
            friendly_name=friendly_name,
            description=description,
            tags=dict(tags or {}),
            untag=[*untag],
        )
        return found

    def delete(
        self, name: str, *, delete_dependent_resources: bool = False, dry_run: bool = False
    ) -> dict[str, Any]:
        """Remove another workspace of this home for good; answers what went (AZ-8).

        Runs' folders on machines stay unless delete_dependent_resources is true. dry_run: only say what would
        go. Raises NotFound, Conflict while runs are active.
        """
        found: dict[str, Any] = self.session.call(
            "workspace",
            "remove",
            name=name,
            dry_run=dry_run,
            delete_dependent_resources=delete_dependent_resources,
        )
        return found

    @property
    def name(self) -> str:
        """Its name."""
        return self.session.name

    def __repr__(self) -> str:
        return f"<workspace {self.name}>"

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the services; runs go on."""
        self.session.close()

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """One operation's value as plain JSON types; raises the WorkbenchError the service raised."""
        return self.session.call(noun, method, **parameters)

    def items(self, noun: str, method: str, **parameters: Any) -> Stream[Any]:
        """A stream of values; close it to stop. Following a run goes on when the server ends underneath."""
        return self.session.items(noun, method, **parameters)

    def read(self, noun: str, method: str, **parameters: Any) -> Stream[bytes]:
        """A stream of bytes; close it to stop."""
        return self.session.read(noun, method, **parameters)

    def configure(
        self,
        *,
        file: Path | str | None = None,
        command: list[str] | str | None = None,
        sets: Iterable[str] = (),
        data: Iterable[NamedData] = (),
        **options: Any,
    ) -> RunConfiguration:
        """The run configuration of a job file, or of a command (a list is exact, a text a shell line).

        data: versions of datasets and models by `as_named_input`, which the command names as
        ${{inputs.NAME}}. options are those of `wb submit`: code, experiment, target, name, environment, ...
        Raises ConfigurationError with every mistake at once.
        """
        from workbench.workspace.configuring import configure

        named = [*data]
        if named:
            options["inputs"] = [*options.get("inputs", ()), *(str(item) for item in named)]
        made = configure(None if file is None else Path(file), command, sets, options)
        return with_inputs(made, *named)

    def plan(self, configuration: RunConfiguration) -> dict[str, Any]:
        """What a submit would send: {"configuration", "snapshot"?, "git"?}; raises what it raises."""
        return self.session.aside(lambda local: local.plan(configuration))

    def submit(
        self,
        configuration: RunConfiguration,
        *,
        parent: str | None = None,
        on_progress: Progress | None = None,
        on_notice: Callable[[str], None] | None = None,
    ) -> RunHandle:
        """Pack the configuration's code directory, send what is missing, start the run.

        Returns as soon as the run is on its way: `wait_for_completion` of the answer waits (AZ-14).
        parent: the run it is a child of. on_notice hears, before anything is sent, of files that look like
        secrets and of what is left out.
        Raises SnapshotTooLarge, NotFound, Unreachable, UsageError (a secret that is not in the environment).
        """
        return submit(
            self.session, configuration, parent=parent, on_progress=on_progress, on_notice=on_notice
        )

    def rerun(
        self,
        run: str,
        *,
        target: str | None = None,
        sets: Iterable[str] = (),
        code: str = "snapshot",
        directory: Path | None = None,
        on_progress: Progress | None = None,
    ) -> RunHandle:
        """A new run from an old one's configuration; code: "snapshot" (the old one's) or "current"."""
        changes = list(sets)
        with ProgressDisplay() as display:
            shown = on_progress or display
            return RunHandle(
                self.session,
                self.session.aside(
                    lambda local: local.rerun(
                        run, target=target, sets=changes, code=code, directory=directory, on_progress=shown
                    )
                ),
            )

    def start_logging(
        self, experiment: str = "default", *, name: str | None = None, tags: Tags | None = None
    ) -> InteractiveRun:
        """Open an interactive run that this session logs, on this machine; nothing is submitted (AZ-69).

        Used as a context manager it completes with its block. Raises RunFailed when it cannot be opened.
        """
        return self.session.aside(lambda local: local.start_logging(experiment, name=name, tags=tags))

    def get_run(self, reference: str) -> RunHandle:
        """The run of an id or its beginning, a name, @1 (the newest), @best; raises NotFound, Ambiguous."""
        return RunHandle(self.session, self.session.call("runs", "get", run=reference))

    def run(self, reference: str) -> RunHandle:
        """The same as `get_run`."""
        return self.get_run(reference)

    def runs(self, **filters: Any) -> list[RunHandle]:
        """Runs, newest first (AZ-66). filters: filter (in words), experiment, tags, limit ..."""
        found = self.session.call("runs", "list", **filters)
        return [RunHandle(self.session, row) for row in found]

    @property
    def experiments(self) -> dict[str, Experiment]:
        """Its experiments by name (AZ-6)."""
        return {item.name: item for item in Experiment.list(self)}

    @property
    def compute_targets(self) -> dict[str, ComputeTarget]:
        """Its machines by name (AZ-6)."""
        return {item.name: item for item in ComputeTarget.list(self)}

    @property
    def datastores(self) -> dict[str, Datastore]:
        """Its datastores by name (AZ-6)."""
        return {item.name: item for item in Datastore.list(self)}

    @property
    def datasets(self) -> dict[str, FileDataset | TabularDataset]:
        """The newest versions of its datasets, by name (AZ-6)."""
        return Dataset.get_all(self)

    def get_default_datastore(self) -> Datastore:
        """The one that is meant when none is named (AZ-44)."""
        return Datastore.get(self)

    @property
    def environments(self) -> dict[str, Environment]:
        """The newest versions of its environments, by name (AZ-6)."""
        return Environment.list(self)

    @property
    def models(self) -> dict[str, Model]:
        """The newest versions of its models, by name (AZ-6)."""
        return {item.name: item for item in Model.list(self, latest=True)}

    def get_default_keyvault(self) -> Keyvault:
        """Its secret store (AZ-11)."""
        return Keyvault(self)

    def watch_machines(self, *names: str, looking: str = "visible") -> Stream[dict[str, dict[str, Any]]]:
        """Machines as they change (none named: all): their views by name, whole each time; close it to stop.

        looking: "visible" is once a second, "closely" ten times, "away" every five seconds and only what is
        measured anyway. Goes on when the server ends underneath. Raises NotFound.
        """
        known = MachineViews()
        asked: dict[str, Any] = {"names": list(names), "looking": looking}
        with closing(self.session.items("compute", "watch", **asked)) as stream:
            for item in stream:
                if known.take(item):
                    yield dict(known.views)

    def bring_runs(self, path: Path | str, experiment: str | None = None) -> list[Imported]:
        """Import the runs that other tools logged in a file or below a folder; how each went.

        path: one of this machine, or MACHINE:PATH, which is read there.
        """
        return self.session.aside(lambda local: list(local.bring_runs(path, experiment)))

    def find_runs(self, path: Path | str) -> list[FoundRun]:
        """What `bring_runs` would import; nothing is changed. Raises NotFound."""
        return self.session.aside(lambda local: list(local.find_runs(path)))

    def export_runs(
        self,
        runs: Sequence[str],
        to: Path,
        *,
        files: bool = False,
        code: bool = True,
        overwrite: bool = False,
    ) -> list[str]:
        """Write runs as one file that `bring_bundle` reads elsewhere; their names."""
        return self.session.aside(
            lambda local: local.export_runs(runs, to, files=files, code=code, overwrite=overwrite)
        )

    def bring_bundle(self, path: Path) -> list[BroughtRun]:
        """Bring the runs of a bundle in; raises UsageError for a damaged one, and for what is none."""
        brought = self.session.aside(lambda local: local.bring_bundle(path))
        if brought is None:
            raise UsageError(f"{path} is no bundle of runs", "bring_runs reads what other tools logged")
        return brought
