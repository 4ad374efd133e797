"""Where themes lie: ours beside the code, the user's in their own folder; later folders win by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from workbench.errors import ConfigurationError
from workbench.home import Home
from workbench.tui.themes.files import ThemeFile, read_theme

VARIABLE = "WORKBENCH_THEMES"
LARGEST = 1 << 16
"""Bytes of a theme file."""
MOST = 200


def shipped() -> Path:
    """The folder of ours: in a checkout its `themes/`, else the package's.

    The checkout comes first: an editable install may have left an older copy beside the package.
    """
    package = Path(__file__).resolve().parents[2]
    checkout = package.parent / "themes"
    return checkout if (checkout / "workbench-dark.toml").is_file() else package / "themes"


def folders(home: Home, environ: Mapping[str, str]) -> list[Path]:
    """Every folder that is looked into."""
    own = [Path(environ[VARIABLE]).expanduser()] if environ.get(VARIABLE) else []
    return [shipped(), *own, home.root / "themes"]


def stamps(places: list[Path]) -> dict[Path, int]:
    """Every theme file there is, with when it was changed in nanoseconds: whether to look again."""
    found = {}
    for place in places:
        for file in sorted(place.glob("*.toml"))[:MOST] if place.is_dir() else ():
            try:
                found[file] = file.stat().st_mtime_ns
            except OSError:
                continue  # it went while we looked
    return found


def load(places: list[Path]) -> tuple[dict[str, ThemeFile], list[str]]:
    """Every theme by name, and what is wrong with the files that hold none. Never raises."""
    themes: dict[str, ThemeFile] = {}
    wrong: list[str] = []
    for file in stamps(places):
        try:
            with open(file, encoding="utf-8") as handle:
                found = read_theme(handle.read(LARGEST), str(file))
        except ConfigurationError as problem:
            wrong.append(problem.message)
        except (OSError, UnicodeDecodeError) as problem:
            wrong.append(f"{file}: {problem}")
        else:
            themes[found.theme.name] = found
    return themes, wrong
