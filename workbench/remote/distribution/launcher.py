"""Starts the processes of a distributed run and stays until they are done: the command, as the run sees it.

One that fails ends the others, and this program then ends as that one did, so the run tells it. Ending the
run ends everything below its supervisor, so nothing here needs to outlive anything.
"""

import os
import resource
import select
import signal
import sys
import time
from typing import Dict, List, Optional

from workbench.remote.distribution import mpi
from workbench.remote.distribution import plan as plans
from workbench.remote.distribution.outlet import Outlet
from workbench.remote.distribution.ports import NoPort, Ports, taken
from workbench.remote.distribution.rank import CHUNK, FILE, POLITE, Log, Rank
from workbench.remote.distribution.variables import MPI, variables_of
from workbench.remote.forms import protocol
from workbench.remote.runs.runfolder import write_whole

BROKEN = 125  # our exit code when nothing could be started
LOOK = 0.25
SETTLE = 0.3  # seconds after a rank was told to end by somebody else: that may be the end of them all
LINGER = 0.5  # seconds the output of what the ranks left behind is still read
PIPE_BYTES = 1 << 20  # more than any pipe holds here: none is made larger
YOUNG = 120.0  # seconds in which a port that somebody else took is a reason to begin again
STARTS = 3
STARTED_BY = "WORKBENCH_RANKS"  # in each rank: the plan it was started by


class Launcher(object):
    """One start of all processes of a plan after the other, until one of them counts.

    only: the one rank that is started here, where mpirun starts a launcher for each.
    """

    def __init__(
        self, plan: plans.Plan, environment: Dict[str, str], output: int, only: Optional[int] = None
    ) -> None:
        self._plan = plan
        self._only = only
        self._environment = environment
        self._outlet = Outlet(output)
        self._ranks = []  # type: List[Rank]
        self._first = None  # type: Optional[Rank]
        self._kill_at = None  # type: Optional[float]
        self._asked = 0  # the signal that told us to end
        self._problem = ""
        # The supervisor's signals come to every rank by themselves, also into a container (from nobody there:
        # 0). What mpirun or a container's first process passes on comes to the launcher alone.
        parent = os.getppid()
        self._tell_all = {0, parent} if only is None and parent != 1 else {0}
        self._wake, woken = os.pipe()
        for end in (self._wake, woken):
            os.set_blocking(end, False)
            os.set_inheritable(end, False)
        signal.set_wakeup_fd(woken)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.pthread_sigmask(signal.SIG_BLOCK, POLITE)

    def run_one(self) -> int:
        """The same for the only one, whose ports are found by who started mpirun."""
        self._start([int(self._environment["MASTER_PORT"])])
        self._until_all_ended()
        self._leave_word()
        return self._status

    @property
    def _status(self) -> int:
        return (self._first.status if self._first is not None else None) or 0

    def run(self) -> int:
        """Until all have ended; the wait status that stands for all of them. Raises NoPort."""
        for left in reversed(range(STARTS)):
            ports = Ports(self._plan.layout.ports)
            began = time.monotonic()
            self._start(ports.numbers)
            self._until_all_ended()
            young = time.monotonic() - began < YOUNG
            stolen = [port for port in ports.numbers if young and self._failed and taken(port)]
            ports.release()
            if not stolen or not left or self._asked:
                break
            words = "port %d was taken by somebody else in the meantime: all ranks are started again"
            self._outlet.tell(words % stolen[0])
        self._leave_word()
        return self._status

    @property
    def _failed(self) -> bool:
        return self._first is not None

    def _start(self, ports: List[int]) -> None:
        self._ranks, self._first, self._kill_at, self._problem = [], None, None, ""
        secrets = [self._environment[name] for name in self._plan.secrets if name in self._environment]
        for number in range(self._plan.layout.processes) if self._only is None else [self._only]:
            log = Log(os.path.join(self._plan.logs, FILE % number), secrets, self._plan.cap)
            variables = dict(self._environment, **variables_of(self._plan.layout, number, ports))
            variables[STARTED_BY] = self._plan.path
            try:
                rank = Rank(number, self._plan.argv, variables, log)
            except OSError as problem:
                self._problem = "rank %d could not be started: %s" % (number, problem.strerror or problem)
                self._outlet.tell(self._problem)
                self._end_others()
                return
            self._ranks.append(rank)
            if log.trouble is not None:
                self._tell_of_log(rank)

    def _until_all_ended(self) -> None:
        """Output as it comes, ends as they come, the others' end once one has failed."""
        leave_at = None  # type: Optional[float]
        while True:
            self._reap()
            self._heed()
            now = time.monotonic()
            if self._kill_at is not None and now >= self._kill_at:
                for rank in self._ranks:  # a group may be there still when its leader is gone
                    rank.send(signal.SIGKILL)
                self._kill_at = now + 1.0
            if all(rank.status is not None for rank in self._ranks):
                leave_at = now + LINGER if leave_at is None else leave_at
                if now >= leave_at or all(rank.fd < 0 for rank in self._ranks):
                    break
            self._listen(LOOK if leave_at is None else max(0.01, leave_at - now))
        for rank in self._ranks:
            self._outlet.feed(rank.number, rank.close())
            self._outlet.finish(rank.number)

    def _listen(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        by_fd = {rank.fd: rank for rank in self._ranks if rank.fd >= 0}
        for descriptor in by_fd:
            poll.register(descriptor, select.POLLIN | select.POLLHUP | select.POLLERR)
        for descriptor, _ in poll.poll(seconds * 1000):
            if descriptor == self._wake:
                os.read(self._wake, 4096)
                continue
            rank = by_fd[descriptor]
            healthy = rank.log.trouble is None
            self._outlet.feed(rank.number, rank.read() or b"")
            if healthy and rank.log.trouble is not None:
                self._tell_of_log(rank)
            if rank.fd < 0:
                self._outlet.finish(rank.number)
        self._outlet.tick()

    def _reap(self) -> None:
        for rank in self._ranks:
            if rank.status is not None:
                continue
            pid, status = os.waitpid(rank.pid, os.WNOHANG)
            if not pid:
                continue
            rank.status = status
            if status and self._first is None and not rank.told:
                self._fail(rank)

    def _fail(self, rank: Rank) -> None:
        """A rank that failed: who reads the output is told, and the others are ended."""
        assert rank.status is not None
        self._first = rank
        if rank.status & 0x7F in POLITE:
            self._heed(SETTLE)
        if self._asked:
            return
        others = sum(1 for other in self._ranks if other.status is None)
        then = "; the others are ended" if others else ""
        words = plans.end_words(plans.end_of(rank.number, rank.status, False))
        self._drain(rank)
        self._outlet.tell("rank %d of %d: %s%s" % (rank.number, self._plan.layout.processes, words, then))
        self._end_others()

    def _drain(self, rank: Rank) -> None:
        """What it wrote last stands before what is said of its end.

        No more than a pipe holds: what it left running may write on without end.
        """
        for _ in range(PIPE_BYTES // CHUNK):
            data = rank.read() if rank.fd >= 0 else None
            if data is None:
                break
            self._outlet.feed(rank.number, data)
        self._outlet.finish(rank.number)

    def _end_others(self) -> None:
        for rank in self._ranks:
            if rank.status is None:
                rank.send(signal.SIGTERM)
        self._kill_at = time.monotonic() + self._plan.grace

    def _heed(self, seconds: float = 0.0) -> None:
        """Take a signal that tells us to end. Of the supervisor's, every rank has its own already."""
        told = signal.sigtimedwait(POLITE, seconds)
        if told is None:
            return
        self._asked = told.si_signo
        if told.si_pid not in self._tell_all:
            for rank in self._ranks:
                if rank.status is None:
                    rank.send(told.si_signo)
        self._kill_at = time.monotonic() + self._plan.grace

    def _tell_of_log(self, rank: Rank) -> None:
        words = "logs/%s is not written to any further: %s"
        self._outlet.tell(words % (FILE % rank.number, rank.log.trouble))

    def _leave_word(self) -> None:
        """How all of them ended, for the supervisor and for who looks later."""
        ends = [
            plans.end_of(rank.number, rank.status, rank.told)
            for rank in self._ranks
            if rank.status is not None
        ]
        told = {
            "time": time.time(),
            "attempt": self._plan.attempt,
            "processes": self._plan.layout.processes,
            "ends": ends,
        }
        if self._first is not None and not self._asked:
            told["first"] = self._first.number
        if self._problem:
            told["problem"] = self._problem
        try:
            write_whole(self._plan.ends_of(self._only), protocol.dumps(told), sync=False)
        except OSError:
            pass  # a full disk: the exit status says how it ended, only not which rank

    @property
    def asked(self) -> int:
        """The signal that told us to end, 0 without one."""
        return self._asked

    @property
    def broken(self) -> bool:
        """Whether not all could be started."""
        return bool(self._problem)


def main(argv: List[str]) -> int:
    """`ranks PLAN [one]`: start and wait; ends as the first rank that failed did.

    one: by mpirun, as the launcher of the rank that its variables name.
    """
    try:
        plan = plans.read_plan(argv[0])
        environment = dict(os.environ)
        if environment.get(STARTED_BY) == plan.path:  # each would start all of them, and each of these too
            raise ValueError("a rank is to start all ranks of %s again" % plan.path)
        if argv[1:] == ["one"]:
            launcher = Launcher(plan, environment, 1, mpi.rank_of(environment))
            status = launcher.run_one()
        else:
            if plan.layout.type == MPI:
                mpi.hand_over(plan, environment)
            launcher = Launcher(plan, environment, 1)
            status = launcher.run()
    except (ValueError, OSError, KeyError, NoPort) as problem:
        sys.stderr.write("workbench: the ranks cannot be started: %s\n" % problem)
        return BROKEN
    number = launcher.asked or status & 0x7F
    if number:
        _die_by(number)
    return BROKEN if launcher.broken and not status else status >> 8


def _die_by(number: int) -> None:
    """End by a signal, without a core of ours: what the run tells is the rank's end."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
    os.kill(os.getpid(), number)
    signal.pause()
