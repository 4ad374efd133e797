"""What can be asked of a machine about logs that other trackers left there: found there, and read there."""

import os
from typing import Any, Dict

from workbench.remote.files.file_places import place
from workbench.remote.machine import Machine
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange, Handler
from workbench.remote.wire.problems import RequestError


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler."""
    return {"logs": _logs, "log_records": _log_records}


def _logs(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.readers.sources import find

    path = os.fsdecode(place(exchange.params))
    count = 0
    try:
        for found in find(path, exchange.check):
            count += 1
            named = dict(found._asdict(), sources=[source._asdict() for source in found.sources])
            exchange.event({"found": named})
            exchange.wait_credit()
    except OSError as error:
        raise RequestError("not_found", "%s: %s" % (path, error.strerror or error))
    return {"count": count}


def _log_records(exchange):
    # type: (Exchange) -> Any
    from workbench.remote.logs.log_telling import tell

    params = exchange.params
    form = parameters.text(params, "form")
    state = dict(parameters.mapping(params, "state"))
    names = None if params.get("names") is None else dict(parameters.mapping(params, "names"))
    key, given = str(params.get("key") or ""), bool(params.get("given"))
    return tell(exchange, form, os.fsdecode(place(params)), state, given, names, key)
