"""Submitting from the caller's side: scan, send what is missing, start; and again from an old run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.entities.base import from_wire, replace, to_wire
from workbench.entities.configuration import RunConfiguration
from workbench.entities.pool import ANY
from workbench.errors import Conflict, NotFound, ServerError, UsageError
from workbench.home import Home, user_at_host
from workbench.remote.forms.run_ids import new_run_id
from workbench.runs.configuration import parse_job
from workbench.settings import load_settings
from workbench.snapshots.archive import zip_blobs
from workbench.snapshots.cache import StatCache
from workbench.snapshots.git import git_facts
from workbench.snapshots.limits import limits_from
from workbench.snapshots.scan import Scan, scan
from workbench.text import hosted
from workbench.workspace.client import Client

TRIES = 3
"""Scans of a tree that somebody writes to meanwhile; then it is refused, naming what changed."""
Progress = Callable[[str, int, int], None]
Notice = Callable[[str], None]


class Submission:
    """One submit of one caller."""

    def __init__(
        self,
        client: Client,
        home: Home,
        environ: Mapping[str, str],
        on_progress: Progress | None,
        on_notice: Notice | None = None,
    ) -> None:
        self._client = client
        self._home = home
        self._environ = environ
        self._progress = on_progress
        self._notice = on_notice

    def plan(self, configuration: RunConfiguration) -> dict[str, Any]:
        """What a submit would send; nothing leaves this side."""
        self._secrets(configuration)
        plan: dict[str, Any] = {"configuration": to_wire(configuration)}
        if configuration.environment is not None:
            from workbench.workspace import environments

            defined = environments.find(
                configuration.environment, lambda _: "0" * 64, _named_after(configuration)
            )
            if defined is None and hosted.is_hosted(configuration.environment):
                ours = self._client.call(
                    "workspace", "meaning", kind=hosted.ENVIRONMENT, hosted=configuration.environment
                ).get("ours")
                named = ours or configuration.environment
                new = "by the map" if ours else "in no map of this workspace"
                plan["environment"] = {"name": named, "kind": "hosted", "new": new}
            if defined is not None:
                kind = defined.definition.kind.value
                plan["environment"] = {
                    "name": defined.name,
                    "kind": kind,
                    "new": "registered when it is sent",
                }
        if configuration.code is not None and configuration.snapshot_code:
            found = self._scan(Path(configuration.code))
            git, _ = git_facts(Path(configuration.code), self._environ)
            plan["snapshot"] = {
                "id": found.manifest.id,
                "files": len(found.manifest.entries),
                "size": found.manifest.size,
                "skipped": found.skipped,
                "warnings": found.warnings,
            }
            plan["git"] = to_wire(git)
        return plan

    def submit(
        self,
        configuration: RunConfiguration,
        properties: Mapping[str, str] | None = None,
        parent: str | None = None,
    ) -> dict[str, Any]:
        """Send the code that is missing and start the run; its JSON, with "notices" of the scan if any.

        Each notice is told before anything is sent.
        """
        secrets = self._secrets(configuration)
        configuration, code, notices = self.take_in(configuration)
        parameters: dict[str, Any] = {"properties": dict(properties or {}) or None, "parent": parent, **code}
        run = self._start(configuration, secrets, parameters)
        return {**run, "notices": notices} if notices else run

    def take_in(self, configuration: RunConfiguration) -> tuple[RunConfiguration, dict[str, Any], list[str]]:
        """What can be run without anything of this side any more: its environment made, its code sent.

        The configuration, what `runs.submit` is told of the code, and the scan's notices.
        """
        if configuration.target is not None:  # a mistyped name is told before a large tree is read
            self._check_target(configuration.target)
        if configuration.environment is not None:  # its packages may not fit together: told before all else
            from workbench.workspace import environments

            exact = environments.settle(
                self._client,
                configuration.environment,
                self.send_folder,
                _named_after(configuration),
                self._notice,
            )
            configuration = replace(configuration, environment=exact)
        if configuration.code is None or not configuration.snapshot_code:
            return configuration, {}, []
        return configuration, *self._code(Path(configuration.code))

    def _check_target(self, name: str) -> None:
        """That there is a machine, or a pool, of that name; raises NotFound."""
        try:
            self._client.call("compute", "get", name=name)
        except NotFound:
            pools = self._client.call("compute", "pools")
            if name == ANY or any(pool.get("name") == name for pool in pools):
                return
            if not self._client.call("workspace", "meaning", kind="compute", hosted=name):
                raise

    def _code(self, code: Path) -> tuple[dict[str, Any], list[str]]:
        """The code as it is now, taken in: what `runs.submit` is told of it, and the scan's notices.

        Somebody may be writing there: a file that changed between its scan and its turn is scanned again.
        """
        told: list[str] = []
        tries = TRIES
        while True:
            found = self._scan(code)
            for notice in found.warnings:
                if self._notice is not None and notice not in told:
                    self._notice(notice)
            told = found.warnings
            git, diff = git_facts(code, self._environ)
            try:
                snapshot = self._upload(found)
            except (Conflict, NotFound) as problem:
                tries -= 1
                if not tries or "path" not in problem.data:  # of a file here that is not as it was
                    raise
            else:
                return {"snapshot": snapshot, "git": to_wire(git) or None, "diff": diff}, told

    def rerun(
        self, run: str, *, target: str | None, sets: list[str], code: str, directory: Path | None
    ) -> dict[str, Any]:
        """A new run as an old one was asked for, with changes; see Workspace.rerun."""
        run = str(self._client.call("runs", "get", run=run)["id"])  # @1 may mean another run in a moment
        asked = self._client.call("runs", "configuration", run=run)
        configuration = from_wire(RunConfiguration, asked["configuration"])
        if not configuration.command:
            raise Conflict("the run was imported: what it ran is not known", "submit its command: wb submit")
        if sets:
            from workbench.runs.job_writing import to_job_yaml

            kept = configuration.code
            configuration = parse_job(to_job_yaml(replace(configuration, code=None)), f"run {run}", sets)
            configuration = replace(configuration, code=kept)
        if target is not None:
            configuration = replace(configuration, target=target)
        configuration = replace(configuration, name=None)
        origin = {"workbench.rerun_of": run}
        if code == "current":
            place = directory or (Path(configuration.code) if configuration.code else None)
            if place is None or not place.is_dir():
                raise NotFound("the run's code directory is not on this machine", "name it with --code DIR")
            return self.submit(replace(configuration, code=str(place), snapshot_code=True), origin)
        if code != "snapshot":
            raise UsageError(f"code is snapshot or current, not {code!r}")
        diff = self._client.call("runs", "git_diff", run=run).get("text")
        parameters = {k: asked.get(k) for k in ("snapshot", "git")} | {"diff": diff, "properties": origin}
        return self._start(configuration, self._secrets(configuration), parameters)

    def _start(
        self, configuration: RunConfiguration, secrets: dict[str, str], parameters: dict[str, Any]
    ) -> dict[str, Any]:
        asked = {
            "id": new_run_id(),
            "configuration": to_wire(configuration),
            "submitted_by": user_at_host(),
            "secrets": secrets or None,
            **parameters,
        }
        try:
            run: dict[str, Any] = self._client.call("runs", "submit", **asked)
        except ServerError:
            # The server may have ended before or after it took the run; the same id is the same run.
            run = self._client.call("runs", "submit", **asked)
        return run

    def _secrets(self, configuration: RunConfiguration) -> dict[str, str]:
        """Those of the run's secrets that are in the environment; the others are the workspace's (AZ-11)."""
        lacking = [name for name in configuration.secrets if name not in self._environ]
        if lacking:
            kept = {item["name"] for item in self._client.call("secrets", "list")}
            missing = [name for name in lacking if name not in kept]
            if missing:
                raise UsageError(
                    f"secret {missing[0]} is neither in the environment nor in the workspace",
                    f"wb secret set {missing[0]}, or export {missing[0]}=... before submitting",
                )
        return {name: self._environ[name] for name in configuration.secrets if name in self._environ}

    def _scan(self, code: Path) -> Scan:
        settings = load_settings(self._home.settings_file, self._environ)
        code = code.expanduser().resolve()
        return scan(
            code,
            limits=limits_from(settings.snapshots, self._environ),
            cache=StatCache.load(self._home.cache, code),
            exclude=[self._home.root],
            environ=self._environ,
        )

    def send_folder(self, folder: Path) -> str:
        """Take in a folder, as a Dockerfile's; its snapshot's id."""
        return self._upload(self._scan(folder))

    def _upload(self, found: Scan) -> str:
        identity = found.manifest.id
        if self._client.call("snapshots", "known", id=identity)["known"]:
            return identity
        entries = to_wire(found.manifest.entries)
        answer = self._client.call("snapshots", "missing", entries=entries)
        if answer["missing"]:
            sizes = {entry.sha256: entry.size for entry in found.manifest.entries}
            total = sum(sizes[sha] for sha in answer["missing"])
            done = 0

            def source() -> Any:
                nonlocal done
                for block in zip_blobs(found.sources(answer["missing"])):
                    done += len(block)
                    if self._progress is not None:
                        self._progress("packing code", min(done, total), total)
                    yield block

            self._client.write("snapshots", "upload", source())
            answer = self._client.call("snapshots", "missing", entries=entries)
        return str(answer["id"])


def _named_after(configuration: RunConfiguration) -> str | None:
    """The name of an environment whose files have none that says anything: the experiment's."""
    return configuration.experiment if configuration.experiment != "default" else None
