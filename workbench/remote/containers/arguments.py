"""The words an engine is started with for a run: what it mounts, whose files are made, which GPUs it sees.

Pure. No value of a variable is among them: the container takes it over from the engine's own client
(`--env NAME`), or, where the client itself goes by that variable, from a file in memory.
"""

import re
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from workbench.remote.containers.engine import DOCKER, PODMAN, Engine

DEFAULT_SHM = "2g"
HOST = "host"

# source: on the machine, and in the container too. writable: else mounted read-only.
Mount = NamedTuple("Mount", [("source", str), ("writable", bool)])

# uid, gid, groups: of the run's user. selinux: whether the machine keeps containers from files by labels.
Person = NamedTuple("Person", [("uid", int), ("gid", int), ("groups", List[int]), ("selinux", bool)])

Wanted = NamedTuple(
    "Wanted",
    [
        ("name", str),
        ("image", str),  # what names exactly one: its id
        ("command", List[str]),  # the first word is the program
        ("directory", str),
        ("mounts", List[Mount]),
        ("gpus", Optional[List[str]]),  # UUIDs; None: all there are
        ("shm_size", Optional[int]),  # bytes; None: DEFAULT_SHM
        ("cpus", Optional[int]),  # None: all
        ("extra", List[str]),  # the user's own words for the engine
        ("variables", List[str]),  # names the container takes over from the client's environment
        ("env_file", Optional[str]),
    ],
)

# What would take the container out of our hands, or is ours to say.
REFUSED = frozenset(
    "-d --detach -t --tty -i --interactive -it -ti --rm --name --entrypoint --restart --cidfile --pidfile"
    " --detach-keys --sig-proxy --log-driver --pod -a --attach --conmon-pidfile --replace --init -w"
    " --workdir".split()
)
NETWORK = ("--network", "--net")
_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.\-]*\Z")
_OWN = re.compile(  # what the engines' clients go by themselves
    r"^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TERM|LC_ALL|LANG|HOSTNAME|IFS|ENV|BASH_ENV|GO[A-Z]+|LD_.*|PYTHON.*"
    r"|XDG_.*|DBUS_.*|DOCKER_.*|BUILDKIT_.*|BUILDX_.*|COMPOSE_.*|CONTAINERS?_.*|PODMAN_.*|BUILDAH_.*|NERDCTL_.*"
    r"|CONTAINERD_.*|CNI_.*|NETAVARK_.*|ROOTLESSKIT_.*|REGISTRY_AUTH_FILE|SSH_.*|SSL_.*|_CONTAINERS_.*|SUDO_.*"
    r"|(?:HTTPS?|FTP|NO|ALL)_PROXY|STORAGE_.*)\Z",
    re.IGNORECASE,
)


class BadWords(ValueError):
    """What somebody wants of the engine cannot be; said in words."""


def run_words(engine, wanted, person):
    # type: (Engine, Wanted, Person) -> List[str]
    """The whole argv that runs a container in the foreground, its output on the client's own."""
    check_extra(wanted.extra)
    words = list(engine.argv) + ["run", "--name", wanted.name, "--init", "--workdir", wanted.directory]
    words += user_words(engine, person)
    if engine.kind in (DOCKER, PODMAN):  # else all the output would be kept a second time
        words += ["--log-driver", "none"]
    if network_of(wanted.extra) is None:
        words += ["--network", HOST]
    if not has_option(wanted.extra, ("--shm-size", "--ipc")):
        words += ["--shm-size", DEFAULT_SHM if wanted.shm_size is None else "%db" % wanted.shm_size]
    if wanted.cpus and not has_option(wanted.extra, ("--cpus", "--cpuset-cpus")):
        words += ["--cpus", str(wanted.cpus)]
    for mount in wanted.mounts:
        words += ["--mount", mount_words(mount)]
    words += gpu_words(engine, wanted.gpus)
    for name in wanted.variables:
        words += ["--env", name]
    if wanted.env_file:
        words += ["--env-file", wanted.env_file]
    words += wanted.extra
    return words + ["--entrypoint", wanted.command[0], wanted.image] + wanted.command[1:]


def user_words(engine, person):
    # type: (Engine, Person) -> List[str]
    """As whom the command runs, so that what it writes in the run's folder is the user's."""
    words = ["--security-opt", "label=disable"] if person.selinux else []
    if engine.rootless and engine.kind == PODMAN:
        return words + ["--userns", "keep-id", "--user", "%d:%d" % (person.uid, person.gid)]
    if engine.rootless:  # root in there is the user out here
        return words + ["--user", "0:0"]
    words += ["--user", "%d:%d" % (person.uid, person.gid)]
    if person.uid != 0:
        for group in person.groups:
            if group != person.gid:
                words += ["--group-add", str(group)]
    return words


def gpu_words(engine, gpus):
    # type: (Engine, Optional[Sequence[str]]) -> List[str]
    """How an engine is told which GPUs the container sees: docker by its own option, podman by CDI."""
    if gpus is not None and not gpus:
        return []
    if engine.kind == PODMAN:
        words = []  # type: List[str]
        for gpu in ["all"] if gpus is None else gpus:
            words += ["--device", "nvidia.com/gpu=" + gpu]
        return words
    # The value is a line of CSV: with several devices it is one quoted field.
    return ["--gpus", "all" if gpus is None else '"device=%s"' % ",".join(gpus)]


def mount_words(mount):
    # type: (Mount) -> str
    """The value of --mount: a line of CSV, so that a path may hold anything but a line's end."""
    if any(character in mount.source for character in "\n\r\0"):
        raise BadWords("a path with a line's end in it cannot be mounted: %r" % mount.source)
    fields = ["type=bind", "source=" + mount.source, "target=" + mount.source]
    if not mount.writable:
        fields.append("readonly")
    return ",".join(csv_field(field) for field in fields)


def csv_field(text):
    # type: (str) -> str
    """A field of CSV, quoted where it must be."""
    return '"%s"' % text.replace('"', '""') if any(c in text for c in ',"') else text


def check_extra(words):
    # type: (Sequence[str]) -> None
    """Raise BadWords for what docker_args may not say."""
    for word in words:
        if "\0" in word:
            raise BadWords("docker_args has a NUL character in it")
        if word.partition("=")[0] in REFUSED:
            raise BadWords(
                "docker_args may not have %s: the run's own start says it" % word.partition("=")[0]
            )
    if "--" in words:
        raise BadWords("docker_args may not have --")


def has_option(words, names):
    # type: (Sequence[str], Sequence[str]) -> bool
    """Whether one of the options is among words, as "--name value" or "--name=value"."""
    return any(word.partition("=")[0] in names for word in words)


def network_of(extra):
    # type: (Sequence[str]) -> Optional[str]
    """The network that docker_args chooses; None where they choose none, and it is the machine's own."""
    found = None
    for place, word in enumerate(extra):
        name, equals, value = word.partition("=")
        if name in NETWORK:
            found = value if equals else (extra[place + 1] if place + 1 < len(extra) else "")
    return found


def split_variables(wanted, client):
    # type: (Mapping[str, str], Mapping[str, str]) -> Tuple[List[str], Dict[str, str], Dict[str, str]]
    """How a container gets its variables: names it inherits, the client's environment, and those of a file.

    client: the environment the client needs for itself. What it goes by stands in the file, so that nothing a
    run sets turns the engine elsewhere. Raises BadWords for what no engine can hand on.
    """
    names = []  # type: List[str]
    environment = dict(client)
    filed = {}  # type: Dict[str, str]
    for name, value in sorted(wanted.items()):
        if not _NAME.match(name):
            raise BadWords("no container can have an environment variable of this name: %.100r" % name)
        if _OWN.match(name):
            if "\n" in value or "\r" in value:
                raise BadWords("the variable %s spans lines, which no engine takes for this one" % name)
            filed[name] = value
        else:
            names.append(name)
            environment[name] = value
    return names, environment, filed


def env_file_text(variables):
    # type: (Mapping[str, str]) -> str
    """The content of an env-file: no quotes, no escapes."""
    return "".join("%s=%s\n" % pair for pair in sorted(variables.items()))


def container_name(run_id, attempt):
    # type: (str, int) -> str
    """The name of an attempt's container; run ids are nobody else's."""
    return "workbench-%s-%d" % (run_id.lower(), attempt)
