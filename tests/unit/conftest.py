"""Fixtures that several unit tests ask for."""

from tests.tracking_run import run

__all__ = ["run"]
