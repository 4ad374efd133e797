"""A `.runconfig`'s tree under one spelling of its keys, and pieces of the job's tree made of it. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from collections.abc import Mapping as Of

from workbench.runs.yaml_tree import Mapping, Node, Place, Problem, Scalar, Sequence


class Fields:
    """A mapping of the file: camelCase and snake_case are one key, and null is absent."""

    def __init__(
        self, node: Node | None, path: str, problems: list[Problem], place: Place | None = None
    ) -> None:
        self._path = path
        self._problems = problems
        self.place = node.place if node is not None else place or Place(1, 1)
        self._entries: dict[str, tuple[Scalar, Node]] = {}
        if isinstance(node, Mapping):
            self._entries = {
                snake(key.text): (key, value)
                for key, value in node.entries
                if not (isinstance(value, Scalar) and value.null)
            }
            self._keys = {snake(key.text): key for key, _ in node.entries}
        else:
            self._keys = {}
            if node is not None and not (isinstance(node, Scalar) and node.null):
                self.complain(node.place, "", "must be a mapping of fields")

    def complain(self, place: Place, name: str, message: str) -> None:
        """Note one mistake of a field here."""
        self._problems.append(Problem(place, f"{self._path}{name}".rstrip("."), message))

    def known(
        self, known: Iterable[str], ignored: Iterable[str] = (), refused: Of[str, str] | None = None
    ) -> None:
        """Note the fields that are none of these, and those refused that say something."""
        known, ignored, refused = list(known), list(ignored), dict(refused or {})
        for name, key in self._keys.items():
            if name in refused:
                if name in self._entries and not empty(self._entries[name][1]):
                    self.complain(key.place, key.text, refused[name])
            elif name not in known and name not in ignored:
                close = difflib.get_close_matches(name, known, 1, 0.7)
                meant = f", did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"
                self.complain(key.place, key.text, f"unknown field{meant}")

    def node(self, name: str) -> Node | None:
        """The value of a field; None where it is absent or null."""
        found = self._entries.get(name)
        return None if found is None else found[1]

    def scalar(self, name: str) -> Scalar | None:
        """The one value of a field; anything else is noted."""
        node = self.node(name)
        if node is not None and not isinstance(node, Scalar):
            self.complain(node.place, name, "must be text")
            return None
        return node

    def on(self, name: str) -> bool:
        """Whether a switch is on."""
        node = self.scalar(name)
        return node is not None and node.text.lower() in ("true", "yes", "on")

    def words(self, name: str) -> list[str]:
        """The texts of a list, or of one text that is split as a shell splits it."""
        node = self.node(name)
        if node is None:
            return []
        if isinstance(node, Scalar):
            return node.text.split()
        if isinstance(node, Sequence):
            return [item.text for item in node.items if isinstance(item, Scalar)]
        self.complain(node.place, name, "must be a list of texts")
        return []

    def below(self, name: str) -> Fields:
        """The fields of a mapping in here, none where it is absent."""
        return Fields(self.node(name), f"{self._path}{name}.", self._problems, self.place)

    def entries(self) -> dict[str, Node | None]:
        """All of it by its keys as they were written: names of variables, data."""
        return {key.text: value for key, value in self._entries.values()}

    def names(self) -> dict[str, Fields]:
        """All of it, each a mapping of its own."""
        return {
            key.text: Fields(value, f"{self._path}{key.text}.", self._problems)
            for key, value in self._entries.values()
        }


def snake(name: str) -> str:
    """userManagedDependencies and user_managed_dependencies are one name."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def empty(node: Node) -> bool:
    """Whether a value says nothing: null, off, no entries."""
    if isinstance(node, Scalar):
        return node.null or node.text.lower() in ("", "false", "none")
    return not (node.items if isinstance(node, Sequence) else node.entries)


def text(place: Place, value: str) -> Scalar:
    """A text at the place it comes from."""
    return Scalar(place, value, False)


def mapping(place: Place, entries: Of[str, Node | None]) -> Mapping | None:
    """A mapping of what is there; None of nothing."""
    kept = tuple((Scalar(value.place, key), value) for key, value in entries.items() if value is not None)
    return Mapping(place, kept) if kept else None
