"""What can be asked of a machine about data: what is at a path, what its cache lacks, and to take it in."""

import time
from typing import Any, Callable, Dict, List

from workbench.remote.files.file_places import place
from workbench.remote.machine import Machine
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange, Handler
from workbench.remote.wire.problems import RequestError

OFTEN = 0.3  # seconds between two words about how far it is
MOST_KEYS = 10000
UPLOAD_WINDOW = 8 << 20  # bytes that may be on their way


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler."""
    return {
        "fingerprint": _fingerprint,
        "data_files": _files,
        "table_result": _result,
        "data_want": lambda exchange: _want(machine, exchange),
        "data_put": lambda exchange: _put(machine, exchange),
        "data_held": lambda exchange: _held(machine, exchange),
        "data_look": _look,
        "data_fetch": lambda exchange: _fetch(machine, exchange),
        "data_seal": lambda exchange: _seal(machine, exchange),
    }


def _fingerprint(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.data.fingerprints import fingerprint, shown

    path = place(exchange.params)
    found = fingerprint(path, parameters.flag(exchange.params, "contents"), telling(exchange))
    return dict(found, path=shown(path))


def _files(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.data.selection import list_files, select

    paths = parameters.argument_list(exchange.params, "paths") or []
    tell = telling(exchange)
    selected = select(paths, tell, parameters.flag(exchange.params, "literal"))

    def give(entries):
        # type: (List[List[Any]]) -> None
        exchange.wait_credit()
        exchange.event({"entries": entries})

    return list_files(selected, parameters.flag(exchange.params, "contents"), tell, give)


def _result(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.tabular.answering import give_rows

    return give_rows(exchange)


def _want(machine, exchange):
    # type: (Machine, Exchange) -> Any
    from workbench.remote.data import cache

    key = key_of(exchange.params)
    entries = cache.check_entries(exchange.params.get("entries"))

    if cache.key_of(entries) != key:
        raise RequestError("usage", "the files sent are not those that the key names")
    return cache_of(machine).want(key, entries, parameters.optional_text(exchange.params, "name"))


def _put(machine, exchange):
    # type: (Machine, Exchange) -> Any
    from workbench.remote.data.arriving import take_in
    from workbench.remote.data.cache import FILE_ID

    asked = exchange.params.get("files")
    files = asked if isinstance(asked, list) else [None]  # type: List[Any]
    for item in files:
        fine = isinstance(item, list) and len(item) == 3 and isinstance(item[0], str)
        if not fine or not FILE_ID.match(item[0]):
            raise RequestError("usage", "parameter files must be a list of [id, size, offset]")
        size, offset = [parameters.checked_offset("files", number) for number in item[1:]]
        if offset > size:
            raise RequestError("usage", "an offset lies behind the end of its file")
    exchange.widen(UPLOAD_WINDOW)
    return {"taken": take_in(exchange, cache_of(machine), files)}


def _held(machine, exchange):
    # type: (Machine, Exchange) -> Any
    from workbench.remote.data.cache import KEY

    keys = parameters.argument_list(exchange.params, "keys") or []
    if len(keys) > MOST_KEYS or not all(KEY.match(key) for key in keys):
        raise RequestError("usage", "parameter keys must be a list of sha256")
    cache = cache_of(machine)
    held = {}  # type: Dict[str, Any]
    for key in keys:
        used = cache.used(key)
        if used != float("inf"):
            held[key] = {"used": used, "path": cache.tree(key)}
    return {"held": held}


def _look(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.data.fetching import look, reason

    try:
        return look(parameters.text(exchange.params, "url"))
    except OSError as problem:
        raise RequestError("unreachable", "the machine does not reach it: %s" % reason(problem))


def _fetch(machine, exchange):
    # type: (Machine, Exchange) -> Any
    from workbench.remote.data.fetching import fetch, read_wanted

    wanted = read_wanted(exchange.params.get("files"))
    return {"taken": fetch(cache_of(machine), wanted, telling(exchange), exchange.check)}


def _seal(machine, exchange):
    # type: (Machine, Exchange) -> Any
    return cache_of(machine).seal(key_of(exchange.params))


def cache_of(machine):
    # type: (Machine) -> Any
    """The machine's cache of data."""
    from workbench.remote.data.cache import Cache

    return Cache(machine.root, machine.machine_id, machine.boot_id)


def key_of(params):
    # type: (Dict[str, Any]) -> str
    """The parameter key."""
    from workbench.remote.data.cache import KEY

    key = parameters.text(params, "key")
    if not KEY.match(key):
        raise RequestError("usage", "parameter key must be a sha256")
    return key


def telling(exchange):
    # type: (Exchange) -> Callable[[int, int], None]
    """Says files and bytes as EVENTs, not too often, and notices that nobody waits any more."""
    said = [0.0]  # type: List[float]

    def tell(files, size):
        # type: (int, int) -> None
        exchange.check()
        if time.monotonic() - said[0] >= OFTEN and exchange.credit > 0:
            said[0] = time.monotonic()
            exchange.event({"files": files, "bytes": size})

    return tell
