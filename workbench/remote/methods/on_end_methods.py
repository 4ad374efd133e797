"""What a machine can be asked about the end of a run: how what it asked for then went."""

from typing import Any, Dict

from workbench.remote.machine import Machine
from workbench.remote.runs.runfolder import RunFolder, read_object
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange, Handler

MAX_RESULTS = 1 << 20


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler."""

    def on_end(exchange):
        # type: (Exchange) -> Any
        from workbench.remote.supervision.on_end import RESULTS_FILE

        folder = RunFolder(machine, parameters.run_id(exchange.params))
        found = read_object(folder.inside(RESULTS_FILE), MAX_RESULTS)
        return {"begun": False, "done": False, "results": []} if found is None else dict(found, begun=True)

    return {"on_end": on_end}
