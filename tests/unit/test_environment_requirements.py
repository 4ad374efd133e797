"""Requirements files: what is kept of them, and what is refused, by its line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from workbench.environments import requirements
from workbench.environments.requirement_lines import is_exact
from workbench.errors import ConfigurationError

SHA = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def test_what_is_kept_of_a_file() -> None:
    text = f"""\
\ufeff# what we train with
numpy>=1.26 , <3   # the array
scikit-learn [plots] == 1.5.* ; python_version >= "3.9"
-i https://pypi.example/simple
--extra-index-url=https://wheels.example/cpu
--pre
--require-hashes
torch==2.4.0 \\
    --hash={SHA} \\
    --hash={OTHER}
wheel @ https://files.example/wheel-0.44.0-py3-none-any.whl
"""
    found = requirements.read(text)
    assert found.lines == [
        "numpy>=1.26,<3",
        'scikit-learn[plots]==1.5.* ; python_version >= "3.9"',
        f"torch==2.4.0 --hash={SHA} --hash={OTHER}",
        "wheel @ https://files.example/wheel-0.44.0-py3-none-any.whl",
    ]
    assert found.index_url == "https://pypi.example/simple"
    assert found.indexes == ["https://wheels.example/cpu"]
    assert found.prerelease
    assert not found.locked
    assert [is_exact(line) for line in found.lines] == [False, False, True, False]


def test_included_files_are_read_from_their_own_folder() -> None:
    files = {
        "deps/base.txt": "numpy\n-r more/gpu.txt\n-c ../limits.txt\n",
        "deps/more/gpu.txt": "torch\n",
        "limits.txt": "numpy<3\n",
    }
    found = requirements.read("-r deps/base.txt\npandas\n", "requirements.txt", files.__getitem__)
    assert found.lines == ["numpy", "torch", "pandas"]
    assert found.constraints_text == "numpy<3\n"


def test_an_include_that_goes_in_a_circle_or_is_not_there_is_said_by_its_line() -> None:
    files = {"a.txt": "-r b.txt\n", "b.txt": "numpy\n-r a.txt\n"}

    def include(path: str) -> str:
        if path not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return files[path]

    with pytest.raises(ConfigurationError, match=r"b.txt:2: a.txt includes itself"):
        requirements.read("-r b.txt", "a.txt", include)
    with pytest.raises(ConfigurationError, match=r"req:1: gone.txt cannot be read: No such file"):
        requirements.read("-r gone.txt", "req", include)
    with pytest.raises(ConfigurationError, match="not here to be included"):
        requirements.read("-r b.txt")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-e .", "editable"),
        ("--editable=./lib", "editable"),
        ("./lib", "folder of this machine"),
        ("../wheels/x-1.0-py3-none-any.whl", "folder of this machine"),
        ("x-1.0-py3-none-any.whl", "folder of this machine"),
        ("C:\\wheels\\x.whl", "folder of this machine"),
        ("file:///etc/passwd", "address"),
        ("x @ file:///etc/passwd", "no https address"),
        ("x @ ./lib", "no https address"),
        ("git+https://github.com/a/b@main", "repository"),
        ("b @ git+ssh://git@github.com/a/b", "repository"),
        ("git@github.com:a/b.git", "repository"),
        ("hg+https://a/b", "repository"),
        ("x @ http://files.example/x-1.0-py3-none-any.whl", "no https address"),
        ("x @ https://me:hunter2@files.example/x.whl", "user or password"),
        ("https://files.example/x.whl", "without a name"),
        ("--index-url https://me:hunter2@pypi.example/simple", "user or password"),
        ("--extra-index-url https://token@pypi.example/simple", "user or password"),
        ("--index-url https://${USER}:${TOKEN}@pypi.example/simple", "variable"),
        ("--index-url ftp://pypi.example/simple", "no https or http address"),
        ("--index-url /srv/wheels", "no https or http address"),
        ("--find-links /srv/wheels", "nobody else has"),
        ("-f https://files.example", "nobody else has"),
        ("--no-index", "nobody else has"),
        ("--trusted-host pypi.example", "certificates"),
        ("--global-option=x", "not supported"),
        ("numpy --config-settings=a=b", "not supported"),
        ("numpy --install-option=--prefix=/", "not supported"),
        ("numpy==${V}", "variable"),
        ("numpy; __import__('os').system('id')", "no condition"),
        ("numpy==1.0; $(id)", "no condition"),
        ("numpy==1.0 `id`", "no requirement"),
        ("num py", "no requirement"),
        ("-r https://host/requirements.txt", "another tomorrow"),
        ("-r /etc/passwd", "no path from this file"),
        ("numpy --hash=md5:abc", "not supported"),
        ("-X", "not supported"),
    ],
)
def test_what_no_machine_could_repeat_is_refused_by_its_line(line: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        requirements.read(f"numpy\n{line}\n")
    assert re.search(re.escape(words), caught.value.message), caught.value.message
    assert caught.value.message.startswith("requirements.txt:2: ")
    assert "hunter2" not in caught.value.message + caught.value.hint
    assert "token@" not in caught.value.message


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        requirements.read("-e .\nnumpy\n./lib\n")
    assert [item.partition(": ")[0] for item in caught.value.data["problems"]] == [
        "requirements.txt:1",
        "requirements.txt:3",
    ]


@given(some.text(max_size=400))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    said = ""
    try:
        found = requirements.read(text)
    except ConfigurationError as problem:
        said = problem.message
    else:
        again = requirements.read(found.text)
        assert again.lines == found.lines
        assert again.locked == found.locked
    assert said.isprintable()


NAMES = some.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}", fullmatch=True)
NASTY = some.sampled_from(
    [
        "-e ",
        "--index-url ",
        "git+",
        "@",
        "://",
        "me:pw@",
        "..",
        "/",
        " #",
        "\\\n",
        "${X}",
        ";",
        "--hash=",
        "\x1b[31m",
    ]
)


@given(some.lists(some.one_of(NAMES, NASTY), max_size=8).map("".join))
def test_nothing_that_is_kept_is_local_or_holds_a_password(text: str) -> None:
    try:
        found = requirements.read(text)
    except ConfigurationError as problem:
        told = [problem.message, problem.hint, *problem.data["problems"]]
        found = requirements.read("")
    else:
        told = []
    assert not any("me:pw" in words or "\x1b" in words for words in told)
    for line in [*found.lines, *found.constraints, *found.indexes, found.index_url or ""]:
        assert not line.startswith(("-", ".", "/"))
        assert "git+" not in line
        assert "\x1b" not in line
        assert "me:pw@" not in line
