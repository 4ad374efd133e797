"""Where the shipped examples lie: in the package when installed, in docs/ in a checkout."""

from __future__ import annotations

from pathlib import Path

from workbench.errors import NotFound


def example(name: str) -> Path:
    """The folder of one example; raises NotFound when the distribution lacks it.

    A checkout comes first: an editable install may have left an older copy beside the package.
    """
    package = Path(__file__).resolve().parent
    for place in (package.parent / "docs" / "examples" / name, package / "examples" / name):
        if place.is_dir():
            return place
    raise NotFound(f"the example {name} is not part of this installation", "install the package again")
