"""What runs can stand under in the list, the headers of such groups, and the question by what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.text import numbers
from workbench.text.sanitize import clean_name
from workbench.tui.table.cell import Cell
from workbench.tui.table.lines import Group

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

ATTRIBUTES = ("status", "target", "experiment", "branch", "commit", "submitted_by", "cause")
NONE = "-"
"""The id of the choice not to group."""


def value_group(name: str, value: str | None, size: int, sums: Mapping[str, Any] | None) -> Group:
    """The header of the runs with one value; sums: a RunGroup of theirs, if the store told one."""
    said = clean_name(value or "", 60) or "set"
    title = f"no {clean_name(name, 40)}" if value is None else f"{clean_name(name, 40)} {said}"
    key = "/-" if value is None else f"/={value}"
    words = []
    if sums is not None and sums.get("best") is not None:
        metric = clean_name(str(sums.get("metric") or ""), 24)
        words = [f"best {metric} {numbers.format_metric(sums['best'])}"]
        words += [f"mean {numbers.format_metric(sums['mean'])}"] if sums.get("mean") is not None else []
    if sums is not None and sums.get("failed"):
        words.append(f"{sums['failed']} failed")
    return Group(key, title, size, detail=(Cell("   ".join(words), "quiet"),) if words else ())


async def ask_group(app: Dashboard, names: Mapping[str, Sequence[str]], now: str | None) -> str | None:
    """What to group by; NONE: nothing, None: leave it as it is."""
    from workbench.tui.dialogs.pick import Choice, Pick

    choices = [Choice(NONE, "nothing", "one list, or by experiment")]
    choices += [Choice(name, name, "of every run") for name in ATTRIBUTES]
    for kind in ("param", "tag"):
        known = names.get(f"{kind}s", ())
        choices += [Choice(f"{kind}:{name}", clean_name(name, 60), kind) for name in known]
    return await app.push_screen_wait(Pick("Group by", choices, current=now or NONE, do="group"))
