"""What a script says of a model that it wants registered."""

import os

from workbench.remote.forms.record_text import flat_text, pairs, plain, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

MOST = 100  # tags, and properties


class ModelRequest(object):
    """A model that was asked for; the workspace gives it its version when the run is over."""

    version = None

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.path = path

    def __repr__(self) -> str:
        return "<model %s, asked for>" % self.name


def path_in_outputs(given: str, directory: str) -> "Optional[str]":
    """The path below the run's folder of what is in its outputs/; None for what lies elsewhere."""
    folder = os.path.join(directory, "outputs")
    for place, root in ((given, directory), (given, os.getcwd())):
        path = os.path.realpath(os.path.join(root, place))
        inside = os.path.relpath(path, os.path.realpath(folder))
        if not (inside == ".." or inside.startswith("../")) and (root == directory or os.path.exists(path)):
            return "outputs" if inside == "." else "outputs/" + inside
    return None


def described(tags: "Any", properties: "Any", framework: "Any", version: "Any", description: "Any") -> str:
    """What is said of it, as JSON."""
    said = [
        '"%s":%s' % (key, quote(flat_text(value) or str(value)))
        for key, value in (
            ("framework", framework),
            ("framework_version", version),
            ("description", description),
        )
        if value is not None
    ]
    for key, given in (("tags", tags), ("properties", properties)):
        if given is not None:
            said.append('"%s":{%s}' % (key, ",".join(_pair(*pair) for pair in pairs(given)[:MOST])))
    return "{%s}" % ",".join(said)


def _pair(name: "Any", value: "Any") -> str:
    return "%s:%s" % (quote(str(name)), "null" if value is None else quote(str(plain(value)[0])))
