"""What the payload does when it is started: the first word says which program."""

import os
import sys
from typing import Callable, Dict, List, Optional


def _guard(argv):
    # type: (List[str]) -> int
    from workbench.remote.supervision.guard import main as guard_main

    return guard_main(argv)


def _compile(argv):
    # type: (List[str]) -> int
    from workbench.remote.compiled import build

    os.nice(10)
    build(argv[0])
    return 0


def _probe(argv):
    # type: (List[str]) -> int
    from workbench.remote.probe.ticking import main as probe_main

    return probe_main(argv)


def _foreign(argv):
    # type: (List[str]) -> int
    from workbench.remote.queue.foreign_use import main as foreign_main

    return foreign_main(argv)


def _tend(argv):
    # type: (List[str]) -> int
    from workbench.remote.sessions.tending import main as tend_main

    return tend_main(argv)


def _companion(argv):
    # type: (List[str]) -> int
    from workbench.remote.supervision.companion import main as companion_main

    return companion_main(argv)


def _environment(argv):
    # type: (List[str]) -> int
    from workbench.remote.environments.building import main as environment_main

    return environment_main(argv)


def _ranks(argv):
    # type: (List[str]) -> int
    from workbench.remote.distribution.launcher import main as ranks_main

    return ranks_main(argv)


# Each program is imported only when it is asked for: a guard must stay small.
WORDS = {
    "guard": _guard,
    "compile": _compile,
    "probe": _probe,
    "foreign": _foreign,
    "tend": _tend,
    "companion": _companion,
    "environment": _environment,
    "ranks": _ranks,
}  # type: Dict[str, Callable[[List[str]], int]]


def main(argv=None):
    # type: (Optional[List[str]]) -> int
    """Run the program that the first word names and return its exit status; 2 for an unknown word."""
    words = sys.argv[1:] if argv is None else argv
    program = WORDS.get(words[0]) if words else None
    if program is None:
        sys.stderr.write("usage: payload %s ...\n" % "|".join(sorted(WORDS)))
        return 2
    return program(words[1:])
