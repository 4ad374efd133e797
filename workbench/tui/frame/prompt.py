"""The line one types into at the bottom: a place after `:`, what to look for after `/`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from workbench.errors import WorkbenchError
from workbench.text.filter_problem import FilterProblem, pointed
from workbench.text.location import looks_like_location, parse
from workbench.text.sanitize import clean_name, plain
from workbench.tui.actions.typing_ahead import MOST, OpeningLine
from workbench.tui.frame.footer import Footer

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

Said = Callable[[str], Awaitable[None]]
Check = Callable[[str], FilterProblem | None]
MARK = 3
"""Cells of the sign before what one types."""
NOUNS = (
    "runs", "compute", "models", "data", "datastores", "environments", "builds", "queue", "forwards",
    "compare", "activity", "quit",
)  # fmt: skip
ASKED = (
    ("compute", "compute"), ("runs", "experiments"), ("models", "models"), ("data", "datasets"),
    ("datastores", "datastores"), ("environments", "environments"),
)  # fmt: skip
"""Whose names are proposed: the noun of the place, and the service that lists them."""


class PromptLine(Horizontal):
    """The line above the footer: a sign, and what one types after it."""

    DEFAULT_CSS = """
    PromptLine { height: 1; background: $panel; }
    PromptLine Static { padding: 0 0 0 1; color: $text-primary; text-style: bold; }
    """

    def __init__(self, mark: str, prompt: Prompt) -> None:
        super().__init__()
        self._mark, self._prompt = mark, prompt

    def compose(self) -> ComposeResult:
        """Sign and line."""
        sign = Static(self._mark, markup=False)
        sign.styles.width = len(self._mark) + 2
        yield sign
        yield self._prompt


class PromptProblem(Static):
    """What is wrong with what one types, below it and at its column."""

    DEFAULT_CSS = """
    PromptProblem { height: 1; background: $panel; color: $text-warning; display: none; }
    PromptProblem.unfinished { color: $text-muted; }
    """


class Prompt(OpeningLine):
    """What is typed; Enter takes it, Escape leaves things as they were.

    A line that is followed while one types stays until what Enter took is seen: a key that comes meanwhile is
    meant for what the text finds, not for what stood there before, and does then what it always does.
    """

    DEFAULT_CSS = """
    Prompt { height: 1; width: 1fr; border: none; padding: 0; background: $panel; }
    Prompt:focus { border: none; background: $panel; }
    """

    def __init__(
        self,
        value: str,
        done: Said,
        changed: Said | None,
        words: Iterable[str] = (),
        hint: str = "",
        check: Check | None = None,
    ) -> None:
        suggester = SuggestFromList(list(words), case_sensitive=False)
        super().__init__(value, placeholder=hint, suggester=suggester, select_on_focus=False, compact=True)
        self._done = done
        self._changed = changed
        self._check = check
        self._before = self._wanted = self._told = value
        self._telling = asyncio.Lock()
        self._taken = False
        self._held: list[events.Key] = []
        self._below: PromptProblem | None = None

    def below(self, line: PromptProblem) -> None:
        """Where `point` shows its words; the line goes with this one."""
        self._below = line

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter was pressed, or the line was told so."""
        event.stop()
        self._enter(event.value)

    def _enter(self, value: str) -> None:
        """Take it; a line that means nothing stays, and says so below."""
        if self._taken:
            return
        problem = self._check(value) if self._check is not None else None
        if problem is not None:
            self.point(problem, final=True)
            self.app.bell()
            return
        self._taken = True
        if self._changed is None:
            self._leave()
            self.app.run_worker(self._done(value), name="prompt", group="prompt")
        else:
            self.app.run_worker(self._take(self._changed, value), name="prompt", group="prompt")

    async def _take(self, changed: Said, value: str) -> None:
        """Hand the text on, behind what is being handed on; then the keys that came meanwhile do theirs."""
        try:
            async with self._telling:
                self._told = value
                await self._done(value)
        finally:
            if self.is_attached and self._taken:
                self._leave()
                for key in self._held:
                    self.app.post_message(events.Key(key.key, key.character))
        await self._hand_on(changed)  # Escape came meanwhile

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell while one types."""
        event.stop()
        if self._check is not None:
            self.point(self._check(event.value))
        self._tell(event.value)

    def point(self, problem: FilterProblem | None, *, final: bool = False) -> None:
        """Show what is wrong with the text, or nothing; what may be only not finished is said quietly.

        final: nothing more is typed.
        """
        below = self._below
        if below is None:
            return
        below.display = problem is not None
        if problem is not None:
            below.set_class(problem.unfinished and not final, "unfinished")
            line = pointed(plain(self.value), problem, self.size.width, int(self.scroll_offset.x))
            below.update(Content(" " * MARK + plain(line)))

    def _tell(self, value: str) -> None:
        """Hand on what stands here, beside the loop of keys; what was typed over meanwhile is left out."""
        self._wanted = value
        if self._changed is not None and not self._telling.locked():
            self.app.run_worker(self._hand_on(self._changed), name="typing", group="prompt")

    async def _hand_on(self, changed: Said) -> None:
        async with self._telling:
            while self._told != self._wanted and not self._taken:
                self._told = self._wanted
                await changed(self._told)

    def on_key(self, event: events.Key) -> None:
        """Escape, and backspace in an empty line, leave; behind Enter all other keys wait."""
        if self._taken and event.key != "escape":
            event.stop()
            event.prevent_default()
            if len(self._held) < MOST:
                self._held.append(event)
        elif event.key == "enter":
            event.stop()
            event.prevent_default()
            self._enter(self.value)
        elif event.key == "escape" or (event.key == "backspace" and not self.value):
            event.stop()
            event.prevent_default()
            self._taken = False
            self._leave()
            self._tell(self._before)

    def on_blur(self) -> None:
        """Whoever goes elsewhere has left the line."""
        if self.is_attached:
            self._close()

    def _close(self) -> None:
        if isinstance(self.parent, PromptLine):
            self.parent.remove()  # not waited for: the line is part of it
        if self._below is not None:
            self._below.remove()

    def _leave(self) -> None:
        self._close()
        page = getattr(self.app, "page", None)
        if page is not None:
            page.focus_content()


def none_fits(nothing: str, words: str) -> str:
    """What an empty list says while it is filtered by words; empty where it is not."""
    return f"{nothing} fits {clean_name(words, 60)}.   esc shows all." if words.strip() else ""


async def ask(
    app: Dashboard,
    mark: str,
    done: Said,
    *,
    value: str = "",
    changed: Said | None = None,
    words: Iterable[str] = (),
    hint: str = "",
    check: Check | None = None,
) -> Prompt:
    """Open the line; it is there at once. check: what is wrong with a text, shown below the line."""
    prompt = Prompt(plain(value), done, changed, words, hint, check)
    below = PromptProblem(markup=False)
    prompt.below(below)
    await app.screen.mount_all([PromptLine(mark, prompt), below], before=app.screen.query_one(Footer))
    prompt.focus()
    return prompt


async def ask_place(app: Dashboard) -> None:
    """Ask where to go; places that exist are proposed while one types, as soon as they are known."""

    async def done(text: str) -> None:
        await go(app, text)

    hint = "a place: runs/mnist, compute/gpu1; a line of a log; q"
    prompt = await ask(app, ":", done, words=NOUNS, hint=hint)
    words: list[str] = list(NOUNS)
    try:
        for place, noun in ASKED:
            words += [f"{place}/{one['name']}" for one in await app.services.call(noun, "list")]
    except WorkbenchError as problem:
        app.complain(problem)  # one can still type
    prompt.suggester = SuggestFromList(words, case_sensitive=False)


async def _line(app: Dashboard, number: int) -> None:
    """Show a line of the log that is seen, counted from 1."""
    from workbench.tui.logs.view import LogView

    views = [view for view in app.screen.query(LogView) if view.is_on_screen]
    if not views:
        app.notify("a number goes to a line of a log; none is shown", severity="warning")
    elif number:
        await views[0].go_to_line(number - 1)


async def go(app: Dashboard, text: str) -> Any:
    """Do what a line of the prompt says."""
    text = text.strip().removeprefix(":")
    if text in ("q", "quit", "q!"):
        app.exit(0)
    elif text in ("help", "keys", "?"):
        app.do_app_keys()
    elif text.isdecimal():
        await _line(app, int(text))
    elif text:
        try:
            await app.visit(parse(text if looks_like_location(text) else f":{text}"))
        except ValueError as problem:
            app.notify(str(problem), severity="warning", markup=False)
