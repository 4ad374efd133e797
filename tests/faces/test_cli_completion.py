"""What shells complete: commands, names, and nothing that a shell would read otherwise."""

from pathlib import Path

import pytest

from tests.faces.conftest import Wb
from tests.faces.fixed_runs import NOW
from tests.faces.scripted import PIPE, RUNS, World
from workbench.cli.main import build
from workbench.cli.session import Session


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(wb: Wb, shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "_WB_COMPLETE" in wb("completion", "show", shell).out
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    place = Path(wb("completion", "install", shell).out.strip())
    assert place.is_relative_to(tmp_path)
    assert "_WB_COMPLETE" in place.read_text()


def test_completion_offers_names(tmp_path: Path) -> None:
    from click.shell_completion import ShellComplete

    session = Session(opener=lambda name: World().open(tmp_path), terminal=PIPE, clock=lambda: NOW)
    complete = ShellComplete(build(), {"obj": session}, "wb", "_WB_COMPLETE")

    def offered(words: list[str], begun: str) -> list[str]:
        return [item.value for item in complete.get_completions(words, begun)]

    assert offered([], "su") == ["submit"]
    assert offered(["run", "show"], "calm") == ["calm-otter-42"]
    assert offered(["submit", "-t"], "l") == ["lab-7", "local"]
    assert "--gpus" in offered(["submit"], "--g")


def test_completion_offers_no_name_that_a_shell_would_read_otherwise(tmp_path: Path) -> None:
    from click.shell_completion import ShellComplete

    runs = [
        {**RUNS[0], "id": f"id{number}", "name": name} for number, name in enumerate(["a b", "$(id)", "ok"])
    ]
    session = Session(
        opener=lambda name: World(runs__list=runs).open(tmp_path), terminal=PIPE, clock=lambda: NOW
    )
    complete = ShellComplete(build(), {"obj": session}, "wb", "_WB_COMPLETE")
    for words in (["logs"], ["cancel"]):
        assert [item.value for item in complete.get_completions(words, "")] == ["id0", "id1", "ok"]
