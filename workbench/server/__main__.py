"""`python -m workbench.server`: what a client starts on demand."""

import gc
import sys


def serve() -> int:
    """Be the server; its exit code."""
    gc.disable()  # what is imported is no garbage, and somebody waits for it; the server turns it on
    from workbench.server.main import main

    return main()


sys.exit(serve())
