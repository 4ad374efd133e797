"""Fixtures of the rig of real machines, and of users who work on them."""

from tests.machines.at_terminal import open_wb, user
from tests.machines.engine_storage import engines_apart
from tests.machines.left_behind import nothing_left_behind
from tests.machines.netns import net
from tests.machines.rig import make_proxy, make_server, server
from tests.machines.wb import make_wb, wb

__all__ = [
    "engines_apart",
    "make_proxy",
    "make_server",
    "make_wb",
    "net",
    "nothing_left_behind",
    "open_wb",
    "server",
    "user",
    "wb",
]
