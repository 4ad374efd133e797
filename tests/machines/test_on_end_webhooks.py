"""What a run posts at its end: signed, tried again, never to where it must not."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
from pathlib import Path

import pytest

from tests.machines.ground import Ground, all_bytes, ground, untagged
from tests.machines.inside import interpreters
from tests.machines.webhooks import Hook, hook, log, results

__all__ = ["ground", "hook", "untagged"]


def test_a_webhook_is_posted_and_signed(ground: Ground, hook: Hook) -> None:
    run = ground.submit("true", secrets={"KEY": "sesame-sesame"}, on_end=[hook.entry(sign="KEY")])
    ground.wait(run)
    assert results(ground, run) == [{"what": "webhook", "ok": True}]
    ((headers, body),) = hook.came
    told = json.loads(body)
    assert (told["kind"], told["run"], told["state"]) == ("RunCompleted", run, "Completed")
    signed = headers["X-Workbench-Time"].encode() + b"." + body
    wanted = hmac.new(b"sesame-sesame", signed, hashlib.sha256).hexdigest()
    assert headers["X-Workbench-Signature"] == f"sha256={wanted}"


def test_a_webhook_is_tried_again(ground: Ground, hook: Hook) -> None:
    hook.statuses = [503]
    run = ground.submit("true", on_end=[hook.entry()])
    ground.wait(run)
    assert results(ground, run) == [{"what": "webhook", "ok": True}]
    assert len(hook.came) == 2


def test_no_redirect_is_followed(ground: Ground, hook: Hook) -> None:
    hook.statuses, hook.location = [302, 302], hook.entry()["webhook"]
    run = ground.submit("true", on_end=[hook.entry()])
    ground.wait(run)
    (result,) = results(ground, run)
    assert "redirect" in result["message"]
    assert len(hook.came) == 1


def test_a_machine_is_no_way_into_its_own_network(ground: Ground, hook: Hook) -> None:
    port = hook.server_address[1]
    run = ground.submit(
        "true",
        on_end=[
            hook.entry(allow=[]),
            hook.entry(webhook=f"http://localhost:{port}/", allow=["localhost"]),
            hook.entry(plain_http=False),
            hook.entry(webhook="http://169.254.169.254/latest", allow=["metadata.example"]),
        ],
    )
    ground.wait(run)
    said = [result["message"] for result in results(ground, run)]
    assert [result["ok"] for result in results(ground, run)] == [False] * 4
    assert "allow list" in said[0]
    assert "private" in said[1]
    assert "plain http" in said[2]
    assert hook.came == []


def test_an_address_that_is_a_secret_is_in_no_file(ground: Ground, hook: Hook) -> None:
    url = hook.entry()["webhook"] + "/T0P-SECRET-TOKEN"
    entry = {"webhook_secret": "HOOK", "allow": ["127.0.0.1"], "plain_http": True}
    bad = {"webhook_secret": "OTHER", "allow": ["127.0.0.1"]}
    shown = {"command": 'echo "$HOOK"; echo "$HOOK" >&2; exit 1'}
    run = ground.submit("true", secrets={"HOOK": url}, on_end=[entry, bad, shown])
    ground.wait(run)
    first, second, third = results(ground, run)
    assert (first["ok"], second["message"]) == (True, "the run has no secret OTHER")
    assert third["ok"] is False
    assert len(hook.came) == 1
    assert b"T0P-SECRET-TOKEN" not in all_bytes(Path(ground.folder_of(run).path))


ALONE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from workbench.remote.machine import Machine
from workbench.remote.supervision.on_end import AtTheEnd
from workbench.remote.runs.runfolder import RunFolder
asked = json.loads(sys.stdin.read())
folder = RunFolder(Machine(asked["root"], asked["leases"], sys.argv[1]), asked["spec"]["run"])
AtTheEnd(folder, asked["spec"], asked["status"], {"KEY": "sesame-sesame"}).run(asked["spec"]["on_end"])
"""


@pytest.mark.parametrize("python", interpreters())
def test_every_python_a_machine_may_have_does_it(ground: Ground, hook: Hook, python: str) -> None:
    run = ground.submit("true")
    status = ground.wait(run)
    spec = ground.spec(run, "true", on_end=[{"command": "cat; exit 3"}, hook.entry(sign="KEY")])
    asked = {"root": ground.machine.root, "leases": ground.machine.lease_dir, "spec": spec, "status": status}
    words = [python, "-I", "-S", "-c", ALONE, str(ground.folder / "payload.pyz")]
    subprocess.run(words, input=json.dumps(asked).encode(), check=True)
    first, second = results(ground, run)
    assert "exit code 3" in first["message"]
    assert second["ok"] is True
    assert f'"run":"{run}"' in log(ground, run)
    assert json.loads(hook.came[0][1])["run"] == run
