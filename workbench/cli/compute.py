"""wb compute ls, show, doctor, exec, adopt, set, detach."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from workbench.cli import ask, complete, output
from workbench.cli.command import Command, Launcher, Listing, command
from workbench.cli.output import Field
from workbench.cli.parsing import assignments, command_words, duration, setting
from workbench.cli.run_logs import INTERRUPTED
from workbench.cli.session import Session
from workbench.errors import UsageError
from workbench.text import durations, sizes, states, times
from workbench.text.sanitize import TerminalStream, clean, clean_name
from workbench.text.tables import Cell, Column

NAME = click.argument("name", shell_complete=complete.target)
KEYS = ("name", "kind", "address", "state", "last_seen", "gpus", "free", "default", "problem")
KINDS = {
    "gpus": "int",
    "slots": "int",
    "login_shell": "bool",
    "protected": "bool",
    "grace": "duration",
    "stream_cap": "size",
}
"""Settings that are not text; the rest of `TargetSettings` is, or a list of it."""
LISTS = ("setup", "devices")
TEXTS = ("address", "transport", "identity", "jump", "root", "lease_dir", "python", "ssh_config")


@command("ls", cls=Listing)
@click.pass_obj
def ls(session: Session) -> None:
    """List machines and how they stand."""
    print_targets(session, session.call("compute", "list"))


def print_targets(session: Session, targets: Sequence[dict[str, Any]]) -> None:
    """Print machines as the list of `wb compute ls`."""
    found = [with_summary(target) for target in targets]
    now, plain = session.clock(), session.terminal.ascii_only
    fields = [
        Field(Column("STATE", keep=90, least=8), lambda target: state(target, plain)),
        Field(Column("NAME", keep=100, least=10), lambda target: name_of(target, plain)),
        Field(
            Column("ADDRESS", keep=60, least=12, middle=True),
            lambda target: clean_name(target.get("address", "-")),
        ),
        Field(Column("GPUS", right=True, keep=80), lambda target: str(target.get("gpus", "-"))),
    ]
    if any("free" in target for target in found):
        fields.append(Field(Column("FREE", right=True, keep=85), lambda target: str(target.get("free", "-"))))
    fields.append(Field(Column("SEEN", right=True, keep=50), lambda target: _seen(target, now)))
    if any(target.get("problem") for target in found):
        fields.append(Field(Column("PROBLEM", keep=70, least=16), _problem))
    output.rows(session, found, fields, KEYS, "no machines; attach one: wb compute attach gpu1 you@host")


def with_summary(target: dict[str, Any]) -> dict[str, Any]:
    """A target's row with its address, number of GPUs and free ones on top, where they are known."""
    facts, settings = target.get("facts") or {}, target.get("settings") or {}
    extra: dict[str, Any] = {}
    if settings.get("address"):
        extra["address"] = settings["address"]
    if isinstance(facts.get("gpus"), list):
        extra["gpus"] = len(facts["gpus"])
    if facts.get("free") is not None:
        extra["free"] = facts["free"]
    return {**extra, **target}


def state(target: dict[str, Any], plain: bool) -> Cell:
    """A target's state as glyph, word and colour."""
    look = states.look(states.TARGET, clean_name(str(target.get("state", "unknown"))))
    return Cell(look.text(plain), look.role)


def name_of(target: dict[str, Any], plain: bool) -> Cell:
    """A target's name, the default one marked."""
    mark = (" *" if plain else " ★") if target.get("default") else ""
    return Cell(clean_name(target["name"]) + mark, "bold")


def _seen(target: dict[str, Any], now: Any) -> str:
    if target.get("state") == "connected":
        return "now"
    return times.ago(times.parse(target.get("last_seen")), now)


def _problem(target: dict[str, Any]) -> Cell:
    return Cell(clean_name(str(target.get("problem") or ""), 400), "bad")


@command("show", cls=Listing)
@NAME
@click.pass_obj
def show(session: Session, name: str) -> None:
    """Show one machine: how it stands, what it has, how it is set."""
    print_target(session, session.call("compute", "get", name=name))


def print_target(session: Session, target: dict[str, Any]) -> None:
    """Print one machine."""
    output.record(session, with_summary(target), card(target, session))


def card(target: dict[str, Any], session: Session) -> list[tuple[str, Cell | str]]:
    """A machine's facts, most important first; unknown ones are empty."""
    facts, settings = target.get("facts") or {}, dict(target.get("settings") or {})
    now, plain = session.clock(), session.terminal.ascii_only
    address = clean_name(str(settings.pop("address", "") or "this machine"))
    return [
        ("name", name_of(target, plain)),
        ("state", state(target, plain)),
        ("problem", _problem(target)),
        ("address", address),
        ("seen", _seen(target, now)),
        ("host", clean_name(str(facts.get("hostname") or ""))),
        ("user", clean_name(str(facts.get("user") or ""))),
        ("gpus", gpu_lines(facts)),
        ("cpus", clean_name(str(facts.get("cpus") or ""))),
        ("memory", _bytes(facts.get("memory"))),
        (
            "disk",
            f"{_bytes(facts.get('home_free'))} free in {_text(facts.get('home'))}"
            if facts.get("home")
            else "",
        ),
        ("python", clean(python_of(facts), 400)),
        *((_label(key), _setting(key, value)) for key, value in settings.items() if _said(value)),
    ]


def gpu_lines(facts: dict[str, Any]) -> str:
    """A line a kind of GPU: how many, name, memory; "none" where the machine said so, empty when unknown."""
    gpus = facts.get("gpus")
    if not isinstance(gpus, list):
        return ""
    kinds: dict[str, int] = {}
    for gpu in gpus:
        label = clean_name(str(gpu.get("name", "GPU"))) if isinstance(gpu, dict) else clean_name(str(gpu))
        memory = _bytes(gpu.get("memory")) if isinstance(gpu, dict) else ""
        kind = f"{label}, {memory}" if memory else label
        kinds[kind] = kinds.get(kind, 0) + 1
    return "\n".join(f"{count} x {kind}" for kind, count in kinds.items()) or "none"


def python_of(facts: dict[str, Any]) -> str:
    """The interpreter a machine uses, as one text."""
    python = facts.get("python")
    if isinstance(python, dict):
        return " ".join(str(value) for value in python.values() if value)
    return str(python or "")


def _bytes(value: Any) -> str:
    return sizes.short(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _text(value: Any) -> str:
    return clean_name(str(value), 400)


def _label(key: str) -> str:
    return key.replace("_", " ") if key != "gpus" else "gpus a run"


def _said(value: Any) -> bool:
    return value not in (None, "", [], {}, False)


def _setting(key: str, value: Any) -> str:
    if key == "grace":
        return durations.short(value)
    if key == "stream_cap":
        return sizes.short(value)
    if isinstance(value, list):
        return "\n".join(_text(item) for item in value)
    if isinstance(value, dict):
        return "\n".join(f"{_text(name)}={_text(item)}" for name, item in value.items())
    return "yes" if value is True else _text(value)


@command("doctor", cls=Listing)
@NAME
@click.pass_obj
def doctor(session: Session, name: str) -> int:
    """Check a machine: each finding with what to do about it. Exits 1 when something is bad."""
    found = session.call("compute", "doctor", name=name)
    plain = session.terminal.ascii_only
    fields = [
        Field(Column("STATE", keep=100), lambda check: _check(check, plain)),
        Field(Column("WHAT", keep=95, least=10), lambda check: clean_name(check["name"])),
        Field(Column("FOUND", keep=90, least=16), lambda check: clean_name(check.get("text", ""), 400)),
        Field(
            Column("WHAT TO DO", keep=85, least=16), lambda check: clean_name(check.get("hint") or "", 400)
        ),
    ]
    output.rows(session, found, fields, ("state", "name", "text", "hint"), "nothing was checked")
    return 1 if any(check.get("state") == "bad" for check in found) else 0


def _check(check: dict[str, Any], plain: bool) -> Cell:
    look = states.look(states.CHECK, clean_name(str(check.get("state", ""))))
    return Cell(look.text(plain), look.role)


@command("exec", cls=Launcher)
@NAME
@click.option("--timeout", type=duration, metavar="TIME", help="End it after 30s, 5m ...")
@click.pass_context
def execute(context: click.Context, name: str, timeout: float | None) -> int:
    """Run a command on a machine now and exit with its code: wb compute exec gpu1 -- nvidia-smi.

    Several words are run exactly as they are; one quoted word is a shell line.
    """
    session = context.ensure_object(Session)
    usage = f"wb compute exec {name} -- COMMAND"
    if "command" not in context.meta:
        raise UsageError("say what to run after --", usage)
    words = command_words(context.meta["command"], usage)
    what = {"argv": words} if isinstance(words, list) else {"shell": words}
    out, err = TerminalStream(), TerminalStream()
    code = 0
    try:
        for item in session.workspace.items("compute", "exec", name=name, timeout=timeout, **what):
            if "out" in item:
                _pass_on(str(item["out"]), sys.stdout, out, session.terminal.stdout)
            elif "err" in item:
                _pass_on(str(item["err"]), sys.stderr, err, session.terminal.stderr)
            elif "exit_code" in item:
                code = int(item["exit_code"])
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        sys.stdout.write(out.close())
        sys.stderr.write(err.close())
    return code if 0 <= code <= 255 else 1


def _pass_on(text: str, stream: Any, cleaner: TerminalStream, terminal: bool) -> None:
    """Write what a machine said: as it is into a pipe, made harmless on a terminal."""
    if terminal:
        stream.write(cleaner.feed(text.encode("utf-8", "replace")))
    else:
        stream.buffer.write(text.encode("utf-8", "surrogateescape"))
    stream.flush()


@command("adopt", cls=Listing)
@NAME
@click.pass_obj
def adopt(session: Session, name: str) -> None:
    """Bring back runs that a machine still has and this workspace does not know. Prints their ids."""
    found = session.call("compute", "adopt", name=name)
    rows = [{"id": run} if isinstance(run, str) else run for run in found.get("adopted", [])]
    fields = [Field(Column("ID", keep=100), lambda run: clean_name(run["id"]))]
    output.rows(session, rows, fields, ("id",), "no run there was unknown here")
    output.note(session, f"{len(rows)} brought back, {found.get('known', 0)} known already")


@command("set", cls=Listing)
@NAME
@click.argument("words", nargs=-1, metavar="KEY=VALUE...")
@click.option("--default", "make_default", is_flag=True, help="Submit goes here when no machine is named.")
@click.pass_obj
def change(session: Session, name: str, words: tuple[str, ...], make_default: bool) -> None:
    """Change a machine's settings, and print it as it then is. KEY= alone clears a setting.

    \b
    Keys: address identity jump root lease_dir python transport ssh_config
          gpus slots devices setup login_shell grace stream_cap protected
          environment_variables.NAME
    Lists (setup, devices) take one KEY=VALUE per item.
    """
    if not words and not make_default:
        raise UsageError("there is nothing to set", f"wb compute set {name} gpus=1, or --default")
    changes = settings_of(words)
    if any(key.startswith("environment_variables.") for key in changes):
        before = session.call("compute", "get", name=name).get("settings") or {}
        changes = _merge_variables(changes, before.get("environment_variables") or {})
    found: dict[str, Any] = {}
    if changes:
        found = session.call("compute", "set", name=name, changes=changes)
    if make_default:
        found = session.call("compute", "default", name=name)
    print_target(session, found)


def settings_of(words: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE words as typed changes of settings; a cleared one is None, a cleared list empty."""
    changes: dict[str, Any] = {}
    for word in words:
        key, text = next(iter(assignments([word], "setting").items()))
        key = key.replace("-", "_")
        if key in LISTS:
            changes[key] = [*changes.get(key, []), *([text] if text else [])]
        elif (
            key in TEXTS
            or key in KINDS
            or (key.startswith("environment_variables.") and key.partition(".")[2])
        ):
            changes[key] = setting(KINDS.get(key, "text"), key, text) if text else None
        else:
            raise UsageError(
                f"there is no setting {key!r}", f"settings: {', '.join((*TEXTS, *KINDS, *LISTS))}"
            )
    return changes


def _merge_variables(changes: dict[str, Any], before: dict[str, str]) -> dict[str, Any]:
    merged, rest = dict(before), {}
    for key, value in changes.items():
        head, _, name = key.partition(".")
        if head != "environment_variables":
            rest[key] = value
        elif value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    return {**rest, "environment_variables": merged}


@command("detach", cls=Command)
@NAME
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say what would be forgotten.")
@click.pass_obj
def detach(session: Session, name: str, yes: bool, dry_run: bool) -> None:
    """Forget a machine: nothing on it is touched, its runs stay in lists."""
    target = session.call("compute", "get", name=name)
    if dry_run:
        output.note(session, f"would forget {target['name']}")
        return
    ask.confirm(session, f"Forget {clean_name(target['name'])}? Nothing on it is touched.", yes=yes)
    session.call("compute", "detach", name=target["name"])
    output.note(session, f"forgot {target['name']}")
