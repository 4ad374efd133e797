"""How two versions of environments differ, as lines of a unified diff. Pure: JSON in, lines out."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import unified_diff
from typing import Any

from workbench.text.sanitize import clean, clean_name

Json = Mapping[str, Any]
AROUND = 3
LONGEST = 400
"""Characters of a line that are shown."""
TEXTS = ("requirements", "constraints", "pyproject", "conda", "dockerfile")
"""What of a definition are files of many lines."""
WORDS = ("kind", "python", "interpreter", "image", "context", "index", "prerelease")


def difference(one: Json, other: Json) -> list[str]:
    """What of the definition, then of the packages it was resolved to, is other; no line where nothing is."""
    names = [f"{clean_name(str(item['name']), 128)}:{item['version']}" for item in (one, other)]
    found: list[str] = []
    for part, of in (("definition", definition_lines), ("locked to", locked_lines)):
        before, after = of(one), of(other)
        first, second = (f"{name} {part}" for name in names)
        found += unified_diff(before, after, first, second, n=AROUND, lineterm="")
    return found


def definition_lines(version: Json) -> list[str]:
    """A definition as lines that can be compared: words, variables, then its files."""
    found = version.get("definition") or {}
    lines = [f"{key}: {clean_name(str(found[key]), LONGEST)}" for key in WORDS if found.get(key)]
    lines += [f"index first: {clean_name(str(index), LONGEST)}" for index in found.get("indexes") or []]
    lines += [f"group: {clean_name(str(group), LONGEST)}" for group in found.get("groups") or []]
    for name, value in sorted((found.get("variables") or {}).items()):
        lines.append(f"variable {clean_name(str(name), 200)}={clean_name(str(value), LONGEST)}")
    for key in TEXTS:
        text = str(found.get(key) or "").splitlines()
        lines += [f"{key}: {clean(line, LONGEST)}" for line in text if line.strip()]
    return lines


def locked_lines(version: Json) -> list[str]:
    """The packages of a lock, a line each, without their hashes."""
    lines = []
    for line in str(version.get("lock") or "").splitlines():
        package = line.split("--hash")[0].rstrip().rstrip("\\").rstrip()
        if package and not package.startswith(("#", " ", "\t")):
            lines.append(clean(package, LONGEST))
    return lines
