"""wb env ls, show, register, save, load, clone, tag, archive, alias."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Command, Listing, command
from workbench.cli.parsing import assignments, tags
from workbench.cli.run_changes import print_tags
from workbench.cli.session import Session
from workbench.errors import UsageError
from workbench.text.sanitize import clean, clean_name
from workbench.text.tables import Column, Field
from workbench.views import environments as look

ENVIRONMENT = click.argument(
    "environment", metavar="NAME[:VERSION|@ALIAS]", shell_complete=complete.environment
)
NAME = click.option("--name", metavar="NAME", help="Its name; else the file's own, or one made of it.")


@command("ls", cls=Listing)
@click.argument("name", required=False, shell_complete=complete.environment)
@click.option("--archived", is_flag=True, help="Archived versions too.")
@click.option("--presets", is_flag=True, help="Those that are built in.")
@click.pass_obj
def ls(session: Session, name: str | None, archived: bool, presets: bool) -> None:
    """List environments, or all versions of one."""
    if presets:
        fields = [
            Field(Column("NAME", keep=100), lambda item: clean_name(item["name"])),
            Field(Column("MADE OF", keep=80, least=16), look.made_of),
            Field(Column("WHAT", keep=90, least=16), lambda item: clean_name(item["description"], 200)),
        ]
        found = session.call("environments", "presets")
        output.rows(session, found, fields, ("name", "description"), "no presets")
        return
    found = session.call("environments", "list", name=name, archived=archived)
    columns = look.fields(session.clock(), versions=name is not None)
    output.rows(
        session, found, columns, look.KEYS, "no environments; make one: wb env register requirements.txt"
    )


@command("show", cls=Listing)
@ENVIRONMENT
@click.option("--lock", is_flag=True, help="Print what it was resolved to, as a requirements file.")
@click.pass_obj
def show(session: Session, environment: str, lock: bool) -> None:
    """Show a version of an environment, the newest one without a number."""
    found = session.call("environments", "get", environment=environment)
    if lock:
        output.write(session, clean(found.get("lock") or "", len(found.get("lock") or "")))
        return
    _print(session, found)


@command("register", cls=Listing)
@click.argument("file", metavar="FILE|FOLDER|PRESET|image:NAME|/PYTHON", shell_complete=complete.file)
@NAME
@click.option("--description", metavar="TEXT", help="What it is for.")
@click.option("--tag", "words", multiple=True, metavar="K[=V]", help="A tag; may be repeated.")
@click.option("--python", metavar="VERSION", help="The Python it is for, such as 3.11; else any.")
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="GROUP",
    help="A group of a project, or extra:NAME; may be repeated.",
)
@click.option(
    "--index",
    "indexes",
    multiple=True,
    metavar="[NAME=]URL",
    help="A package index to ask first; may be repeated.",
)
@click.option("--variable", "variables", multiple=True, metavar="K=V", help="A variable of every run in it.")
@click.option("--upgrade", is_flag=True, help="Resolve anew; a next version where the outcome is another.")
@click.pass_obj
def register(
    session: Session,
    /,
    file: str,
    name: str | None,
    description: str | None,
    words: tuple[str, ...],
    **said: Any,
) -> None:
    """Make a version of an environment: from requirements.txt, a conda file, a project, a Dockerfile,
    an image, an interpreter, or a preset.

    The same definition is the same version; a changed one is the next. What is not pinned keeps the versions
    that it was resolved to first.
    """
    said["variables"] = assignments(said["variables"], "--variable")
    made = session.workspace.environments.register(
        file, name=name, description=description, tags=tags(words), **said
    )
    for line in session.workspace.environments.notes(made):
        output.warn(session, line)
    _print(session, made)


@command("save", cls=Listing)
@ENVIRONMENT
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@click.pass_obj
def save(session: Session, environment: str, folder: Path, overwrite: bool) -> None:
    """Write a version as files that can be edited: environment.yml and what it names."""
    for path in session.workspace.environments.save(environment, folder, overwrite=overwrite):
        output.line(session, str(path))


@command("load", cls=Listing)
@click.argument("folder", type=click.Path(path_type=Path))
@NAME
@click.pass_obj
def load(session: Session, folder: Path, name: str | None) -> None:
    """Make a version of saved files; the same one where nothing was changed."""
    _print(session, session.workspace.environments.load(folder, name=name))


@command("clone", cls=Listing)
@ENVIRONMENT
@click.argument("name")
@click.option("--variable", "variables", multiple=True, metavar="K=V", help="A variable to set in it.")
@click.pass_obj
def clone(session: Session, environment: str, name: str, variables: tuple[str, ...]) -> None:
    """Give a version's definition and lock to another name."""
    said = assignments(variables, "--variable") or None
    _print(session, session.call("environments", "clone", environment=environment, name=name, variables=said))


@command("tag", cls=Listing)
@ENVIRONMENT
@click.argument("words", nargs=-1, metavar="[KEY[=VALUE]]...")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove a tag; may be repeated.")
@click.option("--description", metavar="TEXT", help="Say what it is for.")
@click.pass_obj
def tag(
    session: Session,
    environment: str,
    words: tuple[str, ...],
    remove: tuple[str, ...],
    description: str | None,
) -> None:
    """Set and remove tags of a version, and print the tags it then has."""
    found = session.call(
        "environments", "tag",
        environment=environment, set=tags(words) or None, remove=list(remove) or None,
        description=description,
    )  # fmt: skip
    print_tags(session, found.get("tags") or {})


@command("archive", cls=Command)
@ENVIRONMENT
@click.option("--undo", is_flag=True, help="Bring it back.")
@click.pass_obj
def archive(session: Session, environment: str, undo: bool) -> None:
    """Hide a version from lists and from `latest`; runs that used it go on naming it."""
    if ":" not in environment and "@" not in environment:
        raise UsageError("say which version", f"wb env archive {environment}:1")
    found = session.call("environments", "archive", environment=environment, archived=not undo)
    words = "back in lists" if undo else "archived"
    output.note(session, f"{clean_name(found['name'])}:{found['version']}: {words}")


@command("alias", cls=Listing)
@ENVIRONMENT
@click.argument("alias", required=False)
@click.option("--remove", is_flag=True, help="Forget the alias, whichever version it means.")
@click.pass_obj
def alias(session: Session, environment: str, alias: str | None, remove: bool) -> None:
    """Let an alias mean a version, whichever it meant before; `latest` always means the newest."""
    if alias is None:
        raise UsageError("say which alias", f"wb env alias {environment} stable")
    if remove:
        name = environment.partition(":")[0].partition("@")[0]
        _print(session, session.call("environments", "remove_alias", name=name, alias=alias))
        return
    _print(session, session.call("environments", "set_alias", environment=environment, alias=alias))


def _print(session: Session, item: dict[str, Any]) -> None:
    facts = look.facts(item, session.clock())
    if output.chosen_format(session) not in (
        "json",
        "jsonl",
    ):  # a lock has hundreds of lines: --lock prints it
        item = {key: value for key, value in item.items() if key != "lock"}
    output.record(session, item, facts)
