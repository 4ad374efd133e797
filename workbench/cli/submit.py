"""wb submit: a command or a job file becomes a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import complete, output
from workbench.cli.command import Launcher, command
from workbench.cli.compute_power import with_machine_up
from workbench.cli.notices import Notices
from workbench.cli.parsing import at_least, command_words, duration
from workbench.cli.progress import ProgressBar
from workbench.cli.run_again import started, staying
from workbench.cli.session import Session
from workbench.cli.to_option import STDOUT
from workbench.errors import UsageError
from workbench.text import durations, sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name
from workbench.text.tables import Cell
from workbench.views import runs as run_view
from workbench.workspace.configuring import configure_saved, job_text

if TYPE_CHECKING:
    from workbench.entities.configuration import RunConfiguration

USAGE = "wb submit -- python train.py, or wb submit job.yml"


@command("submit", cls=Launcher)
@click.argument("file", nargs=-1, metavar="[FILE.yml | -- COMMAND...]", shell_complete=complete.file)
@click.option(
    "-t",
    "--target",
    metavar="NAME",
    shell_complete=complete.place,
    help="The machine; a pool, or any: the one with room first. Else the default one.",
)
@click.option(
    "-e",
    "--experiment",
    metavar="NAME",
    shell_complete=complete.experiment,
    help="The experiment; made when new.",
)
@click.option("--gpus", type=at_least(0), metavar="N", help="GPUs to hold; 0 hides them.")
@click.option("--name", metavar="NAME", help="A display name; else one is made up.")
@click.option("--tag", "tags", multiple=True, metavar="K[=V]", help="A tag; may be repeated.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="K=VALUE",
    help="A value for ${{inputs.K}}, or its data: a path, an address, data:NAME.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="K[=WHERE]",
    help="A folder to keep, as ${{outputs.K}}: in outputs/, at an address, or as data:NAME.",
)
@click.option(
    "--env",
    "environment",
    metavar="ENV",
    shell_complete=complete.environment,
    help="NAME, a file such as requirements.txt, image:NAME, or the absolute path of an interpreter there.",
)
@click.option(
    "--distribution",
    metavar="TYPE[:N]",
    help="N processes that know their rank: pytorch, tensorflow or mpi.",
)
@click.option(
    "--code", type=click.Path(), metavar="DIR", help="The directory to send; for a command: this one."
)
@click.option("--no-code", is_flag=True, help="Send nothing; run in an empty directory.")
@click.option("--no-outputs", is_flag=True, help="Leave outputs/ and logs/ there until they are asked for.")
@click.option("--no-ingest", is_flag=True, help="Do not read what the command logs to files.")
@click.option("--setup", multiple=True, metavar="LINE", help="A shell line to run before; may be repeated.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME",
    help="Hand over a variable of this environment, else the secret of that name.",
)
@click.option(
    "--on-end", "on_end", multiple=True, metavar="LINE", help="A shell line its machine runs when it is over."
)
@click.option(
    "--on-end-webhook", "on_end_webhooks", multiple=True, metavar="URL", help="Where that is posted then."
)
@click.option(
    "--parent",
    metavar="RUN",
    shell_complete=complete.run,
    help="The run it is a child of; in its experiment.",
)
@click.option("--timeout", type=duration, metavar="TIME", help="End it after 90m, 2h ...")
@click.option("--priority", type=int, metavar="N", help="Higher goes first in the machine's queue.")
@click.option(
    "--retry",
    metavar="N[:CAUSE,...]",
    help="Try it again up to N times after a reboot or when its keepers were lost, or after these ends:"
    " reboot, lost, exit, signal, out_of_memory, timeout, setup, disk_full.",
)
@click.option(
    "--set", "sets", multiple=True, metavar="FIELD=VALUE", help="Change a field, such as inputs.lr=3e-4."
)
@click.option(
    "-c",
    "--run-config",
    metavar="NAME",
    help="A saved .azureml/NAME.runconfig, or the path of one; a script may follow, its arguments after --.",
)
@click.option("--start", is_flag=True, help="Switch its machine on first, where that is off.")
@click.option("--dry-run", is_flag=True, help="Only say what would be sent and run.")
@click.option(
    "--to",
    type=click.Path(),
    metavar="FILE.yml",
    help="Write it as a job file, or to standard output (-); send nothing.",
)
@click.option(
    "-o",
    "--format",
    "chosen",
    type=click.Choice(["json"]),
    metavar="json",
    help="Print the whole run, or the dry run.",
)
@staying
@click.pass_context
def submit(context: click.Context, /, **options: Any) -> int:
    """Run a command or a job file on a machine. Prints the run's id alone.

    After `--`, several words are run exactly as they are; one quoted word is a shell line:

    \b
        wb submit -- python train.py --lr 3e-4
        wb submit -- 'python prepare.py && python train.py'
        wb submit job.yml -t gpu1 --set inputs.lr=3e-4 --follow
        wb submit -c sklearn -e exp train.py --to job.yml
    """
    session = context.ensure_object(Session)
    dry_run, chosen = options.pop("dry_run"), options.pop("chosen")
    follow, wait, start = options.pop("follow"), options.pop("wait"), options.pop("start")
    parent = options.pop("parent")
    if parent is not None:
        above = session.call("runs", "get", run=parent)
        parent = above["id"]
        options["experiment"] = options["experiment"] or above["experiment"]
    to = options.pop("to")
    configuration = _configuration(session, context.meta.get("command"), **options)
    if to is not None:
        _write_job(session, configuration, to)
        return 0
    if dry_run:
        planned = session.workspace.plan(configuration)
        if chosen is not None:
            output.write(session, output.dumps(planned, indent=2) + "\n")
        else:
            _tell_plan(session, planned)
        return 0

    def send() -> dict[str, Any]:
        with ProgressBar(session.terminal.stderr, session.terminal.cells) as bar:
            notices = Notices(session)
            return session.workspace.submit(configuration, parent=parent, on_progress=bar, on_notice=notices)

    run = with_machine_up(session, configuration.target, send, start=start)
    if chosen is not None:
        output.write(session, output.dumps(run, indent=2) + "\n")
        return 0
    return started(session, run, follow=follow, wait=wait)


def _configuration(
    session: Session,
    words: list[str] | None,
    *,
    file: tuple[str, ...],
    code: str | None,
    no_code: bool,
    no_outputs: bool,
    no_ingest: bool,
    sets: tuple[str, ...],
    run_config: str | None,
    **options: Any,
) -> RunConfiguration:
    if words is None and not file and run_config is None:
        raise UsageError("say what to run", USAGE)
    if code is not None and no_code:
        raise UsageError("--code and --no-code exclude each other")
    options |= {"snapshot_code": False} if no_code else {}
    options |= {"collect_outputs": False} if no_outputs else {}
    options |= {"ingest": False} if no_ingest else {}
    if run_config is not None:
        if len(file) > 1:
            raise UsageError(
                f"{file[1]!r} follows a script", f"arguments stand after --: -- {' '.join(file[1:])}"
            )
        said = {**options, "code": code}
        return configure_saved(run_config, file[0] if file else None, words, sets, said)
    if words is not None:
        if file:
            raise UsageError(f"{file[0]!r} before -- is neither an option nor needed", USAGE)
        place = None if no_code else code or "."
        asked = command_words(words, USAGE)
        return session.workspace.configure(command=asked, sets=list(sets), code=place, **options)
    if len(file) > 1 or not file[0].endswith((".yml", ".yaml", ".runconfig")):
        raise UsageError(
            f"{file[0]!r} is no job file (FILE.yml)",
            f"a command stands after --: wb submit -- {' '.join(file)}",
        )
    return session.workspace.configure(file=Path(file[0]), sets=list(sets), code=code, **options)


def _write_job(session: Session, configuration: RunConfiguration, to: str) -> None:
    """Write the job file that says the same, its paths seen from here for `-`; one that is there stays."""
    if to == STDOUT:
        output.write(session, job_text(configuration, Path()))
        output.note(session, "nothing was sent")
        return
    place = Path(to)
    try:
        with place.open("x", encoding="utf-8") as file:
            file.write(job_text(configuration, place.parent))
    except FileExistsError as problem:
        raise UsageError(f"{to} is there already", "name another file") from problem
    except OSError as problem:
        raise UsageError(f"cannot write {to}: {problem.strerror}") from problem
    output.note(session, f"nothing was sent; wb submit {to} runs it")


def _default_target(session: Session) -> str:
    names = [str(item["name"]) for item in session.call("compute", "list") if item.get("default")]
    return f"{names[0]}, the default" if names else "none: attach one, or name it with -t"


def _tell_plan(session: Session, plan: dict[str, Any]) -> None:
    """Print what a submit would do."""
    asked, packed = plan["configuration"], plan.get("snapshot") or {}
    command = asked["command"] if isinstance(asked["command"], str) else " ".join(asked["command"])
    skipped = packed.get("skipped") or {}
    count = sum(skipped.values()) if isinstance(skipped, dict) else skipped
    facts: list[tuple[str, Cell | str]] = [
        ("command", clean(command, 2000)),
        ("target", clean_name(asked.get("target") or _default_target(session))),
        ("experiment", clean_name(asked.get("experiment", "default"))),
        ("name", clean_name(asked.get("name") or "")),
        ("gpus", str(asked["gpus"]) if asked.get("gpus") is not None else ""),
        ("timeout", durations.short(asked["timeout"]) if asked.get("timeout") else ""),
        ("tried again", _retries(asked.get("retries"))),
        ("tags", run_view.mapping(asked.get("tags"))),
        ("inputs", run_view.mapping(asked.get("inputs"))),
        (
            "data",
            clean("\n".join(f"{k}: {_data(v)}" for k, v in (asked.get("data_inputs") or {}).items()), 2000),
        ),
        ("kept", clean("\n".join(f"{k}: {_kept(v)}" for k, v in (asked.get("outputs") or {}).items()), 2000)),
        ("environment", _environment(plan)),
        ("processes", _processes(asked.get("distribution"))),
        ("setup", clean("\n".join(asked.get("setup") or []))),
        ("secrets", ", ".join(clean_name(name) for name in asked.get("secrets") or [])),
        ("on end", clean("\n".join(_on_end(entry) for entry in asked.get("on_end") or []), 2000)),
        ("code", clean_name(_code(asked), 1000)),
        ("outputs", "" if asked.get("collect_outputs", True) else "stay there until they are asked for"),
        ("logs", "" if asked.get("ingest", True) else "are not read"),
        ("files", f"{packed['files']}, {sizes.short(packed['size'])}" if packed else ""),
        ("left out", f"{count} paths" if count else ""),
        (
            "warnings",
            Cell("\n".join(clean_name(str(item), 400) for item in packed.get("warnings") or []), "warn"),
        ),
    ]
    output.record(session, plan, facts)
    output.note(session, "nothing was sent")


def _data(data: dict[str, Any]) -> str:
    """Where an input's data is, and how it comes."""
    return f"{data['path']} ({data['type']}, {data['mode']})"


def _kept(output: dict[str, Any]) -> str:
    """Where an output goes, and what it becomes."""
    becomes = f", a version of {output['name']}" if output.get("name") else ""
    return f"{output.get('path') or 'outputs/'} ({output['type']}, {output['mode']}{becomes})"


def _processes(asked: dict[str, Any] | None) -> str:
    return f"{asked['processes']}, as {clean_name(str(asked['type']))} knows them" if asked else ""


def _environment(plan: dict[str, Any]) -> str:
    """The environment as it was named, or the one that a file of this side defines."""
    found = plan.get("environment")
    if found is None:
        return clean_name(plan["configuration"].get("environment") or "", 400)
    return f"{clean_name(found['name'])} ({found['kind']}), {found['new']}"


def _retries(asked: dict[str, Any] | None) -> str:
    """How often it is tried again, and after what."""
    if not asked:
        return ""
    causes = ", ".join(clean_name(str(cause)) for cause in asked.get("on") or ["reboot", "lost"])
    return f"up to {counted(int(asked['count']), 'time')}, after: {causes}"


def _on_end(entry: dict[str, Any]) -> str:
    """One thing that is done at the end."""
    command = entry.get("command")
    if command is not None:
        return command if isinstance(command, str) else " ".join(command)
    return f"post to {', '.join(entry.get('allow') or [])}"


def _code(asked: dict[str, Any]) -> str:
    """The directory that is sent, or why none is."""
    if asked.get("code") and asked.get("snapshot_code", True):
        return str(asked["code"])
    return "none: an empty directory"
