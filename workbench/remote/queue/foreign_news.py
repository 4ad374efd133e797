"""Who uses GPUs outside the queue, as known for a moment: a slow driver holds nobody up who only looks."""

import threading
import time
from typing import Any, Callable, Dict

FRESH = 5.0  # seconds for which it is believed

Asked = Dict[str, Any]


class ForeignNews(object):
    """What was found last, and one question at a time that goes on while others look at that.

    ask: finds those of asked["devices"] that nobody gets, each with why; it takes as long as a driver hangs.
    """

    def __init__(self, ask):
        # type: (Callable[[Asked], Dict[str, str]]) -> None
        self._ask = ask
        self._changed = threading.Condition()
        self._busy = {}  # type: Dict[str, str]
        self._of = {}  # type: Asked
        self._fresh_until = 0.0
        self._asking = False

    def busy(self, asked, patience):
        # type: (Asked, float) -> Dict[str, str]
        """Those that nobody gets, each with why; after so many seconds what was known before."""
        deadline = time.monotonic() + patience
        with self._changed:
            while not self._is_fresh(asked):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                if not self._asking:
                    self._asking = True
                    threading.Thread(
                        target=self._find, args=(asked,), name="foreign use", daemon=True
                    ).start()
                self._changed.wait(left)
            return {device: why for device, why in self._busy.items() if device in asked["devices"]}

    def _is_fresh(self, asked):
        # type: (Asked) -> bool
        return asked == self._of and time.monotonic() < self._fresh_until

    def _find(self, asked):
        # type: (Asked) -> None
        found = None
        try:
            found = self._ask(asked)
        finally:
            with self._changed:
                if found is not None:
                    self._busy, self._of = found, asked
                    self._fresh_until = time.monotonic() + FRESH
                self._asking = False
                self._changed.notify_all()
