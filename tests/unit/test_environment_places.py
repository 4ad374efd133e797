"""What decides where an environment is and what is sent for it: keys, platforms, locks, and what machines say."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind
from workbench.environments.build_key import (
    Interpreter,
    build_key,
    read_interpreter,
    uv_platform,
    wheel_platforms,
)
from workbench.environments.builds import read_build, read_builds
from workbench.environments.locked_wheels import entries_of, index_variables
from workbench.environments.provision import Wanted, describe
from workbench.environments.uv_binary import PLATFORMS
from workbench.errors import Conflict, RemoteError
from workbench.remote.environments.places import KEY, check_build
from workbench.remote.environments.steps import last_words
from workbench.remote.environments.tools_here import fits_version, new_enough

PYTHON = {
    "path": "/usr/bin/python3.11", "version": "3.11.2", "abi": "cpython-311-x86_64-linux-gnu", "machine": "x86_64",
    "libc": ["glibc", "2.36"],
}  # fmt: skip
SITE: dict[str, Any] = {
    "python": PYTHON, "seen": [{"path": "/usr/bin/python3.11", "version": "3.11.2"}], "uv": None, "conda": None,
    "system": "linux", "machine": "x86_64",
}  # fmt: skip


def wanted(
    kind: EnvironmentKind = EnvironmentKind.REQUIREMENTS, lock: str = "six==1.17.0\n", **changes: Any
) -> Wanted:
    definition = EnvironmentDefinition(kind=kind, requirements="six", **changes)
    return Wanted("demo", 1, definition, lock)


def test_the_key_changes_with_all_that_the_content_depends_on_and_with_nothing_else() -> None:
    """AZ-135: lock, Python's version, ABI and place, system and libc, uv's version, indexes."""
    base = describe("gpu1", wanted(), SITE)["key"]
    assert KEY.match(base)
    assert describe("gpu2", Wanted("other", 7, wanted().definition, "six==1.17.0\n"), SITE)["key"] == base
    others = [
        describe("gpu1", wanted(lock="six==1.16.0\n"), SITE),
        describe("gpu1", wanted(indexes=["https://packages.example/simple"]), SITE),
        describe("gpu1", wanted(index="https://packages.example/simple"), SITE),
        describe("gpu1", wanted(), {**SITE, "uv": {"path": "/usr/bin/uv", "version": "0.6.1"}}),
        *(
            describe("gpu1", wanted(), {**SITE, "python": {**PYTHON, **change}})
            for change in (
                {"version": "3.11.3"}, {"path": "/opt/python"}, {"abi": "cpython-311d-x86_64-linux-gnu"},
                {"machine": "aarch64"}, {"libc": ["glibc", "2.28"]}, {"libc": ["musl", "1.2"]},
            )
        ),
    ]  # fmt: skip
    keys = [build["key"] for build in others]
    assert len({base, *keys}) == len(keys) + 1
    for build in others:
        check_build(build)


def test_a_python_that_is_not_there_is_said_with_what_is() -> None:
    site = {**SITE, "python": None}
    with pytest.raises(Conflict) as problem:
        describe("gpu1", wanted(python="3.9"), site)
    assert problem.value.message == "gpu1 has no Python 3.9; it has 3.11.2 (/usr/bin/python3.11)"
    assert "wb compute set gpu1 python=PATH" in problem.value.hint


def test_conda_builds_a_conda_file_only_where_it_is() -> None:
    asked = wanted(EnvironmentKind.CONDA, conda="name: x\n")
    assert describe("gpu1", asked, SITE)["conda"] is None
    by_conda = describe("gpu1", asked, {**SITE, "conda": "/opt/conda/bin/conda", "python": None})
    assert by_conda["conda"] == "name: x\n"
    check_build(by_conda)


@pytest.mark.parametrize(
    "wire", [{}, [], "x", {"path": 1}, {**PYTHON, "libc": None}, {**PYTHON, "path": "python"}]
)
def test_nonsense_about_an_interpreter_is_an_error_in_words(wire: Any) -> None:
    with pytest.raises(RemoteError):
        read_interpreter(wire)


def test_platforms_are_those_a_machine_takes_the_newest_first() -> None:
    found = wheel_platforms("linux", "x86_64", ("glibc", "2.17"))
    assert found[0] == "manylinux_2_17_x86_64"
    assert "manylinux2014_x86_64" in found
    assert "manylinux_2_28_x86_64" not in found
    assert wheel_platforms("linux", "aarch64", ("musl", "1.2"))[0] == "musllinux_1_2_aarch64"
    assert not any("musl" in one for one in wheel_platforms("linux", "x86_64", ("glibc", "2.36")))
    assert wheel_platforms("darwin", "arm64", ("", "")) == []
    assert uv_platform("x86_64", ("glibc", "2.36")) == "x86_64-manylinux_2_28"
    assert uv_platform("aarch64", ("musl", "1.2")) == "aarch64-unknown-linux-musl"
    assert all("linux" in platform or "macosx" in platform for platform in PLATFORMS.values())


def test_a_lock_is_read_entry_by_entry() -> None:
    lock = (
        "# made by a tool\n--index-url https://packages.example/simple\n"
        "numpy==2.0.2 ; python_full_version < '3.10' \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "    # via -r requirements.in\nsix==1.17.0 \\\n    --hash=sha256:cc\n"
    )
    assert entries_of(lock) == [
        "numpy==2.0.2 ; python_full_version < '3.10' --hash=sha256:aa --hash=sha256:bb",
        "six==1.17.0 --hash=sha256:cc",
    ]


def test_credentials_of_an_index_are_in_pips_environment_alone() -> None:
    secrets = {"UV_INDEX_OUR_OWN_USERNAME": "ann@x", "UV_INDEX_OUR_OWN_PASSWORD": "a/b:c"}
    found = index_variables(["our-own=https://packages.example/simple", "https://plain.example/s"], secrets)
    assert found == {
        "PIP_EXTRA_INDEX_URL": "https://ann%40x:a%2Fb%3Ac@packages.example/simple https://plain.example/s"
    }
    assert index_variables([], secrets) == {}


def test_versions_are_compared_as_numbers() -> None:
    assert new_enough("0.10.0")
    assert new_enough("0.5.0")
    assert not new_enough("0.4.30")
    assert fits_version("3.11.2", "3.11")
    assert fits_version("3.11.2", None)
    assert not fits_version("3.1.2", "3.11")
    assert not fits_version("3.11.2", "3.1")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "error: Request failed after 3 retries\n  Caused by: dns error\n",
            "Request failed after 3 retries: dns error",
        ),
        (
            "Resolved 1 package in 33ms\nerror: Failed to download `six==1.15.0`\n"
            "  cause: Hash mismatch for `six==1.15.0`\n\n         Expected:\n           sha256:00\n\n"
            "         Computed:\n           sha256:8b\n",
            "Failed to download `six==1.15.0`: Hash mismatch for `six==1.15.0` Expected: sha256:00 Computed: sha256:8b",
        ),
        ("  x No solution found:\n  hint: do this\n", "x No solution found:"),
        (
            "error: failed to write: No space left on device (os error 28)\n",
            "the disk of the machine is full",
        ),
        ("", "uv failed with exit code 2"),
    ],
)
def test_why_a_build_failed_is_one_sentence(said: str, words: str) -> None:
    assert last_words(said.encode(), "/x/uv", 2) == words


def test_what_a_machine_says_of_environments_is_harmless() -> None:
    good = {
        "key": "k" * 20, "state": "ready", "name": "demo\x1b[2J", "version": 3, "packages": {"a\n": "1\x07", "b": None},
        "bytes": 5, "age": 60.0, "built": 1_790_000_000.0, "python": "3.11.2", "in_use": True,
    }  # fmt: skip
    answer = {
        "environments": [good, {"key": 1}, None, {"key": "x", "state": "odd"}, {**good, "age": float("nan")}]
    }
    first, second = read_builds(json.loads(json.dumps(answer)), "gpu1")
    assert first.target == "gpu1"
    assert "\x1b" not in (first.name or "")
    assert not any("\n" in name or "\x07" in version for name, version in first.packages.items())
    assert first.ended == datetime.fromtimestamp(1_790_000_000, UTC)
    assert None in (first.used, second.used)
    assert read_builds("nothing", "gpu1") == []


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@given(st.fixed_dictionaries({"key": json_values, "state": st.sampled_from(["ready", "failed", 3])},
                             optional={name: json_values for name in ("name", "version", "packages", "bytes", "age", "started")}))  # fmt: skip
def test_no_answer_of_a_machine_breaks_its_reading(wire: dict[str, Any]) -> None:
    read_build(wire, "gpu1")


def test_what_is_no_build_is_refused_in_words() -> None:
    build = describe("gpu1", wanted(), SITE)
    sha = "a" * 64
    for broken in (
        [], {**build, "key": "../x"}, {**build, "lock": 3}, {**build, "indexes": "x"},
        {**build, "wheels": [[sha, "../x.whl"]]}, {**build, "wheels": [["a", "x.whl"]]}, {**build, "wheels": "x"},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="environment_build"):
            check_build(broken)
    check_build(None)
    check_build({"kind": "another part's", "key": random.random()})


def test_an_interpreter_of_the_same_content_at_another_place_is_another_environment() -> None:
    at = Interpreter("/a/python", "3.11.2", "x", "x86_64", ("glibc", "2.36"))
    assert build_key("requirements", "", at, "1", [], "uv") != build_key(
        "requirements", "", at._replace(path="/b/python"), "1", [], "uv"
    )
