"""The link's methods about environments: with what one is built, what is lacking, building, what is there."""

import threading
import time
from typing import Any, Dict, Tuple

from workbench.remote.machine import Machine
from workbench.remote.wire import parameters
from workbench.remote.wire.exchange import LATER, Exchange, Handler
from workbench.remote.wire.problems import RequestError

MAX_BUILDS = 8
REMEMBERED = 60.0  # seconds for which it is believed which interpreters a machine has


def table(machine):
    # type: (Machine) -> Dict[str, Handler]
    """Method name -> handler."""
    methods = EnvironmentMethods(machine)
    return {
        "environment_site": methods.site,
        "environment_needs": methods.needs,
        "environment_uv": methods.unpack,
        "environment_python": methods.fetch_python,
        "environment_reach": methods.reach,
        "environment_build": methods.build,
        "environment_log": methods.log,
        "environment_list": methods.listed,
        "environment_prune": methods.prune,
    }


class EnvironmentMethods(object):
    """The handlers of one link."""

    def __init__(self, machine):
        # type: (Machine) -> None
        self._machine = machine
        self._building = threading.BoundedSemaphore(MAX_BUILDS)
        self._sites = {}  # type: Dict[Tuple[str, str], Tuple[float, Dict[str, Any]]]

    def site(self, exchange):
        # type: (Exchange) -> Any
        """What decides what an environment becomes here: interpreter, uv, conda, system."""
        from workbench.remote.environments.readiness import site

        wanted = parameters.text(exchange.params, "python", "")
        preferred = parameters.text(exchange.params, "preferred", "")
        known = self._sites.get((wanted, preferred))
        if known is None or time.monotonic() - known[0] > REMEMBERED:
            known = (time.monotonic(), site(self._machine, wanted or None, preferred or None))
            self._sites[wanted, preferred] = known
        return known[1]

    def needs(self, exchange):
        # type: (Exchange) -> Any
        """Whether an environment is ready, and which of what it is built with is not here."""
        from workbench.remote.environments.readiness import needs

        return needs(self._machine, parameters.mapping(exchange.params, "build"))

    def unpack(self, exchange):
        # type: (Exchange) -> Any
        """Take uv out of the wheel that was sent."""
        from workbench.remote.environments.readiness import unpack_uv

        params = exchange.params
        words = [parameters.text(params, name) for name in ("version", "sha256", "name")]
        return {"path": unpack_uv(self._machine, *words)}

    def fetch_python(self, exchange):
        # type: (Exchange) -> Any
        """Have uv fetch an interpreter that is wanted and not here."""
        from workbench.remote.environments.readiness import install_python

        params = exchange.params
        install_python(
            self._machine, parameters.text(params, "python"), parameters.optional_text(params, "uv")
        )
        self._sites.clear()
        return {}

    def reach(self, exchange):
        # type: (Exchange) -> Any
        """Whether a build would find here by itself what is locked."""
        from workbench.remote.environments.reach import reach

        build = parameters.mapping(exchange.params, "build")
        return reach(self._machine, build, parameters.texts(exchange.params, "secrets"))

    def build(self, exchange):
        # type: (Exchange) -> Any
        """Have an environment ready; see `environments.watching`. In a thread of its own: it may last."""
        if not self._building.acquire(False):
            raise RequestError("busy", "%d environments are built or watched at once already" % MAX_BUILDS)
        threading.Thread(target=self._build, args=(exchange,), daemon=True).start()
        return LATER

    def _build(self, exchange):
        # type: (Exchange) -> None
        from workbench.remote.environments.watching import build

        try:
            exchange.carry(lambda: exchange.answer(build(exchange, self._machine)))
        finally:
            self._building.release()

    def log(self, exchange):
        # type: (Exchange) -> Any
        """What the last build of an environment said, as far as it is kept."""
        from workbench.remote.environments.watching import tell_log

        return tell_log(exchange, self._machine)

    def listed(self, exchange):
        # type: (Exchange) -> Any
        """All environments here."""
        from workbench.remote.environments.listing import listing

        return {"environments": listing(self._machine, exchange)}

    def prune(self, exchange):
        # type: (Exchange) -> Any
        """Remove environments that nobody used for a while."""
        from workbench.remote.environments.pruning import prune_environments

        return prune_environments(self._machine, exchange)
