"""What an engine's error means, and what helps. Pure."""

import re
import shlex
from typing import List, NamedTuple, Optional, Tuple

# words: what is wrong. hint: what to do. fix: a command to copy, ours or one that is run on the machine.
Trouble = NamedTuple("Trouble", [("words", str), ("hint", str), ("fix", str)])

CONF = "/etc/containers/containers.conf, or ~/.config/containers/containers.conf"


def configured(section, line):
    # type: (str, str) -> str
    """The command that adds a line to podman's settings, in a file of its own beside them."""
    folder = "/etc/containers/containers.conf.d"
    text = shlex.quote("[%s]\\n%s\\n" % (section, line))
    name = line.partition(" ")[0]
    return "sudo mkdir -p %s && printf %s | sudo tee %s/%s.conf" % (folder, text, folder, name)


LIMITS = 'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]'
RUNC = 'runtime = "runc"'
CGROUPFS = 'cgroup_manager = "cgroupfs"'

_KNOWN = [
    (
        r"setrlimit|RLIMIT_(NOFILE|NPROC)|setting rlimits",
        "the engine may not raise limits here (setrlimit: operation not permitted)",
        "put %s under [containers] in %s" % (LIMITS, CONF),
        configured("containers", LIMITS),
    ),
    (
        r"cgroups? in hybrid mode not supported|hybrid (mode|cgroup)",
        "crun does not work with this machine's hybrid cgroups",
        "install runc and put %s under [engine] in %s" % (RUNC, CONF),
        "sudo apt-get install runc && " + configured("engine", RUNC),
    ),
    (
        r"systemd cgroup.*(not|no such)|sd-bus call|dbus.*cgroup|cgroup manager.*systemd",
        "the engine asks systemd for a cgroup, and there is no systemd that answers",
        "put %s under [engine] in %s" % (CGROUPFS, CONF),
        configured("engine", CGROUPFS),
    ),
    (
        r"catatonit|container-init binary|docker-init|/tini\b|init.*executable file not found",
        "the engine lacks the small init that a container gets as its first process",
        "install catatonit (podman) or tini (docker)",
        "sudo apt-get install catatonit",
    ),
    (
        r"netavark: No such file or directory|iptables.*(not found|no such file)|unable to find iptables",
        "the engine's network needs iptables, which is not installed",
        "install it, or leave out --network: runs use the machine's own network then",
        "sudo apt-get install iptables",
    ),
    (
        r"could not find.{0,20}netavark|netavark.*(executable file not found|not found in)|aardvark-dns",
        "the engine's network program netavark is not installed",
        "install netavark and aardvark-dns",
        "sudo apt-get install netavark aardvark-dns",
    ),
    (
        r"newuidmap|newgidmap|no subuid ranges|subuid|not enough (unused )?IDs|insufficient UIDs",
        "rootless containers have no range of user ids here",
        "an admin gives one: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER; "
        "newuidmap comes with the package uidmap",
        "sudo apt-get install uidmap",
    ),
    (
        r"permission denied.*docker\.sock|docker\.sock.*permission denied|denied while trying to connect",
        "you may not use docker's daemon here",
        "an admin adds you to its group (which is as good as root there), or use podman; then connect anew",
        "sudo usermod -aG docker $USER",
    ),
    (
        r"cannot connect to the docker daemon|is the docker daemon running|failed to connect to the docker",
        "docker's daemon is not running",
        "start it, or use another engine: wb compute set NAME container_engine=podman",
        "sudo systemctl start docker",
    ),
    (
        r"containerd.*(connection refused|no such file|cannot access)|rootless containerd not running",
        "containerd is not running",
        "start it, or use another engine: wb compute set NAME container_engine=podman",
        "sudo systemctl start containerd",
    ),
    (
        r"unresolvable CDI device|CDI device injection failed|unknown flag: --gpus",
        "podman does not know this machine's GPUs: there is no CDI description of them",
        "install nvidia-container-toolkit and let it write one",
        "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml",
    ),
    (
        r"could not select device driver|nvidia-container-cli|unknown or invalid runtime name: nvidia",
        "docker cannot hand GPUs on: NVIDIA's container toolkit is not installed or not set up",
        "install nvidia-container-toolkit and set it up",
        "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker",
    ),
    (
        r"no space left on device|disk quota exceeded",
        "the disk where the engine keeps images is full",
        "remove images that nothing needs, with whichever of the two is there",
        "docker image prune --all || podman image prune --all",
    ),
    (
        r"exec format error|does not match the (detected host )?platform|image platform",
        "the image is for another kind of processor",
        "choose an image for this machine's processor",
        "uname -m",
    ),
]  # type: List[Tuple[str, str, str, str]]

_PULL = [
    (
        r"(denied|unauthorized|authentication required|requested access to the resource|no basic auth)",
        "the registry wants a login for it, or there is no such image",
        "log in on the machine: docker login REGISTRY, or podman login REGISTRY",
        "docker login REGISTRY",
    ),
    (
        r"(manifest unknown|not found|name unknown|does not exist|repository .* not exist|no such image)",
        "its registry has no such image",
        "look at its name and tag",
        "skopeo list-tags docker://IMAGE",
    ),
    (
        r"(no such host|dial tcp|i/o timeout|connection refused|network is unreachable|timeout"
        r"|temporary failure|server misbehaving|TLS handshake|proxyconnect)",
        "its registry cannot be reached from the machine",
        "images can be taken there by hand: docker save IMAGE | wb compute exec NAME -- docker load",
        "docker save IMAGE | wb compute exec NAME -- docker load",
    ),
    (
        r"(short-name|unqualified-search|did not resolve to an alias)",
        "its name does not say a registry, and podman knows none to ask",
        "write it whole, such as docker.io/library/python:3.12",
        "podman search IMAGE",
    ),
]  # type: List[Tuple[str, str, str, str]]


def explained(text):
    # type: (str) -> Optional[Trouble]
    """What an engine's error means; None for one that is not known, which says best itself what it is."""
    return _first(_KNOWN, text)


def pull_explained(text):
    # type: (str) -> Optional[Trouble]
    """The same for a pull that failed."""
    return explained(text) or _first(_PULL, text)


def _first(known, text):
    # type: (List[Tuple[str, str, str, str]], str) -> Optional[Trouble]
    for pattern, words, hint, fix in known:
        if re.search(pattern, text, re.IGNORECASE):
            return Trouble(words, hint, fix)
    return None
