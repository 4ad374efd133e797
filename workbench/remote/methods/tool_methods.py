"""The link's methods `tool` and `tool_end`: TensorBoard, Jupyter, beside a run while somebody wants them."""

import os
import threading
from typing import TYPE_CHECKING, Any, Dict

from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import LATER, Exchange, Handler
from workbench.remote.wire.problems import RequestError

if TYPE_CHECKING:
    from workbench.remote.sessions.tools import Tool

MAX_TOOLS = 16


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler."""
    methods = ToolMethods(machine)
    return {"tool": methods.hold, "tool_end": methods.end}


class ToolMethods(object):
    """The handlers of one link."""

    def __init__(self, machine):
        # type: (Machine) -> None
        self._machine = machine
        self._held = threading.BoundedSemaphore(MAX_TOOLS)
        self._starting = threading.Lock()

    def hold(self, exchange):
        # type: (Exchange) -> Any
        """Start params tool (tensorboard, jupyter) for run, or find it by key; wanted while the stream is.

        EVENT {port, path} once it listens. When the stream is cut off it goes on for ten minutes.
        """
        from workbench.remote.sessions import programs, tool_plans, tools

        params = exchange.params
        tool = parameters.text(params, "tool")
        if tool not in tool_plans.TOOLS:
            known = ", ".join(sorted(tool_plans.TOOLS))
            raise RequestError("usage", "parameter tool must be one of %s" % known)
        one = tools.Tool(self._machine, key_of(params))
        if not self._held.acquire(False):
            raise RequestError("busy", "%d tools are open already" % MAX_TOOLS, "close one")
        try:
            with self._starting:
                if one.state() is None:
                    around = programs.surroundings(os.environ, None)
                    one.start(tool, parameters.run_id(params), around)
        except BaseException:
            self._held.release()
            raise
        # A thread of its own: it may last for days, and those of the link are for what is soon over.
        threading.Thread(target=self._keep, args=(one, exchange), daemon=True).start()
        return LATER

    def _keep(self, one, exchange):
        # type: (Tool, Exchange) -> None
        from workbench.remote.sessions.tools import hold

        try:
            exchange.carry(lambda: hold(one, exchange))
        finally:
            self._held.release()

    def end(self, exchange):
        # type: (Exchange) -> Any
        """End the tool of params key."""
        from workbench.remote.sessions.tools import Tool

        Tool(self._machine, key_of(exchange.params)).end()
        return {}


def key_of(params):
    # type: (Dict[str, Any]) -> str
    """The parameter key: it becomes part of a path, so it has the form of a run's id."""
    value = params.get("key")
    if not isinstance(value, str) or not protocol.valid_run_id(value):
        raise RequestError("usage", "parameter key must have the form of an id")
    return value
