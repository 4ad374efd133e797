"""What listings print: tables on terminals, lines in pipes, JSON, CSV, queries, files."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.faces.conftest import Wb
from tests.faces.scripted import PIPE, RUNS, TARGETS, TTY
from workbench.text.cells import width


def test_a_table_on_a_terminal(wb: Wb) -> None:
    done = wb("ps", terminal=TTY._replace(cells=100))
    assert done.out.splitlines() == [
        "STATE        NAME            EXP    TARGET  GPU  AGE  TOOK  loss ↓  NOTE",
        "● running    calm-otter-42   mnist  gpu1    2,3   4m  4m12  0.0412",
        "◌ queued     brisk-heron-41  mnist  gpu1      -   6m     -       -  as of 12:02:30  2 GPUs wanted"
        ", …",
        "✔ completed  vivid-lark-40   mnist  lab-7     -   1h   22m  0.0398  best so far",
        "✖ failed     dull-ibis-39    mnist  lab-7     -   2h   31s       -  CUDA out of memory  (exit 1)",
        "⊘ canceled   快乐-panda-38   mnist  gpu1      -   3d    3h     nan",
    ]


@pytest.mark.parametrize("cells", [20, 40, 60, 80, 120, 200])
def test_no_table_is_wider_than_the_terminal(wb: Wb, cells: int) -> None:
    terminal = TTY._replace(cells=cells)
    for words in (
        ["ps"],
        ["run", "show", "@1"],
        ["compute", "ls"],
        ["compute", "show", "gpu1"],
        ["experiment", "ls"],
        [],
    ):
        done = wb(*words, terminal=terminal)
        assert done.code == 0
        # `wb` alone names whole commands: those are not cut below 80 columns.
        assert all(width(line) <= max(cells, 22) for line in done.out.splitlines()), words


def test_colours_are_the_terminals(wb: Wb) -> None:
    assert "\x1b[36m● running" in wb("ps", terminal=TTY._replace(colour=True)).out
    assert "\x1b" not in wb("ps", terminal=TTY).out
    assert wb("ps", terminal=TTY._replace(ascii_only=True)).out.splitlines()[1].startswith("* running")


def test_tab_separated_lines_in_a_pipe(wb: Wb) -> None:
    lines = [line.split("\t") for line in wb("ps").out.splitlines()]
    assert len(lines) == 5
    assert lines[0][:5] == [RUNS[0]["id"], "calm-otter-42", "mnist", "gpu1", "Running"]
    assert lines[0][11] == "2,3"
    assert lines[1][12].startswith("2 GPUs wanted")
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    ("query", "words", "out"),
    [
        ("[?status=='Failed'].name", [], "dull-ibis-39\n"),
        ("[].metrics.loss.last", [], "0.0412\n0.0398\nnan\n"),
        ("length(@)", [], "5\n"),
        ("[0].git.dirty", [], "true\n"),
        ("[?name=='none such']", [], ""),
        ("[?status=='Failed'].name", ["-o", "json"], '[\n  "dull-ibis-39"\n]\n'),
        ("[?status=='Failed'].{name: name}", [], '[\n  {\n    "name": "dull-ibis-39"\n  }\n]\n'),
    ],
)
def test_a_query_finds_things_in_the_json(wb: Wb, query: str, words: list[str], out: str) -> None:
    """AZ-79: on a terminal as in a pipe."""
    for terminal in (PIPE, TTY):
        assert wb("ps", "--query", query, *words, terminal=terminal) == (0, out, "")
    assert wb("run", "show", "@1", "--query", "target", terminal=TTY).out == "gpu1\n"


def test_a_query_that_is_none_is_said(wb: Wb) -> None:
    done = wb("ps", "--query", "[?")
    assert done.code == 2
    assert "--query" in done.err


def test_json_has_the_entities_fields(wb: Wb) -> None:
    found = json.loads(wb("ps", "-o", "json").out)
    assert found[0] == RUNS[0]
    assert found[4]["metrics"]["loss"]["last"] == "nan"
    lines = wb("run", "ls", "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == [run["name"] for run in RUNS]
    assert json.loads(wb("run", "show", "calm-otter-42", "-o", "json").out) == RUNS[0]


def test_csv_has_a_header(wb: Wb) -> None:
    rows = list(csv.DictReader(io.StringIO(wb("compute", "ls", "-o", "csv").out)))
    assert [row["name"] for row in rows] == [target["name"] for target in TARGETS]
    assert rows[0]["gpus"] == "4"
    assert rows[0]["address"] == "ann@gpu1.lab.example"
    assert rows[2]["address"] == ""


def test_to_writes_the_file_its_name_means(wb: Wb, tmp_path: Path) -> None:
    done = wb("ps", "--to", str(tmp_path / "runs.json"))
    assert done.out == ""
    assert json.loads((tmp_path / "runs.json").read_text())[0]["name"] == "calm-otter-42"
    wb("ps", "--to", str(tmp_path / "runs"), "-o", "csv")
    assert (tmp_path / "runs").read_text().startswith("id,name,")
    refused = wb("ps", "--to", str(tmp_path / "runs.pdf"))
    assert refused.code == 2
    assert ".json" in refused.err
