"""What widgets and screens inherit to answer to actions of the table."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.dom import DOMNode

from workbench.errors import WorkbenchError
from workbench.tui.actions.table import OPENS_LINE, Action, by_id, of_places


def bindings(actions: Iterable[Action]) -> list[Binding]:
    """Textual's bindings of actions; ids are the actions', so that a key map can change keys."""
    return [
        Binding(action.keys, f"act('{action.id}')", action.label, id=action.id, show=False)
        for action in actions
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
    LACKS: ClassVar[frozenset[str]] = frozenset()
    """Actions of its places that mean nothing here, so that they are neither bound nor shown."""

    def __init_subclass__(cls, **options: Any) -> None:
        if "PLACES" in cls.__dict__:
            cls.BINDINGS = [*cls.__dict__.get("BINDINGS", []), *bindings(cls.actions())]
        super().__init_subclass__(**options)

    @classmethod
    def actions(cls) -> list[Action]:
        """What it answers to, in the table's order."""
        return [action for action in of_places(cls.PLACES) if action.id not in cls.LACKS]

    def refusal(self, action: str) -> str | None:
        """Why the action cannot be done now, as a sentence for the user; None when it can."""
        return None

    async def action_act(self, action: str) -> None:
        """Do the action, or say why not."""
        await perform(self, action)


async def perform(owner: Acting, action: str) -> None:
    """Do an action of one of owner's places, or tell why it cannot be done now.

    What has to be waited for goes on in a worker of the app, so that keys are answered meanwhile.
    """
    why = owner.refusal(action)
    if why is not None:
        owner.app.notify(why, severity="warning", timeout=4, markup=False)
        return
    ahead = getattr(owner.app, "ahead", None)
    if action in OPENS_LINE and ahead is not None:
        ahead.begin()
    done = getattr(owner, by_id()[action].method)()
    if inspect.isawaitable(done):
        owner.app.run_worker(_carried(owner, done), name=action, group="actions", exit_on_error=True)


async def _carried(owner: Acting, done: Awaitable[Any]) -> None:
    """Wait for what an action began; an error is told, it never ends the app."""
    try:
        await done
    except WorkbenchError as problem:
        complain = getattr(owner.app, "complain", None)
        if complain is None:
            raise
        complain(problem)


def owners(node: DOMNode | None) -> list[Acting]:
    """Whoever answers to keys when node has the focus, the nearest first."""
    steps = node.ancestors_with_self if node is not None else []
    return [step for step in steps if isinstance(step, Acting)]
