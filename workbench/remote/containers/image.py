"""Bringing an image onto a machine: it is there, is pulled, or is built from a Dockerfile; then it is asked.

`make` is a step of an environment's build, like uv's: once for all that want it, with a log that is followed,
ended when nobody waits any more. What it finds out is kept with the environment, so a run asks nothing again.
"""

import json
import os
import re
from typing import Any, Dict, List, Mapping, Optional

from workbench.remote.containers.calls import Answer, call, last_line, quiet_environment
from workbench.remote.containers.engine import PODMAN, Engine, NoEngine, find_engine, remembered
from workbench.remote.containers.trouble import Trouble, explained, pull_explained
from workbench.remote.environments.interpreters import QUESTION, understood
from workbench.remote.environments.steps import StepFailed, Steps
from workbench.remote.snapshots.layout import MissingBlob, lay_out
from workbench.remote.snapshots.leftovers import remove_tree

ASK_SECONDS = 120.0
KIND = "image"
# What an image is asked once, by its own shell: $0 is the question for its python.
EXAMINE = r"""
for shell in /bin/bash /usr/bin/bash /bin/sh; do
    if [ -x "$shell" ]; then echo "shell:$shell"; break; fi
done
python=$(command -v python3 || command -v python) || exit 0
echo "python:$python"
"$python" -c 'import sys; print("version:%d.%d.%d" % sys.version_info[:3])' || exit 0
exec "$python" -c "$0"
"""
FILE = "Dockerfile"
ENDED = re.compile("building at STEP|while running runtime|returned a non-zero code|did not complete success")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


def make(steps, build, secrets):
    # type: (Steps, Dict[str, Any], Mapping[str, str]) -> Dict[str, Any]
    """Have the image on the machine; {"packages", "python", "by", "image": what runs need to know of it}.

    Raises StepFailed, Unwanted, OSError.
    """
    asked = container_of(build)
    try:
        engine = find_engine(asked.get("engine"))
    except NoEngine as problem:
        raise StepFailed(problem.message, problem.hint)
    steps.log.say("%s %s" % (" ".join(engine.argv), engine.version))
    name = built(steps, engine, build) if is_built(build) else fetched(steps, engine, build)
    facts = inspected(engine, name)
    if facts is None:
        raise StepFailed("%s does not tell of the image %s that it has just made" % (engine.argv[0], name))
    known = examined(engine, facts)
    steps.log.say("%s is %s" % (name, facts["id"]))
    os.makedirs(steps.place.path, 0o755, exist_ok=True)
    known.update(facts, name=name, engine=remembered(engine))
    return {
        "packages": known.pop("packages"),
        "python": known["version"] or "",
        "by": "%s %s" % (os.path.basename(engine.argv[0]), engine.version),
        "image": known,
    }


def container_of(build):
    # type: (Mapping[str, Any]) -> Dict[str, Any]
    """What the run's side says of the container: {"engine"?, "shm_size"?, "docker_args"?, "pull"?}."""
    found = build.get("container")
    return found if isinstance(found, dict) else {}


def is_built(build):
    # type: (Mapping[str, Any]) -> bool
    """Whether the image is made here, from a Dockerfile."""
    return bool(build.get("dockerfile"))


def fetched(steps, engine, build):
    # type: (Steps, Engine, Mapping[str, Any]) -> str
    """An image by its name: one that is there is taken as it is, so a machine without internet works."""
    name = str(build.get("image") or "")
    if not name or name.startswith("-"):
        raise StepFailed("the environment names no image")
    there = call(engine.argv + ["image", "inspect", "--format", "{{.Id}}", name], ASK_SECONDS)
    if there.code == 0 and not container_of(build).get("pull"):
        steps.log.say("%s is on the machine already" % name)
        return name
    try:
        steps.run(engine.argv + ["pull", name], quiet_environment(), "pulling %s" % name)
    except StepFailed as failure:
        said = failure.said or failure.message
        raise told_failure("the image %s cannot be had" % name, said, pull_explained(said))
    return name


def built(steps, engine, build):
    # type: (Steps, Engine, Mapping[str, Any]) -> str
    """An image from a Dockerfile and its context, named by the environment's key: built once for all."""
    tag = "localhost/workbench-%s:%s" % (part_of_tag(str(build.get("name") or KIND)), steps.place.key)
    folder = steps.place.path + ".context"
    if os.path.lexists(folder):  # of a build that was killed
        remove_tree(folder)
    os.makedirs(folder, 0o700)
    try:
        context = os.path.join(folder, "context")
        lay_context(steps, build, context)
        file = os.path.join(folder, FILE)
        with open(file, "wb") as opened:
            opened.write(str(build.get("dockerfile")).encode("utf-8"))
        argv = engine.argv + ["build", "--tag", tag, "--file", file]
        if engine.kind == PODMAN:
            argv += ["--network", "host"]  # as runs have it; another one needs more to be installed
        argv.append(context)
        steps.run(argv, quiet_environment(), "building %s" % tag)
    except StepFailed as failure:
        said = failure.said or failure.message
        raise told_failure("the image cannot be built", cause_of(said), explained(said))
    except MissingBlob as problem:
        raise StepFailed("the build's context is not on the machine: %s" % problem, "submit again")
    finally:
        remove_tree(folder)
    return tag


def cause_of(said):
    # type: (str) -> str
    """What a build said without the engine's own word that a step failed, where the step says why itself."""
    lines = [line for line in said.split("\n") if not ENDED.search(line)]
    told = any(line.strip().lower().startswith("error") for line in lines)
    return "\n".join(lines) if told else said


def lay_context(steps, build, folder):
    # type: (Steps, Mapping[str, Any], str) -> None
    """Put the build's context there: a snapshot, or the files that the build has with it."""
    if build.get("context"):
        lay_out(steps.machine, str(build["context"]), folder)
        return
    os.mkdir(folder, 0o755)
    files = build.get("files")
    for name, text in sorted(files.items()) if isinstance(files, dict) else ():
        if not FILE_NAME.match(name):
            raise StepFailed("no name of a file beside a Dockerfile: %.80r" % (name,))
        with open(os.path.join(folder, name), "wb") as opened:
            opened.write(str(text).encode("utf-8"))


def part_of_tag(name):
    # type: (str) -> str
    """A name as a part of an image's: lower-case letters, digits and single dashes."""
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or KIND


def told_failure(what, said, trouble):
    # type: (str, str, Optional[Trouble]) -> StepFailed
    """A step's failure with what it means, where that is known."""
    if trouble is None:
        return StepFailed("%s: %s" % (what, last_line(said) or said))
    return StepFailed("%s: %s (%s)" % (what, trouble.words, last_line(said)[:300]), trouble.hint)


def inspected(engine, name):
    # type: (Engine, str) -> Optional[Dict[str, Any]]
    """{"id", "digests", "path", "pythonpath"} of an image that is there; None when it is not.

    id names its content for ever; digests: NAME@sha256:... by which a registry gives it out.
    """
    answer = call(engine.argv + ["image", "inspect", name], ASK_SECONDS)
    if answer.code != 0:
        return None
    return read_inspected(answer.out)


def read_inspected(text):
    # type: (str) -> Optional[Dict[str, Any]]
    """The same from what an engine printed."""
    try:
        found = json.loads(text)
        first = found[0] if isinstance(found, list) else found
        number = str(first["Id"])
        config = first.get("Config") or {}
        lines = config.get("Env") or []
        digests = [str(one)[:500] for one in first.get("RepoDigests") or []][:4]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return None
    variables = dict(str(line).partition("=")[::2] for line in lines)
    return {
        "id": number if ":" in number else "sha256:" + number,
        "digests": digests,
        "path": variables.get("PATH", ""),
        "pythonpath": variables.get("PYTHONPATH", ""),
    }


def examined(engine, facts):
    # type: (Engine, Mapping[str, Any]) -> Dict[str, Any]
    """{"shell", "interpreter", "version", "packages"} of an image; texts are empty where it has none.

    An image without a shell has no python that matters: it runs an exact argv. Raises StepFailed where the
    engine runs no container at all.
    """
    argv = engine.argv + ["run", "--rm", "--network", "none", "--entrypoint", "/bin/sh", str(facts["id"])]
    answer = call(argv + ["-c", EXAMINE, QUESTION], ASK_SECONDS)
    if answer.code in (125, 126, 127) and not answer.out and not lacks_shell(answer):
        raise told_failure("no container runs here", answer.err, explained(answer.err))
    return read_examined(answer.out)


def lacks_shell(answer):
    # type: (Answer) -> bool
    """Whether a container did not start because the image has no /bin/sh."""
    text = answer.err.lower()
    return "/bin/sh" in text and ("no such file" in text or "not found" in text)


def read_examined(text):
    # type: (str) -> Dict[str, Any]
    """The same from what EXAMINE printed."""
    said = {}  # type: Dict[str, str]
    rest = []  # type: List[str]
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon and name in ("shell", "python", "version") and "\t" not in line:
            said.setdefault(name, value.strip()[:500])
        else:
            rest.append(line)
    found = understood("\n".join(rest).encode("utf-8", "replace"))
    return {
        "shell": said.get("shell", ""),
        "interpreter": said.get("python", ""),
        "version": said.get("version", ""),
        "packages": {} if found is None else found.distributions,
    }
