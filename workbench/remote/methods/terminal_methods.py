"""The link's methods `terminal` and `terminal_size`: programs on terminals of their own."""

import os
from typing import Any, Dict

from workbench.remote.machine import Machine
from workbench.remote.wire.exchange import LATER, Exchange, Handler
from workbench.remote.wire.problems import RequestError
from workbench.remote.wire.relay import Relay

MAX_TERMINALS = 64


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler."""
    methods = TerminalMethods(machine)
    return {"terminal": methods.terminal, "terminal_size": methods.resize}


class TerminalMethods(object):
    """The handlers of one link."""

    def __init__(self, machine):
        # type: (Machine) -> None
        self._machine = machine
        self._relay = Relay(MAX_TERMINALS, "terminals")

    def terminal(self, exchange):
        # type: (Exchange) -> Any
        """Run params argv, or shell (a line), or the login shell; DATA both ways, {exit_code} at its end.

        cwd: default the home. env: over the link's own. rows, cols, term: of the terminal one sits at.
        run: in that run's folder instead, with what is around it. EVENT {"started": name of the terminal}
        first, with "lacks_gpus" where a run wanted some and has none now. A program killed by signal n has
        exit_code 128+n and {"signal": n}. When the stream or the link goes, the terminal hangs up.
        """
        from workbench.remote.sessions import programs, terminals

        params = exchange.params
        self._relay.check_room()
        rows, columns = terminals.side(params, "rows", 24), terminals.side(params, "cols", 80)
        around = programs.surroundings(os.environ, params.get("term"))
        said = {}  # type: Dict[str, Any]
        if params.get("run") is None:
            work = programs.asked_work(params, around)
        else:
            from workbench.remote.sessions import run_shell

            work, said["lacks_gpus"] = run_shell.asked_in_run(self._machine, params, around)
        tty = terminals.start(work, rows, columns)
        terminal = terminals.Terminal(exchange, tty, self._relay.wake)
        exchange.event(dict(said, started=tty.name))
        self._relay.add(terminal)
        terminal.watch()
        return LATER

    def resize(self, exchange):
        # type: (Exchange) -> Any
        """Make the terminal of a stream of this link another size: params terminal, rows, cols."""
        from workbench.remote.sessions import terminals

        params = exchange.params
        rows, columns = terminals.side(params, "rows", 24), terminals.side(params, "cols", 80)
        if not self._relay.ask(params.get("terminal"), lambda found: terminals.resize(found, rows, columns)):
            raise RequestError("not_found", "there is no such terminal any more")
        return {}
