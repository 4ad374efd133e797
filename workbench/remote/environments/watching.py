"""Building for somebody at the other end of a link, who sees the log as it comes."""

import os
import time
from typing import Any, Dict

from workbench.remote.environments.places import Place, check_build, let_go, open_hold
from workbench.remote.environments.waiting import BuildFailed, Waiting
from workbench.remote.machine import Machine
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError

READ = 32768
LOOK = 0.2
NOBODY = 120.0  # seconds in which who looks on waits for somebody to build it


def build(exchange, machine):
    # type: (Exchange, Machine) -> Dict[str, Any]
    """Params build (as a spec's environment_build), secrets, want=true; EVENT {"log": text} as it comes.

    Answers what `.ready` says, "key" and "built_now": whether it was built meanwhile. It is wanted as long as
    the stream is: when that is given up and no run waits, the build ends. want=false: only look on while
    somebody else has it built. Raises BuildFailed, Cancelled, RequestError, OSError.
    """
    asked = parameters.mapping(exchange.params, "build")
    check_build(asked)
    place = Place(machine, str(asked.get("key")))
    place.make_folder()
    said = Saying(exchange, place)
    if exchange.params.get("want") is False:
        return looked_on(place, said)
    hold = open_hold(place)
    try:
        secrets = parameters.texts(exchange.params, "secrets")
        try:
            ready = Waiting(machine, place, asked, secrets, said.heard).wait(hold)
        except BuildFailed:
            said.rest()
            raise
        said.rest()
        let_go(hold)
    finally:
        os.close(hold)
    return dict(ready, key=place.key, built_now=said.began)


def looked_on(place, said):
    # type: (Place, Saying) -> Dict[str, Any]
    """Wait for the end of a build that others want; {"state", "problem"}."""
    handle = open_hold(place)
    deadline = time.monotonic() + NOBODY
    try:
        while said.began or time.monotonic() < deadline:
            state = place.read_state()
            said.heard(state)
            ready = place.read_ready()
            if ready is not None:
                said.rest()
                return dict(ready, key=place.key, built_now=said.began)
            if state.get("ended") and said.began:
                said.rest()
                raise RequestError("environment", str(state.get("problem") or "it was not built"))
            time.sleep(LOOK)
    finally:
        os.close(handle)
    raise RequestError("not_found", "nobody builds it")


def tell_log(exchange, machine):
    # type: (Exchange, Machine) -> Dict[str, Any]
    """Params key; EVENT {"log": text} of its last build. Raises RequestError, ValueError."""
    place = Place(machine, parameters.text(exchange.params, "key"))
    try:
        with open(place.log, "rb") as file:
            file.seek(int(place.read_state().get("offset") or 0))
            while True:
                data = file.read(READ)
                if not data:
                    return {}
                exchange.wait_credit()
                exchange.event({"log": data.decode("utf-8", "replace")})
    except FileNotFoundError:
        raise RequestError("not_found", "there is no log of it on this machine")


class Saying(object):
    """Sends what a build says as it comes."""

    def __init__(self, exchange, place):
        # type: (Exchange, Place) -> None
        self._exchange = exchange
        self._place = place
        self._attempt = 0
        self._offset = 0
        self.began = False

    def heard(self, state):
        # type: (Dict[str, Any]) -> None
        """A look at the state. Raises Cancelled when the near end gave up."""
        self._exchange.check()
        attempt = int(state.get("attempt") or 0)
        if not attempt or (not self.began and state.get("ended")):
            return  # of a build before we came
        if attempt != self._attempt:
            self._attempt = attempt
            self._offset = int(state.get("offset") or 0)
            self.began = True
        self._send()

    def rest(self):
        # type: () -> None
        """What came since."""
        while self.began and self._send():
            pass

    def _send(self):
        # type: () -> bool
        """The next of it; False when there is no more."""
        try:
            with open(self._place.log, "rb") as file:
                file.seek(self._offset)
                data = file.read(READ)
        except OSError:
            return False
        if not data:
            return False
        end = data.rfind(b"\n") + 1 or len(data)
        self._offset += end
        self._exchange.wait_credit()
        self._exchange.event({"log": data[:end].decode("utf-8", "replace")})
        return True
