"""`python -m tests.bench.changing_runs HOME RATE COUNT`: tag the newest COUNT runs in turn, RATE a second."""

from __future__ import annotations

import sys
import time

from workbench.home import find_home
from workbench.workspace import Workspace


def main(home: str, rate: int, count: int) -> None:
    """Until it is ended; what the server does not take in time is left out."""
    with Workspace.open("default", embedded=False, home=find_home({"WORKBENCH_HOME": home})) as workspace:
        ids = workspace.call("runs", "order")["ids"].split()[:count]
        began, done = time.monotonic(), 0
        while True:
            workspace.call("runs", "tag", run=ids[done % count], set={"beat": str(done)})
            done += 1
            time.sleep(max(0.0, began + done / rate - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
