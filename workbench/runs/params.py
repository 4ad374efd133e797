"""The parameters a command line names, so that runs of unmodified scripts can be searched. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from workbench.entities.configuration import RunConfiguration
from workbench.runs import scalars
from workbench.runs.shell_words import split_commands

MAX_PARAMS = 500
MAX_VALUE = 500
MAX_COMMAND = 100_000

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-/]{0,199}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_SECRET = re.compile(r"(^|[_.\-])(password|passwd|secret|credentials?|api[_\-]?key|token)$", re.IGNORECASE)
_PYTHON = re.compile(r"(.*/)?(python|pypy)[0-9.]*")
_SHELL = re.compile(r"(.*/)?(ba|da|z|k)?sh")
_SCRIPT = re.compile(r"-[a-z]*c")
_PYTHON_VALUE_OPTIONS = ("-W", "-X")
_BEFORE = frozenset({
    "!", "{", "(", "do", "elif", "else", "exec", "if", "nohup", "then", "time", "until", "while",
})  # fmt: skip
"""Words of the shell that stand before a program."""
_AROUND: dict[str, tuple[tuple[str, ...], int]] = {
    "command": ((), 0),
    "conda": (("-n", "--name", "-p", "--prefix", "--cwd"), 1),
    "env": (("-u", "--unset", "-C", "--chdir"), 0),
    "ionice": (("-c", "--class", "-n", "--classdata"), 0),
    "micromamba": (("-n", "--name", "-p", "--prefix", "--cwd"), 1),
    "nice": (("-n", "--adjustment"), 0),
    "numactl": (("-C", "-N", "-m", "-i", "-p", "--cpunodebind", "--membind", "--physcpubind"), 0),
    "poetry": (("-C", "--directory", "-P", "--project"), 1),
    "setsid": ((), 0),
    "stdbuf": (("-i", "-o", "-e"), 0),
    "taskset": ((), 1),
    "timeout": (("-s", "--signal", "-k", "--kill-after"), 1),
    "unbuffer": ((), 0),
    "uv": (
        ("-p", "--python", "--with", "--with-requirements", "--extra", "--group", "--project", "--directory",
         "--env-file", "--index", "--default-index", "--package"),
        1,
    ),
}  # fmt: skip
"""Programs that run another one: their options with a value, and how many words stand before the other."""
_TOOLS = frozenset({
    "[", "[[", "awk", "cat", "cd", "chmod", "cp", "cut", "date", "echo", "export", "find",
    "for", "grep", "head", "kill", "ln", "ls", "mkdir", "mktemp", "mv", "printf", "read", "rm",
    "sed", "set", "shift", "sleep", "sort", "source", "stty", "tail", "tar", "tee", "test", "touch",
    "trap", "tr", "ulimit", "uname", "uniq", "unset", "wait", "wc", "which", "xargs",
})  # fmt: skip
"""Programs of the shell's own world: their options say nothing of a training."""


def params_of(configuration: RunConfiguration) -> dict[str, str]:
    """What a run of this configuration is found by: its command's parameters and its inputs, as written."""
    found = params_from_command(configuration.command)
    for name, value in configuration.inputs.items():
        if not _SECRET.search(name):
            found[name] = configuration.written.get(name, scalars.plain_text(value))[:MAX_VALUE]
    return dict(list(found.items())[:MAX_PARAMS])


def params_from_command(command: list[str] | str) -> dict[str, str]:
    """The parameters of an argv or a shell line or script, by name; a later one of a name wins.

    `--batch-size 32`, `--batch-size=32` and `batch_size=32` are all batch_size: 32; a flag is `true`;
    several numbers after an option are one value. Names that say password, secret or token are left out.
    """
    found: dict[str, str] = {}
    for words in _commands(command):
        for name, value in _of_words(_arguments(words)):
            key = name.lstrip("+").replace("-", "_")
            if len(found) < MAX_PARAMS and _NAME.fullmatch(name.lstrip("+")) and not _SECRET.search(key):
                found[key] = value[:MAX_VALUE]
    return found


def _commands(command: list[str] | str) -> Iterable[list[str]]:
    """The words of each command; those of a shell's script where a shell is what is run."""
    if isinstance(command, list):
        if len(command) < 3 or not _SHELL.fullmatch(command[0]) or not _SCRIPT.fullmatch(command[1]):
            return [command]
        command = command[2]
    return split_commands(command[:MAX_COMMAND])


def _arguments(words: list[str]) -> list[str]:
    """What follows the program, without the variables before it and Python's own options."""
    rest = _program(words)
    if rest and rest[0].rpartition("/")[2] in _TOOLS:
        return []
    if rest and _PYTHON.fullmatch(rest[0]):
        rest = rest[1:]
        while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-c"):
            rest = rest[2 if rest[0] in _PYTHON_VALUE_OPTIONS else 1 :]
        if rest and rest[0] in ("-m", "-c"):
            rest = rest[1:]
    return rest[1:]


def _program(words: list[str]) -> list[str]:
    """The program that is meant and what follows it, without what stands around it: FOO=1 nice -n 19 ..."""
    at = 0
    while at < len(words):
        name = words[at].rpartition("/")[2]
        if name in _BEFORE or _VARIABLE.fullmatch(words[at]):
            at += 1
        elif name in _AROUND:
            valued, others = _AROUND[name]
            at += 1
            while at < len(words) and (others or words[at].startswith("-")):
                if not words[at].startswith("-"):
                    others -= 1
                at += 2 if words[at] in valued else 1
        else:
            break
    return words[at:]


def _of_words(words: list[str]) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        name = word.lstrip("-")
        if not _option(word):
            name, equals, value = word.partition("=")
            if equals and not word.startswith("-"):
                yield name, value
            continue
        if "=" in name:
            name, _, value = name.partition("=")
            yield name, value
            continue
        attached = re.fullmatch(r"-([A-Za-z])([0-9][0-9.]*)", word)
        if attached:
            yield attached.group(1), attached.group(2)
            continue
        values = list(_values(words[at:]))
        at += len(values)
        yield name, " ".join(values) if values else "true"


def _values(words: Iterable[str]) -> Iterator[str]:
    """The words that are an option's value: one, or as many numbers as follow each other."""
    numbers = True
    for position, word in enumerate(words):
        number = _NUMBER.fullmatch(word) is not None
        if _option(word) or word == "--" or (position and not (number and numbers)):
            return
        numbers = number
        yield word


def _option(word: str) -> bool:
    return len(word) > 1 and word.startswith("-") and word != "--" and not _NUMBER.fullmatch(word)
