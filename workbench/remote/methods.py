"""What a machine can be asked: the table of methods, each handing its parameters to the room that does it.

Rooms are imported when first asked for, so that a link is up before it has read what it may never need.
"""

import os
import shutil
import tempfile
from typing import Any, Dict, List, Optional

from workbench.remote import protocol
from workbench.remote.exchange import Exchange
from workbench.remote.link import Handler
from workbench.remote.machine import Machine
from workbench.remote.problems import RequestError

UPLOAD_WINDOW = 8 << 20


class Methods(object):
    """The handlers of one link, for its machine."""

    def __init__(self, machine):
        # type: (Machine) -> None
        self._machine = machine

    def table(self):
        # type: () -> Dict[str, Handler]
        """Method name -> handler."""
        return {}

    def close(self):
        # type: () -> None
        """The link is ending."""
