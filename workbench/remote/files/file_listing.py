"""What is in a folder: a page of it, some of its names, or the order of all of them."""

import os
import stat
from typing import Any, Dict, List, Optional

from workbench.remote.files.file_places import part, shown
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError

PAGE = 1000  # entries that are described when nobody says how many
MOST = 5000  # and at most
STEP = 512  # entries between two looks at whether anybody still waits
MAX_ENTRIES = 2000000
SORTS = ("name", "size", "modified", "kind")
KINDS = (
    (stat.S_ISREG, "file"),
    (stat.S_ISDIR, "dir"),
    (stat.S_ISLNK, "link"),
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISSOCK, "socket"),
)

_users = {}  # type: Dict[int, str]


def listing(exchange, path):
    # type: (Exchange, bytes) -> Dict[str, Any]
    """{"path", "total", "entries"} of a folder; with params names only those, with order {"names"} of all.

    params sort (SORTS; folders first by name), descending, hidden (whether names with a dot count), offset,
    limit. Only what is answered is looked at one by one, unless the order needs more.
    """
    params = exchange.params
    if params.get("names") is not None:
        return {"path": shown(path), "entries": _named(path, params["names"])}
    names = _ordered(exchange, path)
    if parameters.flag(params, "order"):
        return {"path": shown(path), "total": len(names), "names": [shown(name) for name in names]}
    start = parameters.offset(params, "offset")
    limit = min(MOST, parameters.offset(params, "limit") or PAGE)
    entries = _described(path, names[start : start + limit])
    return {"path": shown(path), "total": len(names), "offset": start, "entries": entries}


def entry(path, name):
    # type: (bytes, bytes) -> Dict[str, Any]
    """One thing in a folder: name, kind, size, mode, modified, user; of a link also target and leads.

    leads: the kind of what the link leads to, absent where that is nothing. Raises OSError.
    """
    place = os.path.join(path, name)
    facts = os.lstat(place)
    found = {
        "name": shown(name),
        "kind": kind_of(facts.st_mode),
        "size": facts.st_size,
        "mode": stat.S_IMODE(facts.st_mode),
        "modified": facts.st_mtime,
        "user": user_of(facts.st_uid),
    }  # type: Dict[str, Any]
    if found["kind"] == "link":
        found["target"] = shown(os.readlink(place))
        try:
            aim = os.stat(place)
        except OSError:  # broken, a loop, or behind what we may not enter
            return found
        found.update(leads=kind_of(aim.st_mode))
    return found


def kind_of(mode):
    # type: (int) -> str
    """file, dir, link, pipe, socket or device."""
    return next((name for fits, name in KINDS if fits(mode)), "device")


def user_of(uid):
    # type: (int) -> str
    """The name of a user, the number where there is none."""
    if uid not in _users:
        import pwd

        try:
            _users[uid] = pwd.getpwuid(uid).pw_name
        except KeyError:
            _users[uid] = str(uid)
    return _users[uid]


def _ordered(exchange, path):
    # type: (Exchange, bytes) -> List[bytes]
    params = exchange.params
    sort = parameters.text(params, "sort", "name")
    if sort not in SORTS:
        raise RequestError("usage", "sort is one of %s" % ", ".join(SORTS))
    hidden = params.get("hidden") is not False
    found = []
    with os.scandir(path) as scan:
        for count, item in enumerate(scan):
            if count % STEP == 0:
                exchange.check()
            if count >= MAX_ENTRIES:
                raise RequestError("refused", "%s has more than %d entries" % (shown(path), MAX_ENTRIES))
            if hidden or not item.name.startswith(b"."):
                found.append((_key(item, sort), item.name))
    found.sort(reverse=parameters.flag(params, "descending"))
    return [name for _, name in found]


def _key(item, sort):
    # type: (os.DirEntry[bytes], str) -> Any
    if sort == "name":
        return (not _is_folder(item), item.name.lower())
    if sort == "kind":
        return (not _is_folder(item), os.path.splitext(item.name)[1].lower(), item.name.lower())
    try:
        facts = item.stat(follow_symlinks=False)
    except OSError:  # it went meanwhile
        return -1.0
    return facts.st_size if sort == "size" else facts.st_mtime


def _is_folder(item):
    # type: (os.DirEntry[bytes]) -> bool
    try:
        return item.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _named(path, names):
    # type: (bytes, Any) -> List[Dict[str, Any]]
    if not isinstance(names, list) or len(names) > MOST:
        raise RequestError("usage", "parameter names must be a list of %d at most" % MOST)
    return _described(path, [part(name) for name in names])


def _described(path, names):
    # type: (bytes, List[bytes]) -> List[Dict[str, Any]]
    found = [_entry_or_none(path, name) for name in names]
    return [item for item in found if item is not None]


def _entry_or_none(path, name):
    # type: (bytes, bytes) -> Optional[Dict[str, Any]]
    try:
        return entry(path, name)
    except FileNotFoundError:
        return None
