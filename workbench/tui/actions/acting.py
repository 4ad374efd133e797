"""What widgets and screens inherit to answer to actions of the table."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.dom import DOMNode

from workbench.tui.actions.table import by_id, of_places


def bindings(places: tuple[str, ...]) -> list[Binding]:
    """Textual's bindings of the places' actions; ids are the actions', so that a key map can change keys."""
    return [
        Binding(action.keys, f"act('{action.id}')", action.label, id=action.id, show=False)
        for action in of_places(places)
    ]


# Textual inherits style sheets along the first base that is a DOMNode: were the mixin one, those of the
# widget it is mixed into would count for nothing. To the type checker it is what it is always mixed into.
if TYPE_CHECKING:
    _Node = DOMNode
else:
    _Node = object


class Acting(_Node):
    """A mixin for widgets, screens and apps that own places of the action table; the first of their bases.

    For each action of its PLACES it has a method `do_<id>`, dots and dashes as underscores, which may be a
    coroutine.
    """

    PLACES: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        if "PLACES" in cls.__dict__:
            cls.BINDINGS = [*cls.__dict__.get("BINDINGS", []), *bindings(cls.PLACES)]
        super().__init_subclass__(**options)

    def refusal(self, action: str) -> str | None:
        """Why the action cannot be done now, as a sentence for the user; None when it can."""
        return None

    async def action_act(self, action: str) -> None:
        """Do the action, or say why not."""
        await perform(self, action)


async def perform(owner: Acting, action: str) -> None:
    """Do an action of one of owner's places, or tell why it cannot be done now."""
    why = owner.refusal(action)
    if why is not None:
        owner.app.notify(why, severity="warning", timeout=4)
        return
    done = getattr(owner, by_id()[action].method)()
    if inspect.isawaitable(done):
        await done


def owners(node: DOMNode | None) -> list[Acting]:
    """Whoever answers to keys when node has the focus, the nearest first."""
    steps = node.ancestors_with_self if node is not None else []
    return [step for step in steps if isinstance(step, Acting)]
