"""What a run reads and where it writes, made ready before it waits for a lease, and told to its command.

`spec["data"]` is {"inputs": {name: INPUT}, "outputs": {name: OUTPUT}, "changed": "refuse" or "warn"}.
INPUT is {"type", "mode", "asset"?} and one of
    "path"   the place on this machine that is used as it lies; "fingerprint" {hash, content} it should have
    "paths"  several, or patterns: links to what they mean in a folder of the run's
    "key"    a tree of the cache; "file" the one file of it that is meant; "fetch" [{id, size, url, etag?}]
             where what is missing comes from, when the machine gets it by itself
    "value"  what the command is told, of which nothing is fetched (mode direct)
OUTPUT is {"type", "mode"} and "path" where it goes, absent = outputs/NAME of the run's folder, and in that
"file", what a single file is called where it goes afterwards.
"""

import hashlib
import os
import stat
import time
from typing import Any, Callable, Dict, List

from workbench.remote.data.cache import KEY, Cache
from workbench.remote.data.expressions import PLAIN, Places, named, replaced
from workbench.remote.data.fetching import fetch, read_wanted
from workbench.remote.data.selection import Selected, list_files, select
from workbench.remote.disk.filelock import lock
from workbench.remote.forms import protocol
from workbench.remote.forms.sizes import in_words
from workbench.remote.forms.tree_paths import encode
from workbench.remote.runs.runfolder import read_object, write_whole
from workbench.remote.wire.problems import DISK_FULL, RequestError

NOTE = "preparing.note"  # in the run's folder: how far it is, for the supervisor
OFTEN = 0.5
JUST_NOW = 60.0  # seconds
INPUT_VARIABLES = ("AZUREML_DATAREFERENCE_", "WORKBENCH_INPUT_", "AZURE_ML_INPUT_")
OUTPUT_VARIABLES = ("WORKBENCH_OUTPUT_", "AZURE_ML_OUTPUT_")


class DataProblem(Exception):
    """What the run reads is not there, or not what was asked for; the sentence says what to do."""


def provide(machine: Any, folder: Any, spec: Dict[str, Any]) -> Places:
    """Make it ready: {"inputs": {name: path}, "outputs": {name: path}}. Raises DataProblem, OSError."""
    data = spec.get("data") or {}
    work = _Providing(machine, folder, str(data.get("changed") or "refuse"))
    places: Places = {"inputs": {}, "outputs": {}}
    try:
        for name, item in sorted((data.get("inputs") or {}).items()):
            try:
                places["inputs"][name] = work.input(name, item)
            except OSError as problem:
                if problem.errno in DISK_FULL:
                    raise
                raise DataProblem("input %s: %s" % (name, _said(problem, str(item.get("path") or ""))))
        for name, item in sorted((data.get("outputs") or {}).items()):
            places["outputs"][name] = work.output(name, item)
    finally:
        work.done()
    for kind, name in named(spec.get("command")):
        if name not in places[kind]:
            raise DataProblem("${{%s.%s}} in the command: there is no such %s" % (kind, name, kind[:-1]))
    warn(folder, spec, work.warnings)
    return places


def _said(problem: OSError, path: str) -> str:
    """What the system says of a file, with the file, or with the path that it lies at."""
    named = path if problem.filename is None else problem.filename
    where = os.fsencode(named).decode("utf-8", "replace")
    return (where + ": " if where else "") + (problem.strerror or str(problem))


def bound(spec: Dict[str, Any], places: Places) -> Dict[str, Any]:
    """The spec with the places in its command and in its environment variables."""
    variables = {}
    for kind, prefixes in (("inputs", INPUT_VARIABLES), ("outputs", OUTPUT_VARIABLES)):
        for name, path in places[kind].items():
            variables.update({prefix + name: path for prefix in prefixes})
    variables.update(spec.get("environment_variables") or {})
    return dict(spec, command=replaced(spec["command"], places), environment_variables=variables)


def warn(folder: Any, spec: Dict[str, Any], warnings: List[str]) -> None:
    """Keep sentences as warnings of the run."""
    if warnings:
        from workbench.remote.forms.record_text import quote
        from workbench.remote.runs.records import RecordFile

        file = RecordFile(folder.path, folder.run_id, int(spec.get("attempt") or 1))
        for text in warnings:
            file.write('{"k":"warning","v":%s' % quote(text[:2000]))


class _Providing(object):
    def __init__(self, machine: Any, folder: Any, changed: str) -> None:
        self._cache = Cache(machine.root, machine.machine_id, machine.boot_id)
        self._folder = folder
        self._note = folder.inside(NOTE)
        self._noted = 0.0
        self._changed = changed
        self.warnings: List[str] = []

    def input(self, name: str, item: Dict[str, Any]) -> str:
        """Where one input lies."""
        if isinstance(item.get("value"), str):
            return str(item["value"])
        if isinstance(item.get("warning"), str):  # of who sent it
            self.warnings.append(str(item["warning"]))
        if isinstance(item.get("path"), str):
            return self._in_place(name, item)
        if isinstance(item.get("paths"), list):
            return self._linked(name, item, [str(path) for path in item["paths"]])
        path = self._cached(name, item)
        if item.get("mode") == "rw_mount":
            return self._own_copy(name, path)
        return self._without_quotes(name, path)

    def _in_place(self, name: str, item: Dict[str, Any]) -> str:
        path = os.path.expanduser(str(item["path"]))
        wants_file = item.get("type") == "uri_file"
        try:
            facts = os.stat(path)
        except OSError as problem:
            words = "input %s: %s on this machine: %s"
            raise DataProblem(words % (name, path, problem.strerror or "cannot be looked at"))
        if not item.get("asset") and stat.S_ISDIR(facts.st_mode) == wants_file:
            is_a, wanted = ("a folder", "uri_file") if wants_file else ("a file", "uri_folder")
            raise DataProblem("input %s: %s is %s, and its type is %s" % (name, path, is_a, wanted))
        if not os.access(path, os.R_OK | (os.X_OK if stat.S_ISDIR(facts.st_mode) else 0)):
            raise DataProblem("input %s: %s may not be read by this user" % (name, path))
        expected = item.get("fingerprint") or {}
        if expected.get("hash"):
            try:
                selected = select([path], self._telling("looking at %s" % name), literal=True)
            except RequestError as problem:
                raise DataProblem("input %s: %s" % (name, problem.message))
            self._compare(name, path, item, expected, selected)
        return path

    def _linked(self, name: str, item: Dict[str, Any], paths: List[str]) -> str:
        """A folder of the run's with a link to each file that the paths mean."""
        try:
            selected = select(paths, self._telling("looking at %s" % name))
        except RequestError as problem:
            raise DataProblem("input %s: %s" % (name, problem.message))
        expected = item.get("fingerprint") or {}
        if expected.get("hash"):
            self._compare(name, ", ".join(paths), item, expected, selected)
        place = os.path.join(self._folder.inside("inputs"), name)
        if os.path.isdir(place):  # an earlier attempt made it
            return place
        partial = place + ".partial"
        _remove(partial)
        os.makedirs(partial)
        for below, _, _ in selected.files:
            link = os.path.join(os.fsencode(partial), encode(below))
            os.makedirs(os.path.dirname(link), exist_ok=True)
            os.symlink(os.path.join(selected.base, encode(below)), link)
        os.rename(partial, place)
        return place

    def _compare(
        self, name: str, path: str, item: Dict[str, Any], expected: Dict[str, Any], selected: Selected
    ) -> None:
        tell = self._telling("looking at %s" % name)
        found = list_files(selected, False, tell, _keep_none)
        if expected.get("content"):
            found = self._known_contents(path, selected, found, tell)
        if found["hash"] == expected["hash"]:
            return
        words = "%s on this machine (%s) is not what it was when it was registered: %d files, %s"
        text = words % (item.get("asset") or name, path, found["files"], in_words(found["bytes"]))
        if isinstance(expected.get("files"), int) and isinstance(expected.get("bytes"), int):
            text += ", then %d files, %s" % (expected["files"], in_words(expected["bytes"]))
        if self._changed != "warn":
            raise DataProblem(text + "; register what is there as a new version, or set data.changed to warn")
        self.warnings.append(text)

    def _known_contents(
        self, path: str, selected: Selected, shallow: Dict[str, Any], tell: Callable[[int, int], None]
    ) -> Dict[str, Any]:
        """The fingerprint of contents, which are read again only where paths, sizes or times are others."""
        name = hashlib.sha256(os.fsencode(path)).hexdigest() + ".json"
        memory = os.path.join(self._cache.folder, "seen", name)
        try:
            known = read_object(memory, 1 << 16) or {}
        except ValueError:
            known = {}
        if known.get("shallow") == shallow["hash"] and isinstance(known.get("deep"), str):
            return dict(shallow, hash=known["deep"], content=True)
        deep = list_files(selected, True, tell, _keep_none)
        os.makedirs(os.path.dirname(memory), 0o700, exist_ok=True)
        write_whole(memory, protocol.dumps({"shallow": shallow["hash"], "deep": deep["hash"]}))
        return deep

    def _cached(self, name: str, item: Dict[str, Any]) -> str:
        key = str(item.get("key"))
        if KEY.match(key) and self._cache.used(key) < JUST_NOW:  # who sent the run has looked at each file
            tree = self._cache.tree(key)
            return os.path.join(tree, str(item["file"])) if item.get("file") else tree
        entries = self._cache.manifest(key)
        ready = False
        if entries is not None:
            held = lock(self._cache.lock_path(key), 600.0)
            try:
                ready = self._cache.check(key, entries)
                if ready:
                    self._cache.touch(key)
            finally:
                os.close(held)
        if entries is not None and not ready and item.get("fetch"):
            self._fetch(name, key, item["fetch"])
            ready = True
        if entries is None or not ready:
            words = "input %s is not in this machine's cache any more: submit it again, it is sent then"
            raise DataProblem(words % name)
        tree = self._cache.tree(key)
        return os.path.join(tree, str(item["file"])) if item.get("file") else tree

    def _fetch(self, name: str, key: str, files: Any) -> None:
        wanted = read_wanted(files)
        total = sum(file.size for file in wanted)
        try:
            self._cache.check_room(total)
            fetch(self._cache, wanted, self._telling("fetching %s" % name, total), lambda: None)
            if not self._cache.seal(key).get("ready"):
                raise DataProblem("input %s: not all of it came" % name)
        except RequestError as problem:
            hint = "; %s" % problem.hint if problem.hint else ""
            raise DataProblem("input %s: %s%s" % (name, problem.message, hint))

    def _own_copy(self, name: str, path: str) -> str:
        """A copy in the run's folder that may be written to; one that an earlier attempt has is kept."""
        from workbench.remote.disk.copying import Copier

        place = os.path.join(self._folder.inside("inputs"), name)
        target = os.path.join(place, os.path.basename(path)) if os.path.isfile(path) else place
        if os.path.lexists(target):
            return target
        partial = place + ".partial"
        _remove(partial)
        copier = Copier()
        if os.path.isfile(path):
            os.makedirs(partial)
            copy_file(copier, path, os.path.join(partial, os.path.basename(path)))
        else:
            for folder, _, files in os.walk(path):
                made = os.path.join(partial, os.path.relpath(folder, path))
                os.makedirs(os.path.normpath(made))
                for file in files:
                    copy_file(copier, os.path.join(folder, file), os.path.join(os.path.normpath(made), file))
        os.rename(partial, place)
        return target

    def _without_quotes(self, name: str, path: str) -> str:
        """A path that no shell takes apart: a link in the run's folder for a file with a strange name."""
        if PLAIN.match(path) or not PLAIN.match(self._folder.path):
            return path
        strange = os.path.basename(path)
        place = os.path.join(self._folder.inside("inputs"), name)
        os.makedirs(place, exist_ok=True)
        link = os.path.join(place, "".join(char if PLAIN.match(char) else "_" for char in strange))
        if not os.path.lexists(link):
            os.symlink(path, link)
        return link

    def output(self, name: str, item: Dict[str, Any]) -> str:
        """Where one output is written; its folder is there."""
        path = item.get("path")
        place = os.path.join(self._folder.outputs, name, str(item.get("file") or "")).rstrip("/")
        if isinstance(path, str):
            place = os.path.expanduser(path)
        if not os.path.isabs(place):
            raise DataProblem("output %s: %s is no absolute path" % (name, path))
        try:
            os.makedirs(os.path.dirname(place) if item.get("type") == "uri_file" else place, exist_ok=True)
        except OSError as problem:
            raise DataProblem("output %s: %s: %s" % (name, place, problem.strerror))
        return place

    def _telling(self, what: str, total: int = 0) -> Callable[[int, int], None]:
        def tell(files: int, size: int) -> None:
            if time.monotonic() - self._noted < OFTEN:
                return
            self._noted = time.monotonic()
            of = " of %s" % in_words(total) if total else ""
            partial = self._note + ".partial"
            with open(partial, "w") as file:
                file.write("%s: %d files, %s%s" % (what, files, in_words(size), of))
            os.rename(partial, self._note)

        return tell

    def done(self) -> None:
        """Nothing is to be told any more."""
        if os.path.exists(self._note):
            os.unlink(self._note)


def copy_file(copier: Any, source: str, place: str) -> None:
    """A writable copy of a file. Raises OSError."""
    handle = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            copier.copy(handle, target, os.fstat(handle).st_size)
        finally:
            os.close(target)
    finally:
        os.close(handle)


def _keep_none(entries: List[List[Any]]) -> None:
    """Only the hash of all is wanted."""


def _remove(path: str) -> None:
    from workbench.remote.snapshots.leftovers import remove_tree

    if os.path.lexists(path):
        remove_tree(path)


def read_note(folder: Any) -> str:
    """How far making ready is; empty where nothing is told."""
    try:
        with open(folder.inside(NOTE), errors="replace") as file:
            return file.read(500)
    except OSError:
        return ""
