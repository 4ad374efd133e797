"""A form: named fields, what is wrong with them at once, and the command line that would do the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, Static

from workbench.text.sanitize import clean, plain
from workbench.tui.actions.typing_ahead import OpeningLine
from workbench.tui.dialogs.dialog import Dialog
from workbench.tui.dialogs.switch import Switch

Values = Mapping[str, str]


class Field(NamedTuple):
    """One field. Values are texts; a switch's is "yes" or ""."""

    id: str
    label: str
    value: str = ""
    hint: str = ""
    words: Sequence[str] = ()
    """What may stand there, proposed while one types."""
    switch: bool = False


class Form(Dialog[dict[str, str]]):
    """Fill in fields.

    check: a sentence for each field that will not do, by its id ("" for the whole). command: the command line
    that does the same, shown below as one types.
    """

    DEFAULT_CSS = """
    Form #fields { height: auto; max-height: 14; margin: 1 0 0 0; }
    Form .row { height: 1; }
    Form .row Label { width: 14; color: $text-muted; }
    Form .row Input { width: 1fr; }
    Form .row Switch { border: none; padding: 0; background: $surface; }
    Form .row Switch:focus { background: $primary 25%; }
    Form #command { height: auto; max-height: 6; margin: 1 0 0 0; color: $text-muted; }
    """

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        *,
        do: str,
        said: str = "",
        check: Callable[[Values], Mapping[str, str]] | None = None,
        command: Callable[[Values], str] | None = None,
        first: str | None = None,
    ) -> None:
        super().__init__(title, said)
        self.DO = do
        self._fields = fields
        self._check = check
        self._command = command
        self._first = first

    def content(self) -> ComposeResult:
        """A line a field, and the command."""
        with VerticalScroll(id="fields") as fields:
            fields.can_focus = False
            for field in self._fields:
                with Horizontal(classes="row"):
                    yield Label(field.label)
                    if field.switch:
                        yield Switch(field.hint, field.value == "yes", id=f"f-{field.id}", compact=True)
                    else:
                        proposed = SuggestFromList(field.words, case_sensitive=False) if field.words else None
                        yield OpeningLine(
                            plain(field.value),  # it may be what a machine said
                            placeholder=field.hint,
                            suggester=proposed,
                            id=f"f-{field.id}",
                            compact=True,
                            select_on_focus=False,
                        )
        if self._command is not None:
            yield Static("", id="command", markup=False)

    def on_mount(self) -> None:
        """The first field, or the one asked for, has the focus."""
        super().on_mount()
        self.query_one(f"#f-{self._first or self._fields[0].id}").focus()
        self._preview()

    def values(self) -> dict[str, str]:
        """What stands in the fields."""
        found = {}
        for field in self._fields:
            widget = self.query_one(f"#f-{field.id}")
            if isinstance(widget, Switch):
                found[field.id] = "yes" if widget.value else ""
            elif isinstance(widget, Input):
                found[field.id] = widget.value
        return found

    def _preview(self) -> None:
        if self._command is not None:
            self.query_one("#command", Static).update("$ " + clean(self._command(self.values()), 2000))

    def on_input_changed(self, event: Input.Changed) -> None:
        """The command follows."""
        event.stop()
        self._preview()

    def on_checkbox_changed(self, event: Switch.Changed) -> None:
        """The command follows."""
        event.stop()
        self._preview()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in any line goes on."""
        event.stop()
        self.go_on()

    def answer(self) -> dict[str, str] | None:
        """The values, once nothing is wrong with them."""
        values = self.values()
        wrong = self._check(values) if self._check is not None else {}
        if wrong:
            self.complain("\n".join(wrong.values()))
            first = next(iter(wrong))
            if first:
                self.query_one(f"#f-{first}").focus()
            return None
        return values
