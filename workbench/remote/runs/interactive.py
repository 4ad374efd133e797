"""What stands for an interactive run on its machine: it waits until the session that logs says how it ended.

`python -m workbench.remote.runs.interactive PID START`, as the command of a run. The session is the process
of that pid and start time; it logs into the run's folder and leaves SESSION there when it is done.
"""

import os
import sys
import time
from typing import Any, Dict, List, Optional

from workbench.remote.forms import protocol
from workbench.remote.processes import process_trees
from workbench.remote.runs.runfolder import read_object, write_whole

SESSION = "session.json"  # {"state": Completed or Failed, "message"}
LOOK = 0.1  # seconds
LOST = "the session that logged this run ended without saying how"


def leave_word(run_dir, state, message=""):
    # type: (str, str, str) -> None
    """In the session: say how it ended; the first word counts. Raises OSError."""
    path = os.path.join(run_dir, SESSION)
    if not os.path.exists(path):
        write_whole(path, protocol.dumps({"state": state, "message": message}))


def find_word(run_dir):
    # type: (str) -> Optional[Dict[str, Any]]
    """What the session said; None while it has not."""
    try:
        return read_object(os.path.join(run_dir, SESSION), 1 << 20)
    except ValueError:
        return {"state": protocol.FAILED, "message": "what the session left cannot be read"}


def wait_for_session(run_dir, pid, start):
    # type: (str, int, int) -> Dict[str, Any]
    """How the session ended: its own word, or that it is gone without one."""
    while True:
        alive = process_trees.alive(pid, start)
        word = find_word(run_dir)
        if word is not None:
            return word
        if not alive:
            return {"state": protocol.FAILED, "message": LOST}
        time.sleep(LOOK)


def main(argv):
    # type: (List[str]) -> int
    """Wait; exit 0 for Completed, else 1 with the reason on stderr."""
    word = wait_for_session(os.environ[protocol.ENV_RUN_DIR], int(argv[0]), int(argv[1]))
    if word.get("state") == protocol.COMPLETED:
        return 0
    sys.stderr.write("%s\n" % (word.get("message") or "the session said that it failed"))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
