"""What can be asked of a machine about its files, any its user may see, and about what we keep there."""

import os
from typing import Any, Dict

from workbench.remote.disk.mounts import free_bytes
from workbench.remote.files.file_places import Guarded, place, shown
from workbench.remote.machine import Machine
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange, Handler


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler."""
    return {
        "listing": _listing,
        "stat": _stat,
        "get": _get,
        "put": _put,
        "walk": _walk,
        "bundle": _bundle,
        "unbundle": _unbundle,
        "usage": _usage,
        "mkdir": _mkdir,
        "copy": _copy,
        "rename": lambda exchange: _rename(Guarded(machine), exchange),
        "delete": lambda exchange: _delete(Guarded(machine), exchange),
        "holdings": lambda exchange: _holdings(machine, exchange),
        "prune": lambda exchange: _prune(machine, exchange),
    }


def _listing(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.files.file_listing import listing

    return listing(exchange, place(exchange.params))


def _stat(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.files.file_bytes import arrived
    from workbench.remote.files.file_listing import entry

    path = place(exchange.params)
    token = parameters.optional_text(exchange.params, "token")
    found = {"path": shown(path), "home": shown(os.path.expanduser(b"~"))}  # type: Dict[str, Any]
    if token is not None:
        found.update(arrived=arrived(path, token))
    try:
        found.update(entry(os.path.dirname(path), os.path.basename(path)))
    except FileNotFoundError:
        if token is None:
            raise
    free = free_bytes(path if os.path.isdir(path) else os.path.dirname(path))
    if free is not None:
        found.update(free=free)
    return found


def _get(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.files.file_bytes import get

    return get(exchange, place(exchange.params))


def _put(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.files.file_bytes import put

    return put(exchange, place(exchange.params))


def _walk(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.files.file_bundles import walk

    return walk(exchange, place(exchange.params))


def _bundle(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.files.file_bundles import bundle

    return bundle(exchange, place(exchange.params))


def _unbundle(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.files.file_bundles import unbundle

    return unbundle(exchange, place(exchange.params))


def _usage(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.files.disk_use import usage

    return usage(exchange, place(exchange.params))


def _mkdir(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.files.file_changes import make_folder

    return make_folder(place(exchange.params), parameters.flag(exchange.params, "parents"))


def _copy(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.files.file_changes import copy

    return copy(exchange, place(exchange.params), place(exchange.params, "to"))


def _rename(guarded, exchange):
    # type: (Guarded, Exchange) -> Any
    from workbench.remote.files.file_changes import rename

    overwrite = parameters.flag(exchange.params, "overwrite")
    return rename(guarded, place(exchange.params), place(exchange.params, "to"), overwrite)


def _delete(guarded, exchange):
    # type: (Guarded, Exchange) -> Any
    from workbench.remote.files.file_changes import delete

    return delete(exchange, guarded, place(exchange.params))


def _holdings(machine, exchange):
    # type: (Machine, Exchange) -> Any
    from workbench.remote.pruning.holdings import holdings

    return holdings(exchange, machine)


def _prune(machine, exchange):
    # type: (Machine, Exchange) -> Any
    from workbench.remote.pruning.removal import prune

    return prune(exchange, machine)
