"""The link's method `stack`: what the processes of a run are doing."""

from typing import Any, Dict

from workbench.remote.machine import Machine
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange, Handler


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler."""

    def stack(exchange):
        # type: (Exchange) -> Any
        from workbench.remote.sessions.stacks import run_stacks

        return run_stacks(machine, parameters.run_id(exchange.params), exchange.check)

    return {"stack": stack}
