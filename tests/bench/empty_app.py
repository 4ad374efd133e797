"""The least a Textual program can be, beside which the dashboard is measured."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class Empty(App[None]):
    """A sentence."""

    def compose(self) -> ComposeResult:
        """The sentence."""
        yield Static("an empty app")


if __name__ == "__main__":
    Empty().run()
