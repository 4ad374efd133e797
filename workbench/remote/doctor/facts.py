"""What a machine is: measured when it is attached, and whenever somebody asks what is wrong with it."""

import os
import platform
import re
import sys
from typing import Any, Dict, List, Optional

from workbench.remote.disk.disks import disks
from workbench.remote.disk.mounts import file_system, free_bytes, free_files
from workbench.remote.doctor import checks
from workbench.remote.doctor.driver_checks import find_driver, judge_amd, judge_driver
from workbench.remote.doctor.python_checks import python_checks
from workbench.remote.gpus.amd_sampling import find_cards
from workbench.remote.gpus.devices import ask, gpu_memory, list_gpus
from workbench.remote.machine import Machine
from workbench.remote.processes.background import can_adopt_orphans
from workbench.remote.processes.detaching import ask_login_manager, user_name

QUOTA_SECONDS = 10.0


def facts(machine):
    # type: (Machine) -> Dict[str, Any]
    """Everything measured, as plain values.

    hostname, machine_id, boot_id, pidns, user, uid, home, home_fs, home_free (bytes), quota ([{"source",
    "used", "limit"}] in bytes), python ({"executable", "version"}), cpus, memory (bytes), gpus ([{"uuid",
    "name", "memory"}]), systemd, linger, kill_user_processes; and root, root_fs, root_free, lease_dir,
    lease_fs, os, kernel, architecture. What cannot be measured is null.
    """
    manager = ask_login_manager()
    home = os.path.expanduser("~")
    memory = gpu_memory()
    return {
        "hostname": os.uname().nodename,
        "machine_id": machine.machine_id,
        "boot_id": machine.boot_id,
        "pidns": machine.pidns,
        "user": user_name(),
        "uid": os.getuid(),
        "home": home,
        "home_fs": file_system(home),
        "home_free": free_bytes(home),
        "quota": quota(),
        "root": machine.root,
        "root_fs": file_system(machine.root),
        "root_free": free_bytes(machine.root),
        "lease_dir": machine.lease_dir,
        "lease_fs": file_system(machine.lease_dir),
        "python": {"executable": sys.executable, "version": platform.python_version()},
        "cpus": len(os.sched_getaffinity(0)),
        "memory": total_memory(),
        "gpus": [dict(gpu, memory=memory.get(gpu["uuid"])) for gpu in list_gpus()],
        "systemd": manager.systemd,
        "linger": manager.linger,
        "kill_user_processes": manager.kills,
        "os": os_name(),
        "kernel": os.uname().release,
        "architecture": os.uname().machine,
    }


def doctor(machine):
    # type: (Machine) -> List[Dict[str, str]]
    """What is well and what is not, as [{"name", "state": ok|warn|bad, "text", "hint"}]."""
    known = facts(machine)
    known.update(root_files=free_files(machine.root), better_root=better_root(known))
    found = python_checks() + checks.judge(known)
    found += judge_driver(find_driver(), len(known["gpus"])) + judge_amd(len(find_cards()))
    found.append(checks.judge_writing(checks.try_writing(machine.root)))
    found.append(checks.judge_reaping(can_adopt_orphans()))
    return found


def better_root(known):
    # type: (Dict[str, Any]) -> Optional[str]
    """A folder of ours on the largest local disk, for a root that is on a network; None without one."""
    found = disks()
    if not found:
        return None
    best = max(found, key=lambda disk: (bool(disk["own"]), int(str(disk["free"]))))
    return os.path.join(str(best["path"]), ".workbench" if best["own"] else "workbench-%s" % known["user"])


def quota():
    # type: () -> Optional[List[Dict[str, Any]]]
    """This user's disk quotas; None where there is no quota tool or it says nothing."""
    text = ask(["quota", "-w"], QUOTA_SECONDS)
    return parse_quota(text) if text else None


def parse_quota(text):
    # type: (str) -> List[Dict[str, Any]]
    """The rows of `quota -w`: source, used and limit in bytes (the soft limit where there is no hard one)."""
    found = []
    for line in text.splitlines():
        match = re.match(r"^\s*(\S+)\s+(\d+)\*?\s+(\d+)\s+(\d+)\b", line)
        if match:
            used, soft, hard = (int(number) << 10 for number in match.groups()[1:])
            found.append({"source": match.group(1)[:500], "used": used, "limit": hard or soft})
    return found


def total_memory():
    # type: () -> int
    """Bytes of memory of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def os_name():
    # type: () -> str
    """The distribution's own name for itself, "Linux" where it has none."""
    try:
        with open("/etc/os-release", encoding="utf-8", errors="replace") as file:
            match = re.search(r'^PRETTY_NAME="?(.{1,200}?)"?$', file.read(65536), re.MULTILINE)
    except OSError:
        match = None
    return match.group(1) if match else platform.system()
