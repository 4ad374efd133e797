"""How far something is, as one line of text. Pure."""

from __future__ import annotations

from workbench.text import durations, sizes
from workbench.text.cells import cut
from workbench.text.sanitize import clean_name

BAR, LEAST_BAR = 24, 6


def line(what: str, done: int | None, total: int | None, seconds: float, cells: int) -> str:
    """How one moment of progress looks, in bytes, with the rate and the time left.

    Numbers have columns of their own, so that nothing jumps; what does not fit beside a bar is left out.
    """
    if done is None:
        return cut(clean_name(what, 200), cells)
    rate = done / seconds if seconds > 0 else 0.0
    name, speed = clean_name(what, 40), f"{sizes.short(rate)}/s"
    if not total:
        return cut(f"{name}  {sizes.short(done)}  {speed}", cells)
    share = min(1.0, done / total)
    left = durations.short((total - done) / rate) if rate > 0 else "-"
    counted = f"{sizes.short(done):>8} of {sizes.short(total)}"
    facts = [f"{share:4.0%}", counted, f"{left:>5} left", f"{speed:>10}"]
    while len(facts) > 1 and len("  ".join([name, *facts])) + LEAST_BAR + 2 > cells:
        facts.pop()
    bar = min(BAR, max(LEAST_BAR, cells - len("  ".join([name, *facts])) - 2))
    filled = int(share * bar)
    return cut("  ".join([name, "━" * filled + "╌" * (bar - filled), *facts]), cells)
