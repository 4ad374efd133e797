"""What a machine can be asked about the logs of a run: what there is, and its log files as they grow."""

from typing import Any, Dict

from workbench.remote.machine import Machine
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange, Handler
from workbench.remote.wire.problems import RequestError


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler."""
    return {
        "run_logs": lambda exchange: _logs(machine, exchange),
        "follow_run_logs": lambda exchange: _follow_logs(machine, exchange),
    }


def _logs(machine, exchange):
    # type: (Machine, Exchange) -> Any
    from workbench.remote.logs.log_files import kept_stream, log_files

    folder = _folder(machine, exchange)
    return {"stream": kept_stream(folder.path), "files": log_files(folder)}


def _follow_logs(machine, exchange):
    # type: (Machine, Exchange) -> Any
    from workbench.remote.logs.log_files import follow_files

    offsets = {
        path: parameters.checked_offset("files", offset)
        for path, offset in parameters.mapping(exchange.params, "files").items()
    }
    return follow_files(_folder(machine, exchange), offsets, exchange)


def _folder(machine, exchange):
    # type: (Machine, Exchange) -> RunFolder
    folder = RunFolder(machine, parameters.run_id(exchange.params))
    if folder.read_status() is None:
        raise RequestError("not_found", "run %s is not on this machine" % folder.run_id)
    return folder
