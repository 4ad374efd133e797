"""Write the tables of docs/alerts.md: the rules with the settings as they are by default, and the Xids.

python docs/make_alerts.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from workbench.alerts.catalogue import catalogue
from workbench.alerts.xids import XIDS
from workbench.settings import AlertSettings

PAGE = Path(__file__).parent / "alerts.md"


def page_text(page: str) -> str:
    """The page with its tables as they must be now."""
    rules = ["| rule | | it calls when | it is over when |", "|---|---|---|---|"]
    rules += [
        f"| `{card.rule}` | {card.severity.value} | {card.condition} | {card.over} |"
        for card in catalogue(AlertSettings())
    ]
    xids = ["| Xid | | what it means | what to do |", "|---|---|---|---|"]
    for code, meaning in sorted(XIDS.items()):
        severity = meaning.severity.value if meaning.severity is not None else "no alert"
        xids.append(f"| {code} | {severity} | {meaning.text} | {meaning.advice or '-'} |")
    return _between(_between(page, "rules", rules), "xids", xids)


def _between(page: str, name: str, lines: list[str]) -> str:
    mark = rf"(?<=<!-- {name}: written by docs/make_alerts\.py -->\n).*?(?=<!-- end of {name} -->)"
    found, count = re.subn(mark, lambda _: "\n".join([*lines, ""]), page, flags=re.S)
    if count != 1:
        raise ValueError(f"docs/alerts.md has no place for {name}")
    return found


def main() -> int:
    """Write the page; with --check exit 1 when it is not current."""
    page = PAGE.read_text("utf-8")
    text = page_text(page)
    if "--check" in sys.argv[1:]:
        return int(page != text)
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
