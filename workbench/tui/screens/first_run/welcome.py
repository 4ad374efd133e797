"""The first screen of all: the machines one has already, the demo, the one command to submit."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.text.sanitize import clean_name
from workbench.tui.actions.acting import Acting
from workbench.tui.frame.words import Words
from workbench.tui.leaving import run_outside
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.compute.attaching import attach, attach_as
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import Table
from workbench.tui.table.columns import Column
from workbench.tui.themes.palette import palette_of
from workbench.workspace.ssh_hosts import SshHost, ssh_hosts

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

COLUMNS = (
    Column("mark", "", least=2, ideal=2, keep=100, sortable=False),
    Column("name", "HOST", least=10, ideal=14, most=30, keep=95, sortable=False),
    Column("address", "ADDRESS", least=12, ideal=24, most=44, keep=80, middle=True, sortable=False),
    Column("known", "", least=26, ideal=30, rest=True, keep=60, sortable=False),
)
NO_HOSTS = "~/.ssh/config names no host.   a attaches one by its address: user@host"


class Welcome(Acting, Vertical):
    """Shown where there is neither a run nor a machine but this one."""

    PLACES: ClassVar[tuple[str, ...]] = ("welcome",)
    DEFAULT_CSS = """
    Welcome { padding: 1 2; }
    Welcome Words { height: auto; margin: 0 0 1 0; }
    Welcome Table { height: 1fr; min-height: 4; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._hosts: dict[str, SshHost] = {}
        self._attached: set[str] = set()
        self._looked = False
        self.table = Table(self, COLUMNS, frozen=2, empty="looking into ~/.ssh/config ...")

    def compose(self) -> ComposeResult:
        """Words, hosts, what else there is to do."""
        yield Words(id="hello")
        yield self.table
        yield Words(id="next")

    @property
    def dashboard(self) -> Dashboard:
        """The app, as what it is."""
        return cast("Dashboard", self.app)

    def on_mount(self) -> None:
        """The words."""
        self.query_one("#hello", Words).say(self._hello)
        self.query_one("#next", Words).say(self._next)

    def _hello(self) -> Text:
        palette = palette_of(self.app)
        hello = Text()
        hello.append("Bring your own machines.", palette.style("title"))
        hello.append(" They need sshd and python3, nothing is installed.\n", palette.style("text"))
        here = "These are in your ~/.ssh/config. Space attaches one:"
        none = self.table.empty == NO_HOSTS and not self._hosts
        hello.append(
            "Attach one by its address, or see the demo first." if none else here, palette.style("dim")
        )
        return hello

    def _next(self) -> Text:
        palette, after = palette_of(self.app), Text()
        for key, words in (
            ("a", "another address"),
            ("R", "run this directory's command on this machine, without any other"),
            ("d", "see the whole loop on two machines made up on the spot (a minute)"),
        ):
            after.append(f"{key:>3}  ", palette.style("key"))
            after.append(words + "\n", palette.style("text"))
        after.append("\n  $  ", palette.style("quiet"))
        after.append("wb submit --follow -- python train.py --lr 3e-4", palette.style("active"))
        return after

    async def hear(self, dirty: Dirty) -> None:
        """Look for hosts once, and for what is attached whenever that changes."""
        if not self._looked:
            self._looked = True
            self.run_worker(self._look(), name="ssh hosts", exit_on_error=True)
        elif dirty.targets or dirty.everything:
            await self._attached_now()

    async def _look(self) -> None:
        found = await asyncio.to_thread(ssh_hosts)
        self._hosts = {host.name: host for host in found}
        self.table.empty = NO_HOSTS
        self.query_one("#hello", Words).say(self._hello)
        self.table.replace(list(self._hosts))
        await self._attached_now()

    async def _attached_now(self) -> None:
        targets = await self.dashboard.services.call("compute", "list")
        self._attached = {str((item.get("settings") or {}).get("address") or "") for item in targets}
        self.table.changed(self._hosts)

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A host's cells."""
        host = self._hosts.get(key)
        if host is None:
            return None
        plain = palette_of(self.app).ascii
        attached = key in self._attached
        mark = ("*" if plain else "◆") if attached else " "
        words = "attached" if attached else "" if host.known else "its key will be shown first"
        return [
            Cell(mark, "good"),
            Cell(clean_name(key), "title"),
            Cell(clean_name(host.address), "dim"),
            Cell(words, "good" if attached else "quiet"),
        ]

    def want(self, keys: Sequence[str]) -> None:
        """All are here already."""

    def refusal(self, action: str) -> str | None:
        """Only a host under the cursor can be attached."""
        if action == "welcome.attach" and self.table.cursor is None:
            return "no host is under the cursor; a attaches by address"
        if action == "welcome.attach" and self.table.cursor in self._attached:
            return f"{self.table.cursor} is attached already"
        return super().refusal(action)

    def do_welcome_attach(self) -> None:
        """Attach the host under the cursor under its own name."""
        name = self.table.cursor or ""
        work = attach_as(self.dashboard, name, {"address": name})
        self.app.run_worker(work, name="attach", group="attach", exit_on_error=True)

    def do_welcome_other(self) -> None:
        """Attach another machine."""
        self.app.run_worker(attach(self.dashboard), name="attach", group="attach", exit_on_error=True)

    def do_welcome_demo(self) -> None:
        """Step aside for the demo."""
        run_outside(self.app, [sys.executable, "-m", "workbench.cli.main", "demo", "--headless"])

    @on(messages.CursorMoved)
    def _moved(self, event: messages.CursorMoved) -> None:
        event.stop()
        self.dashboard.say_aside()

    @on(messages.Opened)
    def _opened(self, event: messages.Opened) -> None:
        event.stop()
        if event.key not in self._attached:
            self.do_welcome_attach()
