"""Removing what may go from a machine, after its name was typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from workbench.text import sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.confirm import Confirm
from workbench.views import holdings as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

NAMED = 4
"""Runs that are named because something is lost with them; of more the others are counted."""


async def prune(app: Dashboard, target: str, plan: Mapping[str, Any], say: Callable[[str], None]) -> bool:
    """Ask, then remove what a plan names. Whether it was done; raises WorkbenchError."""
    title = f"Remove {sizes.short(plan['bytes'])} from {clean_name(target)}?"
    if not await app.push_screen_wait(Confirm(title, warned(plan), do="remove", name=clean_name(target))):
        return False
    freed, gone, kept, end = 0, 0, [], {}
    asked = look.by_kind(plan["remove"])
    async with aclosing(app.services.items("compute", "prune", name=target, **asked)) as stages:
        async for item in stages:
            if "removed" in item:
                freed, gone = freed + int(item["removed"].get("bytes") or 0), gone + 1
                say(f"removing: {gone} of {len(plan['remove'])}, {sizes.short(freed)} freed")
            elif "kept" in item:
                kept.append(str(item["kept"].get("why")))
            else:
                end = item
    told = f"{sizes.short(end.get('bytes'))} freed, {counted(end.get('runs') or 0, 'run')} removed"
    if kept:
        told += f"\n{counted(len(kept), 'thing')} stayed: {clean_name(kept[0], 300)}"
    app.notify(told, severity="warning" if kept else "information", timeout=6, markup=False)
    return True


def warned(plan: Mapping[str, Any]) -> str:
    """What is said before it goes."""
    said = f"{look.plan_words(plan)}. It goes for good; what was fetched of the runs stays here."
    lost = [item for item in plan["remove"] if item.get("warning")]
    if lost:
        named = "\n".join(f"{look.what(item)}: {clean_name(item['warning'], 200)}" for item in lost[:NAMED])
        said += f"\n\nLost with them:\n{named}"
        said += f"\nand {len(lost) - NAMED} more" if len(lost) > NAMED else ""
    return said
