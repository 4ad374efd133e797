"""What is built holds all that is needed: the themes and examples come along, in a wheel made of the sdist, too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASK = """
import json, workbench
from pathlib import Path
from workbench.examples_path import example
from workbench.tui.themes.folders import load, shipped
print(json.dumps([str(Path(workbench.__file__).parent.parent), sorted(load([shipped()])[0]), load([shipped()])[1],
                  sorted(item.name for item in example("digits").iterdir())]))
"""


def build(source: Path, target: str, to: Path) -> Path:
    """Build with hatchling itself, in this environment."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(to)],
        cwd=source,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (made,) = to.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return made


def asked(place: Path) -> tuple[str, list[str], list[str], list[str]]:
    """Where the package found itself and its files, when imported from place."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=place,
        env={**kept, "PYTHONPATH": str(place)},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    found: tuple[str, list[str], list[str], list[str]] = tuple(json.loads(done.stdout))  # type: ignore[assignment]
    return found


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    made = build(ROOT, "sdist", folder / "dist")
    with tarfile.open(made) as archive:
        archive.extractall(folder / "tree", filter="data")
    (tree,) = (folder / "tree").iterdir()
    return tree


@pytest.mark.parametrize("origin", ["checkout", "sdist"])
def test_a_wheel_has_its_themes_and_examples(origin: str, sdist: Path, tmp_path: Path) -> None:
    made = build(ROOT if origin == "checkout" else sdist, "wheel", tmp_path / "dist")
    place = tmp_path / "installed"
    with zipfile.ZipFile(made) as archive:
        archive.extractall(place)
        names = archive.namelist()
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]
    assert asked(place) == (str(place), *asked(ROOT)[1:])


def test_a_checkout_finds_its_own(tmp_path: Path) -> None:
    place, themes, wrong, examples = asked(ROOT)
    assert place == str(ROOT)
    assert len(themes) >= 5
    assert wrong == []
    assert "train.py" in examples
