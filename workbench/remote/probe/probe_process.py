"""A probe as a child of the link: asked through its input, heard through its output, gone with either."""

import json
import os
import signal
import subprocess
from typing import Any, Dict, List, Optional

from workbench.remote.machine import Machine
from workbench.remote.starting import quick_argv

READ = 1 << 16
MAX_LINE = 8 << 20
GONE = 1.0  # seconds it gets to end before it is killed


class ProbeProcess(object):
    """A running probe. host_only: it leaves the GPUs alone. Raises OSError when none can be started."""

    def __init__(self, machine, host_only):
        # type: (Machine, bool) -> None
        self._asked = None  # type: Any
        self._pending = []  # type: List[bytes]
        self._awaits_full = True
        words = ["probe", machine.root, machine.lease_dir] + (["host-only"] if host_only else [])
        self._child = subprocess.Popen(
            quick_argv(machine, words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd="/",
        )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self.pid = self._child.pid
        self.output = self._child.stdout.fileno()

    def ask(self, every, detail, full):
        # type: (float, List[str], bool) -> None
        """Say what is wanted, if that is news; a sample in full that is on its way is not asked for again."""
        wanted = {"every": every, "detail": detail}  # type: Dict[str, Any]
        full = full and not self._awaits_full
        if wanted == self._asked and not full:
            return
        self._asked = wanted
        self._awaits_full = self._awaits_full or full
        line = json.dumps(dict(wanted, full=True) if full else wanted).encode("ascii") + b"\n"
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(line)
        except BrokenPipeError:  # it has ended: its output says so
            return

    def read(self):
        # type: () -> Optional[List[bytes]]
        """The lines that are complete now; None when it has ended."""
        block = os.read(self.output, READ)
        if not block:
            return None
        head, newline, rest = block.rpartition(b"\n")
        if not newline:
            self._pending.append(block)
            if sum(len(piece) for piece in self._pending) > MAX_LINE:
                return None
            return []
        lines = (b"".join(self._pending) + head).split(b"\n")
        self._pending = [rest] if rest else []
        if any(line.startswith(b'{"full":') for line in lines):
            self._awaits_full = False
        return lines

    def close(self):
        # type: () -> int
        """End it: it goes with its input; one that does not is killed. Returns its exit code."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        try:
            code = self._child.wait(GONE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = -signal.SIGKILL  # it is not waited for: what hangs in a driver does not end by that
        self._child.stdout.close()
        return code
