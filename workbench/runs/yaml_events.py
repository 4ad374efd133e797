"""What PyYAML's parser says of a text, as a tree that remembers where everything stood. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from workbench.runs.yaml_tree import Broken, Mapping, Node, Place, Problem, Scalar, Sequence

MAX_NODES = 10_000
MAX_DEPTH = 32


@dataclass
class _Open:
    """A list or mapping whose end has not come yet."""

    place: Place
    mapping: bool
    anchor: str | None
    items: list[Node] = field(default_factory=list)
    size: int = 1


def built(text: str) -> tuple[Node, list[Problem]]:
    """The tree of one document and the problems that do not stop reading; raises Broken as `read_yaml`."""
    problems: list[Problem] = []
    try:
        return _Builder(problems).build(text), problems
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        raise Broken(place, _say(error, text, place)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = ord(text[error.position])
        raise Broken(Place(line, 1), f"the character #x{code:04x} is not allowed") from error


def _say(error: yaml.MarkedYAMLError, text: str, place: Place) -> str:
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in str(error.problem):
        return "a tab is used for indentation: YAML allows spaces only"
    if "mapping values are not allowed" in str(error.problem):
        return "a colon stands where a value was expected: put the text in quotes, or check the indentation"
    return " ".join(part for part in (error.context, error.problem) if part) or "this is not YAML"


class _Builder:
    """Builds the tree from parser events with a stack of its own, so that depth cannot exhaust Python's."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.stack: list[_Open] = []
        self.anchors: dict[str, Node] = {}
        self.total = 0
        self.root: Node | None = None

    def build(self, text: str) -> Node:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            mark = event.start_mark
            place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
            if isinstance(event, yaml.NodeEvent):
                self._node(event, place)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close()
            elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
                raise Broken(place, "a second document starts here: one file holds one job")
        return self.root if self.root is not None else Mapping(Place(1, 1), ())

    def _node(self, event: yaml.NodeEvent, place: Place) -> None:
        if isinstance(event, yaml.AliasEvent):
            name = event.anchor or ""
            target = self.anchors.get(name)
            if target is None:
                raise Broken(place, f"*{name[:60]} refers to an anchor that is not finished before it")
            self._add(target, None, target.size)
            return
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise Broken(place, f"the YAML tag {tag[:60]} is not allowed")
        if isinstance(event, yaml.ScalarEvent):
            self._add(Scalar(place, event.value, event.style is None), event.anchor, 1)
            return
        if len(self.stack) >= MAX_DEPTH:
            raise Broken(place, f"nested more than {MAX_DEPTH} levels deep")
        self.stack.append(_Open(place, isinstance(event, yaml.MappingStartEvent), event.anchor))

    def _add(self, node: Node, anchor: str | None, size: int) -> None:
        self.total += size
        if self.total > MAX_NODES:
            raise Broken(node.place, f"more than {MAX_NODES} values")
        if anchor is not None:
            self.anchors[anchor] = node
        if self.stack:
            self.stack[-1].items.append(node)
            self.stack[-1].size += size
        else:
            self.root = node

    def _close(self) -> None:
        done = self.stack.pop()
        node: Node
        if done.mapping:
            node = Mapping(done.place, self._entries(done.items), done.size)
        else:
            node = Sequence(done.place, tuple(done.items), done.size)
        self.total -= done.size - 1
        self._add(node, done.anchor, done.size)

    def _entries(self, items: list[Node]) -> tuple[tuple[Scalar, Node], ...]:
        kept: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, Scalar):
                self.problems.append(Problem(key.place, "", "a key must be plain text"))
            elif key.text in kept:
                first = kept[key.text][0].place.line
                message = f"given twice: first on line {first}, again on line {key.place.line}"
                self.problems.append(Problem(key.place, key.text, message))
            else:
                kept[key.text] = (key, value)
        return tuple(kept.values())
