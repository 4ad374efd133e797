"""The bootstrap line and what is read of its answer, as pure texts."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.compute import bootstrap
from workbench.errors import NoPython, RemoteError, UsageError
from workbench.remote.forms import protocol

SHA = "a" * 64


def inner(line: str) -> str:
    """What stands between the quotes of the line."""
    assert line.startswith("exec /bin/sh -c '")
    assert line.endswith("'")
    return line.removeprefix("exec /bin/sh -c '").removesuffix("'")


@pytest.mark.parametrize("python", [None, "/opt/my python/bin/python3"])
def test_the_line_has_nothing_that_a_login_shell_changes(python: str | None) -> None:
    script = inner(bootstrap.command_line(python))
    assert not set(script) & set("'\\!\n\r\t")
    assert script.isascii()


def test_a_given_interpreter_is_the_only_one_tried() -> None:
    assert 'for p in "/opt/x/python3";' in bootstrap.command_line("/opt/x/python3")


@pytest.mark.parametrize(
    "python", ["python3", "", "~/x", "/a'b", '/a"b', "/a\\b", "/a$b", "/a`b", "/a!b", "/a\nb", "/é"]
)
def test_a_path_that_no_line_can_carry_is_refused(python: str) -> None:
    with pytest.raises(UsageError):
        bootstrap.command_line(python)


def test_stage0_is_one_line_of_python_with_its_parameters() -> None:
    line = bootstrap.stage0_line(root="/data/é'\"", lease_dir=None, sha=SHA, size=7)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    (statement,) = ast.parse(line.decode("ascii")).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    (source,) = statement.value.args
    call = ast.parse(ast.literal_eval(source)).body[-1]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert [ast.literal_eval(word) for word in call.value.args] == ["/data/é'\"", None, SHA, 7]


def test_stage0_knows_the_magic() -> None:
    line = bootstrap.stage0_line(root=None, lease_dir=None, sha=SHA, size=1)
    assert repr(protocol.MAGIC)[2:-1].encode() in line.replace(b"\\\\", b"\\")


@given(st.binary(max_size=300), st.lists(st.integers(1, 60), max_size=20))
def test_noise_before_the_magic_is_dropped_in_any_split(noise: bytes, sizes: list[int]) -> None:
    noise = noise.replace(b"\x1e", b"")
    wire = noise + protocol.MAGIC + b'{"need":false}\nframes'
    reader = bootstrap.MagicReader()
    answer = None
    for size in [*sizes, len(wire)]:
        reader.feed(wire[:size])
        wire = wire[size:]
        answer = answer or reader.answer()
    assert answer == {"need": False}
    assert reader.rest() == b"frames"
    assert (reader.noise, reader.noise_size) == (noise, len(noise))


def test_two_answers_follow_each_other() -> None:
    reader = bootstrap.MagicReader()
    reader.feed(b"hi\n" + protocol.MAGIC + b'{"need":true}\n')
    assert reader.answer() == {"need": True}
    assert reader.answer() is None
    reader.feed(protocol.MAGIC + b'{"need":false}\n')
    assert reader.answer() == {"need": False}


def test_endless_noise_is_given_up_and_its_beginning_kept() -> None:
    reader = bootstrap.MagicReader()
    for _ in range(bootstrap.MAX_NOISE // 65536):
        reader.feed(b"WELCOME " * 8192)
    with pytest.raises(RemoteError, match="prints without end") as caught:
        reader.feed(b"WELCOME " * 8192)
    assert "WELCOME" in caught.value.hint
    assert len(reader.noise) == bootstrap.KEPT_NOISE


def test_an_answer_without_end_is_given_up() -> None:
    reader = bootstrap.MagicReader()
    reader.feed(protocol.MAGIC + b"x" * 70_000)
    with pytest.raises(RemoteError, match="no end"):
        reader.answer()


@pytest.mark.parametrize("line", [b"\n", b"nonsense\n", b"[1]\n", b'{"need":\n'])
def test_an_answer_that_makes_no_sense_is_an_error(line: bytes) -> None:
    reader = bootstrap.MagicReader()
    reader.feed(protocol.MAGIC + line)
    with pytest.raises(RemoteError, match="makes no sense"):
        reader.answer()


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (b"no-python", "nothing at all"),
        (b"no-python python=207", "python is 2.7"),
        (b"no-python python3=305 /opt/x=", "python3 is 3.5; /opt/x does not start"),
        ("no-python python3=\u00b2".encode(), "python3 does not start"),
        (b"no-python \x1b]0;evil\x07python=207", "python is 2.7"),
    ],
)
def test_what_was_found_instead_of_a_python3_is_said(said: bytes, found: str) -> None:
    reader = bootstrap.MagicReader()
    reader.feed(protocol.MAGIC + said + b"\n")
    with pytest.raises(NoPython, match=r"3\.6 or newer") as caught:
        reader.answer()
    assert caught.value.message.endswith("found: " + found)
    assert "--python" in caught.value.hint


def test_stage0_s_errors_become_ours() -> None:
    error = bootstrap.refused({"code": "disk_full", "message": "disk full\x1b[31m", "hint": "free some"})
    assert isinstance(error, RemoteError)
    assert (error.message, error.hint, error.data["code"]) == ("disk full", "free some", "disk_full")
    assert isinstance(bootstrap.refused({"code": "no_python", "message": "x"}), NoPython)
    assert isinstance(bootstrap.refused("nonsense"), RemoteError)


def test_the_last_words_of_a_shell_that_ended_are_in_the_error() -> None:
    error = bootstrap.ended_early(1, "", "Welcome\nThis account is currently not available.\n")
    assert "This account is currently not available." in error.message
    assert "exit status 1" in error.message
