"""One run from its claim to its end: prepare, wait for a lease, run the command, end what is left.

A supervisor is forked from its guard and outlives every connection. Wherever it waits, it also drains the
output, beats, and notices the cancel marker, the deadline and the loss of its guard.
"""

import os
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from workbench.remote.containers.contained import Client, Contained, is_contained
from workbench.remote.environments.environment_records import EnvironmentRecorder
from workbench.remote.environments.places import hold_for, waits_for_build
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.processes import launch
from workbench.remote.processes.aside import Aside
from workbench.remote.processes.masking import Mask, masked_text
from workbench.remote.processes.memory_kills import count_memory_kills, killed_for_memory
from workbench.remote.processes.process_trees import TreeEnd, descendants, identity, tree_of
from workbench.remote.processes.watch import Watch
from workbench.remote.queue.cordon import read_cordon
from workbench.remote.runs import environ, run_status
from workbench.remote.runs.endings import (
    Ending,
    Stop,
    failed,
    not_started,
    of_exit,
    setup_failed,
)
from workbench.remote.runs.retrying import after
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.runs.status_keeper import StatusKeeper
from workbench.remote.runs.stream import StreamWriter
from workbench.remote.supervision import on_end
from workbench.remote.supervision.capture import Capture
from workbench.remote.supervision.companion_keeping import Companion
from workbench.remote.supervision.planning import plan_start
from workbench.remote.supervision.preparing import preparation_failed, prepare
from workbench.remote.supervision.queueing import Waiting, wait_as_run
from workbench.remote.supervision.shell_talk import ShellTalk
from workbench.remote.supervision.stop_markers import StopMarkers
from workbench.remote.supervision.tree_recorder import TreeRecorder, shared_tree

LOOK = 0.25  # seconds between two looks at what nothing tells of
TOLD = 10.0  # where something does: descriptors, signals, and the times at which parts want to be asked
STEP = 0.02  # seconds between two rounds of ending a tree
STUCK = 60.0  # seconds after the last KILL before processes stuck in the kernel are given up
LEAST_CAP = 1 << 16  # bytes of output kept, however little is asked for


class Supervisor(object):
    """Supervises one attempt of one run; call `supervise` once.

    secrets: name -> value, for the environment of the command only. umask: the user's, for the command.
    """

    def __init__(self, machine, folder, spec, secrets, keeper, watch, umask):
        # type: (Machine, RunFolder, Dict[str, Any], Mapping[str, str], StatusKeeper, Watch, int) -> None
        self._machine = machine
        self._folder = folder
        self._asked = spec  # as it is kept: what follows is tried by it, never by what became of it here
        self._spec = spec
        self._secrets = secrets
        self._keeper = keeper
        self._watch = watch
        self._umask = umask
        self._stoppable = True
        self._started = False
        self._markers = StopMarkers(folder)
        self._deadline = None  # type: Optional[float]
        self._main = 0
        self._launch = None  # type: Optional[launch.Launch]
        self._talk = None  # type: Optional[ShellTalk]
        self._waiting = None  # type: Optional[Waiting]
        self._environment = None  # type: Optional[EnvironmentRecorder]
        self._companion = Companion(machine, folder, spec, watch)
        self._find = tree_of(os.getpid(), folder.run_id, lambda: self._companion.pid)
        below = lambda: descendants(os.getpid())  # noqa: E731
        self._contained = Contained(machine, folder, spec, watch) if is_contained(spec) else None
        if self._contained is not None:
            self._find, below = self._contained.tree(self._find), self._contained.tree(below)
        self._recorder = TreeRecorder(folder, below, shared_tree(machine, folder))
        self._ticking = [self._recorder, self._companion]  # type: List[Any]
        if self._contained is not None:
            self._ticking.append(self._contained)
        cap = max(LEAST_CAP, int(spec.get("stream_cap") or protocol.DEFAULT_STREAM_CAP))
        writer = StreamWriter(folder.path, cap, int(keeper.status.get("attempt", 1)))
        self._capture = Capture(writer, Mask(secrets.values()))
        self._watch.on(self._capture.fd, self._on_output)
        self._kills = count_memory_kills()

    def supervise(self):
        # type: () -> None
        """The whole life of the run's attempt; how it ended is in its status when this returns."""
        try:
            prepared = self._prepare()
            devices = self._lease(prepared)
            ending = self._run(prepared, devices)
            if self._spec.get("distribution"):
                from workbench.remote.distribution.plan import with_rank

                ending = with_rank(self._folder, self._spec, ending)
        except Stop as stop:
            ending = stop.ending
        self._end(ending)

    def _prepare(self):
        # type: () -> Dict[str, Any]
        """Code, shims and setup lines, before anything is leased."""
        self._keeper.move(protocol.PREPARING)
        hold = hold_for(self._machine, self._spec)  # open while we live: nobody removes it meanwhile
        note = waits_for_build(self._machine, self._spec)
        if note is not None:
            self._keeper.set(note=note)
        inputs = (self._machine, self._folder, self._spec, self._secrets, hold)
        prepared = self._aside(lambda: prepare(*inputs))
        if "error" in prepared:
            raise Stop(preparation_failed(prepared["error"]))
        inside = (prepared, self._contained, self._umask)
        try:
            self._spec, plan = plan_start(self._machine, self._folder, self._spec, *inside)
        except (ValueError, OSError) as error:
            raise Stop(failed(protocol.CAUSE_COMMAND, str(error)))
        self._launch = plan
        if plan.shakes:
            self._talk = ShellTalk()
            self._start(prepared, None)
            self._keeper.set()  # who the shell is; a plain command's pid is written with the move to Running
            self._set_up(self._talk)
        return prepared

    def _set_up(self, talk):
        # type: (ShellTalk) -> None
        """Wait until the shell is through its setup lines."""
        self._watch.on(talk.fd, talk.listen)
        self._until(lambda: talk.ready or self._main in self._watch.ends)
        self._watch.off(talk.fd)
        talk.listen()  # what it said just before it ended
        if not talk.ready:
            lines = self._spec.get("setup") or []
            line = str(lines[talk.line - 1]) if 0 < talk.line <= len(lines) else ""
            ending = setup_failed(talk.line, line, self._watch.ends[self._main])
            message = masked_text(ending.message or "", self._secrets.values())
            raise Stop(ending._replace(message=message))

    def _lease(self, prepared):
        # type: (Dict[str, Any]) -> List[str]
        """Wait for GPUs and a slot; returns the devices leased, none where none are wanted."""
        if not self._must_wait():
            return []
        status = self._keeper.status
        self._waiting = wait_as_run(self._machine, self._folder, self._spec, status, prepared)
        while True:
            devices = self._waiting.attempt(self._aside)
            if devices is not None:
                self._keeper.set(gpus=list(devices))
                return list(devices)
            if self._waiting.reason:
                self._keeper.queued(self._waiting.reason)
            self._until(self._waiting.should_look, self._waiting.pause)
            if self._main in self._watch.ends:
                raise Stop(failed(protocol.CAUSE_SETUP, "the shell ended while it waited for its lease"))

    def _must_wait(self):
        # type: () -> bool
        """Whether it takes a place in the queue; one that wants nothing does only where nothing may start."""
        wants = self._spec.get("gpus") or self._spec.get("slots")
        return bool(wants) or os.path.exists(self._folder.hold) or read_cordon(self._machine).on

    def _run(self, prepared, devices):
        # type: (Dict[str, Any], List[str]) -> Ending
        """The command itself."""
        self._started = True
        visible = environ.visible_devices(self._spec.get("gpus"), devices)
        if self._talk is not None:
            self._talk.proceed(visible)
        else:
            self._start(prepared, visible, devices)
        if self._spec.get("timeout"):
            self._deadline = time.monotonic() + float(self._spec["timeout"])
        self._keeper.move(protocol.RUNNING)
        if self._contained is None:  # an image was asked before: its interpreters are not this machine's
            self._environment = EnvironmentRecorder(self._machine, self._folder, self._spec, self._watch)
            self._ticking.append(self._environment)
        self._until(lambda: self._main in self._watch.ends, TOLD)
        exact = self._talk is not None and isinstance(self._spec["command"], list)
        memory = killed_for_memory(self._kills, count_memory_kills())
        limits = self._watch.limits.get(self._main, {})
        end = self._watch.ends[self._main]
        no_room = (self._capture.writer.no_room or self._folder.no_room()) if end else 0
        if self._contained is not None:
            return self._contained.outcome(self._aside, end, memory, no_room)
        return of_exit(end, memory, no_room, exact, limits)

    def _start(self, prepared, visible, devices=()):
        # type: (Dict[str, Any], Optional[str], Sequence[str]) -> None
        """Start the command, or the shell that runs the setup lines first."""
        assert self._launch is not None
        self._companion.start(prepared.get("parts") or [])
        self._until(lambda: self._companion.ready)
        folders = (self._folder.path, prepared["bin"], prepared["site"])
        base = os.environ if self._contained is None else self._contained.base()
        environment = environ.run_environment(base, self._spec, *folders, secrets=self._secrets)
        environment = environ.with_told(environment, self._companion.environment)
        if visible is not None:
            environment["CUDA_VISIBLE_DEVICES"] = visible
        ends = self._talk.shell_ends() if self._talk else (None, None)
        output = self._capture.command_end
        begun = self._launch
        try:
            if self._contained is not None:
                begun, environment = self._contained.start(begun, environment, devices)
            self._main = launch.start(
                begun, self._folder.code, environment, output, self._umask, hear=ends[0], say=ends[1]
            )
        except OSError as error:
            raise Stop(not_started(begun.argv[0], error))
        except ValueError as error:  # a NUL in a secret's value
            raise Stop(failed(protocol.CAUSE_COMMAND, "the command could not be started: %s" % error))
        finally:
            self._capture.let_go()
            if self._talk:
                self._talk.let_go()
        self._watch.expect(self._main)
        self._companion.watch_files()
        self._recorder.record()
        known = identity(self._main)
        self._keeper.status["child"] = {"pid": known[0], "start": known[1]} if known else None

    def _end(self, ending):
        # type: (Ending) -> None
        """End what still runs, take the last output, give the lease back and say how it ended."""
        self._stoppable = False
        environment, self._environment = self._environment, None
        if environment is not None:
            self._ticking.remove(environment)
        if ending.cause == protocol.CAUSE_CANCELED:
            self._keeper.move(protocol.CANCEL_REQUESTED)
        elif run_status.has_been(self._keeper.status, protocol.RUNNING):
            self._keeper.move(protocol.FINALIZING)
        remains = self._end_container()
        well = ending.state == protocol.COMPLETED and not self._find()
        stuck = self._end_tree()
        self._watch.reap()
        self._watch.off(self._capture.fd)
        self._capture.finish()
        if self._waiting is not None:
            self._waiting.release()
        self._companion.ask_to_end(well)
        self._until(lambda: self._companion.gone, STEP)
        if environment is not None:
            environment.finish()
        if stuck:
            words = (ending.message or "done", stuck)
            ending = ending._replace(message="%s; %d of its processes would not end" % words)
        if remains:
            left = (ending.message or "done", remains)
            ending = ending._replace(message="%s; its container could not be removed: %s" % left)
        self._keeper.status["resources"] = self._resources()
        self._conclude(self._with_exit(ending))

    def _conclude(self, ending):
        # type: (Ending) -> None
        """Write how it ended, or that it is tried again; the guard, or a new one, sees to that."""
        # Who is told to end with the machine hands nothing on: a visitor after the boot starts what follows.
        secrets = not self._watch.asked_to_end
        again, ending = after(self._machine, self._folder, self._asked, self._keeper.status, ending, secrets)
        if again is None:
            self._keeper.finish(ending)
            on_end.start(self._folder, self._asked, self._keeper.status, self._secrets, self._umask)
        else:
            self._keeper.go_on(again)

    def _end_container(self):
        # type: () -> str
        """The same for its container, before the engine's own processes; why it stays, or ""."""
        if self._contained is None:
            return ""
        client = Client(self._main, lambda: self._main in self._watch.ends)
        return self._contained.end(self._aside, self._soon, self._folder.grace(self._spec), client)

    def _end_tree(self):
        # type: () -> int
        """TERM, grace, KILL for all that descends from us; returns how many could not be ended."""
        grace = self._folder.grace(self._spec)
        tree = TreeEnd(self._find, grace)
        give_up = time.monotonic() + grace + STUCK
        while not tree.step():
            if time.monotonic() > give_up:
                return len(self._find())
            self._tend(STEP)
        return 0

    def _with_exit(self, ending):
        # type: (Ending) -> Ending
        """A run that was ended says how its command took it."""
        status = self._watch.ends.get(self._main)
        if status is None or ending.exit_code is not None or ending.signal is not None:
            return ending
        if status & 0x7F:
            return ending._replace(signal=status & 0x7F)
        return ending._replace(exit_code=status >> 8)

    def _resources(self):
        # type: () -> Dict[str, Any]
        """cpu_seconds of all the run's processes, peak_memory in bytes of the largest of them."""
        cpu_seconds, peak_memory = self._watch.cpu_seconds, self._watch.peak_memory
        if self._contained is not None:
            cpu_seconds += self._contained.usage.cpu_seconds
            peak_memory = max(peak_memory, self._contained.usage.peak_memory)
        return {
            "cpu_seconds": round(cpu_seconds, 3),
            "peak_memory": peak_memory,
            "stream_bytes": self._capture.writer.offset,
            "stream_dropped": self._capture.writer.dropped,
        }

    def _aside(self, function):
        # type: (Callable[[], Dict[str, Any]]) -> Dict[str, Any]
        """The answer of a function run in a child, waited for like everything else."""
        aside = Aside(function)
        self._watch.own_helper(aside.pid)
        done = []  # type: List[bool]

        def on_answer():
            # type: () -> None
            fd = aside.fd
            if aside.read():
                self._watch.off(fd)
                done.append(True)

        self._watch.on(aside.fd, on_answer)
        self._until(lambda: bool(done) or self._note_preparing())
        return aside.answer

    def _note_preparing(self):
        # type: () -> bool
        """Say in the status how far making data ready is; always False."""
        if self._spec.get("data") and run_status.state_of(self._keeper.status) == protocol.PREPARING:
            from workbench.remote.data.providing import read_note

            note = read_note(self._folder)
            if note and note != self._keeper.status.get("note"):
                self._keeper.set(note=note)
        return False

    def _until(self, condition, pause=LOOK):
        # type: (Callable[[], bool], float) -> None
        """Tend to everything until the condition holds, looking at it every `pause` seconds at least."""
        while not condition():
            self._tend(pause)

    def _soon(self, condition):
        # type: (Callable[[], bool]) -> None
        self._until(condition, STEP)

    def _tend(self, seconds):
        # type: (float) -> None
        """One round of waiting; raises Stop when the run is to end."""
        if self._stoppable:
            self._stop_if_asked()
        soonest = min(part.next for part in self._ticking + [self._keeper])
        if self._stoppable:
            soonest = min(soonest, self._markers.next, self._deadline or soonest)
        wait = min(seconds, max(0.0, soonest - time.monotonic()))
        delay = self._capture.delay()
        if delay > 0:
            self._watch.round(min(wait, delay), ignored=self._capture.fd)
        else:
            self._watch.round(wait)
        self._keeper.tick()
        for part in list(self._ticking):
            part.tick()
        if self._waiting is not None:
            self._waiting.keep_fresh()

    def _stop_if_asked(self):
        # type: () -> None
        now = time.monotonic()
        if self._watch.guard_lost:
            raise Stop(failed(protocol.CAUSE_GUARD_LOST, "its guard was killed, so the run was ended"))
        if self._watch.asked_to_end:
            text = "its supervisor was asked to end (SIGTERM): the machine or the user's session shut down"
            raise Stop(failed(protocol.CAUSE_SUPERVISOR_LOST, text))
        asked = self._markers.asked(self._started)
        if asked is not None:
            raise Stop(asked)
        if self._deadline is not None and now >= self._deadline and self._main not in self._watch.ends:
            limit = "%g s" % float(self._spec["timeout"])
            raise Stop(failed(protocol.CAUSE_TIMEOUT, "it ran longer than its maximum duration of " + limit))

    def _on_output(self):
        # type: () -> None
        fd = self._capture.fd
        self._capture.pump()
        if self._capture.fd < 0:
            self._watch.off(fd)
