"""wb completion: scripts for bash, zsh and fish, and answering what they ask."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    ShellComplete,
    get_completion_class,
    split_arg_string,
)

from workbench.cli import output
from workbench.cli.command import Command, Group, command
from workbench.cli.session import Session
from workbench.errors import UsageError

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_WB_COMPLETE"
SHELL = click.argument("shell", required=False, type=click.Choice(SHELLS))


_BASH = """\
%(complete_func)s() {
    local type value line="${COMP_LINE:0:COMP_POINT}"
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(_WB_LINE="$line" _WB_BREAKS="$COMP_WORDBREAKS" %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class WholeWords(BashComplete):
    """Bash cuts words at "@", ":" and "=" too, so the line itself is read: @best:mnist is one word of it."""

    source_template = _BASH
    _begun = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is being typed, and what there is of it."""
        line = os.environ.get("_WB_LINE", "")
        words = split_arg_string(line)[1:]
        begun = words.pop() if words and not line[-1:].isspace() else ""
        cuts = [begun.rfind(character) + 1 for character in "@:=" if character in os.environ["_WB_BREAKS"]]
        self._begun = begun[: max(cuts, default=0)]
        return words, begun

    def format_completion(self, item: CompletionItem) -> str:
        """One offer: only what follows bash's last cut, which is all that it replaces."""
        return f"{item.type},{item.value.removeprefix(self._begun)}"


def _class_for(shell: str) -> type[ShellComplete] | None:
    return WholeWords if shell == "bash" else get_completion_class(shell)


def answer(root: Group, instruction: str) -> int:
    """Answer what a completion script asks through its variable, such as "bash_complete"."""
    shell, _, _ = instruction.partition("_")
    found = _class_for(shell)
    if found is None:
        return 1
    print(found(root, {"obj": Session()}, "wb", VARIABLE).complete())
    return 0


def script(shell: str) -> str:
    """The completion script of a shell."""
    found = _class_for(shell)
    if found is None:
        raise UsageError(f"no completion for {shell!r}", f"one of {', '.join(SHELLS)}")
    return found(click.Group("wb"), {}, "wb", VARIABLE).source()


def place_for(shell: str, home: Path, environ: dict[str, str]) -> Path:
    """The file a shell reads completions from, without any line in its start-up files where it can."""
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return {
        "bash": data / "bash-completion" / "completions" / "wb",
        "zsh": data / "zsh" / "site-functions" / "_wb",
        "fish": config / "fish" / "completions" / "wb.fish",
    }[shell]


def _shell(given: str | None) -> str:
    shell = given or Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        raise UsageError("say which shell", f"one of {', '.join(SHELLS)}")
    return shell


@command("show", cls=Command)
@SHELL
def show(shell: str | None) -> None:
    """Print the completion script of a shell (default: yours)."""
    click.echo(script(_shell(shell)))


@command("install", cls=Command)
@SHELL
@click.pass_obj
def install(session: Session, shell: str | None) -> None:
    """Write the completion script to where the shell looks for it, and print that place."""
    chosen = _shell(shell)
    place = place_for(chosen, Path.home(), dict(os.environ))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(script(chosen) + "\n", "utf-8")
    print(place)
    if chosen == "zsh":
        output.note(session, f"~/.zshrc must say, before compinit:  fpath+=({place.parent})")
    output.note(session, "open a new shell to use it")
