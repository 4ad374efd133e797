"""What is well with a machine and what is not, in words and with a hint. Only one check writes."""

import os
import shlex
from typing import Any, Dict, List, Optional

from workbench.remote.disk.mounts import is_network
from workbench.remote.forms.sizes import in_words
from workbench.remote.processes.detaching import LoginManager, choose_detachment
from workbench.remote.wire.problems import DISK_FULL, NO_ROOM

Check = Dict[str, str]

LOW = 10 << 30  # bytes free: room for a few checkpoints
OUT = 1 << 30
FEW_FILES = 10000  # files the disk still has room for
TRIAL = ".doctor"
PRUNE = "wb compute prune NAME --dry-run"
LINGER = "loginctl enable-linger"
ANOTHER = "choose another folder: wb compute set NAME root=FOLDER"


def well(name, text):
    # type: (str, str) -> Check
    """A line of a doctor's report about something that is as it should be."""
    return {"name": name, "state": "ok", "text": text, "hint": "", "fix": ""}


def ailing(name, state, text, hint, fix):
    # type: (str, str, str, str, str) -> Check
    """A line about something that is not; state: warn or bad. There is none without what to do about it:

    hint: in words. fix: a command to copy, one of ours (NAME is the machine's) or one that is run there.
    """
    return {"name": name, "state": state, "text": text, "hint": hint, "fix": fix}


def judge(facts):
    # type: (Dict[str, Any]) -> List[Check]
    """The checks that follow from what was measured (`facts.facts`)."""
    found = [judge_space(facts), judge_inodes(facts), judge_quota(facts), judge_root(facts)]
    found += [judge_home(facts), judge_leases(facts), judge_staying(facts), judge_gpus(facts)]
    return [item for item in found if item is not None]


def judge_space(facts):
    # type: (Dict[str, Any]) -> Check
    """Room for runs."""
    free = facts["root_free"]
    where = "%s (%s)" % (facts["root"], facts["root_fs"] or "unknown file system")
    if free is None:
        text = "free space of %s cannot be read" % where
        return ailing("space", "warn", text, "look yourself", "df -h %s" % quoted(facts["root"]))
    text = "%s free in %s" % (in_words(free), where)
    if free >= LOW:
        return well("space", text)
    return ailing("space", "bad" if free < OUT else "warn", text, NO_ROOM, PRUNE)


def judge_inodes(facts):
    # type: (Dict[str, Any]) -> Optional[Check]
    """Room for files, which may run out before room for bytes; None where that is no limit."""
    left = facts.get("root_files")
    if left is None or left >= FEW_FILES:
        return None
    text = "the disk of %s has room for %d files only" % (facts["root"], left)
    return ailing("files", "bad", text, "each run and each package is many; remove what is not needed", PRUNE)


def judge_quota(facts):
    # type: (Dict[str, Any]) -> Optional[Check]
    """The fullest quota; None where there are none."""
    limited = [row for row in facts["quota"] or [] if row["limit"]]
    if not limited:
        return None
    row = max(limited, key=lambda row: float(row["used"]) / row["limit"])
    text = "%s of %s used on %s" % (in_words(row["used"]), in_words(row["limit"]), row["source"])
    left = row["limit"] - row["used"]
    state = "ok" if left >= LOW else "warn" if left >= OUT else "bad"
    if state == "ok":
        return well("quota", text)
    return ailing("quota", state, text, NO_ROOM, PRUNE)


def judge_root(facts):
    # type: (Dict[str, Any]) -> Check
    """Where the root lies: a network disk works, and is slow."""
    if is_network(facts["root_fs"]):
        text = "the root is on a network file system (%s)" % facts["root_fs"]
        better = facts.get("better_root") or "/local/disk/workbench"
        hint = "it works and is slow; a local disk is better"
        return ailing("root", "warn", text, hint, "wb compute set NAME root=%s" % quoted(better))
    return well("root", "the root is on a local file system (%s)" % (facts["root_fs"] or "unknown"))


def judge_home(facts):
    # type: (Dict[str, Any]) -> Optional[Check]
    """A home on the network is fine as long as nothing large lies there; None for an ordinary one."""
    kind = facts.get("home_fs") or ""
    if not is_network(kind) or is_network(facts["root_fs"]):
        return None  # in the second case the root's own line says it
    return well("home", "the home is on a network file system (%s), the root is not" % kind)


def judge_leases(facts):
    # type: (Dict[str, Any]) -> Check
    """Locks must be local: several machines with one home would share them, or have none at all."""
    where = "%s (%s)" % (facts["lease_dir"], facts["lease_fs"] or "unknown file system")
    if is_network(facts["lease_fs"]):
        text = "locks are on a network file system: " + where
        hint = "several machines would share them, or have none; use a local folder"
        fix = "wb compute set NAME lease_dir=/tmp/workbench-%d" % facts["uid"]
        return ailing("leases", "bad", text, hint, fix)
    return well("leases", "locks and leases in " + where)


def judge_staying(facts):
    # type: (Dict[str, Any]) -> Check
    """Whether runs outlive the connection that started them."""
    manager = LoginManager(facts["systemd"], facts["linger"], facts["kill_user_processes"])
    choice = choose_detachment(manager)
    if choice.ask_linger:
        hint = "run it there once; where that is refused its admin has to: sudo loginctl enable-linger USER"
        return ailing("logout", "bad", choice.risk, hint, LINGER)
    if choice.risk:
        return ailing("logout", "warn", choice.risk, "lingering makes it certain that they stay", LINGER)
    how = "in a scope of your lingering user manager" if choice.scope else "in sessions of their own"
    return well("logout", "runs go on after logout, " + how)


def judge_gpus(facts):
    # type: (Dict[str, Any]) -> Check
    """What the driver lists."""
    names = [gpu["name"] or gpu["uuid"] for gpu in facts["gpus"]]
    if not names:
        return well("gpus", "no NVIDIA GPU")
    kinds = ", ".join("%d x %s" % (names.count(name), name) for name in sorted(set(names)))
    return well("gpus", kinds)


def judge_reaping(works):
    # type: (bool) -> Check
    """Whether all of a run's processes can be found."""
    if works:
        return well("processes", "orphaned processes of a run are found and ended")
    text = "this python cannot adopt orphaned processes (no ctypes or no prctl)"
    hint = "some of what a run started may outlive it; choose another python for this machine"
    return ailing("processes", "warn", text, hint, "wb compute set NAME python=/usr/bin/python3")


def try_writing(root):
    # type: (str) -> Optional[OSError]
    """Write, sync and remove a file in the root; why that failed, None when it did not."""
    path = os.path.join(root, "%s.%d" % (TRIAL, os.getpid()))
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, b"x" * 4096)
            os.fsync(handle)
        finally:
            os.close(handle)
            os.unlink(path)
    except OSError as error:
        return error
    return None


def judge_writing(problem):
    # type: (Optional[OSError]) -> Check
    """Whether the root can be written."""
    if problem is None:
        return well("writing", "the root can be written")
    text = "the root cannot be written: %s" % (problem.strerror or problem)
    if problem.errno in DISK_FULL:
        return ailing("writing", "bad", text, NO_ROOM, PRUNE)
    return ailing("writing", "bad", text, ANOTHER, "wb compute set NAME root=~/.workbench")


def quoted(path):
    # type: (str) -> str
    """A path as a word of a shell line."""
    return shlex.quote(path)
