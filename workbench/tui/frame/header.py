"""The first line: which workspace, the tabs, how things stand, what time it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from rich.cells import cell_len
from textual.reactive import reactive

from workbench.text.sanitize import clean_name
from workbench.text.states import RUN, TARGET
from workbench.tui.frame.line import Line, Piece
from workbench.tui.model.feed import ServerState
from workbench.tui.themes.palette import palette_of

TABS = (
    ("1", "runs", "Runs"),
    ("2", "compute", "Compute"),
    ("3", "models", "Models"),
    ("4", "data", "Data"),
    ("7", "activity", "Activity"),
)
"""Those that are built: key, noun, title."""


CLOCK = 8
"""Cells of the time."""
WORDY = 100
"""Cells of a terminal from which on figures have their words, where these have room."""


class Summary(NamedTuple):
    """How things stand; None where nobody said yet."""

    machines: int | None = None
    connected: int = 0
    troubled: int = 0
    """Machines that cannot be reached or want a sign-in."""
    running: int | None = None
    waiting: int = 0


class Header(Line):
    """The first line."""

    DEFAULT_CSS = "Header { background: $panel; }"

    summary: reactive[Summary] = reactive(Summary())
    gpus: reactive[tuple[int, int] | None] = reactive(None)
    """How many GPUs are in use, and how many there are, while somebody looks."""
    noun: reactive[str] = reactive("runs")
    server: reactive[tuple[ServerState, str]] = reactive((ServerState.STARTING, ""))
    workspace: reactive[str] = reactive("default")

    def on_mount(self) -> None:
        """The clock moves once a minute, at the minute."""
        self.set_timer(60 - datetime.now().second, self._minute)

    def _minute(self) -> None:
        self.refresh()
        self.set_timer(60 - datetime.now().second, self._minute)

    def left(self, cells: int) -> Sequence[Piece]:
        """Name, workspace, tabs; the name of the workspace gives way first."""
        named = [Piece(" wb ", "title"), Piece(f" {clean_name(self.workspace, 20)}  ", "dim")]
        tabs = []
        for key, noun, title in TABS:
            here = noun == self.noun
            click = f"app.visit('{noun}')"
            tabs.append(Piece(f" {key} ", "cursor" if here else "key", click))
            tabs.append(Piece(f"{title} ", "cursor" if here else "text", click))
        room = cells - sum(cell_len(piece.text) for piece in tabs)
        return [*(named if room > 44 else named[:1]), *tabs]

    def right(self, cells: int) -> Sequence[Piece]:
        """The server where it is not well; else machines and runs; the time."""
        state, why = self.server
        clock = Piece(f"  {datetime.now():%H:%M} ", "dim")
        if state is ServerState.LOST:
            return [Piece(self._lost(why, cells), "bad"), clock]
        if state is ServerState.STARTING:
            return [Piece("the local server starts", "waiting"), clock]
        room = cells - _cells(self.left(cells), [clock])
        machines, runs = self._machines("", short=True), self._runs(short=True)
        for troubled in ("in trouble", "") if cells >= WORDY else ():
            worded = self._machines(troubled, short=False), self._runs(short=False)
            if _cells(*worded) <= room:
                machines, runs = worded
                break
        return [*machines, *self._gpus(room - _cells(machines, runs)), *runs, clock]

    def _lost(self, why: str, cells: int) -> str:
        """Why the server does not answer, in as many words as there is room for."""
        room = cells - sum(cell_len(piece.text) for piece in self.left(cells)) - CLOCK
        words = (
            f"{clean_name(why, 40)}, trying again",
            "server gone, trying again",
            "gone, trying again",
            "server gone",
        )
        return next((said for said in words if cell_len(said) <= room), "gone")

    def _machines(self, troubled: str, *, short: bool) -> list[Piece]:
        found = self.summary
        if not found.machines:
            return []
        glyph = TARGET["connected"].ascii if palette_of(self.app).ascii else TARGET["connected"].glyph
        word = "" if short else " machine" if found.machines == 1 else " machines"
        pieces = [Piece(f"{glyph} ", "good" if found.connected else "quiet")]
        pieces.append(Piece(f"{found.connected}/{found.machines}{word}  "))
        if found.troubled:
            words = f"{found.troubled} {troubled}  " if troubled else f"!{found.troubled} "
            pieces.append(Piece(words, "bad"))
        return pieces

    def _gpus(self, room: int) -> list[Piece]:
        if self.gpus is None:
            return []
        busy, all_ = self.gpus
        words = (f"{busy}/{all_} GPUs busy  ", f"{busy}/{all_} GPUs  ")
        return [Piece(said) for said in words if cell_len(said) <= room][:1]

    def _runs(self, *, short: bool) -> list[Piece]:
        found = self.summary
        if found.running is None:
            return []
        ascii_only = palette_of(self.app).ascii
        running, queued = (
            look.ascii if ascii_only else look.glyph for look in (RUN["Running"], RUN["Queued"])
        )
        word, other = ("", "") if short else (" running", " waiting")
        pieces = [
            Piece(f"{running} ", "active" if found.running else "quiet"),
            Piece(f"{found.running}{word}  "),
        ]
        if found.waiting:
            pieces.append(Piece(f"{queued} ", "waiting"))
            pieces.append(Piece(f"{found.waiting}{other}"))
        return pieces


def _cells(*lines: Sequence[Piece]) -> int:
    return sum(cell_len(piece.text) for line in lines for piece in line)
