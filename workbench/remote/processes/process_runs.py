"""Which run a process belongs to, and how that is known. Pure: what was read of processes in, a claim out.

In this order: the cgroup its run's scope is, the run id in its environment, the session or group of a command
a supervisor started, the chain of its parents. A new session loses the third, an emptied environment the
second, both together leave the fourth, because guard and supervisor take in their orphans.
"""

import re
from typing import Dict, List, NamedTuple, Optional, Set

CGROUP, ENVIRONMENT, SESSION, PARENT = "cgroup", "environment", "session", "parent"
ROOT = 0

SCOPE_PREFIX = "workbench-"  # + run id + "-" + anything + ".scope": what a run's systemd scope is called
_SCOPE = re.compile(r"(?:^|/)workbench-([0-9A-HJKMNP-TV-Z]{26})(?:-[^/]*)?\.scope(?:/|$)", re.MULTILINE)
_SLICE = re.compile(r"/user-([0-9]{1,10})\.slice/")
_CONTAINER = re.compile(r"(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?(?=/|$)", re.MULTILINE)
_LXC = re.compile(r"/lxc(?:\.payload)?[./]([^/\n.]{1,64})")

# What was read of a process. start: field 22 of its stat. uid: as which it runs. cgroup: its cgroup file.
# run, guard: WORKBENCH_RUN_ID and WORKBENCH_GUARD of its environment, None when unset or not ours to read.
# chain: the pids above it, nearest first.
Clues = NamedTuple(
    "Clues",
    [
        ("pid", int),
        ("start", int),
        ("uid", int),
        ("group", int),
        ("session", int),
        ("cgroup", str),
        ("run", Optional[str]),
        ("guard", Optional[str]),
        ("chain", List[int]),
    ],
)

# found_by: CGROUP, ENVIRONMENT, SESSION or PARENT.
Claim = NamedTuple("Claim", [("run", str), ("found_by", str)])

# A session that a supervisor started its run's command in.
Session = NamedTuple("Session", [("run", str), ("start", int)])


class Known(object):
    """What is known of a machine's runs already.

    uid: the user we are. keepers: pid of a guard or supervisor of that user's -> its run. sessions: id of a
    session -> whose it is. claims: pid -> the claim found for it.
    """

    def __init__(self, uid):
        # type: (int) -> None
        self.uid = uid
        self.keepers = {}  # type: Dict[int, str]
        self.sessions = {}  # type: Dict[int, Session]
        self.claims = {}  # type: Dict[int, Claim]

    def forget(self, gone):
        # type: (Set[int]) -> None
        """Drop processes that are no more, and the sessions of runs that nobody looks after any more."""
        for pid in gone:
            self.keepers.pop(pid, None)
            self.claims.pop(pid, None)
        kept = set(self.keepers.values())
        for number in [number for number, session in self.sessions.items() if session.run not in kept]:
            del self.sessions[number]

    def note(self, clues):
        # type: (Clues) -> bool
        """Take in a guard, a supervisor or the command that one started; whether it was a keeper.

        Only the user's own ones: an environment says what its owner likes.
        """
        if clues.uid != self.uid:
            return False
        self.keepers.pop(clues.pid, None)  # what a supervisor forked may be a command by now
        if clues.guard is not None and clues.run is None:
            self.keepers[clues.pid] = clues.guard
            return True
        keeper = self.keepers.get(clues.chain[0]) if clues.chain else None
        # An orphan the supervisor took in leads a session too; only the command has the run's id for certain.
        if keeper is not None and clues.session == clues.pid and clues.run == keeper:
            self.sessions[clues.pid] = Session(keeper, clues.start)
        return False


def run_of(clues, known):
    # type: (Clues, Known) -> Optional[Claim]
    """The run a process belongs to; None for one of no run."""
    ours = set(known.keepers.values())
    scope = _SCOPE.search(clues.cgroup)
    if scope is not None and _may_claim(scope.group(1), _owner(clues), known, ours):
        return Claim(scope.group(1), CGROUP)
    if clues.run is not None and _may_claim(clues.run, clues.uid, known, ours):
        return Claim(clues.run, ENVIRONMENT)
    for number in (clues.session, clues.group):
        session = known.sessions.get(number)
        if session is not None and session.start <= clues.start:
            return Claim(session.run, SESSION)
    for ancestor in clues.chain:
        if ancestor in known.keepers:
            return Claim(known.keepers[ancestor], PARENT)
        if ancestor in known.claims:
            return Claim(known.claims[ancestor].run, PARENT)
    return None


def _owner(clues):
    # type: (Clues) -> int
    """Whose cgroup it is: the slice of a user says so, and only its user can put a process there."""
    found = _SLICE.search(clues.cgroup)
    return int(found.group(1)) if found is not None else clues.uid


def _may_claim(run, owner, known, ours):
    # type: (str, int, Known, Set[str]) -> bool
    """Whether what `owner` says of a process counts: nobody else can make his ours."""
    return owner in (known.uid, ROOT) or run not in ours


def container_of(cgroup):
    # type: (str) -> Optional[str]
    """The container a process is in, by its cgroup file: docker's or podman's id shortened as they do it."""
    found = _CONTAINER.search(cgroup)
    if found is not None:
        return found.group(1)[:12]
    lxc = _LXC.search(cgroup)
    return lxc.group(1) if lxc is not None else None
