"""wb compute exec: a command on one machine as if it ran here, or on many, each line after its machine."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from workbench.cli import complete, output
from workbench.cli.command import FORMATS, Launcher, command
from workbench.cli.parsing import at_least, command_words, duration
from workbench.cli.run_logs import INTERRUPTED
from workbench.cli.session import Session
from workbench.errors import NotFound, UsageError
from workbench.text.cells import pad
from workbench.text.sanitize import TerminalStream, clean_name
from workbench.text.style import paint
from workbench.views import command_results

if TYPE_CHECKING:
    from workbench.workspace.many_commands import Said

COLOURS = ("active", "good", "warn", "waiting", "bold")
"""Roles that machines are told apart by, in turns."""
USAGE = "wb compute exec NAME... -- COMMAND, or --all"


@command("exec", cls=Launcher)
@click.argument("names", nargs=-1, metavar="[NAME]... -- COMMAND...", shell_complete=complete.target)
@click.option("--all", "everywhere", is_flag=True, help="On every machine that was attached.")
@click.option("--timeout", type=duration, metavar="TIME", help="End it after 30s, 5m ...")
@click.option("--at-once", type=at_least(1), default=16, metavar="N", help="So many at a time; else 16.")
@click.option(
    "-o",
    "--format",
    "chosen",
    type=click.Choice([name for name in FORMATS if name.startswith("json")]),
    metavar="json|jsonl",
    help="One object a machine: name, exit_code, out, err; or name, problem, hint.",
)
@click.pass_context
def execute(
    context: click.Context,
    names: tuple[str, ...],
    everywhere: bool,
    timeout: float | None,
    at_once: int,
    chosen: str | None,
) -> int:
    """Run a command on machines now: wb compute exec gpu1 -- nvidia-smi.

    Several words are run exactly as they are; one quoted word is a shell line. On one machine the command's
    output and exit code are passed on as they are. On several each line has its machine's name before it, and
    the end is a summary: exit code 1 when it failed anywhere, 4 when machines were only not reached.
    """
    session = context.ensure_object(Session)
    if "command" not in context.meta:
        raise UsageError("say what to run after --", USAGE)
    words = command_words(context.meta["command"], USAGE)
    what: dict[str, Any] = {"argv": words} if isinstance(words, list) else {"shell": words}
    what["timeout"] = timeout
    if everywhere == bool(names):
        raise UsageError("name machines, or take --all", USAGE)
    if len(names) == 1 and chosen is None:
        return _alone(session, names[0], what)
    return _together(session, names, what, at_once, chosen)


def _alone(session: Session, name: str, what: Mapping[str, Any]) -> int:
    out, err = TerminalStream(), TerminalStream()
    code = 0
    try:
        for item in session.workspace.items("compute", "exec", name=name, **what):
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


def _together(
    session: Session, names: Sequence[str], what: Mapping[str, Any], at_once: int, chosen: str | None
) -> int:
    import asyncio

    teller: _Lines | _Objects = _Lines(session) if chosen is None else _Objects(session, chosen)
    try:
        asyncio.run(_tell(session, names, what, at_once, teller))
    except KeyboardInterrupt:
        ended = len(teller.results)
        output.note(session, f"interrupted: through on {ended}, ended on the others")
        return INTERRUPTED
    teller.end()
    return command_results.exit_code(teller.results)


async def _tell(
    session: Session,
    names: Sequence[str],
    what: Mapping[str, Any],
    at_once: int,
    teller: _Lines | _Objects,
) -> None:
    from contextlib import aclosing

    from workbench.workspace.many_commands import Said, run_on

    async with session.asynchronous() as services:
        chosen = _machines(await services.call("compute", "list"), names)
        teller.begin(chosen)
        async with aclosing(run_on(services, chosen, what, at_once=at_once)) as items:
            async for item in items:
                if isinstance(item, Said):
                    teller.line(item)
                else:
                    teller.ended(item.result)


def _machines(targets: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """The machines that were named, each once; all that were attached where none was. Raises NotFound."""
    known = [str(target["name"]) for target in targets]
    for name in names:
        if name not in known:
            raise NotFound(f"no machine {name!r}", "wb compute ls shows them; nothing was run")
    attached = [str(target["name"]) for target in targets if target.get("kind") != "local"]
    if not names and not attached:
        raise NotFound("no machine is attached", "attach one: wb compute attach gpu1 you@host")
    return list(dict.fromkeys(names)) or attached


class _Lines:
    """Tells each line as it comes, its machine's name before it; at the end a summary on stderr."""

    def __init__(self, session: Session) -> None:
        self.results: list[Mapping[str, Any]] = []
        self._session = session
        self._heads: dict[str, str] = {}

    def begin(self, names: Sequence[str]) -> None:
        """These will be told of."""
        shown = {name: clean_name(name, 64) for name in names}
        cells = max(map(len, shown.values()))
        colour = self._session.terminal.colour
        self._heads = {
            name: paint(pad(shown[name], cells), COLOURS[number % len(COLOURS)], colour) + "  "
            for number, name in enumerate(names)
        }

    def line(self, said: Said) -> None:
        """A line of output, to the stream it was written to."""
        terminal = self._session.terminal
        out = said.stream == "out"
        stream: Any = sys.stdout if out else sys.stderr
        if terminal.stdout if out else terminal.stderr:
            cleaner = TerminalStream()
            text = cleaner.feed(said.line.encode("utf-8", "replace")) + cleaner.close()
            stream.write(f"{self._heads[said.name]}{text}\n")
        else:
            stream.buffer.write(f"{said.name}\t{said.line}\n".encode("utf-8", "surrogateescape"))
        stream.flush()

    def ended(self, result: Mapping[str, Any]) -> None:
        """A machine is through; why it never began is told at once."""
        self.results.append(result)
        if "problem" in result:
            said = f"{command_results.how(result)}"
            said += f" ({clean_name(str(result['hint']), 300)})" if result.get("hint") else ""
            terminal = self._session.terminal
            head = self._heads[result["name"]] if terminal.stderr else f"{result['name']}\t"
            print(head + paint(said, "bad", terminal.stderr and terminal.colour), file=sys.stderr)

    def end(self) -> None:
        """The summary, for a script's log as well."""
        role = "good" if command_results.exit_code(self.results) == 0 else "bad"
        colour = self._session.terminal.stderr and self._session.terminal.colour
        print(paint(command_results.summary(self.results), role, colour), file=sys.stderr)


class _Objects:
    """Gathers what each machine said; one object a machine."""

    def __init__(self, session: Session, chosen: str) -> None:
        self.results: list[Mapping[str, Any]] = []
        self._session = session
        self._chosen = chosen
        self._said: dict[str, dict[str, list[str]]] = {}
        self._sizes: dict[str, int] = {}
        self._most = command_results.MOST

    def begin(self, names: Sequence[str]) -> None:
        """Nothing is told before there is something; what finds no room then is left out, and said to be."""
        self._most = command_results.room(len(names))

    def line(self, said: Said) -> None:
        """Keep it."""
        size = self._sizes.get(said.name, 0) + len(said.line) + 1
        self._sizes[said.name] = size
        if size <= self._most:
            kept = self._said.setdefault(said.name, {"out": [], "err": []})
            kept[said.stream].append(said.line)

    def ended(self, result: Mapping[str, Any]) -> None:
        """The object of a machine; printed at once where there is one a line."""
        name = result["name"]
        said = self._said.pop(name, {"out": [], "err": []})
        texts = {stream: "".join(line + "\n" for line in lines) for stream, lines in said.items()}
        whole = {**result, **texts, **({"cut": True} if self._sizes.get(name, 0) > self._most else {})}
        self.results.append(whole)
        if self._chosen == "jsonl":
            output.write(self._session, output.dumps(whole) + "\n")
            sys.stdout.flush()

    def end(self) -> None:
        """All of them."""
        if self._chosen == "json":
            output.write(self._session, output.dumps(self.results, indent=2) + "\n")
