"""The rig itself: what other tests rely on."""

import asyncio
import os
import subprocess

import pytest

from tests.machines.rig import DEADLINE, MakeProxy, MakeServer, SshServer, descendants, until


def ssh(server: SshServer, command: str) -> subprocess.CompletedProcess[str]:
    words = ["ssh", "-F", str(server.ssh_config), "-o", "BatchMode=yes", server.name, command]
    return subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE, check=False)


def test_a_machine_has_its_own_home_and_stops_for_good(server: SshServer) -> None:
    done = ssh(server, "echo $HOME; pwd; echo $0")
    assert done.stdout.split()[:2] == [str(server.home), str(server.home)], done
    assert server.connections() == 1
    pid = server.pid
    server.stop()
    assert not os.path.exists(f"/proc/{pid}")
    assert ssh(server, "true").returncode == 255
    server.restart(new_host_key=True)
    assert "Host key verification failed" in ssh(server, "true").stderr


RC = {"tcsh": "setenv SEEN rc", "fish": "set -x SEEN rc", "bash": "export SEEN=rc"}


@pytest.mark.parametrize("shell", RC)
def test_login_shells_read_their_rc(make_server: MakeServer, shell: str) -> None:
    server = make_server(shell=shell, rc=RC[shell])
    assert ssh(server, "echo $SEEN").stdout == "rc\n"
    itself = "$fish_pid" if shell == "fish" else "$$"
    assert ssh(server, f"ps -o comm= -p {itself}; true").stdout.strip() == shell


async def test_a_link_is_cut_and_healed(server: SshServer, make_proxy: MakeProxy) -> None:
    proxy = await make_proxy(server)
    proxy.cut()
    words = ["-F", str(server.ssh_config), "-o", "BatchMode=yes", server.name, "echo through"]
    process = await asyncio.create_subprocess_exec("ssh", *words, stdout=subprocess.PIPE)
    await until(lambda: proxy.connections, "the connection")
    assert server.connections() == 0
    proxy.heal()
    output, _ = await asyncio.wait_for(process.communicate(), DEADLINE)
    assert output == b"through\n"


def test_sessions_end_with_the_server(server: SshServer) -> None:
    words = ["ssh", "-F", str(server.ssh_config), "-o", "BatchMode=yes", server.name, "sleep 60"]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        while len(descendants(server.pid)) < 2:
            assert process.poll() is None
        server.stop()
        assert process.wait(DEADLINE) == 255
    finally:
        process.kill()
        process.wait()
