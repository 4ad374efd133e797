"""What a machine can be asked about the end of a run: how what it asked for then went."""

from typing import Any, Dict

from workbench.remote import parameters
from workbench.remote.exchange import Exchange
from workbench.remote.link import Handler
from workbench.remote.machine import Machine
from workbench.remote.runfolder import RunFolder, read_object

MAX_RESULTS = 1 << 20


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler."""

    def on_end(exchange):
        # type: (Exchange) -> Any
        from workbench.remote.on_end import RESULTS

        folder = RunFolder(machine, parameters.run_id(exchange.params))
        found = read_object(folder.inside(RESULTS), MAX_RESULTS)
        return {"begun": False, "done": False, "results": []} if found is None else dict(found, begun=True)

    return {"on_end": on_end}
