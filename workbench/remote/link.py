"""The far end of a connection: reads requests, runs each in a thread of its own, ends with its input.

It holds no state that matters: runs belong to their guards, which outlive it.
"""

import os
import platform
import select
import signal
import sys
import threading
import time
import traceback
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Tuple

from workbench.remote.forms import protocol
from workbench.remote.pruning.payload_use import hold
from workbench.remote.wire import frames
from workbench.remote.wire.exchange import LATER, Exchange, Handler
from workbench.remote.wire.outlet import Outlet
from workbench.remote.wire.problems import Cancelled, RequestError

READ = 1 << 18
MAX_THREADS = 48
MAX_WAITING = 2000  # requests that may wait for a thread before further ones are refused
LAST_WORDS = 20.0  # seconds that requests in progress get to end once the input is closed


class Pool(object):
    """Threads for requests: started as needed, at most MAX_THREADS, gone when there is nothing to do."""

    def __init__(self, work):
        # type: (Callable[[Exchange], None]) -> None
        self._work = work
        self._lock = threading.Lock()
        self._waiting = deque()  # type: Deque[Exchange]
        self._threads = []  # type: List[threading.Thread]

    def add(self, exchange):
        # type: (Exchange) -> bool
        """Take a request; False when too many wait already."""
        with self._lock:
            if len(self._waiting) >= MAX_WAITING:
                return False
            self._waiting.append(exchange)
            if len(self._threads) < MAX_THREADS:
                thread = threading.Thread(target=self._serve, daemon=True)
                self._threads.append(thread)
                thread.start()
        return True

    def _serve(self):
        # type: () -> None
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads.remove(threading.current_thread())
                    return
                exchange = self._waiting.popleft()
            self._work(exchange)

    def join(self, seconds):
        # type: (float) -> None
        """Wait until every request has ended, at most so long."""
        deadline = time.monotonic() + seconds
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


class Link(object):
    """The loop between two file descriptors.

    handlers: method name -> handler; they run in threads. `ping` is answered by the loop itself, so it
    tells that the machine is there however busy it is.
    """

    def __init__(self, reader, writer, handlers):
        # type: (int, int, Dict[str, Handler]) -> None
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._reader = reader
        self._outlet = Outlet(writer, self.stop)
        self._handlers = handlers
        self._exchanges = {}  # type: Dict[int, Exchange]
        self._pool = Pool(self._handle)
        self._parser = frames.Parser()

    def stop(self):
        # type: () -> None
        """End the loop as if the input had closed; may be called from any thread or a signal handler."""
        try:
            os.write(self._wake_write, b"x")
        except OSError:  # the pipe is full: it has been told often enough
            return

    def greet(self, hello):
        # type: (Dict[str, Any]) -> None
        """Send the first EVENT on stream 0."""
        self._outlet.bulk(frames.encode_message(protocol.EVENT, 0, hello))

    def serve(self):
        # type: () -> None
        """Run until the input closes or is no longer frames; then give up what is in progress."""
        try:
            self._loop()
        except BrokenPipeError:
            pass  # the near end went away while we answered: the same as a closed input
        finally:
            cancel = frames.Frame(protocol.CANCEL, 0, b"")
            for exchange in list(self._exchanges.values()):
                exchange.deliver(cancel)
            self._pool.join(LAST_WORDS)

    def _loop(self):
        # type: () -> None
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while True:
            ready = [fd for fd, _ in poll.poll()]
            if self._wake_read in ready:
                return
            data = os.read(self._reader, READ)
            if not data:
                return
            for frame in self._parser.feed(data):
                self._take(frame)

    def _take(self, frame):
        # type: (frames.Frame) -> None
        if frame.type == protocol.REQUEST:
            self._open(frame)
        else:
            exchange = self._exchanges.get(frame.stream)
            if exchange is not None:  # else: it has been answered while this was on its way
                exchange.deliver(frame)

    def _open(self, frame):
        # type: (frames.Frame) -> None
        if frame.stream in self._exchanges or frame.stream == 0:
            raise frames.FrameError("stream %d is open already" % frame.stream)
        request = frames.decode_json(frame.body)
        method, params = request.get("method"), request.get("params") or {}
        exchange = Exchange(self._outlet, frame.stream, str(method), params, self._forget)
        self._exchanges[frame.stream] = exchange
        if method == "ping":
            exchange.answer({"time": time.time(), "monotonic": time.monotonic()})
        elif not isinstance(params, dict):
            exchange.fail(RequestError("usage", "parameters must be a mapping"))
        elif method not in self._handlers:
            hint = "the workbench here and the one that started this link are of different versions"
            exchange.fail(RequestError("unknown_method", "unknown method %s" % str(method)[:80], hint))
        elif not self._pool.add(exchange):
            exchange.fail(RequestError("busy", "too many requests at once", "try again in a moment"))

    def _forget(self, exchange):
        # type: (Exchange) -> None
        self._exchanges.pop(exchange.stream, None)

    def _handle(self, exchange):
        # type: (Exchange) -> None
        try:
            exchange.check()
            value = self._handlers[exchange.method](exchange)
            if value is not LATER:
                exchange.answer(value)
        except BrokenPipeError:
            return  # nobody is left to be answered
        except Exception as error:  # a fault in one request is that request's answer, never the link's end
            if not isinstance(error, (OSError, ValueError, Cancelled)) and not hasattr(error, "code"):
                traceback.print_exc()
            try:
                exchange.fail(error)
            except BrokenPipeError:
                return


def take_standard_streams():
    # type: () -> Tuple[int, int]
    """Our input and output as descriptors nobody else has; 0 reads nothing, 1 goes where 2 goes.

    A stray print or a child that inherits them can then neither eat nor spoil a frame.
    """
    reader, writer = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return reader, writer


def main(root=None, lease_dir=None, payload=None):
    # type: (Optional[str], Optional[str], Optional[str]) -> None
    """Be the far end on our standard input and output until it closes, then end the process.

    root, lease_dir: as for Machine. payload: the zipapp this code came from.
    """
    from workbench.remote.machine import Machine
    from workbench.remote.methods.table import Methods
    from workbench.remote.wire.problems import describe

    reader, writer = take_standard_streams()
    try:
        machine = Machine(root, lease_dir, payload)
    except OSError as error:
        Link(reader, writer, {}).greet({"error": describe(error)})
        return
    hold(machine.payload)  # for as long as this process lives
    methods = Methods(machine)
    link = Link(reader, writer, methods.table())
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: link.stop())
    link.greet(
        {
            "version": protocol.VERSION,
            "capabilities": sorted(methods.table()) + ["ping"],
            "python": sys.executable,
            "python_version": platform.python_version(),
            "root": machine.root,
            "lease_dir": machine.lease_dir,
            "machine": machine.machine_id,
            "boot": machine.boot_id,
            "pid": os.getpid(),
        }
    )
    try:
        link.serve()
    finally:
        methods.close()
        sys.stderr.flush()
        os._exit(0)  # a thread stuck in a dead file system must not keep the connection open
