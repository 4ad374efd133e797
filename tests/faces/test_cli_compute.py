"""wb compute, experiment, activity, server: attaching with its questions, settings, exec."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faces.conftest import Answers, Wb
from tests.faces.scripted import EXPERIMENTS, TARGETS, TTY, World
from workbench.errors import HostKeyChanged, HostKeyUnknown, NeedsSignIn

GPU1 = TARGETS[0]
KEY = {
    "host": "gpu1.lab.example",
    "port": 22,
    "algorithm": "ssh-ed25519",
    "fingerprint": "SHA256:abc",
    "key": "x",
}


class Machine:
    """A machine that wants its key accepted and questions answered before it is attached."""

    def __init__(self, *prompts: str, known: bool = False) -> None:
        self.prompts = list(prompts)
        self.known = known
        self.given: list[str] = []
        self.final = {"target": GPU1, "card": {"lines": [], "warnings": ["the home is 96 % full"]}}

    def attach(
        self, name: str, kind: str, settings: dict[str, object], accept_key: str | None = None
    ) -> object:
        if not self.known and accept_key != KEY["fingerprint"]:
            return HostKeyUnknown("the key of gpu1 is not known", **KEY)
        return self.advance()

    def login(self, name: str, session: str | None = None, answer: str | None = None) -> object:
        if answer is not None:
            self.given.append(answer)
        return self.advance()

    def attend(self, session: str) -> Iterator[dict[str, object]]:
        yield {}

    def advance(self) -> object:
        if not self.prompts:
            return self.final
        return {"session": "s1", "prompt": {"kind": "password", "text": self.prompts.pop(0), "echo": False}}

    def world(self) -> World:
        return World(compute__attach=self.attach, compute__login=self.login, compute__attend=self.attend)


def test_attach_asks_for_the_key_and_the_password(wb: Wb) -> None:
    """AZ-29: host, port, user, password or key."""
    machine, asker = Machine("Password for ann@gpu1: ", "Code: "), Answers("yes", "s3cret", "123456")
    world = machine.world()
    done = wb(
        "compute",
        "attach",
        "gpu1",
        "ann@gpu1.lab.example",
        "--root",
        "/scratch/wb",
        world=world,
        asker=asker,
        terminal=TTY,
    )
    assert done.code == 0
    assert "SHA256:abc" in asker.asked[0][0]
    assert asker.asked[1:] == [("Password for ann@gpu1: ", False), ("Code: ", False)]
    assert machine.given == ["s3cret", "123456"]
    assert world.calls[0][1]["settings"] == {"address": "ann@gpu1.lab.example", "root": "/scratch/wb"}
    assert "the home is 96 % full" in done.out
    assert "wb submit --follow" in done.err
    assert "s3cret" not in done.out + done.err


def test_attach_without_anybody_there(wb: Wb) -> None:
    refused = wb("compute", "attach", "gpu1", "gpu1", world=Machine().world())
    assert refused.code == 4
    assert "--accept-new" in refused.err
    assert wb("compute", "attach", "gpu1", "gpu1", "--accept-new", world=Machine().world()).code == 0
    asks = wb("compute", "attach", "gpu1", "gpu1", "--yes", world=Machine("Password: ").world())
    assert asks.code == 4
    assert "hint: wb compute attach gpu1, at a terminal" in asks.err  # there is nothing to log in to yet


def test_a_failed_sign_in_names_the_command_that_can_be_repeated(wb: Wb) -> None:
    for verb in ("attach", "login"):
        closed = NeedsSignIn("it closed the connection", "try again: wb compute login")
        done = wb("compute", verb, "gpu1", world=World(compute__attach=closed, compute__login=closed))
        assert f"hint: try again: wb compute {verb} gpu1\n" in done.err


def test_no_is_no_and_a_changed_key_is_never_accepted(wb: Wb) -> None:
    assert wb("compute", "attach", "gpu1", world=Machine().world(), asker=Answers("")).code == 5
    changed = World(compute__attach=HostKeyChanged("the key of gpu1 changed", **KEY))
    asker = Answers("yes")
    assert wb("compute", "attach", "gpu1", "--yes", world=changed, asker=asker).code == 4
    assert asker.asked == []


def test_a_name_alone_is_a_host_of_the_ssh_configuration(wb: Wb) -> None:
    world = Machine(known=True).world()
    wb("compute", "attach", "lab-7", "--transport", "openssh", "--set", "gpus=2", world=world)
    assert world.calls[0][1] == {
        "name": "lab-7",
        "kind": "ssh",
        "settings": {"address": "lab-7", "transport": "openssh", "gpus": 2},
    }
    wb("compute", "attach", "local", world=world)
    assert world.calls[1][1] == {"name": "local", "kind": "local", "settings": {}}
    assert wb("compute", "attach", "local", "--jump", "x", world=world).code == 2


def test_login_goes_on_until_the_machine_is_reached(wb: Wb) -> None:
    machine, asker = Machine("Password: ", "Code: ", known=True), Answers("a", "b")
    machine.final = {"target": GPU1}
    done = wb("compute", "login", "gpu1", "-o", "json", world=machine.world(), asker=asker)
    assert done.code == 0
    assert json.loads(done.out)["name"] == "gpu1"
    assert machine.given == ["a", "b"]
    sick = World(compute__login=NeedsSignIn("the password is wrong"))
    assert wb("compute", "login", "gpu1", world=sick).code == 4


def test_hostile_prompts_are_cleaned(wb: Wb) -> None:
    asker = Answers("x")
    wb("compute", "attach", "gpu1", world=Machine("\x1b[2JPass\u202eword", known=True).world(), asker=asker)
    assert asker.asked == [("Password: ", False)]


def test_list_and_show(wb: Wb) -> None:
    assert wb("compute", "ls", terminal=TTY._replace(cells=120)).out.splitlines()[:3] == [
        "STATE          NAME    ADDRESS               GPUS  SEEN  PROBLEM",
        "◆ connected    gpu1 ★  ann@gpu1.lab.example     4   now",
        "✖ unreachable  lab-7   lab-7                    0    3h  "
        "the connection was refused; is sshd running there?",
    ]
    shown = wb("compute", "show", "gpu1", terminal=TTY).out
    assert "4 x NVIDIA A100, 80.0 GiB" in shown
    assert (
        json.loads(wb("compute", "show", "gpu1", "-o", "json").out)["settings"]["address"]
        == "ann@gpu1.lab.example"
    )


def test_doctor_says_what_to_do_and_exits_by_it(wb: Wb) -> None:
    checks = [
        {"name": "python", "state": "ok", "text": "3.11"},
        {"name": "disk", "state": "bad", "text": "full", "hint": "make room, " * 20},
    ]
    done = wb("compute", "doctor", "gpu1", world=World(compute__doctor=checks), terminal=TTY)
    assert done.code == 1
    assert done.out.count("make room") == 20
    assert all(len(line) <= 80 for line in done.out.splitlines())
    assert wb("compute", "doctor", "gpu1", world=World(compute__doctor=checks[:1])).code == 0


@pytest.mark.parametrize(("exit_code", "shown"), [(0, 0), (7, 7), (-9, 1)])
def test_exec_passes_words_output_and_code(wb: Wb, exit_code: int, shown: int) -> None:
    items = [{"out": "one\n"}, {"err": "two\n"}, {"exit_code": exit_code}]
    world = World(compute__exec=items)
    done = wb("compute", "exec", "gpu1", "--timeout", "5s", "--", "ls", "-la", "--help", world=world)
    assert done == (shown, "one\n", "two\n")
    assert world.calls[0][1] == {"name": "gpu1", "argv": ["ls", "-la", "--help"], "timeout": 5.0}
    wb("compute", "exec", "gpu1", "--", "ls | wc", world=world)
    assert world.calls[1][1] == {"name": "gpu1", "shell": "ls | wc"}
    assert wb("compute", "exec", "gpu1").code == 2


def test_exec_output_is_made_harmless_on_a_terminal(wb: Wb) -> None:
    world = World(compute__exec=[{"out": "\x1b]0;t\x07\x1b[31mred\x1b[2J\n"}, {"exit_code": 0}])
    assert wb("compute", "exec", "gpu1", "--", "x", world=world, terminal=TTY).out == "\x1b[31mred\n\x1b[0m"


def test_settings_are_typed(wb: Wb) -> None:
    world = World(compute__set=GPU1, compute__default=GPU1)
    wb(
        "compute",
        "set",
        "gpu1",
        "gpus=2",
        "grace=1m",
        "stream_cap=2GiB",
        "setup=module load cuda",
        "setup=x=y",
        "login-shell=yes",
        "root=",
        "environment_variables.A_B=c=d",
        "--default",
        world=world,
    )
    changes = next(given["changes"] for name, given in world.calls if name == "compute.set")
    assert changes == {
        "gpus": 2,
        "grace": 60.0,
        "stream_cap": 2 << 30,
        "setup": ["module load cuda", "x=y"],
        "login_shell": True,
        "root": None,
        "environment_variables": {"A_B": "c=d"},
    }
    assert world.calls[-1] == ("compute.default", {"name": "gpu1"})
    for wrong in (["gpus=two"], ["nope=1"], ["gpus"], [], ["grace=soon"], ["protected=maybe"]):
        assert wb("compute", "set", "gpu1", *wrong, world=world).code == 2, wrong


def test_detach_asks(wb: Wb) -> None:
    """What cannot be undone by a keystroke is asked."""
    world = World(compute__detach={})
    assert wb("compute", "detach", "lab-7", world=world).code == 5
    assert wb("compute", "detach", "lab-7", "--dry-run", world=world).code == 0
    assert not any(name == "compute.detach" for name, _ in world.calls)
    assert wb("compute", "detach", "lab-7", "--yes", world=world).code == 0
    assert world.calls[-1] == ("compute.detach", {"name": "lab-7"})


def test_adopt_lists_what_came_back(wb: Wb) -> None:
    from tests.faces.scripted import RUNS

    answer = {"adopted": RUNS[:1], "known": 3, "broken": ["x"], "others": {"team": 2, "evil\x1b[2J": 1}}
    world = World(compute__adopt=answer)
    done = wb("compute", "adopt", "gpu1", world=world, terminal=TTY)
    assert "calm-otter-42" in done.out
    assert "1 brought back, 3 known already" in done.err
    assert (
        "left to other workspaces: evil (1), team (2); take them with --from or --all-workspaces" in done.err
    )
    assert "1 could not be read there: x" in done.err
    assert ("compute.adopt", {"name": "gpu1", "all_workspaces": False}) in world.calls
    assert json.loads(wb("compute", "adopt", "gpu1", "-o", "json", world=world).out) == answer
    assert wb("compute", "adopt", "gpu1", world=world).out.count("\n") == 1
    assert wb("compute", "adopt", "gpu1", "--query", "others.team", world=world).out == "2\n"
    wb("compute", "adopt", "gpu1", "--from", "team", "--from", "play", world=world)
    assert world.calls[-1][1]["workspaces"] == ["team", "play"]
    wb("compute", "adopt", "gpu1", "--all-workspaces", world=world)
    assert world.calls[-1][1] == {"name": "gpu1", "all_workspaces": True}
    assert wb("compute", "adopt", "gpu1", "--from", "team", "--all-workspaces", world=world).code == 2


def test_experiments(wb: Wb) -> None:
    world = World(experiments__set=EXPERIMENTS[0], experiments__archive=EXPERIMENTS[0])
    assert wb("experiment", "ls").out.startswith("mnist\t42\tloss\tminimize\t")
    hidden = {**EXPERIMENTS[0], "name": "old", "archived": True}
    both = World(experiments__list=[*EXPERIMENTS, hidden])
    assert wb("experiment", "ls", "--archived", world=both).out.startswith("old\t")
    assert wb("experiment", "ls", "--archived", world=both).out.count("\n") == 1
    assert "lowest loss (a guess)" in wb("experiment", "show", "mnist", terminal=TTY).out
    wb("experiment", "set", "mnist", "--metric", "acc", "--goal", "maximize", world=world)
    assert world.calls[-1] == (
        "experiments.set",
        {"name": "mnist", "primary_metric": "acc", "goal": "maximize"},
    )
    wb("experiment", "tag", "mnist", "new", "--remove", "team", world=world)
    assert world.calls[-1] == ("experiments.set", {"name": "mnist", "tags": {"new": None}})
    wb("experiment", "archive", "mnist", world=world)
    assert world.calls[-1] == ("experiments.archive", {"name": "mnist", "archived": True})
    assert wb("experiment", "set", "mnist").code == 2


def test_activities(wb: Wb) -> None:
    found = [
        {
            "id": "a",
            "kind": "submit",
            "subject": "runs/x",
            "state": "running",
            "text": "sending",
            "done": 1,
            "total": 4,
            "started": "2026-11-23T12:04:00Z",
        },
        {
            "id": "b",
            "kind": "attach",
            "subject": "compute/y",
            "state": "failed",
            "started": "2026-11-23T11:04:00Z",
            "ended": "2026-11-23T11:05:00Z",
            "error": "refused",
            "hint": "is sshd there?",
        },
    ]
    out = wb("activity", "ls", world=World(activities__list=found), terminal=TTY._replace(cells=100)).out
    assert "sending  25%" in out
    assert out.splitlines()[-2:] == ["  refused", "  → is sshd there?"]


def test_the_server_is_not_started_to_ask_about_it(
    wb: Wb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    done = wb("server", "status", "-o", "json")
    assert (done.code, json.loads(done.out)) == (3, {"running": False})
    assert wb("server", "stop", terminal=TTY).err == "the server was not running\n"
    assert wb("server", "logs").code == 3
    assert not (tmp_path / "home").exists()
    (tmp_path / "home").mkdir()
    (tmp_path / "home/server.log").write_text("".join(f"line {n}\n" for n in range(1000)))
    assert wb("server", "logs", "-n", "2").out == "line 998\nline 999\n"


def test_in_a_pipe_a_machine_begins_with_its_name(wb: Wb) -> None:
    lines = wb("compute", "show", "gpu1").out.splitlines()
    assert [line.split("\t")[0] for line in lines[:3]] == ["name", "kind", "address"]
    assert next(iter(json.loads(wb("compute", "show", "gpu1", "-o", "json").out))) == "name"


def test_a_path_a_machine_says_is_harmless_on_a_terminal_and_as_it_is_in_a_pipe(wb: Wb) -> None:
    said = {"path": "/x/\x1b]0;own\x07ed\x1b[2J"}
    world = World(
        files__mkdir=lambda **_: said, files__rename=lambda **_: said, files__copy=lambda **_: [said]
    )
    for words in (["mkdir", "gpu1", "/x"], ["mv", "gpu1", "/x", "/y"], ["cp", "gpu1", "/x", "/y"]):
        assert wb("files", *words, world=world, terminal=TTY).out == "/x/ed\n"
        assert wb("files", *words, world=world).out == f"{said['path']}\n"
