"""What a path inside a snapshot or archive may look like, and whether a link stays in its tree. Pure."""

from typing import Dict, List, Mapping, Optional

MAX_PATH = 4095  # bytes of a whole path
MAX_PART = 255  # bytes of one name
MAX_DEPTH = 100
_MAX_HOPS = 64  # links followed before a chain counts as a loop


def encode(path: str) -> bytes:
    """The bytes of a path; undecodable names travel as surrogates. Raises UnicodeEncodeError."""
    return path.encode("utf-8", "surrogateescape")


def path_problem(path: object, backslash: bool = True) -> Optional[str]:
    """Why path cannot stand in a tree, in words; None when it can.

    A good path is relative, with "/" between names, none of them empty, "." or "..". backslash: whether
    that character is an ordinary one (it is in POSIX names, it is not in archives of strangers).
    """
    if not isinstance(path, str):
        return "not a text"
    try:
        raw = encode(path)
    except UnicodeEncodeError:
        return "not encodable"
    if not raw:
        return "empty"
    if b"\0" in raw:
        return "contains NUL"
    if not backslash and b"\\" in raw:
        return "contains a backslash"
    if len(raw) > MAX_PATH:
        return "longer than %d bytes" % MAX_PATH
    if raw.startswith(b"/"):
        return "absolute"
    parts = raw.split(b"/")
    if len(parts) > MAX_DEPTH:
        return "deeper than %d directories" % MAX_DEPTH
    for part in parts:
        if part in (b"", b".", b".."):
            return "contains an empty, '.' or '..' name"
        if len(part) > MAX_PART:
            return "a name longer than %d bytes" % MAX_PART
    return None


def target_problem(target: object) -> Optional[str]:
    """Why target cannot be a link's target, in words; None when it can. Where it points is not judged."""
    if not isinstance(target, str):
        return "not a text"
    try:
        raw = encode(target)
    except UnicodeEncodeError:
        return "not encodable"
    if not raw:
        return "empty"
    if b"\0" in raw:
        return "contains NUL"
    if len(raw) > MAX_PATH:
        return "longer than %d bytes" % MAX_PATH
    return None


def link_leaves(path: str, links: Mapping[str, str]) -> bool:
    """Whether the link at path points outside the tree, also by way of the tree's other links.

    links maps the path of every link of the tree to its target. A chain without end counts as leaving:
    nothing good is behind it.
    """
    where: List[str] = path.split("/")[:-1]
    if links[path].startswith("/"):
        return True
    todo = list(reversed(links[path].split("/")))
    hops = 0
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not where:
                return True
            where.pop()
            continue
        where.append(part)
        target = links.get("/".join(where))
        if target is None:
            continue
        hops += 1
        if hops > _MAX_HOPS or target.startswith("/"):
            return True
        where.pop()
        todo.extend(reversed(target.split("/")))
    return False


def clash(kinds: Mapping[str, str]) -> Optional[str]:
    """The first path that needs another one, which is no directory, as its parent; None when all fit.

    kinds maps each path to "file", "link" or "dir". This is what keeps a file from being written through
    a link of the same tree.
    """
    solid = {path for path, kind in kinds.items() if kind != "dir"}
    if not solid:
        return None
    known: Dict[str, bool] = {}
    for path in kinds:
        parent = path.rpartition("/")[0]
        while parent and parent not in known:
            known[parent] = parent in solid
            if known[parent]:
                return path
            parent = parent.rpartition("/")[0]
    return None
