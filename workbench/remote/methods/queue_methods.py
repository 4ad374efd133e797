"""What a machine can be asked about its queue: to show and change it, to stop starting, to lease GPUs."""

import threading
from typing import Any, Callable, Dict, List, Optional, Sequence

from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.queue.foreign_news import ForeignNews
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange, Handler
from workbench.remote.wire.problems import RequestError

LOOK = 1.5  # seconds that who only looks at the queue waits for a slow driver
DECIDE = 40.0  # the same for who decides by it; more than foreign_asking gives a driver
MAX_RUNS = 10000
MAX_LEASES = 12  # each takes one of the link's threads while it lasts


class QueueMethods(object):
    """The handlers of one link that are about the queue."""

    def __init__(self, machine):
        # type: (Machine) -> None
        self._machine = machine
        self._news = ForeignNews(self._ask)
        self._leases = threading.BoundedSemaphore(MAX_LEASES)

    def table(self):
        # type: () -> Dict[str, Handler]
        """Method name -> handler."""
        return {
            "queue": self._queue,
            "hold": self._hold,
            "release": self._release,
            "move": self._move,
            "priority": self._priority,
            "cordon": self._cordon,
            "withdraw": self._withdraw,
            "lease": self._lease,
        }

    def _queue(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.queue.queue_view import QueueView

        view = QueueView(self._machine)
        question = exchange.params.get("ask")
        devices = view.devices_wanted()
        asked = None  # type: Optional[Dict[str, Any]]
        if question is not None:
            asked = self._question(parameters.mapping(exchange.params, "ask"))
            devices = sorted(set(devices).union(asked["devices"] if asked["gpus"] else ()))
        view.look_past(self._foreign(devices, exchange.params, LOOK if question is None else DECIDE))
        answer = view.listing()
        if asked is not None:
            answer["ask"] = view.ask(**asked)
        return answer

    def _question(self, params):
        # type: (Dict[str, Any]) -> Dict[str, Any]
        """What somebody wants to know of a run that is not here yet, as `QueueView.ask` takes it."""
        from workbench.remote.queue.expected_wait import Length
        from workbench.remote.runs.earlier_runs import earlier_lengths
        from workbench.remote.sessions.shell_lease import usable_devices

        earlier = earlier_lengths(self._machine, "", params)
        return {
            "gpus": parameters.offset(params, "gpus"),
            "devices": usable_devices(params),
            "slots": parameters.offset(params, "slots"),
            "priority": parameters.whole(params, "priority"),
            "length": Length(earlier, parameters.seconds(params, "timeout")),
        }

    def _foreign(self, devices, params, patience):
        # type: (Sequence[str], Dict[str, Any], float) -> Dict[str, str]
        """Those of the devices that nobody gets, each with why; asked anew now and then only."""
        if not devices:
            return {}
        limits = {name: params.get(name) for name in ("foreign_memory", "foreign_utilisation")}
        return self._news.busy(dict(limits, devices=list(devices)), patience)

    def _ask(self, asked):
        # type: (Dict[str, Any]) -> Dict[str, str]
        from workbench.remote.queue.foreign_asking import ask_aside

        return ask_aside(self._machine, asked)

    def _withdraw(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.supervision.withdrawing import withdraw

        params = exchange.params
        numbers = parameters.offset(params, "placement"), parameters.offset(params, "attempt") or 1
        return withdraw(self._machine, parameters.run_id(params), *numbers)

    def _lease(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.sessions.shell_lease import hold_lease

        if not self._leases.acquire(False):
            raise RequestError("busy", "%d leases are held or waited for already" % MAX_LEASES, "end one")
        try:
            return hold_lease(self._machine, exchange)
        finally:
            self._leases.release()

    def _hold(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.queue.queue_changes import hold

        return self._changed(exchange, lambda runs: hold(self._machine, runs))

    def _release(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.queue.queue_changes import release

        return self._changed(exchange, lambda runs: release(self._machine, runs))

    def _priority(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.queue.queue_changes import set_priority

        priority = parameters.whole(exchange.params, "priority")
        return self._changed(exchange, lambda runs: set_priority(self._machine, runs, priority))

    def _move(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.queue.queue_changes import AFTER, BEFORE, PLACES, move

        place = parameters.text(exchange.params, "place")
        other = parameters.optional_text(exchange.params, "other")
        if place not in PLACES or (place in (BEFORE, AFTER)) != (other is not None):
            raise RequestError("usage", "place must be first or last, or before or after with other")
        if other is not None and not protocol.valid_run_id(other):
            raise RequestError("usage", "parameter other must be a run id")
        return self._changed(exchange, lambda runs: move(self._machine, runs, place, other))

    def _changed(self, exchange, change):
        # type: (Exchange, Callable[[List[str]], Any]) -> Any
        runs = exchange.params.get("runs")
        if not isinstance(runs, list) or len(runs) > MAX_RUNS or not all(map(protocol.valid_run_id, runs)):
            raise RequestError("usage", "parameter runs must be a list of run ids")
        return change(runs)._asdict()

    def _cordon(self, exchange):
        # type: (Exchange) -> Any
        from workbench.remote.queue import cordon

        params = exchange.params
        if not isinstance(params.get("on"), bool):
            return {"cordon": cordon.as_wire(cordon.read_cordon(self._machine))}
        if not params["on"]:
            return {"cordon": cordon.as_wire(cordon.lift_cordon(self._machine))}
        reason, by = parameters.text(params, "reason", ""), parameters.text(params, "by", "")
        made = cordon.set_cordon(self._machine, params.get("drain") is True, reason, by)
        return {"cordon": cordon.as_wire(made)}


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler, for one link."""
    return QueueMethods(machine).table()
