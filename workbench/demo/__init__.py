"""`wb demo`: the whole loop on two embedded SSH machines, real code, real data, nothing to set up."""

from workbench.demo.story import run

__all__ = ["run"]
