"""wb schema: what editors complete and check job files and settings by."""

from __future__ import annotations

import click

from workbench.cli import output
from workbench.cli.command import Command, command
from workbench.cli.session import Session
from workbench.cli.to_option import TO_FILE, to_file
from workbench.workspace.configuring import SCHEMAS
from workbench.workspace.configuring import schema as schema_of

_LINE = {
    "job": "the first line of a job file: # yaml-language-server: $schema=%s",
    "settings": "the first line of settings.toml: #:schema %s",
}


@command("schema", cls=Command)
@click.argument("name", type=click.Choice(SCHEMAS), metavar="job|settings")
@click.option("--to", type=click.Path(), metavar="FILE", callback=to_file, help=TO_FILE)
@click.pass_obj
def schema(session: Session, name: str, to: str | None) -> None:
    """Print the JSON schema of job files, or of the settings, for an editor to complete and check by.

    Name it on the file's first line, or in the editor's settings; docs/jobs.md says how.
    """
    session.to = to
    output.write(session, output.dumps(schema_of(name), indent=2) + "\n")
    if to is not None:
        output.note(session, _LINE[name] % to)
