"""GPUs for somebody who works at a terminal: a lease that lasts as long as the stream that asked for it.

It waits its turn like a run. The link stands behind it, so it is free again when the link is gone, however
that ended.
"""

import os
import random
import threading
from typing import Any, Dict, List

from workbench.remote.disk.filelock import remove_locked, try_lock
from workbench.remote.gpus.devices import list_gpus
from workbench.remote.machine import Machine
from workbench.remote.processes.process_trees import identity
from workbench.remote.queue.cordon import refuse_new
from workbench.remote.queue.foreign_asking import ask_aside
from workbench.remote.queue.leases import resolve_devices
from workbench.remote.queue.queue_files import keeper_entry
from workbench.remote.supervision.queueing import Waiting
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
KIND = "shell"


def hold_lease(machine, exchange):
    # type: (Machine, Exchange) -> Dict[str, Any]
    """Wait for GPUs and hold them until the near end gives the stream up.

    Parameters: gpus, label, by; devices, slots, priority, foreign_memory, foreign_utilisation as of a run.
    Events: {"waiting": why} whenever that changes, once {"granted": [uuid], "lease": id}. Raises Cancelled at
    its end, RequestError for more GPUs than can be used here.
    """
    params = exchange.params
    spec = {
        "name": " ".join(parameters.text(params, "label", "shell").split())[:100],
        "submitted_by": " ".join(parameters.text(params, "by", "").split())[:100],
        "gpus": parameters.offset(params, "gpus"),
        "slots": parameters.offset(params, "slots"),
    }  # type: Dict[str, Any]
    devices = usable_devices(params)
    if spec["gpus"] > len(devices):
        there = "only %d" % len(devices) if devices else "none"
        raise RequestError("refused", "%d GPUs wanted, but %s can be used here" % (spec["gpus"], there))
    refuse_new(machine)
    me = identity(os.getpid())
    assert me is not None
    lease = "".join(random.SystemRandom().choice(ALPHABET) for _ in range(26))
    # The lock tells those in other pid namespaces, who cannot judge our pid.
    path = os.path.join(machine.locks, lease)
    lock = try_lock(path)
    assert lock is not None, "nobody else has this name"
    limits = {name: params.get(name) for name in ("foreign_memory", "foreign_utilisation")}
    wanted = dict(limits, devices=devices)
    waiting = Waiting(machine, lease, devices, lambda: ask_aside(machine, wanted), lambda: False)
    try:
        keeper = dict(keeper_entry(machine, spec, "", (me,)), kind=KIND)
        waiting.enter(spec, parameters.whole(params, "priority"), None, keeper)
        _wait_and_hold(waiting, exchange, lease)
    finally:
        waiting.release()
        remove_locked(path, lock)
    return {}


def usable_devices(params):
    # type: (Dict[str, Any]) -> List[str]
    """The devices a request may use, by its choice and what the driver lists."""
    chosen = params.get("devices") or []
    if not isinstance(chosen, list) or len(chosen) > 1024:
        raise RequestError("usage", "parameter devices must be a list")
    return list(resolve_devices(chosen, [gpu["uuid"] for gpu in list_gpus()]))


def _wait_and_hold(waiting, exchange, lease):
    # type: (Waiting, Exchange, str) -> None
    """Until the near end gives up, which raises Cancelled."""
    changed = threading.Event()
    exchange.changed = changed.set
    told = None
    while True:
        devices = waiting.attempt(lambda function: function())
        if devices is not None:
            break
        if waiting.reason and waiting.reason != told:
            told = waiting.reason
            exchange.event({"waiting": told})
        while not waiting.should_look():
            changed.wait(waiting.pause)
            changed.clear()
            exchange.check()
            waiting.keep_fresh()
        exchange.check()
    exchange.event({"granted": devices, "lease": lease})
    while True:
        changed.wait(60.0)
        changed.clear()
        exchange.check()
        waiting.keep_fresh()
