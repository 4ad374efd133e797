"""What is written about the product is true: pages are current, links lead somewhere, commands exist."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from workbench.cli.main import build

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"\bwb( [a-z]+\b[^\n`\"|&;()#]*)")


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def every_command(group: click.Group, path: str = "wb") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from every_command(command, f"{path} {name}")


COMMANDS = dict(every_command(build()))


def test_the_reference_is_current(reference: ModuleType) -> None:
    assert (DOCS / "reference.md").read_text("utf-8") == reference.page(), (
        "run: python docs/make_reference.py"
    )


def test_the_reference_has_every_command() -> None:
    page = (DOCS / "reference.md").read_text("utf-8")
    for path in COMMANDS:
        assert f"\n## {path}\n" in page or f"\n### {path}\n" in page


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_has_help(path: str) -> None:
    command = COMMANDS[path]
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.opts


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in LINK.findall(text):
        if "://" in target or target.startswith(("mailto:", "#")):
            continue
        assert (page.parent / target.partition("#")[0]).exists(), target


def test_the_recorded_session_names_nobodys_computer() -> None:
    """Recorded by docs/make_readme_session.py, which takes out what belongs to who recorded it."""
    drawn = (DOCS / "images" / "session.svg").read_text("utf-8")
    for words in ("wb compute attach", "wb submit", "wb ps", "--plot", "wb run compare"):
        assert words in drawn
    assert re.findall(r"/(?:tmp|root|work|mnt|srv|opt)/|root@|>\s*root\b", drawn) == []
    assert "docs/images/session.svg" in (ROOT / "README.md").read_text("utf-8")


def problem_of(words: list[str]) -> str:
    """What is wrong with the words after `wb`, as far as commands and options go; empty for nothing."""
    group: click.Command = build()
    path = "wb"
    while isinstance(group, click.Group) and words and re.fullmatch(r"[a-z]+", words[0]):
        path, words = f"{path} {words[0]}", words[1:]
        if path not in COMMANDS:
            return f"there is no {path}"
        group = COMMANDS[path]
    known = {
        name for option in (*group.params, *build().params) for name in (*option.opts, *option.secondary_opts)
    }
    known |= {"-h", "--help"}
    for word in words:
        if word == "--":
            break
        name = word.partition("=")[0].rstrip(".,:")
        if name.startswith("-") and len(name) > 1 and name not in known:
            return f"{path} has no {name}"
    return ""


def commands_in(text: str) -> Iterator[list[str]]:
    for found in COMMAND.findall(text):
        try:
            yield shlex.split(found)
        except ValueError:
            yield found.split()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_name_commands_that_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    code = re.findall(r"```.*?```", text, re.DOTALL) + re.findall(r"`[^`\n]+`", text)
    problems = [problem_of(words) for part in code for words in commands_in(part)]
    assert [problem for problem in problems if problem] == []


def test_messages_name_commands_that_exist() -> None:
    """A hint that leads nowhere is worse than none."""
    problems, seen = [], 0
    for path in sorted((ROOT / "workbench").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for words in commands_in(node.value):
                    seen += 1
                    problem = problem_of(words)
                    problems += [f"{path.relative_to(ROOT)}:{node.lineno}: {problem}"] if problem else []
    assert seen > 50
    assert problems == []
