"""Which Python interpreters a run used, and what is installed in them.

A run's sitecustomize (`shims.py`) leaves a note of each interpreter that starts. What is installed is asked
of the interpreter itself, aside and at the lowest priority, and remembered for as long as nothing changes
where it looks for packages.
"""

import binascii
import json
import os
import select
import signal
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from workbench.remote.environments.shims import NOTES
from workbench.remote.machine import Machine
from workbench.remote.processes.process_trees import ENV_BESIDE
from workbench.remote.runs.runfolder import read_object, write_whole

MOST = 4
"""Interpreters of a run that are told of."""
MOST_DISTRIBUTIONS = 2000
LONGEST = 200  # characters of a distribution's name, or version
MAX_NOTE = 8192
MAX_ANSWER = 1 << 20
PATIENCE = 30.0  # seconds an interpreter has to answer
# What else decides where an interpreter looks for packages.
VARIABLES = ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "HOME")

# Run by any Python from 2.7 on. A line "path DIR" for each folder it looks in, then "has NAME VERSION".
QUESTION = r"""
import os, re, sys

def say(*words):
    line = "\t".join(words).replace("\n", " ") + "\n"
    os.write(1, line.encode("utf-8", "replace") if not isinstance(line, bytes) else line)

def by_name(folder):
    try:
        entries = sorted(os.listdir(folder))
    except OSError:
        entries = []
    for entry in entries:
        found = re.match(r"(.+?)-([^-]+)(-py[0-9.]+)?\.(dist-info|egg-info)$", entry)
        if found:
            yield found.group(1), found.group(2)

def by_metadata(folder):
    for found in distributions(path=[folder]):
        try:
            yield found.metadata["Name"], found.version
        except Exception:  # one package that is broken hides none of the others
            continue

try:
    from importlib.metadata import distributions
    look = by_metadata
except ImportError:
    look = by_name

folders = [folder for folder in sys.path if folder and os.path.isdir(folder)]
for folder in folders:
    say("path", folder)
seen = set()
for folder in folders:
    for name, version in look(folder):
        key = re.sub("[-_.]+", "-", name or "").lower()
        if name and version and key not in seen:
            seen.add(key)
            say("has", name, version)
say("done")
"""

Note = NamedTuple("Note", [("path", str), ("version", str), ("platform", str)])
# distributions: name -> version. more: how many are left out. Where: [[folder, its time]] that it looked in.
Installed = NamedTuple(
    "Installed", [("distributions", Dict[str, str]), ("more", int), ("where", List[List[Any]])]
)


def read_notes(run_dir: str) -> List[Note]:
    """The interpreters that a run has started so far, oldest first, at most MOST."""
    folder = os.path.join(run_dir, NOTES)
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                found.append((entry.stat(follow_symlinks=False).st_mtime, entry.path))
    except OSError:
        return []
    notes = [read_note(path) for _, path in sorted(found)[: 4 * MOST]]
    return [note for note in notes if note is not None][:MOST]


def read_note(path: str) -> Optional[Note]:
    """One note; None when it is not whole yet, or none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            text = os.fsdecode(os.read(handle, MAX_NOTE))
        finally:
            os.close(handle)
    except OSError:
        return None
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not os.path.isabs(lines[0]):
        return None
    return Note(lines[0], lines[1][:100], lines[2][:100])


def installed(machine: Machine, python: str, environment: Mapping[str, str]) -> Optional[Installed]:
    """What an interpreter has, remembered or asked; None when it does not answer.

    environment: of the run's command, without secrets.
    """
    known = remembered(machine, python, environment)
    if known is not None:
        return known
    found = understood(answer_of([python, "-c", QUESTION], environment))
    if found is not None:
        of = asked_of(machine, python, environment)
        body = {"of": of, "distributions": found.distributions, "more": found.more, "where": found.where}
        path = memory_path(machine, of)
        try:
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            write_whole(path, json.dumps(body).encode("ascii"), sync=False)
        except OSError:
            return found  # it is asked again the next time
    return found


def asked_of(machine: Machine, python: str, environment: Mapping[str, str]) -> List[str]:
    """What decides where an interpreter looks, without the folder of the run's own that is first there."""
    words = dict(environment, PYTHONPATH=environment.get("PYTHONPATH", "").partition(os.pathsep)[2])
    return [machine.machine_id, python] + [words.get(name, "") for name in VARIABLES]


def memory_path(machine: Machine, of: List[str]) -> str:
    """Where it is remembered what an interpreter has."""
    key = binascii.crc32(os.fsencode("\0".join(of))) & 0xFFFFFFFF
    return os.path.join(machine.root, "interpreters", "%08x.json" % key)


def remembered(machine: Machine, python: str, environment: Mapping[str, str]) -> Optional[Installed]:
    """What an interpreter had when it was asked last, if nothing has changed where it looked."""
    of = asked_of(machine, python, environment)
    try:
        known = read_object(memory_path(machine, of), MAX_ANSWER)
        if known is None or known["of"] != of:
            return None
        if any(time_of(folder) != seen for folder, seen in known["where"]):
            return None
        return Installed(dict(known["distributions"]), int(known["more"]), known["where"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def time_of(folder: str) -> int:
    """When something was last added to a folder or removed from it, in nanoseconds; 0 when it is gone."""
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0


def understood(answer: Optional[bytes]) -> Optional[Installed]:
    """What an interpreter answered to QUESTION; None when that is no whole answer."""
    lines = (answer or b"").decode("utf-8", "replace").split("\n")
    if lines[-2:] != ["done", ""]:
        return None
    distributions: Dict[str, str] = {}
    where: List[List[Any]] = []
    more = 0
    for line in lines[:-2]:
        word, _, rest = line.partition("\t")
        name, _, version = rest.partition("\t")
        if word == "path":
            where.append([rest, time_of(rest)])
        elif word == "has" and len(distributions) < MOST_DISTRIBUTIONS:
            distributions[name[:LONGEST]] = version[:LONGEST]
        elif word == "has":
            more += 1
    return Installed(distributions, more, where)


def answer_of(argv: List[str], environment: Mapping[str, str]) -> Optional[bytes]:
    """What a command writes; None when it cannot be started, writes without an end or takes too long.

    All that it started is ended with it.
    """
    import subprocess  # in a child that lives for this alone

    try:
        child = subprocess.Popen(
            argv,
            env=dict(environment, **{ENV_BESIDE: "1"}),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError):
        return None
    assert child.stdout is not None
    try:
        answer, whole = read_until(child.stdout.fileno(), time.monotonic() + PATIENCE)
        return answer if whole and child.wait(PATIENCE) == 0 else None
    except subprocess.TimeoutExpired:
        return None
    finally:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it is over, as it should be
        child.wait()
        child.stdout.close()


def read_until(descriptor: int, deadline: float) -> Tuple[bytes, bool]:
    """All bytes up to the end, and whether it came in time and within MAX_ANSWER."""
    found = b""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    while len(found) <= MAX_ANSWER:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            return found, False
        piece = os.read(descriptor, 65536)
        if not piece:
            return found, True
        found += piece
    return found, False
