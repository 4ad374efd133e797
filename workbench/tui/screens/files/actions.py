"""The actions of the place `browse`: what is done with files of a machine."""

from __future__ import annotations

import posixpath
import shlex
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.text import sizes
from workbench.text.sanitize import clean_name
from workbench.tui.frame.detail import Detail
from workbench.tui.frame.prompt import ask
from workbench.tui.here import here, names_here
from workbench.tui.leaving import viewer
from workbench.tui.places.page import Page
from workbench.tui.screens.files import changing
from workbench.tui.screens.files.columns import file_of
from workbench.tui.screens.files.folder import Folder
from workbench.tui.screens.files.using import FolderUse
from workbench.tui.table.column_table import MarkingTable

Entries = list[Mapping[str, Any]]
VIEWED = 64 << 20
"""Bytes of a file that is fetched only to be looked at in another program."""
READS = ("browse.pager", "browse.fetch")
"""What can be done while a file is read."""
NEEDS = ("browse.pager", "browse.fetch", "browse.move", "browse.copy", "browse.remove")
"""What is done with something."""


class BrowseActions(Page):
    """A page that shows a folder of a machine."""

    table: MarkingTable
    _detail: Detail
    reading: str

    @property
    def name_(self) -> str:
        """The machine's name."""
        raise NotImplementedError

    @property
    def folder(self) -> Folder:
        """The folder that is shown."""
        raise NotImplementedError

    @property
    def counting(self) -> str:
        """The path of the folder whose room is counted; empty while none is."""
        raise NotImplementedError

    def open(self, path: str, cursor: str = "") -> None:
        """Go to another folder of the machine."""
        raise NotImplementedError

    async def look(self, cursor: str = "") -> None:
        """List the folder anew, the cursor on a name."""
        raise NotImplementedError

    def chosen(self) -> Entries:
        """What is marked, else what the cursor is on."""
        found = [self.folder.entry(name) for name in self.table.chosen]
        return [entry for entry in found if entry is not None]

    def chosen_id(self) -> str | None:
        """The path of what the cursor is on, else of the folder."""
        if self.reading:
            return self.reading
        return self.folder.place(self.table.cursor) if self.table.cursor else self.folder.path

    def command_line(self) -> str:
        """The command that shows the same."""
        verb, path = ("cat", self.reading) if self.reading else ("ls", self.folder.path)
        return f"wb files {verb} {shlex.quote(self.name_)} {shlex.quote(path)}"

    def shell(self) -> tuple[list[str], str] | None:
        """On the machine, in this folder."""
        line = f"cd {shlex.quote(self.folder.path)} && exec ${{SHELL:-sh}}"
        return ["ssh", self.name_, "--", line], self.name_

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        open_ = bool(self.reading or self.counting) and action.startswith(("browse.", "page."))
        if open_ and not (self.reading and action in READS):
            return "esc closes this first"
        if action in NEEDS and not self.reading and not self.chosen():
            return "there is nothing under the cursor"
        if action == "browse.import" and len(self.chosen()) > 1:
            return "one at a time: the folder they are in has them all"
        return super().refusal(action)

    def _say(self, told: str) -> None:
        self._detail.said = (told, "waiting")

    async def _again(self, cursor: str = "") -> None:
        self.table.unmark()
        await self.look(cursor or self.table.cursor or "")

    def do_browse_up(self) -> None:
        """The folder above, the cursor on the one that was left."""
        path = self.folder.path
        if path != "/":
            self.open(posixpath.dirname(path), posixpath.basename(path))

    async def do_browse_again(self) -> None:
        """List it anew."""
        await self._again()

    async def do_browse_hidden(self) -> None:
        """Show names with a dot, or hide them."""
        self.folder.hidden = not self.folder.hidden
        await self._again()

    async def do_browse_use(self) -> None:
        """Count what takes the room."""
        self.table.display = self._detail.display = False
        use = FolderUse(self.name_, self.folder.path)
        await self.mount(use)
        use.table.focus()
        self.dashboard.say_aside()

    def do_browse_pager(self) -> None:
        """Fetch the file and show it with $PAGER."""
        name = posixpath.basename(self.reading) or self.table.cursor or ""
        entry = self.folder.entry(name)
        if entry is None or not file_of(entry):
            self.app.notify("only a file can be shown", severity="warning")
        elif int(entry["size"]) > VIEWED:
            self.app.notify(f"{sizes.short(entry['size'])}: d fetches it", severity="warning")
        else:
            self.run_worker(self._outside(entry), exclusive=True, group="view", exit_on_error=True)

    async def _outside(self, entry: Mapping[str, Any]) -> None:
        with tempfile.TemporaryDirectory(prefix="workbench-") as place:
            try:
                found = await changing.fetch(
                    self.dashboard, self.name_, self.folder.path, [entry], Path(place), self._say
                )
            except WorkbenchError as problem:
                self.dashboard.complain(problem)
                return
            viewer(self.app, found[0])

    def do_browse_fetch(self) -> None:
        """Bring what is chosen into the directory the dashboard was started in."""
        name = posixpath.basename(self.reading)
        chosen = [entry] if name and (entry := self.folder.entry(name)) is not None else self.chosen()

        async def work() -> None:
            folder, to = self.folder.path, here()
            found = await changing.fetch(self.dashboard, self.name_, folder, chosen, to, self._say)
            words = clean_name(str(found[0])) if len(found) == 1 else f"{len(found)} things in {to}"
            self.app.notify(f"{words} saved", markup=False)
            self.table.unmark()

        self._work(work())

    async def do_browse_send(self) -> None:
        """Ask which file or folder of this side to bring here."""

        async def done(text: str) -> None:
            if text.strip():
                self._work(self._sent(Path(text.strip())))

        await ask(self.dashboard, "upload", done, words=names_here(), hint="a file or folder of this side")

    async def _sent(self, source: Path) -> None:
        place = await changing.send(self.dashboard, self.name_, self.folder.path, source, self._say)
        await self._again(posixpath.basename(place))

    async def do_browse_mkdir(self) -> None:
        """Ask for a name and make a folder."""

        async def done(text: str) -> None:
            if text.strip():
                self._work(self._made(text.strip()))

        await ask(self.dashboard, "new folder", done, hint="its name, or a path of several")

    async def _made(self, name: str) -> None:
        path = self.folder.place(name)
        services = self.dashboard.services
        await services.call("files", "mkdir", target=self.name_, path=path, parents="/" in name)
        await self._again(name.partition("/")[0])

    async def do_browse_move(self) -> None:
        """Ask for another name or place."""
        names = [str(entry["name"]) for entry in self.chosen()]

        async def moved(text: str) -> None:
            await changing.move(self.dashboard, self.name_, self.folder.path, names, text)
            await self._again(text.partition("/")[0])

        await self._ask_place("move to", names, moved)

    async def do_browse_copy(self) -> None:
        """Ask where a copy goes."""
        chosen = self.chosen()

        async def copied(text: str) -> None:
            await changing.copy(self.dashboard, self.name_, self.folder.path, chosen, text, self._say)
            await self._again(text.partition("/")[0])

        await self._ask_place("copy to", [str(entry["name"]) for entry in chosen], copied)

    async def _ask_place(
        self, mark: str, names: Sequence[str], work: Callable[[str], Coroutine[Any, Any, None]]
    ) -> None:
        async def done(text: str) -> None:
            if text.strip() and text.strip() != (names[0] if len(names) == 1 else ""):
                self._work(work(text.strip()))

        hint = "a folder of the machine" if len(names) > 1 else "a name, or a folder that ends with /"
        await ask(self.dashboard, mark, done, value=names[0] if len(names) == 1 else "", hint=hint)

    def do_browse_import(self) -> None:
        """Runs that other tools logged in what the cursor is on; in the folder when that is empty."""
        from workbench.tui.screens.runs.importing import bring

        chosen = self.chosen()
        path = self.folder.place(str(chosen[0]["name"])) if chosen else self.folder.path
        self._work(bring(self.dashboard, f"{self.name_}:{path}"))

    def do_browse_remove(self) -> None:
        """Remove what is chosen, after a yes."""
        chosen = self.chosen()

        async def work() -> None:
            if await changing.remove(self.dashboard, self.name_, self.folder.path, chosen, self._say):
                await self._again()

        self._work(work())

    def _work(self, work: Awaitable[None]) -> None:
        """Do what takes long or may fail beside what one looks at."""

        async def carried() -> None:
            if not await changing.carried(self.dashboard, work):
                self._say("")

        self.run_worker(carried(), group="change", exit_on_error=True)
