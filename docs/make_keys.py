"""Writes docs/keys.md from the dashboard's action table; `--check` only says whether it is current."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from workbench.tui.actions.keys import all_shown
from workbench.tui.actions.keys_screen import title_of
from workbench.tui.actions.table import ACTIONS

PAGE = Path(__file__).parent / "keys.md"
HEAD = """# Keys of the dashboard

Written by docs/make_keys.py from the action table; a test keeps it current. In the dashboard `?` shows the
keys that work where one is, finds one by typing, and does it with Enter; `^p` (Ctrl and p) finds actions by
name. A key means the same everywhere.

Everything can be done with keys, and with the mouse: a click moves the cursor, a second one opens, a click on
a column's title sorts by it, the wheel scrolls, the words in the footer, the header and the breadcrumbs can
be clicked.

Other keys are set in `settings.toml`, by an action's id and the keys' names, separated by commas:

```toml
[keys]
"runs.cancel" = "ctrl+k"
"list.down" = "down,j,n"
```
"""


def page() -> str:
    """What the file should hold."""
    parts = [HEAD]
    for place, actions in groupby(sorted(ACTIONS, key=_order), key=lambda action: action.place):
        parts.append(f"\n## {title_of(place)}\n\n| keys | what they do | id |\n|---|---|---|\n")
        for action in actions:
            keys = " ".join(f"`{key}`" for key in all_shown(action.keys).split(" "))
            parts.append(f"| {keys} | {action.help} | `{action.id}` |\n")
    return "".join(parts)


def _order(action: object) -> int:
    """Places in the order their first action has in the table."""
    places = list(dict.fromkeys(each.place for each in ACTIONS))
    return places.index(action.place)  # type: ignore[attr-defined]


def main() -> int:
    """Write the file; with --check exit 1 when it is not current."""
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.exists() and PAGE.read_text("utf-8") == page() else 1
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
