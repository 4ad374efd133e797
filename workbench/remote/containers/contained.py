"""A supervisor's half of a run in a container: its start, who is inside, how it ended, and that it goes.

The engine's client is the command as far as the supervisor is concerned; it carries the output and waits for
the container. What the engine is asked is asked aside, so the supervisor never waits for it.
"""

import os
import shlex
import signal
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

from workbench.remote.containers import arguments, ending, kept, places
from workbench.remote.containers.arguments import Mount, Wanted
from workbench.remote.containers.engine import Engine
from workbench.remote.containers.usage import EVERY, Usage
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.processes import launch, process_trees
from workbench.remote.processes.aside import Aside
from workbench.remote.processes.process_trees import Identity
from workbench.remote.processes.watch import Watch
from workbench.remote.runs import endings, environ
from workbench.remote.runs.endings import Ending, failed, of_exit, setup_failed
from workbench.remote.runs.runfolder import RunFolder, remove_quietly, write_whole

KIND = "image"
SCRIPT = "container.sh"
SAID = "container.said"  # which setup line it is at, then "ready": written inside the container
LOOKS = (0.3, 0.7, 1.5, 3.0, 8.0)  # seconds between looks for the container's first process
AFTER_KILL = 10.0  # seconds an engine has to notice that everything in a container was killed
CLIENT = 3.0  # seconds its client then has to be gone
ENGINE_FAILED = (125, 126, 127)  # what clients exit with when no container ran, or not the command in it

# launch: how to start the client. environment: of the client.
Start = NamedTuple("Start", [("launch", launch.Launch), ("environment", Dict[str, str])])


def is_contained(spec):
    # type: (Mapping[str, Any]) -> bool
    """Whether a run's environment is a container image."""
    build = spec.get("environment_build")
    return isinstance(build, dict) and build.get("kind") == KIND


class Contained(object):
    """One attempt's container. image: what `preparing` found out about it, once that is known."""

    def __init__(self, machine, folder, spec, watch):
        # type: (Machine, RunFolder, Dict[str, Any], Watch) -> None
        self._machine = machine
        self._folder = folder
        self._spec = spec
        self._watch = watch
        self._note = None  # type: Optional[kept.Note]
        self._aside = None  # type: Optional[Aside]
        self._first = None  # type: Optional[Identity]  # the container's first process
        self._pauses = list(LOOKS)
        self._apart = False  # whether its processes are not ours to wait for, but a daemon's
        self.usage = Usage()
        """What its processes used, where they are a daemon's; ours are counted as they end."""
        self.image = {}  # type: Dict[str, Any]
        self.next = float("inf")
        """When `tick` wants to be called, by time.monotonic."""

    def prepared(self, spec, prepared, umask):
        # type: (Dict[str, Any], Mapping[str, Any], int) -> launch.Launch
        """Take what was prepared and write what the container runs; raises ValueError, OSError.

        spec: with what only the machine knew in its place.
        """
        self._spec = spec
        self.image = dict(prepared["image"])
        arguments.check_extra(self._extra())
        launch.check_command(self._spec.get("command"))
        shell = str(self.image.get("shell") or "")
        if shell:
            script = script_text(self._spec, self._folder, prepared["bin"], prepared["site"], umask)
            write_whole(self._folder.inside(SCRIPT), os.fsencode(script))
            return launch.Launch([shell, self._folder.inside(SCRIPT)], None, False)
        if not isinstance(self._spec["command"], list) or self._setup():
            raise ValueError("the image has no shell: it runs exact words only, and no setup lines")
        return launch.Launch(list(self._spec["command"]), None, False)

    def base(self):
        # type: () -> Dict[str, str]
        """What the container's variables begin with: the image's own search paths."""
        found = {"PATH": str(self.image.get("path") or os.defpath)}
        if self.image.get("pythonpath"):
            found["PYTHONPATH"] = str(self.image["pythonpath"])
        return found

    def start(self, inside, variables, devices):
        # type: (launch.Launch, Dict[str, str], Sequence[str]) -> Start
        """How to start the client for what runs inside, with these variables; a note of it is kept.

        devices: UUIDs of the GPUs that are leased. Raises ValueError, OSError.
        """
        remove_quietly(self._folder.inside(SAID))
        attempt = int(self._spec.get("attempt") or 1)
        name = arguments.container_name(self._folder.run_id, attempt)
        engine = engine_of(self.image)
        home = places.home_of(os.getuid())
        if home is not None and "HOME" not in variables:
            variables = dict(variables, HOME=home)
        names, environment, filed = arguments.split_variables(variables, client_environment(os.environ))
        file = places.write_env_file(name, filed) if filed else None
        self._note = kept.Note(self._folder.run_id, list(engine.argv), name, file)
        kept.write_note(self._machine, self._note)
        wanted = Wanted(
            name=name,
            image=str(self.image["id"]),
            command=list(inside.argv),
            directory=self._folder.code,
            mounts=self._mounts(),
            gpus=self._gpus(devices),
            shm_size=self._container().get("shm_size"),
            cpus=self._container().get("cpus"),
            extra=self._extra(),
            variables=names,
            env_file=file,
        )
        words = arguments.run_words(engine, wanted, places.person())
        self.next = time.monotonic() + self._pauses.pop(0)
        return Start(launch.Launch(words, None, False), environment)

    def _gpus(self, devices):
        # type: (Sequence[str]) -> Optional[List[str]]
        """The GPUs the container sees: those leased, none when it wants none, all where nobody said."""
        if self._spec.get("gpus") is not None:
            return list(devices)
        return None if self.image.get("gpus") else []

    def _mounts(self):
        # type: () -> List[Mount]
        payload = os.path.abspath(self._machine.payload)
        found = [Mount(self._folder.path, True), Mount(payload, False)]
        return found + [Mount(str(path), bool(writable)) for path, writable in self.image["mounts"]]

    def _container(self):
        # type: () -> Dict[str, Any]
        found = self._spec["environment_build"].get("container")
        return found if isinstance(found, dict) else {}

    def _extra(self):
        # type: () -> List[str]
        return [str(word) for word in self._container().get("docker_args") or []]

    def _setup(self):
        # type: () -> List[str]
        return [str(line) for line in self._spec.get("setup") or []]

    def tick(self):
        # type: () -> None
        """Ask for the container's first process until it is known: a daemon's are nobody's children, so what
        they use is looked at from then on."""
        if time.monotonic() < self.next or self._aside is not None or self._note is None:
            return
        if self._apart:
            self.usage.look(self.inside())
            self.next = time.monotonic() + EVERY
            return
        argv, name = self._note.argv, self._note.name
        self._aside = Aside(lambda: told_state(argv, name))
        self._watch.own_helper(self._aside.pid)
        self._watch.on(self._aside.fd, self._on_answer)
        self.next = float("inf")

    def _on_answer(self):
        # type: () -> None
        assert self._aside is not None
        descriptor = self._aside.fd
        if not self._aside.read():
            return
        self._watch.off(descriptor)
        pid = self._aside.answer.get("pid")
        self._aside = None
        known = process_trees.identity(pid) if isinstance(pid, int) and pid > 1 else None
        if known is not None and self._is_ours(known[0]):
            self._first = known
            self._apart = os.getpid() not in process_trees.ancestors(known[0])
            if self._apart:
                self.next = time.monotonic()
            if self._note is not None and self._note.env_file:
                remove_quietly(self._note.env_file)  # it was read: nothing of it stays longer than it must
        elif self._pauses:
            self.next = time.monotonic() + self._pauses.pop(0)

    def _is_ours(self, pid):
        # type: (int) -> bool
        """Whether a pid that the engine told means the same here: it has this run's tag, or one below it."""
        tag = (protocol.ENV_RUN_ID, self._folder.run_id)
        below = [child for child, _ in process_trees.descendants(pid)]
        return any(process_trees.environment_value(one, tag[0]) == tag[1] for one in [pid] + below)

    def inside(self):
        # type: () -> List[Identity]
        """The container's processes as the machine sees them, its first one foremost; none while unknown."""
        if self._first is None or not process_trees.alive(*self._first):
            return []
        return [self._first] + process_trees.descendants(self._first[0])

    def tree(self, find):
        # type: (Callable[[], List[Identity]]) -> Callable[[], List[Identity]]
        """A finder that also finds what is in the container."""
        return lambda: sorted(set(find()).union(self.inside()))

    def outcome(self, aside, wait_status, memory, no_room):
        # type: (Callable[[Callable[[], Dict[str, Any]]], Dict[str, Any]], int, Optional[str], int) -> Ending
        """How the command ended, from how the client did and what the engine says of the container."""
        assert self._note is not None
        argv, name = self._note.argv, self._note.name
        state = aside(lambda: told_state(argv, name))
        said = read_said(self._folder)
        known = bool(state.get("known"))
        if wait_status & 0x7F or (wait_status >> 8 and known and state.get("running")):
            if known and state["started"] and not state["running"]:
                wait_status = int(state["exit_code"]) << 8  # the container had come to its own end
            else:
                words = "the engine's client ended (%s) while the container ran, so the container was ended"
                return failed(protocol.CAUSE_SIGNAL, words % ended_words(wait_status))
        code = wait_status >> 8
        began = bool(said) or (known and bool(state["started"]))
        if code in ENGINE_FAILED and not began:
            return not_run(self._folder, str(state.get("error") or ""))
        if code and self._setup() and said and said[-1] != "ready":
            number = int(said[-1]) if said[-1].isdigit() else 0
            lines = self._setup()
            line = lines[number - 1] if 0 < number <= len(lines) else ""
            return setup_failed(number, line, wait_status)
        exact = isinstance(self._spec["command"], list)
        if code == 128 + signal.SIGKILL and known and state["out_of_memory"]:
            words = "the kernel killed it: out of memory (the container's limit)"
            return failed(protocol.CAUSE_OUT_OF_MEMORY, words, code)
        return of_exit(wait_status, memory, no_room if wait_status else 0, exact)

    def end(self, aside, until, grace, client):
        # type: (Callable[..., Dict[str, Any]], Callable[[Callable[[], bool]], None], float, Client) -> str
        """End the container if it still runs, TERM, grace, KILL, and remove it; why it is still there, or "".

        aside, until: the supervisor's. client: the engine's client.
        """
        note, self._note = self._note, None
        if note is None:
            return ""
        self.next = float("inf")
        if client.pid and not client.ended():
            self._terminate(aside, note)
            wait(until, client.ended, grace)
        if client.pid and not client.ended():
            aside(lambda: ending.tell(note, "KILL"))
            for process in self.inside():
                process_trees.send(process, signal.SIGKILL)
            wait(until, client.ended, AFTER_KILL)
        if client.pid and not client.ended():
            client.kill()
            wait(until, client.ended, CLIENT)
        answer = aside(lambda: ending.remove(self._machine, note))
        return str(answer.get("problem") or (answer.get("error") or {}).get("message") or "")

    def _terminate(self, aside, note):
        # type: (Callable[..., Dict[str, Any]], kept.Note) -> None
        """TERM to each process in it, as outside of containers; where they cannot be seen, to the first."""
        inside = self.inside()[1:]
        told = [process for process in inside if process_trees.send(process, signal.SIGTERM)]
        for process in told:
            process_trees.send(process, signal.SIGCONT)
        if not told:
            aside(lambda: ending.tell(note, "TERM"))


class Client(object):
    """The engine's client as a child of the supervisor. ended: whether its end was taken."""

    def __init__(self, pid, ended):
        # type: (int, Callable[[], bool]) -> None
        self.pid = pid
        self.ended = ended

    def kill(self):
        # type: () -> None
        """End it at once."""
        known = process_trees.identity(self.pid)
        if known is not None:
            process_trees.send(known, signal.SIGKILL)


def wait(until, condition, seconds):
    # type: (Callable[[Callable[[], bool]], None], Callable[[], bool], float) -> None
    """Have the supervisor tend to everything until the condition holds or the time is over."""
    deadline = time.monotonic() + max(0.0, seconds)
    until(lambda: condition() or time.monotonic() >= deadline)


def told_state(argv, name):
    # type: (List[str], str) -> Dict[str, Any]
    """In a child: the container's state as an object; {"known": False} when the engine tells nothing."""
    state = ending.state_of(argv, name)
    return {"known": False} if state is None else dict(state._asdict(), known=True)


def engine_of(image):
    # type: (Mapping[str, Any]) -> Engine
    """The engine that has the image, as `preparing` told."""
    argv = [str(word) for word in image["engine"]]
    return Engine(argv, str(image["kind"]), "", bool(image["rootless"]), image.get("gpus"))


def client_environment(base):
    # type: (Mapping[str, str]) -> Dict[str, str]
    """What the engine's client finds around it: the machine's own, without the connection's and a run's."""
    return {name: value for name, value in base.items() if name not in environ.DROPPED}


def script_text(spec, folder, bin_dir, site_dir, umask):
    # type: (Mapping[str, Any], RunFolder, str, str, int) -> str
    """What the container's shell runs: one pipe for both outputs, so their order stays; then as elsewhere."""
    setup = [str(line) for line in spec.get("setup") or []]
    said = shlex.quote(folder.inside(SAID))
    talk = "exec 2>&1 %d>%s %d<<'END' || exit 125\n-\nEND\n" % (launch.SAY, said, launch.HEAR)
    before = talk + "umask %03o\n" % umask
    return before + launch.launch_script(spec["command"], setup, bin_dir, site_dir, True)


def read_said(folder):
    # type: (RunFolder) -> List[str]
    """How far the script in the container came; empty when it never began."""
    try:
        with open(folder.inside(SAID), "rb") as file:
            return file.read(65536).decode("ascii", "replace").split()
    except OSError:
        return []


def not_run(folder, error):
    # type: (RunFolder, str) -> Ending
    """The ending of a run whose container never came to be, with what the engine said about it."""
    from workbench.remote.containers.calls import last_line
    from workbench.remote.containers.trouble import explained

    said = error or last_line(places.tail_of_stream(folder))
    trouble = explained(said)
    why = (said or "no word why") if trouble is None else "%s; %s" % (trouble.words, trouble.hint)
    return failed(protocol.CAUSE_COMMAND, "the container could not be started: %s" % why)


def ended_words(wait_status):
    # type: (int) -> str
    """How a process ended, in short."""
    if wait_status & 0x7F:
        return endings.signal_name(wait_status & 0x7F)
    return "exit code %d" % (wait_status >> 8)
