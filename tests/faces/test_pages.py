"""What a person sees: a run's page, the overview, activities, the questions and errors at a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.faces.conftest import Answers, Wb
from tests.faces.fixed_runs import make_run
from tests.faces.scripted import RUNS, TTY, World
from workbench.errors import ConfigurationError, HostKeyUnknown, NotFound, Refused, SnapshotTooLarge
from workbench.text.cells import width

BUCKETS = [
    {"first_step": n, "last_step": n, "min": 1 / (n + 1), "max": 1 / (n + 1), "last": 1 / (n + 1), "count": 1}
    for n in range(32)
]


def test_a_run_reads_like_a_page(wb: Wb) -> None:
    done = wb("run", "show", "@1", world=World(runs__envelope=BUCKETS), terminal=TTY)
    assert done.out.splitlines() == [
        "● calm-otter-42  running",
        "  mnist on gpu1, GPU 2,3, for 4m12",
        "",
        "command  python train.py --lr 3e-4",
        "params   lr=3e-4",
        "",
        "metric    last     min    max",
        "loss    0.0412  0.0401    2.3  ⠱⢄⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀",
        "acc      0.981     0.1  0.982  ⠱⢄⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀",
        "",
        "created  12:00:00",
        "started  12:00:18",
        "git      0123456789  main  with changes",
        "by       ann@laptop",
        f"id       {RUNS[0]['id']}",
    ]
    assert "wb logs calm-otter-42" in done.err


def test_of_very_many_metrics_a_page_shows_some_and_says_how_many_more(wb: Wb) -> None:
    many = make_run(1, "calm-otter-1", metrics={f"layer{n}/norm": {"last": 1.0} for n in range(12_000)})
    lines = wb("run", "show", "a", world=World(runs__get=lambda run: many), terminal=TTY).out.splitlines()
    assert len(lines) < 60
    assert "12k more: wb run metrics calm-otter-1" in lines


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("brisk-heron-41", "2 GPUs wanted, 0 free, held by calm-otter-42 (ann)"),
        ("dull-ibis-39", "CUDA out of memory  (exit 1)"),
    ],
)
def test_a_page_begins_with_why(wb: Wb, name: str, head: str) -> None:
    assert wb("run", "show", name, terminal=TTY).out.splitlines()[2].strip() == head


def test_the_warnings_of_a_runs_own_logging_are_on_its_page(wb: Wb) -> None:
    warned = make_run(1, "calm-otter-1", warnings=2)
    world = World(runs__get=lambda run: warned, runs__warnings=["loss: 'x' is no number", "too many"])
    lines = wb("run", "show", "a", world=world, terminal=TTY).out.splitlines()
    at = lines.index("▲ 2 warnings of the run")
    assert lines[at + 1 : at + 3] == ["  loss: 'x' is no number", "  too many"]


def test_of_many_warnings_a_page_shows_some_and_says_where_the_others_are(wb: Wb) -> None:
    """In JSON they are a list of their own: `warnings` of a run is their number, in a script as in a list."""
    texts = [f"metric-{n}: 'x' is no number" for n in range(12)]
    warned = make_run(1, "calm-otter-1", warnings=40)
    world = World(runs__get=lambda run: warned, runs__warnings=texts)
    assert (
        "  7 more: wb run show calm-otter-1 --warnings"
        in wb("run", "show", "a", world=world, terminal=TTY).out.splitlines()
    )
    done = wb("run", "show", "a", "--warnings", world=world, terminal=TTY)
    assert done.out.splitlines() == texts
    assert "40 warnings in all" in done.err
    found = json.loads(wb("run", "show", "a", "--warnings", "-o", "json", world=world).out)
    assert found == [{"text": text} for text in texts]
    assert json.loads(wb("run", "show", "a", "-o", "json", world=world).out)["warnings"] == 40
    assert wb("run", "show", "a", "--warnings", "--packages", world=world).code == 2
    quiet = World(runs__get=lambda run: RUNS[0], runs__warnings=[])
    done = wb("run", "show", "a", "--warnings", world=quiet, terminal=TTY)
    assert (done.out, "complained of nothing" in done.err) == ("", True)


def test_the_overview_shows_what_runs_before_what_waits_and_counts_the_rest(wb: Wb) -> None:
    waiting = [
        make_run(n, f"waits-{n}", status="Queued", created=f"2026-11-23T11:00:{n:02}Z") for n in range(40)
    ]
    running = make_run(50, "runs-50", status="Running", created="2026-11-23T11:59:00Z")

    def answer(active: bool | None = None, limit: int = 50, **_: Any) -> list[dict[str, Any]]:
        return [running, *reversed(waiting)][:limit]

    lines = wb(world=World(runs__list=answer), terminal=TTY).out.splitlines()
    at = lines.index("Active")
    assert "runs-50" in lines[at + 2]
    assert "waits-0 " in lines[at + 3]
    assert "29 more are active: wb ps --active" in lines


def test_what_went_wrong_stands_below_its_activity_in_full(wb: Wb) -> None:
    found = [
        {
            "id": "a",
            "kind": "submit",
            "subject": f"experiments/mnist/runs/{RUNS[0]['id']}",
            "state": "failed",
            "started": "2026-11-23T12:04:00Z",
            "error": "the disk of gpu1 is full, " * 6,
            "hint": "wb compute doctor gpu1",
        }
    ]
    lines = wb("activity", "ls", world=World(activities__list=found), terminal=TTY).out.splitlines()
    assert "calm-otter-42" in lines[1], "a run is called by its name"
    assert " ".join(line.strip() for line in lines[2:-1]).count("the disk of gpu1 is full") == 6
    assert lines[-1] == "  → wb compute doctor gpu1"
    assert all(width(line) <= 80 for line in lines)


def test_what_git_says_is_said_once(wb: Wb) -> None:
    properties = {"azureml.git.commit": "0123456789abcdef", "mlflow.source.git.branch": "main", "mine": "1"}
    world = World(runs__get={**RUNS[0], "properties": properties})
    page = wb("run", "show", "a", world=world, terminal=TTY).out
    assert "mine=1" in page
    assert "azureml.git" not in page
    assert "mlflow" not in page


def test_an_archived_run_is_called_by_its_name_too(wb: Wb) -> None:
    run = {**RUNS[0], "id": "01J0000000000000000000000A", "name": "old-mole-7"}
    found = [
        {
            "id": "a",
            "kind": "submit",
            "subject": f"experiments/mnist/runs/{run['id']}",
            "state": "done",
            "started": "2026-11-23T12:04:00Z",
        }
    ]
    world = World(activities__list=found, runs__list=lambda archived=None, **_: [run] if archived else RUNS)
    assert "old-mole-7" in wb("activity", "ls", world=world, terminal=TTY).out


def test_several_mistakes_of_a_file_are_counted_and_listed_once(wb: Wb) -> None:
    mistakes = [{"line": n, "field": "f", "message": f"wrong {n}"} for n in (1, 2)]
    problem = ConfigurationError(
        "job.yml, line 1: f: wrong 1 (and 1 more)", "h", source="job.yml", problems=mistakes
    )
    assert wb("ps", world=World(runs__list=problem)).err.splitlines() == [
        "error: job.yml has 2 mistakes",
        "  line 1: f: wrong 1",
        "  line 2: f: wrong 2",
        "hint: h",
    ]


def test_errors_break_at_words_and_keep_their_columns(wb: Wb) -> None:
    largest = [
        {"path": "data/", "size": 3 << 30, "files": 1200, "line": "/data/"},
        {"path": "a.bin", "size": 1 << 30, "files": 1, "line": "/a.bin"},
        {"path": "note.md", "size": 1 << 10, "files": 1, "line": "/note.md"},
    ]
    weight = {"size": 4 << 30, "count": 1202, "largest": largest}
    problem = SnapshotTooLarge("the tree is too large " * 5, "leave things out " * 6, **weight)
    lines = wb("ps", world=World(runs__list=problem), terminal=TTY).err.splitlines()
    assert all(width(line) <= 80 for line in lines)
    assert lines[1].startswith("       ")
    assert lines[2:5] == [
        "      SIZE  FILES  A LINE THAT LEAVES IT OUT",
        "  3.00 GiB   1200  /data/",
        "  1.00 GiB      1  /a.bin",
    ], "what leaving it out would not help is not named"


def test_a_state_or_machine_that_is_not_there_is_asked_back(wb: Wb) -> None:
    assert "did you mean Running?" in wb("ps", "--status", "runing").err
    done = wb("ps", "-t", "nope", world=World(runs__list=[]), terminal=TTY)
    assert (done.code, done.out) == (3, "")
    done = wb("ps", "-t", "gpu1", world=World(runs__list=[]), terminal=TTY)
    assert (done.code, done.err) == (0, "no run is like that; wb ps lists all\n")


def test_notices_are_told_before_anything_is_sent(
    wb: Wb, code: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """AZ-111: a person can still interrupt."""
    (code / "server.pem").touch()
    order: list[str] = []

    def known(id: str) -> dict[str, bool]:
        order.append(capfd.readouterr().err)
        return {"known": True}

    wb("submit", "--", "true", world=World(snapshots__known=known))
    (told,) = order
    assert told.startswith("note: ")
    assert "server.pem" in told


def test_many_notices_end_somewhere(wb: Wb, code: Path) -> None:
    for number in range(500):
        (code / f"{number}.pem").touch()
    lines = wb("submit", "--", "true").err.splitlines()
    assert len(lines) == 13
    assert "--dry-run lists all" in lines[-1]


UNKNOWN = HostKeyUnknown(
    "unknown", host="10.0.0.7", port=2222, algorithm="ecdsa-sha2-nistp256", fingerprint="SHA256:abc", key="k"
)


def attaching(asked: list[dict[str, Any]]) -> World:
    """A machine whose key must be accepted first."""

    def attach(accept_key: str | None = None, **parameters: Any) -> dict[str, Any]:
        asked.append({"accept_key": accept_key})
        if accept_key is None:
            raise UNKNOWN
        return {"target": {"name": "m", "kind": "ssh", "settings": {}, "state": "connected"}, "card": {}}

    return World(compute__attach=attach)


@pytest.mark.parametrize("answer", ["y", "yes", "SHA256:abc", "abc"])
def test_a_host_key_is_shown_with_how_to_compare_it(wb: Wb, answer: str) -> None:
    asker, asked = Answers(answer), []  # type: ignore[var-annotated]
    assert wb("compute", "attach", "m", "ann@10.0.0.7", world=attaching(asked), asker=asker).code == 0
    question = asker.asked[0][0]
    assert "10.0.0.7 port 2222" in question
    assert "ecdsa-sha2-nistp256" in question
    assert "SHA256:abc" in question
    assert "ssh-keygen -lf /etc/ssh/ssh_host_ecdsa_key.pub" in question
    assert asked[-1] == {"accept_key": "SHA256:abc"}


@pytest.mark.parametrize("answer", ["", "n", "SHA256:abd", "no"])
def test_a_host_key_not_confirmed_is_not_accepted(wb: Wb, answer: str) -> None:
    asked: list[dict[str, Any]] = []
    done = wb("compute", "attach", "m", "a@b", world=attaching(asked), asker=Answers(answer))
    assert done.code == Refused.exit_code
    assert asked == [{"accept_key": None}]


def test_without_a_person_the_hint_says_what_accepts_a_key(wb: Wb) -> None:
    done = wb("compute", "attach", "m", "a@b", world=attaching([]))
    assert done.code == 4
    assert "--accept-new" in done.err


def test_completion_offers_what_the_command_before_it_means(wb: Wb, tmp_path: Path) -> None:
    from click.shell_completion import ShellComplete

    from workbench.cli.main import build
    from workbench.cli.session import Session

    def files(run: str) -> list[dict[str, Any]]:
        return [{"path": "outputs/a.bin"}, {"path": "logs/b"}] if run == "calm-otter-42" else []

    world = World(runs__metrics=[{"name": "loss"}, {"name": "lr"}, {"name": "loss"}], runs__files=files)
    complete = ShellComplete(
        build(), {"obj": Session(opener=lambda name: world.open(tmp_path))}, "wb", "_WB_COMPLETE"
    )

    def offered(words: list[str], begun: str) -> list[str]:
        return [item.value for item in complete.get_completions(words, begun)]

    assert offered(["logs"], "@") == ["@1", "@best", "@best:mnist"]
    assert offered(["run", "show"], "@best:mn") == ["@best:mnist"]
    assert "@1" not in offered(["logs"], "")
    assert offered(["run", "metrics", "calm-otter-42"], "l") == ["loss", "lr"]
    assert offered(["run", "download", "calm-otter-42"], "o") == ["outputs/a.bin"]
    assert set(offered(["ps", "--status"], "can")) == {"cancelrequested", "canceled"}
    assert [item.type for item in complete.get_completions(["submit"], "jo")] == ["file"]
    broken = ShellComplete(
        build(),
        {"obj": Session(opener=lambda name: World(runs__list=NotFound("x")).open(tmp_path))},
        "wb",
        "_WB_COMPLETE",
    )
    assert [item.value for item in broken.get_completions(["logs"], "")] == []


def test_a_run_names_the_models_it_became(wb: Wb) -> None:
    became = {"name": "churn", "version": 3, "aliases": ["champion"]}
    world = World(models__versions=lambda **asked: [became] if asked == {"run": RUNS[0]["id"]} else [])
    assert "churn:3" in wb("run", "show", "@1", world=world, terminal=TTY).out
    other = wb("run", "show", RUNS[1]["name"], world=world, terminal=TTY)
    assert other.code == 0
    assert "churn:3" not in other.out
