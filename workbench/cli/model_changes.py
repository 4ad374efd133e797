"""wb model register, tag, rm: what changes models and their versions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click

from workbench.cli import ask, complete, output
from workbench.cli.command import Command, Listing, command
from workbench.cli.models import MODEL, NAME
from workbench.cli.parsing import assignments
from workbench.cli.parsing import tags as read_tags
from workbench.cli.progress import ProgressBar
from workbench.cli.run_changes import print_tags
from workbench.cli.session import Session
from workbench.errors import Refused, UsageError
from workbench.text import asset_reference
from workbench.text.asset_reference import AssetReference
from workbench.text.sanitize import clean_name
from workbench.views import models as look

CHAMPION = "champion"
_DATASET = re.compile(r"(?:(?P<relation>[^=]+)=)?(?:data:)?(?P<name>[^:=]+)(?::(?P<version>[1-9][0-9]*))?")


@command("register", cls=Listing)
@NAME
@click.argument("place", required=False, metavar="[PATH]", shell_complete=complete.file)
@click.option("--run", metavar="RUN", shell_complete=complete.run, help="The run whose file or folder it is.")
@click.option("--path", metavar="P", help="Where in the run; default: outputs/model.")
@click.option("--framework", metavar="NAME", help="Such as scikit-learn; an MLflow folder says it itself.")
@click.option("--framework-version", metavar="V", help="Not without the framework.")
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="May be repeated.")
@click.option("--property", "properties", multiple=True, metavar="KEY=VALUE", help="Never changed later.")
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="[RELATION=]NAME[:V]",
    help="Data it has to do with; default relation: training data.",
)
@click.option("--description", metavar="TEXT", help="What there is to say of it (Markdown).")
@click.option("--signature", type=click.Path(), metavar="FILE", help="JSON: inputs and outputs.")
@click.option("--input-example", type=click.Path(), metavar="FILE", help="JSON: what it takes.")
@click.pass_obj
def register(
    session: Session, /, name: str, place: str | None, run: str | None, path: str | None, **said: Any
) -> None:
    """Register the next version of a model: a run's file or folder, or PATH here. Prints NAME:VERSION."""
    from workbench.workspace import model_files

    if (place is None) == (run is None):
        raise UsageError(
            "a version is made of one thing", "wb model register NAME --run RUN --path outputs/model, or PATH"
        )
    if path is not None and run is None:
        raise UsageError("--path is a run's path", "add --run RUN")
    facts = _facts(said)
    client = session.workspace.client
    with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
        if run is not None:
            version = model_files.register_from_run(client, name, run, path or "outputs/model", facts, bar)
        else:
            version = model_files.register_path(client, name, Path(str(place)), facts, bar)
    if session.format is None and session.query is None:
        output.line(session, look.reference(version))
    else:
        output.record(
            session, version, [("model", look.reference(version)), ("format", look.format_of(version))]
        )
    if late := look.written_late(version):
        output.warn(session, late)
    if version.get("runs_code"):
        count = len(version["runs_code"])
        output.note(
            session, f"{count} of its files {look.RUNS_CODE}; safetensors, ONNX and skops do not", "warn"
        )


def _facts(said: dict[str, Any]) -> dict[str, Any]:
    facts = {
        "framework": said["framework"],
        "framework_version": said["framework_version"],
        "description": said["description"],
        "tags": read_tags(said["tags"]),
        "properties": assignments(said["properties"], "property"),
        "datasets": [_dataset(word) for word in said["datasets"]],
        "signature": _json(said["signature"], "--signature"),
        "input_example": _json(said["input_example"], "--input-example"),
    }
    return {key: value for key, value in facts.items() if value is not None}


def _dataset(word: str) -> dict[str, Any]:
    found = _DATASET.fullmatch(word)
    if found is None:
        raise UsageError(f"{word!r} is no dataset", "write it 'training data=NAME:VERSION'")
    name = asset_reference.checked_name(found["name"])
    version = None if found["version"] is None else int(found["version"])
    return {"relation": found["relation"] or "training data", "name": name, "version": version}


def _json(path: str | None, option: str) -> Any:
    if path is None:
        return None
    try:
        return json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as problem:
        raise UsageError(f"{option}: {path} cannot be read: {problem}", "it is a JSON file") from problem


@command("tag", cls=Listing)
@MODEL
@click.argument("words", nargs=-1, metavar="[KEY[=VALUE]]...")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove a tag; may be repeated.")
@click.option(
    "--property",
    "properties",
    multiple=True,
    metavar="KEY=VALUE",
    help="Add a property of a version, for good.",
)
@click.option("--note", metavar="TEXT", help="Describe the version.")
@click.pass_obj
def tag(
    session: Session,
    model: str,
    words: tuple[str, ...],
    remove: tuple[str, ...],
    properties: tuple[str, ...],
    note: str | None,
) -> None:
    """Set and remove tags of a version, or of a model where none is named; print those it then has."""
    named = asset_reference.parse(model)
    if named.version is None and named.alias is None:
        if properties or note is not None:
            raise UsageError("that is said of a version", f"wb model tag {named.name}:VERSION ...")
        found = session.call("models", "get", name=named.name)
        if words or remove:
            wanted = {key: value for key, value in (found.get("tags") or {}).items() if key not in remove}
            found = session.call("models", "set", name=named.name, tags={**wanted, **read_tags(words)})
        print_tags(session, found.get("tags") or {})
        return
    found = session.call("models", "version", model=model)
    exact = f"{found['name']}:{found['version']}"
    if words or remove:
        found = session.call(
            "models", "tag", model=exact, set=read_tags(words) or None, remove=list(remove) or None
        )
    if properties:
        found = session.call(
            "models", "add_properties", model=exact, properties=assignments(properties, "property")
        )
    if note is not None:
        found = session.call("models", "describe", model=exact, description=note)
    print_tags(session, found.get("tags") or {})


@command("rm", cls=Command)
@MODEL
@click.option("--all", "whole", is_flag=True, help="All versions and the model itself.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(session: Session, model: str, whole: bool, dry_run: bool, yes: bool) -> None:
    """Remove a version for good, or with --all a model; refused while an alias or deployment has one."""
    named = asset_reference.parse(model)
    if named == AssetReference(named.name) and not whole:
        raise UsageError("which version", f"wb model rm {named.name}:VERSION, or --all")
    if whole:
        found = session.call("models", "versions", name=named.name, limit=10_000)
    else:
        found = [session.call("models", "version", model=model)]
    names = [look.reference(item) for item in found]
    used = [item for item in found if item["aliases"] or item["deployments"]]
    if used:
        by = ", ".join([*used[0]["aliases"], *used[0]["deployments"]])
        alias = clean_name((used[0]["aliases"] or [""])[0])
        hint = f"wb model promote {named.name}:VERSION --to {alias} gives the alias to another"
        raise Refused(
            f"{look.reference(used[0])} is in use by {clean_name(by, 500)}",
            hint if alias else "end the deployment first",
        )
    if dry_run:
        for name in names:
            print(name)
        output.note(session, f"would remove {', '.join(names[:10])}")
        return
    ask.confirm(session, f"Remove {', '.join(names[:10]) or named.name} for good?", yes=yes)
    exact = named.name if whole else f"{found[0]['name']}:{found[0]['version']}"
    session.call("models", "remove", model=exact, whole=whole)
    output.note(session, f"removed {', '.join(names[:10])}")
