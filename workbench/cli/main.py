"""The entry of `wb`: parse, run one command, turn errors into a line, a hint and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from workbench.cli.command import Group
from workbench.cli.commands import COMMANDS, HEADINGS
from workbench.cli.session import Session
from workbench.cli.terminal import make_writable
from workbench.version import __version__

INTERRUPTED = 130
BROKEN_PIPE = 141
COMPLETE_VARIABLE = "_WB_COMPLETE"

ABOUT = """Run, follow and compare training on your own machines, over SSH.

Alone it opens the dashboard, or prints how things stand where there is no terminal. A location such as
runs/mnist or compute/gpu1 opens that place.
"""


def _version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"wb {__version__}")
        context.exit()


def build() -> Group:
    """The root of all commands."""
    root = Group("wb", COMMANDS, headings=HEADINGS, help=ABOUT, invoke_without_command=True, callback=_root)
    root.params.append(
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Show the version.",
        )
    )
    return root


@click.pass_context
def _root(context: click.Context) -> int | None:
    if context.invoked_subcommand is not None:
        return None
    session = context.ensure_object(Session)
    if session.screen:
        from workbench.cli.dashboard import open_dashboard

        return open_dashboard(session)
    from workbench.cli.overview import overview

    return overview(session)


def main(arguments: Sequence[str] | None = None, session: Session | None = None) -> int:
    """Run one command line (default: this process' own) and return its exit code."""
    if COMPLETE_VARIABLE in os.environ and session is None:
        from workbench.cli.completion import answer

        return answer(build(), os.environ[COMPLETE_VARIABLE])
    words = list(sys.argv[1:] if arguments is None else arguments)
    make_writable()
    session = session or Session()
    try:
        code = _run(words, session)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read our output has gone; what is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (KeyboardInterrupt, click.Abort):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except Exception as problem:  # the last line of defence: every error becomes a line and an exit code
        from workbench.cli.problems import report

        return report(problem, session)
    finally:
        session.close()


def _run(words: list[str], session: Session) -> int:
    with build().make_context("wb", words, obj=session) as context:
        result = context.command.invoke(context)
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
