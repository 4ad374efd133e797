"""Fixtures of the rig of real machines."""

from tests.machines.rig import make_proxy, make_server, server

__all__ = ["make_proxy", "make_server", "server"]
