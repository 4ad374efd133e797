"""YAML text as a tree that remembers where everything stood (`yaml_tree.py`). Pure.

The text is hostile: size, depth and node count are capped (aliases count for what they stand for), tags are
refused, and nothing is constructed from them.
"""

from __future__ import annotations

from workbench.runs.yaml_tree import Broken, Node, Place, Problem

MAX_BYTES = 256 * 1024


def read_yaml(text: str) -> tuple[Node, list[Problem]]:
    """The tree of one YAML document and the problems that do not stop reading: double and odd keys.

    Raises Broken when the text is no YAML, or not within the limits.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise Broken(Place(1, 1), f"the file is larger than {MAX_BYTES // 1024} KB")
    from workbench.runs.yaml_events import built  # brings PyYAML: a command without a file does without

    return built(text)
