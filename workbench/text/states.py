"""A state is a glyph, a word and a colour, never a colour alone."""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """How one state looks: glyph, the same in ASCII, the word, and a role of `style.CODES`."""

    glyph: str
    ascii: str
    word: str
    role: str

    def text(self, ascii_only: bool = False) -> str:
        """Glyph and word: "● running"."""
        return f"{self.ascii if ascii_only else self.glyph} {self.word}"


RUN = {
    "NotStarted": Look("○", ".", "not started", "waiting"),
    "Starting": Look("◌", "o", "starting", "waiting"),
    "Provisioning": Look("◌", "o", "provisioning", "waiting"),
    "Preparing": Look("◍", "o", "preparing", "waiting"),
    "Queued": Look("◌", "q", "queued", "waiting"),
    "Running": Look("●", "*", "running", "active"),
    "Finalizing": Look("◕", "*", "finalizing", "active"),
    "CancelRequested": Look("◔", "x", "canceling", "warn"),
    "Completed": Look("✔", "+", "completed", "good"),
    "Failed": Look("✖", "!", "failed", "bad"),
    "Canceled": Look("⊘", "-", "canceled", "quiet"),
    "NotResponding": Look("?", "?", "not responding", "warn"),
    "Paused": Look("‖", "=", "paused", "quiet"),
    "Pausing": Look("‖", "=", "pausing", "quiet"),
    "Unapproved": Look("◇", "?", "unapproved", "warn"),
}
TARGET = {
    "unknown": Look("○", ".", "unknown", "quiet"),
    "connecting": Look("◌", "o", "connecting", "waiting"),
    "connected": Look("◆", "*", "connected", "good"),
    "unreachable": Look("✖", "!", "unreachable", "bad"),
    "needs sign-in": Look("◇", "?", "needs sign-in", "warn"),
    "idle": Look("◇", "-", "idle", "quiet"),
    "starting": Look("◌", "o", "starting", "waiting"),
    "stopping": Look("◌", "o", "stopping", "waiting"),
    "stopped": Look("○", "-", "stopped", "quiet"),
}
NEVER = Look("○", ".", "not used yet", "quiet")
"""A target that nobody has connected to, ever; its own word would be unknown."""
QUEUE = {
    "running": Look("●", "*", "running", "active"),
    "waiting": Look("◌", "q", "waiting", "waiting"),
    "held": Look("‖", "=", "on hold", "quiet"),
}
MACHINE = {
    "up": Look("◆", "*", "up", "good"),
    "warning": Look("▲", "!", "warning", "warn"),
    "fault": Look("✖", "x", "fault", "bad"),
    "late": Look("◌", "~", "late", "warn"),
    "lost": Look("◌", "?", "lost", "bad"),
}
"""How a machine does that is measured now: well, not well, or not heard of for a while."""
CHECK = {
    "ok": Look("✔", "+", "ok", "good"),
    "warn": Look("▲", "!", "warning", "warn"),
    "bad": Look("✖", "x", "bad", "bad"),
}
ALERT = {
    "warn": Look("▲", "!", "warning", "warn"),
    "bad": Look("✖", "x", "bad", "bad"),
}
ACTIVITY = {
    "running": Look("●", "*", "running", "active"),
    "done": Look("✔", "+", "done", "good"),
    "failed": Look("✖", "!", "failed", "bad"),
    "canceled": Look("⊘", "-", "canceled", "quiet"),
}
ACTIVE_RUN = frozenset(RUN) - {"Completed", "Failed", "Canceled"}


def look(table: dict[str, Look], state: str) -> Look:
    """The look of a state; one we do not know (a newer server) keeps its own word."""
    return table.get(state) or Look("?", "?", state, "quiet")


IMPORTED = "imported"
"""What stands for a machine in a run that none of ours ran."""
