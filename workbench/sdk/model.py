# Written by docs/make_sdk.py from workbench/aio/model.py: change it there.
"""Models: versions of files that never change, promoted through a gate (AZ-164 to AZ-173)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import NotFound, UsageError
from workbench.home import user_at_host
from workbench.sdk.model_facts import Datasets, Tags, Wanted, facts, listed, wanted
from workbench.sdk.session import Session
from workbench.text.asset_reference import AssetReference
from workbench.workspace import model_files, model_gates, model_paths
from workbench.workspace.named_data import NamedData
from workbench.workspace.progress_display import Progress, ProgressDisplay
from workbench.workspace.tag_texts import keys_of, tag_texts

if TYPE_CHECKING:
    from workbench.entities.configuration import DataInput
    from workbench.sdk.run_handle import RunHandle
    from workbench.sdk.workspace import Workspace

Rows = list[dict[str, Any]]


class Model:
    """One version of a model."""

    def __init__(self, workspace: Workspace, details: dict[str, Any] | None = None, **words: object) -> None:
        """What get, list and register make. Raises UsageError for a name, which `get` takes."""
        if not isinstance(details, Mapping) or words:
            raise UsageError(
                "a version is not made of a name", "Model.get(workspace, name, version=) asks for it"
            )
        self._session: Session = workspace.session
        self.workspace = workspace
        self.details = details
        """The version's entity: framework, format, metrics, tags, properties, aliases, run, ..."""

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.details["name"])

    @property
    def version(self) -> int:
        """The version's number."""
        return int(self.details["version"])

    @property
    def id(self) -> str:
        """NAME:VERSION."""
        return f"{self.name}:{self.version}"

    @property
    def tags(self) -> dict[str, str | None]:
        """Its tags when it was last asked for."""
        return dict(self.details.get("tags") or {})

    @property
    def properties(self) -> dict[str, str]:
        """Its properties when it was last asked for."""
        return dict(self.details.get("properties") or {})

    @property
    def aliases(self) -> tuple[str, ...]:
        """The aliases that meant it when it was last asked for."""
        return tuple(self.details.get("aliases") or ())

    def __repr__(self) -> str:
        return f"<model {self.id}>"

    @classmethod
    def get(
        cls, workspace: Workspace, name: str, version: int | None = None, alias: str | None = None
    ) -> Model:
        """A version by its number or an alias, the newest without both; raises NotFound, UsageError."""
        if version is not None and alias is not None:
            raise UsageError("a version has a number or an alias", "say one of version= and alias=")
        asked = str(AssetReference(name, version, alias))
        return cls(workspace, workspace.session.call("models", "version", model=asked))

    @classmethod
    def list(
        cls,
        workspace: Workspace,
        name: str | None = None,
        *,
        tags: Wanted | None = None,
        properties: Wanted | None = None,
        run_id: str | None = None,
        dataset_id: str | None = None,
        framework: str | None = None,
        latest: bool = False,
        limit: int = 1000,
    ) -> tuple[Model, ...]:
        """Versions, the newest first, that fit all that is said (AZ-167); latest: one of each model.

        tags, properties: {KEY: VALUE}, None for any value; or a list of KEY and [KEY, VALUE].
        """
        found = workspace.session.call(
            "models",
            "versions",
            name=name,
            tags=wanted(tags),
            properties=wanted(properties),
            run=run_id,
            dataset=dataset_id,
            framework=framework,
            latest=latest,
            limit=limit,
        )
        return tuple(cls(workspace, item) for item in found)

    @classmethod
    def register(
        cls,
        workspace: Workspace,
        model_path: str | Path,
        model_name: str,
        *,
        tags: Tags | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        datasets: Datasets = (),
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        on_progress: Progress | None = None,
    ) -> Model:
        """Make a file or folder of this machine the next version of a model (AZ-164, AZ-172).

        A folder that MLflow wrote brings its signature, requirements and input example. Raises NotFound,
        UsageError (a framework's version without the framework, AZ-168).
        """
        said = facts(tags, properties, description, datasets, model_framework, model_framework_version)
        with ProgressDisplay() as display:
            shown = on_progress or display
            found = workspace.session.aside(
                lambda local: model_files.register_path(
                    local.client, model_name, Path(model_path), said, shown
                )
            )
        return cls(workspace, found)

    def refresh(self) -> dict[str, Any]:
        """Ask for its entity again."""
        self.details = self._session.call("models", "version", model=self.id)
        return self.details

    def get_files(self) -> Rows:
        """Its files: path, size, sha256."""
        found: Rows = self._session.call("models", "files", model=self.id)
        return found

    def get_signature(self) -> dict[str, Any]:
        """What is known of how it is called: signature, input_example, requirements, flavors, formats."""
        found: dict[str, Any] = self._session.call("models", "details", model=self.id)
        return found

    def download(
        self,
        target_dir: str | Path = ".",
        exist_ok: bool = False,
        *,
        child_paths: Sequence[str] = (),
        on_progress: Progress | None = None,
    ) -> tuple[Path, ...]:
        """Save its files below a folder, each checked by its hash; where they lie.

        child_paths: only these files and folders (AZ-165). Raises Refused, before anything is written, when a
        file exists and exist_ok is false (AZ-170).
        """
        with ProgressDisplay() as display:
            shown = on_progress or display
            saved = self._session.aside(
                lambda local: model_files.download(
                    local.client,
                    self.id,
                    Path(target_dir),
                    paths=child_paths,
                    overwrite=exist_ok,
                    on_progress=shown,
                )
            )
        return tuple(saved)

    def delete(self) -> None:
        """Remove this version for good; refused while an alias or a deployment has it (AZ-169)."""
        self._session.call("models", "remove", model=self.id)

    def add_tags(self, tags: Tags) -> None:
        """Give it tags, or tags other values (AZ-166)."""
        self.details = self._session.call("models", "tag", model=self.id, set=tag_texts(tags))

    def remove_tags(self, *keys: str | Sequence[str]) -> None:
        """Take tags away."""
        self.details = self._session.call("models", "tag", model=self.id, remove=keys_of(keys))

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """Add what never changes; raises Conflict for another value of one that is there (AZ-166)."""
        self.details = self._session.call(
            "models", "add_properties", model=self.id, properties=tag_texts(properties)
        )

    def update(self, *, description: str) -> None:
        """Write its description (Markdown), "" for none."""
        self.details = self._session.call("models", "describe", model=self.id, description=description)

    def as_named_input(self, name: str) -> NamedData:
        """It as an input of a run: .as_mount(), .as_download()."""
        return NamedData(name, f"model:{self.id}", type="custom_model")

    def as_input(self) -> DataInput:
        """It as an input that is named after its flag in an estimator's words (AZ-144)."""
        return self.as_named_input("model").as_input()

    @property
    def run_id(self) -> str | None:
        """The id of the run that made it; None for one that was registered from files."""
        made_by = self.details.get("run")
        return None if made_by is None else str(made_by)

    @property
    def run(self) -> RunHandle:
        """The run that made it; raises NotFound for one that was registered from files."""
        made_by = self.run_id
        if made_by is None:
            raise NotFound(f"no run made {self.id}: it was registered from files", "its run_id is None")
        return self.workspace.get_run(made_by)

    def evaluate(
        self, job: str | Path | None = None, data: str | None = None, *, again: bool = False
    ) -> Rows:
        """Run the evaluations that the gate asks for and wait; this version's: recipe, dataset, metrics ...

        The champion is measured on the same data where it is held against that. again: also what was measured
        already. job, data: by a job file on a version of a dataset instead (NAME:VERSION), which counts for
        the gate if that names the same. Raises NotFound, Unreachable, UsageError.
        """
        asked: dict[str, Any] = {"model": self.id, "again": again, "by": user_at_host()}
        if job is not None:
            made = self._session.aside(lambda local: model_gates.recipe(local, Path(job)))
            asked |= {"job": made, "name": str(job), "dataset": data}
        found: Rows = []
        with ProgressDisplay() as display:
            with closing(self._session.items("models", "evaluate", **asked)) as stream:
                for item in stream:
                    found = item.get("evaluations", found)
                    if "evaluation" in item:
                        display.say(f"evaluating {item['evaluation']['model']}")
        return found

    def judge(self, alias: str = "champion") -> dict[str, Any]:
        """What the model's gate says of giving this version an alias; nothing moves, nothing is run.

        {passed, lines: [{rule, passed, said}], champion?, current?}.
        """
        found: dict[str, Any] = {}
        asked = {"model": self.id, "alias": alias}
        with closing(self._session.items("models", "judge", **asked)) as stream:
            for item in stream:
                found = item.get("verdict", found)
        return found

    def promote(
        self,
        alias: str = "champion",
        *,
        why: str | None = None,
        force: str | None = None,
        approver: str | None = None,
        evaluate: bool = True,
    ) -> dict[str, Any]:
        """Have an alias mean this version, if its gate lets it; the move: who, when, why, verdict.

        Evaluations that rules ask for are run first, unless evaluate is false. force: a reason to move it
        although the gate says no, which the history keeps. Raises Refused with the verdict in its data,
        Conflict when somebody else moved it meanwhile.
        """
        asked = {"model": self.id, "alias": alias, "by": user_at_host()}
        verdict: dict[str, Any] = {}
        with ProgressDisplay() as display:
            judged = self._session.items("models", "judge", **asked, evaluate=evaluate)
            with closing(judged) as stream:
                for item in stream:
                    verdict = item.get("verdict", verdict)
                    if "evaluation" in item:
                        display.say(f"evaluating by {item['evaluation']['recipe']}")
        found: dict[str, Any] = self._session.call(
            "models",
            "promote",
            **asked,
            seen=verdict.get("current") or 0,
            why=why,
            force=force,
            approver=approver,
        )
        self.refresh()
        return found

    def set_alias(self, alias: str, *, why: str | None = None) -> dict[str, Any]:
        """Have an alias that is not protected mean this version, without asking the gate; the move."""
        found: dict[str, Any] = self._session.call(
            "models",
            "alias",
            name=self.name,
            alias=alias,
            version=self.version,
            by=user_at_host(),
            why=why,
        )
        self.refresh()
        return found

    @classmethod
    def remove_alias(
        cls, workspace: Workspace, name: str, alias: str, *, why: str | None = None
    ) -> dict[str, Any]:
        """Let nobody have an alias any more; refused for a protected one. The move."""
        asked = {"name": name, "alias": alias, "by": user_at_host(), "why": why}
        found: dict[str, Any] = workspace.session.call("models", "alias", **asked)
        return found

    @classmethod
    def rollback(
        cls,
        workspace: Workspace,
        name: str,
        alias: str = "champion",
        *,
        why: str | None = None,
        approver: str | None = None,
    ) -> dict[str, Any]:
        """Take an alias' newest move back; the move that did it. Again: one step further.

        The gate is not asked, of a protected alias neither: that takes a reason, and the move is marked
        unjudged. Raises Conflict, UsageError.
        """
        asked = {"name": name, "alias": alias, "by": user_at_host(), "why": why, "approver": approver}
        found: dict[str, Any] = workspace.session.call("models", "rollback", **asked)
        return found

    @classmethod
    def history(
        cls, workspace: Workspace, name: str, alias: str | None = None, *, at: datetime | None = None
    ) -> Rows:
        """Every move of a model's aliases, the newest first: version, previous, who, when, why, verdict.

        at: only the move that decided each alias then; a time without a zone is one of the clock here.
        """
        if at is None:
            found: Rows = workspace.session.call("models", "history", name=name, alias=alias)
            return found
        then = at.astimezone().isoformat()
        standing: Rows = workspace.session.call("models", "standing", name=name, at=then)
        return [move for move in standing if alias in (None, move["alias"])]

    @classmethod
    def configure(
        cls,
        workspace: Workspace,
        name: str,
        *,
        gate: str | Sequence[str] | None = None,
        protect: str | Sequence[str] | None = None,
        unprotect: str | Sequence[str] | None = None,
        description: str | None = None,
        tags: Tags | None = None,
    ) -> dict[str, Any]:
        """Set a model's gate (rules as of `wb model set`; [] for none), protected aliases, description, tags.

        Job files that rules name (evaluation job:eval.yml on ...) are read here, relative to the directory
        the script runs in, and their code is sent. Raises NotFound, UsageError.
        """
        rules = listed(gate)
        recipes: dict[str, Any] = {}
        if rules:
            recipes = workspace.session.aside(lambda local: model_gates.recipes(local, rules, Path()))
        found: dict[str, Any] = workspace.session.call(
            "models",
            "set",
            name=name,
            gate=rules,
            recipes=recipes or None,
            protect=listed(protect),
            unprotect=listed(unprotect),
            description=description,
            tags=None if tags is None else tag_texts(tags),
        )
        return found

    @staticmethod
    def get_model_path(model_name: str, version: int | None = None) -> str:
        """Where a model lies for a script that scores with it (AZ-173); raises NotFound."""
        return str(model_paths.find(model_name, version))
