"""The files that paths, folders and patterns of this machine name, told with a hash of the whole list."""

import os
from functools import partial
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

from workbench.remote.data.fingerprints import (
    Found,
    Tell,
    content_hash,
    files_below,
    hash_of,
    listed,
    shown,
    silent,
)
from workbench.remote.forms.tree_paths import encode
from workbench.remote.wire.problems import RequestError

MAX_PATHS = 10000

MOST_LINKED = 100

# The folder (or the one file) that paths of the files are below, the files, and links to folders: left out.
Selected = NamedTuple("Selected", [("base", bytes), ("files", List[Found]), ("linked", List[str])])


def select(paths: List[str], tell: Tell = silent, literal: bool = False) -> Selected:
    """What paths name, as `listed`. literal: one path in which * is a plain character.

    Raises RequestError for what names nothing.
    """
    if not paths or len(paths) > MAX_PATHS or (literal and len(paths) > 1):
        raise RequestError("usage", "%d paths are none, or too many" % len(paths))
    linked: List[str] = []
    if not literal:
        base, files = listed(paths, tell, None, linked)
        return Selected(base, files, linked)
    path = encode(os.path.expanduser(paths[0]))
    return Selected(path, files_below(path, tell, None, linked), linked)


def list_files(
    selected: Selected,
    contents: bool,
    tell: Tell,
    give: Callable[[List[List[Any]]], None],
    at_once: int = 2000,
) -> Dict[str, Any]:
    """Give [path, size, nanoseconds or sha256] of each file; what `fingerprint` answers, "base" and "linked".

    contents: whether each file is read, and its sha256 told in place of its time. Raises OSError.
    """
    lines: List[Tuple[str, int, Any]] = []
    told: List[List[Any]] = []
    done = 0
    for name, size, modified in selected.files:
        token: Any = modified
        if contents:
            place = os.path.join(selected.base, encode(name)) if name else selected.base
            token = content_hash(place, partial(_told, tell, len(lines), done))
        lines.append((name, size, token))
        told.append([name, size, token])
        done += size
        if len(told) >= at_once:
            give(told)
            told = []
    give(told)
    return {
        "base": shown(selected.base),
        "hash": hash_of(lines),
        "content": contents,
        "files": len(lines),
        "bytes": done,
        "linked": selected.linked[:MOST_LINKED],
        "kind": "file" if lines and lines[0][0] == "" else "folder",
    }


def _told(tell: Tell, files: int, before: int, more: int) -> None:
    tell(files, before + more)
