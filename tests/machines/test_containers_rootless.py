"""Podman of an ordinary user, whom no daemon serves: what a run writes is theirs (AZ-32, AZ-131)."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.machines.engine_storage import CONF, STORAGE
from tests.machines.ground import until
from tests.machines.pam import MakePamServer, PamServer, make_pam_server
from tests.machines.podman import LIMITS, RUNC, TINY, shell_parts, tarred
from tests.machines.rig import need
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb

__all__ = ["make_pam_server"]
USER = "ann"
IDS = "200000-265535"
AS_USER = ("setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "env", f"HOME=/home/{USER}")


def engine_of(server: PamServer, folder: Path) -> str:
    """A podman of the user's own on that machine, with TINY, as a target's settings name it."""
    place = f"/home/{USER}/engine"
    texts = {
        "containers.conf": CONF.format(folder=place, containers="[containers]\n" + LIMITS, engine=RUNC),
        "storage.conf": STORAGE.format(folder=place, driver="vfs"),
    }
    server.administer("usermod", "--add-subuids", IDS, "--add-subgids", IDS, USER)
    server.administer("mkdir", "-p", f"{place}/xdg")
    for name, text in texts.items():
        server.administer("sh", "-c", f"cat > {place}/{name}", given=text)
    server.administer("chown", "-R", USER, place)
    server.administer("chmod", "700", f"{place}/xdg")
    words = [
        "env", f"XDG_RUNTIME_DIR={place}/xdg", f"CONTAINERS_CONF={place}/containers.conf",
        f"CONTAINERS_STORAGE_CONF={place}/storage.conf", "podman",
    ]  # fmt: skip
    files, links = shell_parts()
    (folder / "tiny.tar").write_bytes(tarred(files, links))
    server.administer("sh", "-c", f"cat {folder / 'tiny.tar'} > {place}/tiny.tar")
    given = f"cd / && exec {shlex.join(words)} import -q - {TINY} < {place}/tiny.tar"
    server.administer(*AS_USER, "sh", "-c", given)
    return shlex.join(words)


def test_a_user_without_rights_runs_an_image(wb: Wb, make_pam_server: MakePamServer, tmp_path: Path) -> None:
    """Over a real sshd as an ordinary user, by rootless podman: who one is in there, whose the files are, a
    cancel; and the doctor, which tries it."""
    need("podman", "runc", "conmon", "newuidmap")
    server = make_pam_server()
    server.add_user(USER)
    server.start()
    attach(wb, server)
    command = engine_of(server, tmp_path)
    try:
        runs_an_image(wb, server, command)
    finally:  # the process that holds the user's namespace of ids open
        server.administer(*AS_USER, "sh", "-c", f"cd / && exec {command} system migrate")


def runs_an_image(wb: Wb, server: PamServer, command: str) -> None:
    """What a user does with it."""
    wb("compute", "set", server.name, f"container_engine={command}")
    words = ("submit", "-t", server.name, "--env", f"image:{TINY}", "--no-code", "--")
    line = 'id -u; [ -n "$WORKBENCH_RUN_DIR" ] && echo kept > "$WORKBENCH_RUN_DIR/outputs/file"; touch /root'
    run = wb(*words, "sh", "-c", line, code=None).split()[0]
    uid = server.administer("id", "-u", USER).strip()
    assert wb("run", "logs", "-f", run, code=None).splitlines()[0] == uid
    told = wb.json("run", "show", run)
    assert told["properties"]["container_image"] == TINY, told
    kept = f"{server.home}/wb/runs/{told['id']}/outputs/file"
    assert server.administer("stat", "-c", "%U %s", kept).split() == [USER, "5"]

    run = wb(*words, "sh", "-c", "touch $WORKBENCH_RUN_DIR/outputs/up; sleep 1000").split()[0]
    up = f"{server.home}/wb/runs/{wb.json('run', 'show', run)['id']}/outputs/up"
    until(lambda: server.administer("sh", "-c", f"ls {up} || true"), "it to run")
    wb("run", "cancel", run)
    wb("run", "wait", run, code=None)
    assert wb.json("run", "show", run)["status"] == "Canceled"
    said = {check["name"]: check for check in wb.json("compute", "doctor", server.name)}
    assert (said["containers"]["state"], "rootless" in said["containers"]["text"]) == ("ok", True), said
