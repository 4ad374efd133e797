"""Which interpreter of a machine an environment is built with: the usual one where it fits, else a newer one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind
from workbench.environments.provision import Wanted, describe
from workbench.errors import Conflict
from workbench.remote.environments import tools_here
from workbench.remote.environments.tools_here import choose_python, fits_version, within

FAKE = "#!/bin/sh\necho \"('{version}', 'cpython', 'x86_64', 'cpython', ('glibc', '2.36'), '{path}')\"\n"


@pytest.fixture
def pythons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with Python 3.8 for a usual one, and 3.11 and 3.13 beside it."""
    for name, version in (("python3", "3.8.20"), ("python3.11", "3.11.9"), ("python3.13", "3.13.1")):
        path = tmp_path / name
        path.write_text(FAKE.format(version=version, path=path))
        path.chmod(0o755)
    monkeypatch.setattr(tools_here, "PLACES", ())
    monkeypatch.setattr(tools_here.sys, "executable", str(tmp_path / "python3"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (None, "3.8.20"),
        ("3.11", "3.11.9"),
        (">=3.8", "3.8.20"),
        (">=3.9", "3.13.1"),
        (">=3.9,<3.13", "3.11.9"),
        ("~=3.11.2", "3.11.9"),
        (">=3.14", None),
        ("3.12", None),
    ],
)
def test_the_usual_one_where_it_fits_else_the_newest_that_does(
    pythons: Path, wanted: str | None, found: str | None
) -> None:
    chosen, seen = choose_python(wanted, None)
    assert (chosen or {}).get("version") == found
    assert seen[0]["version"] == "3.8.20"
    preferred = str(pythons / "python3.11")
    chosen, _ = choose_python(wanted, preferred)
    fits = fits_version("3.11.9", wanted)
    assert (chosen or {}).get("version") == ("3.11.9" if fits else found)


def test_a_machine_without_one_that_fits_is_refused_with_those_it_has() -> None:
    definition = EnvironmentDefinition(kind=EnvironmentKind.REQUIREMENTS, requirements="x\n")
    wanted = Wanted("train", 1, definition, "x==1\n", requires_python=">=3.10")
    site = {"python": None, "seen": [{"path": "/usr/bin/python3", "version": "3.8.20"}], "machine": "x86_64"}
    with pytest.raises(Conflict, match=r"gpu1 has no Python >=3.10; it has 3.8.20 \(/usr/bin/python3\)"):
        describe("gpu1", wanted, site)


VERSIONS = some.tuples(some.integers(2, 4), some.integers(0, 20), some.integers(0, 30)).map(
    lambda numbers: ".".join(map(str, numbers))
)


@given(VERSIONS, some.text(max_size=30))
def test_limits_can_be_anything(version: str, limits: str) -> None:
    assert within(version, limits) in (True, False)


@given(VERSIONS, VERSIONS)
def test_limits_are_consistent(version: str, other: str) -> None:
    assert within(version, f">={other}") is not within(version, f"<{other}")
    assert within(version, f">{other}") is not within(version, f"<={other}")
    assert within(version, f"=={other}") is (version == other)
    assert within(version, f"!={other}") is (version != other)
