"""A run's logs: the output, and beside it or in its place those of ranks, attempts and child runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from textual import events
from textual.containers import Horizontal, Vertical

from workbench.errors import WorkbenchError
from workbench.text import sizes
from workbench.text.log_names import OUTPUT, label, parse_logs
from workbench.text.sanitize import clean_name
from workbench.tui.dialogs.pick import Choice, Pick
from workbench.tui.leaving import run_outside
from workbench.tui.logs.pane import LogPane
from workbench.tui.logs.run_source import RunLog
from workbench.tui.logs.run_view import RunLogView
from workbench.tui.logs.view import LogView
from workbench.tui.model.dirty import Dirty

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

MOST = 4
"""Logs that are shown at once."""
RANKS = "ranks"
"""The choice of all ranks, merged."""
PIPE = '"$0" -P -m workbench.cli.main logs "$@" | ${PAGER:-less -R}'
"""What sh runs, with our Python, the run and which of its logs."""


class RunLogs(Vertical):
    """The log views, once the run's id is known."""

    DEFAULT_CSS = """
    RunLogs Horizontal { height: 1fr; }
    RunLogs LogPane { width: 1fr; }
    RunLogs LogPane.-beside { border-left: tall $panel; }
    """

    def __init__(self, run: str) -> None:
        super().__init__()
        self._reference = run
        self._run = ""
        self._panes: list[LogPane] = []
        self._row = Horizontal()

    async def hear(self, dirty: Dirty) -> None:
        """The logs themselves follow; all that is wanted here is the id."""
        if not self._run:
            run = await self._services.call("runs", "get", run=self._reference)
            self._run = str(run["id"])
            await self.mount(self._row)
            await self._show(OUTPUT)

    @property
    def _services(self) -> Any:
        return cast("Dashboard", self.app).services

    @property
    def chosen_line(self) -> str | None:
        """The line one stands on; None where there is none."""
        pane = self._pane()
        return pane.view.chosen_line if pane is not None else None

    @property
    def logs(self) -> list[str]:
        """The names of the logs that are shown."""
        return [cast("RunLog", pane.view.source).log or OUTPUT for pane in self._panes]

    def step_out(self) -> bool:
        """End a search that stands, else close all logs but the first."""
        pane = self._pane()
        if pane is not None and pane.step_out():
            return True
        if len(self._panes) < 2:
            return False
        self.run_worker(self._close(self._panes[1:]))
        return True

    def _pane(self) -> LogPane | None:
        """The one with the focus, else the first."""
        return next((pane for pane in self._panes if pane.view.has_focus), next(iter(self._panes), None))

    async def _show(self, log: str, instead: LogPane | None = None, start: int | None = None) -> None:
        """Show a log, in place of another or beside those that are shown."""
        source = RunLog(self._services, self._run, "" if log == OUTPUT else log)
        pane = LogPane(source, follow=start is None, view=RunLogView, title=title(log))
        if instead is None:
            self._panes.append(pane)
            await self._row.mount(pane)
        else:
            self._panes[self._panes.index(instead)] = pane
            await self._row.mount(pane, before=instead)
            await instead.remove()
        self._arrange()
        self.call_after_refresh(self._go_into, pane)  # after the dialog gave the focus back to where it was
        if start is not None:
            cast("RunLogView", pane.view).show_from(start)

    def _go_into(self, pane: LogPane) -> None:
        """The focus goes into a log, unless one looks at another tab by now."""
        if self.display and pane.is_attached:
            pane.view.focus()

    def _arrange(self) -> None:
        """Titles where there is more to tell apart than the output alone."""
        titled = self.logs != [OUTPUT]
        for number, pane in enumerate(self._panes):
            pane.set_class(titled, "-titled")
            pane.set_class(number > 0, "-beside")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Show which log keys go to."""
        for pane in self._panes:
            pane.set_class(pane.view is event.widget, "-current")

    async def _close(self, panes: Sequence[LogPane]) -> None:
        self._panes = [pane for pane in self._panes if pane not in panes]
        for pane in panes:
            await pane.remove()
        self._arrange()
        if self._panes:
            self._panes[0].view.focus()

    # What is wanted of the logs

    async def on_run_log_view_wanted(self, message: RunLogView.Wanted) -> None:
        """Do it; what has to be asked for goes on in a worker."""
        message.stop()
        pane = next((pane for pane in self._panes if pane.view is message.view), None)
        if pane is None:
            return
        if message.what == "next":
            self._panes[(self._panes.index(pane) + 1) % len(self._panes)].view.focus()
        elif message.what == "close":
            await self._close_one(pane)
        else:
            self.run_worker(self._do(message.what, pane), group="logs", exclusive=True)

    async def _close_one(self, pane: LogPane) -> None:
        if len(self._panes) > 1:
            await self._close([pane])
        elif self.logs != [OUTPUT]:
            await self._show(OUTPUT, pane)
        else:
            self.app.notify("This is the run's output; a shows another log.", markup=False)

    async def _do(self, what: str, pane: LogPane) -> None:
        try:
            if what in ("other", "beside"):
                await self._choose(pane, beside=what == "beside")
            elif what == "merge":
                await self._merge(pane)
            elif what == "same-time":
                await self._same_time(pane)
            else:
                await self._to_attempt(pane, backwards=what == "attempt-before")
        except WorkbenchError as problem:
            cast("Dashboard", self.app).complain(problem)

    async def _choose(self, pane: LogPane, *, beside: bool) -> None:
        if beside and len(self._panes) >= MOST:
            self.app.notify(f"{MOST} logs are shown at most; D closes one.", severity="warning", markup=False)
            return
        listed = await self._services.call("runs", "log_list", run=self._run)
        dialog = Pick("A log beside" if beside else "Logs", choices(listed), do="show")
        chosen = await self.app.push_screen_wait(dialog)
        if chosen is None:
            return
        if chosen == RANKS:
            log, start = "\n".join(rank_logs(listed)), None
        else:
            found = listed[int(chosen)]
            log, start = found["log"], found.get("start")
        await self._show(log, None if beside else pane, start)

    async def _merge(self, pane: LogPane) -> None:
        """The logs that are shown, else those of all ranks, as one in place of them."""
        names = [name for log in self.logs for name in log.split("\n")]
        if len(names) < 2:
            names = rank_logs(await self._services.call("runs", "log_list", run=self._run))
        if len(names) < 2:
            self.app.notify("There is one log only; A shows another beside it.", markup=False)
            return
        await self._close([other for other in self._panes if other is not pane])
        await self._show("\n".join(dict.fromkeys(names)), pane)

    async def _same_time(self, pane: LogPane) -> None:
        """Bring the other logs to where this one is by time."""
        view = cast("RunLogView", pane.view)
        marks = await view.source.times(view.place, view.place + 1)
        if not marks:
            self.app.notify("When this line came is not known.", severity="warning", markup=False)
            return
        for other in self._panes:
            if other is not pane:
                offset = await other.view.source.at(marks[0][1])
                beside = cast("RunLogView", other.view)
                beside.show_from(1 << 62 if offset is None else offset)

    async def _to_attempt(self, pane: LogPane, *, backwards: bool) -> None:
        view = cast("RunLogView", pane.view)
        listed = await self._services.call("runs", "log_list", run=self._run)
        starts = [log["start"] for log in listed if "start" in log]
        if not starts or cast("RunLog", view.source).log:
            self.app.notify("There was one attempt only.", markup=False)
            return
        before = [start for start in starts if start < view.place]
        after = [start for start in starts if start > view.place]
        if backwards and before:
            view.go_to(before[-1])
        elif not backwards and after:
            view.go_to(after[0])
        else:
            self.app.notify(f"There is no attempt {'before' if backwards else 'after'}.", markup=False)

    def on_log_view_pager_wanted(self, message: LogView.PagerWanted) -> None:
        """The log as the command line prints it, into the pager: no copy of it is made."""
        message.stop()
        pane = self._pane()
        names = [] if pane is None else self.logs[self._panes.index(pane)].split("\n")
        which = [] if names == [OUTPUT] else [word for name in names for word in ("--log", name)]
        run_outside(self.app, ["/bin/sh", "-c", PIPE, sys.executable, self._reference, *which])


def title(log: str) -> str:
    """What stands above a log."""
    names = parse_logs(log)
    if len(names) > 1:
        return "merged by time: " + ", ".join(label(name.path) for name in names)
    name = names[0]
    return clean_name(" ".join(word for word in (name.run or "", name.path or OUTPUT) if word))


def rank_logs(listed: Sequence[Mapping[str, Any]]) -> list[str]:
    """The logs of ranks, in the order of ranks."""
    ranked = [log for log in listed if "rank" in log]
    return [log["log"] for log in sorted(ranked, key=lambda log: int(log["rank"]))]


def choices(listed: Sequence[Mapping[str, Any]]) -> list[Choice]:
    """What there is to choose from, known by its place in the list; all ranks merged, too."""
    found = []
    for number, log in enumerate(listed):
        about = [sizes.short(log["size"])]
        if "rank" in log:
            about.insert(0, f"rank {log['rank']}")
        name = log["label"] if "attempt" in log or "run" in log else log["log"]
        found.append(Choice(str(number), clean_name(name, 60), ", ".join(about)))
    ranks = len({log["rank"] for log in listed if "rank" in log})
    if ranks > 1:
        found.append(Choice(RANKS, "all ranks", f"{ranks} ranks, merged by time"))
    return found
