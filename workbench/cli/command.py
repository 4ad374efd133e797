"""The shape of every command: options they all share, groups that load a command when it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

import click

from workbench.cli.session import Session
from workbench.cli.to_option import STDOUT, TO_FILE
from workbench.errors import UsageError

FORMATS = ("table", "json", "jsonl", "csv")
SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

F = TypeVar("F", bound=Callable[..., Any])


class Entry(NamedTuple):
    """Where a command is ("module:function") and the line that describes it, so that help loads nothing."""

    place: str
    help: str


class Section(NamedTuple):
    """A noun: its one line of help and its commands."""

    help: str
    commands: Mapping[str, Entry | Section]


def _store(field: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def store(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value not in (None, False) and not (field == "to" and value == STDOUT):
            setattr(context.ensure_object(Session), field, value)

    return store


def shared_options(*, hidden: bool) -> list[click.Parameter]:
    """--workspace and --debug, which every command takes; only the root's help shows them."""
    return [
        click.Option(
            ["--workspace"],
            metavar="NAME",
            expose_value=False,
            callback=_store("workspace_name"),
            hidden=hidden,
            help="Another workspace than the default one; also after any command.",
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            callback=_store("debug"),
            hidden=hidden,
            help="Show the traceback of an error; also after any command.",
        ),
    ]


def listing_options(formats: Sequence[str] = FORMATS) -> list[click.Parameter]:
    """--format, --query and --to, which every command takes that prints data."""
    names = f"{', '.join(formats[:-1])} or {formats[-1]}"
    return [
        click.Option(
            ["-o", "--format"],
            type=click.Choice(formats),
            metavar="FORMAT",
            expose_value=False,
            callback=_store("format"),
            help=f"{names}; else a table on a terminal and tab-separated lines in a pipe.",
        ),
        click.Option(
            ["--query"],
            metavar="JMESPATH",
            expose_value=False,
            callback=_store("query"),
            help="What a JMESPath finds in the JSON; texts and numbers a line each.",
        ),
        click.Option(
            ["--to"],
            type=click.Path(),
            metavar="FILE",
            expose_value=False,
            callback=_store("to"),
            help=TO_FILE,
        ),
    ]


class Command(click.Command):
    """A command with the shared options; words after `--` are kept apart where it takes a command line."""

    listing = False
    own_to = False
    """Whether its --to means something else than a file to write."""
    takes_command = False
    formats: Sequence[str] = FORMATS

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options.setdefault("context_settings", SETTINGS)
        super().__init__(*arguments, **options)
        shared = listing_options(self.formats) if self.listing else []
        self.params += [option for option in shared if not (self.own_to and option.name == "to")]
        self.params += shared_options(hidden=True)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse options, with what follows `--` put into ctx.meta["command"] untouched."""
        if self.takes_command and "--" in args:
            cut = args.index("--")
            ctx.meta["command"] = args[cut + 1 :]
            args = args[:cut]
        return super().parse_args(ctx, args)


class Listing(Command):
    """A command that prints data."""

    listing = True


class Moving(Listing):
    """A command that prints data, and whose --to says what something becomes."""

    own_to = True


class DocumentListing(Listing):
    """A command whose data are a document, too."""

    formats = (*FORMATS, "markdown")


class Launcher(Command):
    """A command that takes another command's words after `--`."""

    takes_command = True


def command(name: str, cls: type[Command] = Command) -> Callable[[F], Command]:
    """Make a command of a function; its docstring is the help."""
    return click.command(name, cls=cls)


class Group(click.Group):
    """Commands by name from a table; a module is imported when its command is used, not to list it."""

    def __init__(
        self,
        name: str,
        table: Mapping[str, Entry | Section],
        *,
        headings: Mapping[str, Sequence[str]],
        **options: Any,
    ) -> None:
        options.setdefault("context_settings", SETTINGS)
        super().__init__(name, **options)
        self._table = table
        self._headings = headings
        self.params += shared_options(hidden=name != "wb")

    def places(self, word: str) -> list[str]:
        """Where a word is a command here or below, as the words that lead to it."""
        return _places(word, self._table)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order they are shown."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, loaded now; None when there is none of that name."""
        entry = self._table.get(cmd_name)
        if entry is None:
            return None
        if isinstance(entry, Section):
            return Group(
                cmd_name, entry.commands, headings={"Commands": list(entry.commands)}, help=entry.help
            )
        module, _, attribute = entry.place.partition(":")
        found: click.Command = getattr(import_module(module), attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that args name; a location becomes the command that shows it.

        Raises UsageError with the nearest names for a word nothing answers to.
        """
        word = args[0]
        if ctx.parent is None and word not in self._table and (word[:1] == ":" or "/" in word):
            from workbench.cli.places import words_for

            drawn = ctx.ensure_object(Session).screen and len(args) == 1
            args = ["dashboard", word] if drawn else [*words_for(word), *args[1:]]
        elif word not in self._table:
            raise UsageError(f"there is no command {word!r}", _did_you_mean(word, self._table, ctx))
        name = args[0]
        return name, self.get_command(ctx, name), args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands under their headings from the table alone."""
        width = max(len(name) for name in self._table)
        for heading, names in self._headings.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), self._table[name].help) for name in names])


def _did_you_mean(word: str, names: Mapping[str, Any], ctx: click.Context) -> str:
    """Names that are near, else places where the word is a command, else where all are listed."""
    from difflib import get_close_matches

    found = [f"{ctx.command_path} {name}" for name in get_close_matches(word, names, n=2, cutoff=0.55)]
    root = ctx.find_root()
    if not found and isinstance(root.command, Group):
        found = [f"{root.info_name} {place}" for place in root.command.places(word)[:3]]
    return f"did you mean {' or '.join(found)}?" if found else f"{ctx.command_path} --help lists them"


def _places(word: str, table: Mapping[str, Entry | Section]) -> list[str]:
    found = [word] if word in table else []
    for name, entry in table.items():
        if isinstance(entry, Section):
            found += [f"{name} {place}" for place in _places(word, entry.commands)]
    return found
