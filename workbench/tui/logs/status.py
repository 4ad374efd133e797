"""The line below a log: where one is, whether one follows, and what a search found."""

from __future__ import annotations

from typing import NamedTuple

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from workbench.text.cells import cut, width
from workbench.text.sizes import short
from workbench.tui.themes.palette import palette_of


class Status(NamedTuple):
    """What there is to say."""

    following: bool = False
    ended: bool = False
    at_end: bool = True
    size: int = 0
    below: int = 0
    """Bytes below the last line that is seen."""
    first: int | None = None
    """The number, from 0, of the first line that is seen, and of the last."""
    last: int | None = None
    lines: int | None = None
    """How many there are, as far as they are counted."""
    counted: bool = False
    """Whether all are."""
    gaps: int = 0
    """Bytes that were not kept."""
    search: str = ""
    found: str = ""
    as_of: str = ""
    """How old the machine's last word is, where that is worth saying."""
    problem: str = ""
    notice: str = ""


class Part(NamedTuple):
    """Words of the line; keep: how much they are worth when there is little room."""

    text: str
    role: str
    keep: int


def left_parts(status: Status, ascii_only: bool = False) -> list[Part]:
    """What stands at the left."""
    if status.problem:
        return [Part(status.problem, "bad", 100)]
    parts = [_state(status, ascii_only)]
    if status.notice:
        parts.append(Part(status.notice, "warn", 85))
    elif status.search:
        parts += [Part(cut(status.search, 24), "match", 80), Part(status.found, "text", 90)]
    if status.below and not status.following:
        parts.append(Part(f"{short(status.below)} below", "dim", 40))
    return parts


def right_parts(status: Status) -> list[Part]:
    """What stands at the right."""
    parts = []
    if status.gaps:
        parts.append(Part(f"{short(status.gaps)} not kept", "warn", 30))
    if status.as_of:
        parts.append(Part(f"as of {status.as_of} ago", "stale", 60))
    if status.first is not None and status.last is not None:
        place = f"{status.first + 1:,}-{status.last + 1:,}"
        whole = "" if status.lines is None else f" of {status.lines:,}{'' if status.counted else '+'}"
        parts.append(Part(f"lines {place}{whole}", "dim", 50))
    elif status.size:
        parts.append(Part(short(status.size), "dim", 20))
    else:
        return parts  # nothing was written, or nothing is known yet: neither is a number
    seen = 100 if status.at_end or not status.size else (status.size - status.below) * 100 // status.size
    parts.append(Part(f"{min(seen, 100 if status.at_end else 99):d}%", "text", 70))
    return parts


def _state(status: Status, ascii_only: bool) -> Part:
    if status.following:
        return Part("v following" if ascii_only else "▼ following", "active", 95)
    if status.ended and status.at_end:
        return Part("- end" if ascii_only else "■ end", "quiet", 95)
    if status.ended:
        return Part("- ended" if ascii_only else "■ ended", "quiet", 95)
    return Part("= holding" if ascii_only else "‖ holding", "warn", 95)


def fitted(left: list[Part], right: list[Part], room: int) -> tuple[list[Part], list[Part]]:
    """Both without the parts that are worth least, so that they fit, two cells between any two."""
    left, right = list(left), list(right)

    def needed() -> int:
        return sum(width(part.text) + 2 for part in [*left, *right])

    while needed() > room and len(left) + len(right) > 1:
        least = min([*left, *right], key=lambda part: part.keep)
        (left if least in left else right).remove(least)
    return left, right


def _parts(status: Status) -> tuple[list[Part], list[Part]]:
    return left_parts(status), right_parts(status)


class LogStatus(Widget):
    """One line that says how the log view stands."""

    DEFAULT_CSS = "LogStatus { height: 1; background: $panel; }"
    _said = Status()

    def say(self, status: Status) -> None:
        """Show this from now on; what reads the same is not painted again."""
        before, self._said = self._said, status
        if _parts(before) != _parts(status):
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line."""
        palette, ground, room = palette_of(self.app), self.rich_style, self.size.width
        left, right = fitted(left_parts(self._said, palette.ascii), right_parts(self._said), room)

        def drawn(parts: list[Part], before: str, after: str) -> list[Segment]:
            made = []
            for part in parts:
                text = cut(part.text, max(1, room - 2))
                style = ground + palette.style(part.role)
                made += [Segment(before, ground), Segment(text, style), Segment(after, ground)]
            return [segment for segment in made if segment.text]

        one, other = drawn(left, " ", " "), drawn(right, " ", " ")
        space = room - sum(segment.cell_length for segment in [*one, *other])
        strip = Strip([*one, Segment(" " * max(0, space), ground), *other])
        return strip.adjust_cell_length(room, ground)
