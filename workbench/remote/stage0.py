"""The first thing that runs on a machine: fetches the payload if it is not there yet and becomes the link.

Its source is sent as one line of input to a bare python, which then has nothing else of ours: it imports
only the standard library. It answers with lines `MAGIC{...}`: {"need": true} asks for the payload's bytes,
{"need": false} says that frames follow, {"error": {code, message, hint}} that they will not.
"""

import binascii
import errno
import hashlib
import json
import os
import sys
import time
from typing import Any, Dict, Optional

MAGIC = b"\x1eWORKBENCH-LINK "
STALE = 3600  # seconds after which another upload's .partial counts as abandoned
CHUNK = 1 << 18


def say(answer):
    # type: (Dict[str, Any]) -> None
    """One line to the near end."""
    left = MAGIC + json.dumps(answer).encode("ascii") + b"\n"
    while left:
        left = left[os.write(1, left) :]


def explain(error, folder):
    # type: (OSError, str) -> Dict[str, Any]
    """A failed write as code, message and hint."""
    code = error.errno
    if code in (errno.ENOSPC, errno.EDQUOT):
        what = "disk full" if code == errno.ENOSPC else "disk quota exceeded"
        return {
            "code": "disk_full",
            "message": "%s on the machine: %s cannot be written" % (what, folder),
            "hint": "make room, or use another disk: --root FOLDER, later wb compute set NAME root=FOLDER",
        }
    if code in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        return {
            "code": "root_not_writable",
            "message": "the folder %s on the machine cannot be written: %s" % (folder, error.strerror),
            "hint": "choose a folder of yours with --root",
        }
    return {"code": "remote", "message": "%s on the machine: %s" % (folder, error), "hint": ""}


def intact(path, sha):
    # type: (str, str) -> bool
    """Whether the payload is there and holds what its name says."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(CHUNK), b""):
                digest.update(block)
    except OSError:
        return False
    return digest.hexdigest() == sha


def sweep(folder):
    # type: (str) -> None
    """Remove what uploads that were cut long ago left behind."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        try:
            if name.endswith(".partial") and time.time() - os.stat(path).st_mtime > STALE:
                os.unlink(path)
        except OSError:  # another link sweeps at the same time
            continue


def receive(path, sha, size):
    # type: (str, str, int) -> bool
    """Take size bytes of input as the payload; False when they are not what sha says. Raises OSError."""
    partial = "%s.%d-%s.partial" % (path, os.getpid(), os.urandom(4).hex())
    digest = hashlib.sha256()
    try:
        # Everything is read even when writing fails: the answer must reach a peer that still sends.
        failure = None
        file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            while size > 0:
                block = os.read(0, min(size, CHUNK))
                if not block:
                    raise SystemExit(1)
                size -= len(block)
                digest.update(block)
                while block and failure is None:
                    try:
                        block = block[os.write(file, block) :]
                    except OSError as error:
                        failure = error
            if failure is not None:
                raise failure
            os.fsync(file)
        finally:
            os.close(file)
        if digest.hexdigest() != sha:
            return False
        os.rename(partial, path)
        partial = ""
        return True
    finally:
        if partial and os.path.exists(partial):
            os.unlink(partial)


def fetch(root, sha, size):
    # type: (str, str, int) -> str
    """The payload's path, after asking for its bytes where it is missing or damaged; exits on failure."""
    folder = os.path.join(root, "payload")
    path = os.path.join(folder, sha + ".pyz")
    try:
        os.utime(path)  # so that nobody who tidies up takes it before the link holds it
    except OSError:
        pass  # it is not there yet, or another's to touch
    if intact(path, sha):
        return path
    try:
        os.makedirs(root, 0o700, exist_ok=True)
        os.makedirs(folder, 0o700, exist_ok=True)
        sweep(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        say({"need": True})
        if receive(path, sha, size):
            return path
        problem = {
            "code": "payload_damaged",
            "message": "what arrived on the machine is not what was sent",
            "hint": "try again; if it stays, something between here and there changes bytes",
        }
    except OSError as error:
        problem = explain(error, folder)
    say({"error": problem})
    raise SystemExit(1)


def loaded(path):
    # type: (str) -> Any
    """The module `link` of a payload, from its compiled form where that is there and whole (compiled.py)."""
    magic = sys.modules["_frozen_importlib_external"].MAGIC_NUMBER
    tag = binascii.hexlify(magic).decode("ascii")
    quick = "%s.%s-%s" % (path, sys.implementation.cache_tag, tag)
    sys.path.insert(0, path)
    if os.path.isfile(quick):
        sys.path.insert(0, quick)
        try:
            from workbench.remote import link
            from workbench.remote.methods import table  # brings nearly all the rest: damage shows here

            return link
        except Exception:  # whatever a broken disk makes of it; the payload itself has a sum
            sys.path.remove(quick)
            for name in [name for name in sys.modules if name.partition(".")[0] == "workbench"]:
                del sys.modules[name]
    from workbench.remote import link

    return link


def run(root, lease_dir, sha, size):
    # type: (Optional[str], Optional[str], str, int) -> None
    """Fetch the payload and become the link; root and lease_dir may be None for the defaults."""
    if sys.version_info < (3, 6):
        found = "%d.%d" % sys.version_info[:2]
        message = "%s is python %s, 3.6 or newer is needed" % (sys.executable, found)
        say({"error": {"code": "no_python", "message": message, "hint": "name another one with --python"}})
        raise SystemExit(1)
    folder = os.path.abspath(os.path.expanduser(root or "~/.workbench"))
    path = fetch(folder, sha, size)
    link = loaded(path)
    say({"need": False})
    link.main(folder, lease_dir, path)
