"""The link's method about containers: what runs them here, or what is missing for it."""

from typing import Any, Dict

from workbench.remote.machine import Machine
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange, Handler


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler."""
    return {"container_engine": engine}


def engine(exchange):
    # type: (Exchange) -> Any
    """{"engine": {kind, version, rootless, command}}, or null and why; command: the target's setting."""
    from workbench.remote.containers.engine import NoEngine, find_engine

    try:
        found = find_engine(parameters.optional_text(exchange.params, "command"))
    except NoEngine as problem:
        return {"engine": None, "problem": problem.message, "hint": problem.hint}
    told = {"kind": found.kind, "version": found.version, "rootless": found.rootless}
    return {"engine": dict(told, command=" ".join(found.argv))}
