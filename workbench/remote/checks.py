"""What is well with a machine and what is not, in words and with a hint. Only one check writes."""

import os
from typing import Any, Dict, List, Optional

from workbench.remote.detaching import LoginManager, choose_detachment
from workbench.remote.mounts import is_network
from workbench.remote.problems import DISK_FULL, NO_ROOM
from workbench.remote.sizes import in_words

Check = Dict[str, str]

LOW = 10 << 30  # bytes free: room for a few checkpoints
OUT = 1 << 30
TRIAL = ".doctor"
ANOTHER = "choose another folder: wb compute set NAME root=FOLDER"


def check(name, state, text, hint=""):
    # type: (str, str, str, str) -> Check
    """One line of a doctor's report; state: ok, warn or bad."""
    return {"name": name, "state": state, "text": text, "hint": hint}


def judge(facts):
    # type: (Dict[str, Any]) -> List[Check]
    """The checks that follow from what was measured (`facts.facts`)."""
    found = [judge_python(facts), judge_space(facts), judge_quota(facts), judge_home(facts)]
    found += [judge_leases(facts), judge_staying(facts), judge_gpus(facts)]
    return [item for item in found if item is not None]


def judge_python(facts):
    # type: (Dict[str, Any]) -> Check
    """The interpreter that runs our side there."""
    return check("python", "ok", "%(executable)s, version %(version)s" % facts["python"])


def judge_space(facts):
    # type: (Dict[str, Any]) -> Check
    """Room for runs."""
    free = facts["root_free"]
    where = "%s (%s)" % (facts["root"], facts["root_fs"] or "unknown file system")
    if free is None:
        return check("space", "warn", "free space of %s cannot be read" % where)
    text = "%s free in %s" % (in_words(free), where)
    if free >= LOW:
        return check("space", "ok", text)
    return check("space", "bad" if free < OUT else "warn", text, NO_ROOM)


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
    return check("quota", state, text, "" if state == "ok" else NO_ROOM)


def judge_home(facts):
    # type: (Dict[str, Any]) -> Check
    """Where the root lies: a network disk works, and is slow."""
    if is_network(facts["root_fs"]):
        text = "the root is on a network file system (%s)" % facts["root_fs"]
        return check("root", "warn", text, "where there is a local disk: wb compute set NAME root=FOLDER")
    return check("root", "ok", "the root is on a local file system (%s)" % (facts["root_fs"] or "unknown"))


def judge_leases(facts):
    # type: (Dict[str, Any]) -> Check
    """Locks must be local: several machines with one home would share them, or have none at all."""
    where = "%s (%s)" % (facts["lease_dir"], facts["lease_fs"] or "unknown file system")
    if is_network(facts["lease_fs"]):
        text = "locks are on a network file system: " + where
        return check("leases", "bad", text, "use a local one: wb compute set NAME lease_dir=FOLDER")
    return check("leases", "ok", "locks and leases in " + where)


def judge_staying(facts):
    # type: (Dict[str, Any]) -> Check
    """Whether runs outlive the connection that started them."""
    manager = LoginManager(facts["systemd"], facts["linger"], facts["kill_user_processes"])
    choice = choose_detachment(manager)
    if choice.ask_linger:
        return check(
            "logout", "bad", choice.risk, "run `loginctl enable-linger` there once, or ask its admin to"
        )
    if choice.risk:
        return check("logout", "warn", choice.risk, "`loginctl enable-linger` there makes it certain")
    how = "in a scope of your lingering user manager" if choice.scope else "in sessions of their own"
    return check("logout", "ok", "runs go on after logout, " + how)


def judge_gpus(facts):
    # type: (Dict[str, Any]) -> Check
    """What the driver lists."""
    names = [gpu["name"] or gpu["uuid"] for gpu in facts["gpus"]]
    if not names:
        return check("gpus", "ok", "no NVIDIA GPU")
    kinds = ", ".join("%d x %s" % (names.count(name), name) for name in sorted(set(names)))
    return check("gpus", "ok", kinds)


def judge_reaping(works):
    # type: (bool) -> Check
    """Whether all of a run's processes can be found."""
    if works:
        return check("processes", "ok", "orphaned processes of a run are found and ended")
    text = "this python cannot adopt orphaned processes (no ctypes or no prctl)"
    return check("processes", "warn", text, "choose another python for this machine")


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
        return check("writing", "ok", "the root can be written")
    text = "the root cannot be written: %s" % (problem.strerror or problem)
    return check("writing", "bad", text, NO_ROOM if problem.errno in DISK_FULL else ANOTHER)
