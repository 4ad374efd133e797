"""Promoting from the dashboard: which alias, the gate's verdict, and only then the move."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Input, Static

from workbench.errors import Conflict
from workbench.home import user_at_host
from workbench.text.sanitize import clean_name
from workbench.tui.actions.typing_ahead import OpeningLine
from workbench.tui.dialogs.confirm import Confirm
from workbench.tui.dialogs.dialog import Dialog, room_in
from workbench.tui.dialogs.form import Field, Form, Values
from workbench.tui.dialogs.pick import Choice, Pick
from workbench.tui.model.dirty import Dirty
from workbench.tui.themes.palette import palette_of
from workbench.views import models as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

CHAMPION = "champion"


class VerdictDialog(Dialog[str]):
    """The gate's verdict, line by line. The result is the reason to go on: "" where the gate lets it."""

    DEFAULT_CSS = """
    VerdictDialog #lines { height: auto; max-height: 16; margin: 1 0 0 0; overflow-y: auto; }
    VerdictDialog Input { margin: 1 0 0 0; }
    """

    def __init__(self, verdict: Mapping[str, Any], why: str = "") -> None:
        version, alias = look.reference(verdict), clean_name(str(verdict["alias"]), 64)
        super().__init__(f"Promote {version} to {alias}")
        self._verdict = verdict
        self._why = why
        self._passed = bool(verdict["passed"]) and not self._bare
        self.DO = "promote" if self._passed else "promote anyway"
        self.DESTROYS = not self._passed

    @property
    def _bare(self) -> bool:
        return bool(self._verdict.get("protected")) and not self._verdict.get("lines")

    def content(self) -> ComposeResult:
        """The lines, and a line for the reason where the gate says no."""
        yield Static(self._judged(), id="lines", markup=False)
        if not self._passed:
            yield OpeningLine(
                placeholder="a reason, which the history keeps and marks", id="why", compact=True
            )

    def _judged(self) -> Text:
        palette, said = palette_of(self.app), Text()
        for cell in look.verdict_lines(self._verdict, room_in(self.app.size.width)):
            text = cell.text
            if palette.ascii:
                text = text.replace(look.PASSED, "+").replace(look.FAILED, "x")
            said.append(f"{text}\n", palette.style(cell.role or "text"))
        if self._bare:
            said.append("the alias is protected, and there is no gate to go through\n", palette.style("bad"))
        said.rstrip()
        return said

    def on_mount(self) -> None:
        """Cancel has the focus: Enter changes nothing."""
        super().on_mount()
        self.query_one("#cancel").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter behind a reason goes on."""
        event.stop()
        self.go_on()

    def answer(self) -> str | None:
        """The reason; where the gate says no there has to be one."""
        if self._passed:
            return self._why
        reason = self.query_one("#why", Input).value.strip()
        if not reason:
            self.complain("the gate says no: going on needs a reason")
            self.query_one("#why").focus()
            return None
        return reason


async def promote(app: Dashboard, version: Mapping[str, Any], alias: str = "") -> None:
    """Ask for the alias, show the verdict, move it. Raises WorkbenchError; to be called from a worker."""
    model = await app.services.call("models", "get", name=version["name"])
    asked: dict[str, str] | None = {"alias": alias, "why": "", "approver": ""}
    if not alias:
        known = sorted({CHAMPION, "candidate", *model["aliases"]})
        fields = [
            Field("alias", "to", CHAMPION, "champion, candidate or another", known),
            Field("why", "why", "", "for the history"),
            Field("approver", "approved by", "", "who else agreed"),
        ]
        named = look.reference(version)

        def command(values: Values) -> str:
            why = f" --why {shlex.quote(values['why'].strip())}" if values["why"].strip() else ""
            return f"wb model promote {named} --to {values['alias'].strip() or 'ALIAS'}{why}"

        form = Form(f"Promote {named}", fields, do="ask the gate", check=_wrong, command=command)
        asked = await app.push_screen_wait(form)
    if asked is None:
        return
    verdict = await _judge(app, version, asked["alias"].strip())
    reason = await app.push_screen_wait(VerdictDialog(verdict, asked["why"].strip()))
    if reason is None:
        return
    await _move(app, verdict, reason, asked)


def _wrong(values: Values) -> dict[str, str]:
    return {} if values["alias"].strip() else {"alias": "say which alias"}


async def _judge(app: Dashboard, version: Mapping[str, Any], alias: str) -> Mapping[str, Any]:
    """The verdict, once the runs that rules ask for are over."""
    verdict: Mapping[str, Any] = {}
    told = ""
    model = f"{version['name']}:{version['version']}"
    judging = app.services.items(
        "models", "judge", model=model, alias=alias, evaluate=True, by=user_at_host()
    )
    async with aclosing(judging) as steps:
        async for item in steps:
            if "verdict" in item:
                verdict = item["verdict"]
            elif (said := evaluation_news(item["evaluation"])) != told:
                told = said
                app.notify(said, timeout=4, markup=False)
    return verdict


def evaluation_news(evaluation: Mapping[str, Any]) -> str:
    """How an evaluation is getting on: evaluating churn:7 on test:3: calm-otter-3 Running."""
    run = evaluation["run"]
    what = f"{clean_name(str(evaluation['model']), 100)} on {clean_name(str(evaluation['dataset']), 100)}"
    return f"evaluating {what}: {clean_name(str(run['name']), 60)} {clean_name(str(run['status']), 20)}"


async def _move(app: Dashboard, verdict: Mapping[str, Any], reason: str, asked: Mapping[str, str]) -> None:
    forced = not verdict["passed"] or (verdict.get("protected") and not verdict.get("lines"))
    name, alias = str(verdict["name"]), str(verdict["alias"])
    moved = await app.services.call(
        "models",
        "promote",
        model=f"{name}:{verdict['version']}",
        alias=alias,
        by=user_at_host(),
        seen=verdict.get("current") or 0,
        why=reason or None if not forced else None,
        force=reason if forced else None,
        approver=asked["approver"].strip() or None,
    )
    app.tell(Dirty(models={name}))
    app.notify(
        f"{look.reference(verdict)} is {clean_name(alias, 64)}; z takes it back", timeout=5, markup=False
    )

    async def back() -> None:
        why = "taken back at once with z"  # a protected alias needs a reason, and this is one
        await app.services.call(
            "models", "rollback", name=name, alias=alias, by=user_at_host(), seen=moved["version"], why=why
        )
        app.tell(Dirty(models={name}))

    app.undo.add(f"{look.reference(verdict)} promoted to {clean_name(alias, 64)}", back)


async def rollback(app: Dashboard, name: str) -> None:
    """Take the newest move of an alias back, after a yes. Raises WorkbenchError."""
    moves = await app.services.call("models", "history", name=name)
    undone = {move["undoes"] for move in moves if move.get("undoes")}
    newest: dict[str, Mapping[str, Any]] = {}
    for move in moves:
        if not move.get("undoes") and move["id"] not in undone:
            newest.setdefault(str(move["alias"]), move)
    if not newest:
        raise Conflict(f"no alias of {name} was moved that could be taken back", "p promotes a version")
    alias = next(iter(newest))
    if len(newest) > 1:
        choices = [Choice(one, clean_name(one, 64), look.move_cells(move)) for one, move in newest.items()]
        chosen = await app.push_screen_wait(
            Pick(
                f"Roll back which alias of {clean_name(name, 60)}", choices, current=CHAMPION, do="roll back"
            )
        )
        if chosen is None:
            return
        alias = chosen
    move = newest[alias]
    before = move.get("previous")
    gets = f"{name}:{before} has it again" if before is not None else "nobody has it then"
    said = f"{clean_name(str(move['who']), 100)} moved it {look.move_cells(move)}. {clean_name(gets, 200)}."
    model = await app.services.call("models", "get", name=name)
    why = await _reason(app, name, alias, said, protected=alias in model["protected"])
    if why is None:
        return
    await app.services.call(
        "models",
        "rollback",
        name=name,
        alias=alias,
        by=user_at_host(),
        seen=model["aliases"].get(alias, 0),
        why=why or None,
    )
    app.tell(Dirty(models={name}))
    app.notify(clean_name(gets, 200), timeout=4, markup=False)


async def _reason(app: Dashboard, name: str, alias: str, said: str, *, protected: bool) -> str | None:
    """A yes to rolling back: the reason, "" where none was given; None for a no."""
    title = f"Roll {clean_name(alias, 60)} back?"
    if not protected:
        return "" if await app.push_screen_wait(Confirm(title, said, do="roll back")) else None

    def check(values: Values) -> dict[str, str]:
        return {} if values["why"].strip() else {"why": "a protected alias moves back for a reason only"}

    def command(values: Values) -> str:
        return f"wb model rollback {name} --alias {alias} --why {shlex.quote(values['why'].strip())}"

    said = f"{said} It is protected: its gate is not asked, and the history marks that."
    fields = [Field("why", "why", "", "what went wrong")]
    form = Form(title, fields, do="roll back", said=said, check=check, command=command)
    values = await app.push_screen_wait(form)
    return None if values is None else values["why"].strip()
