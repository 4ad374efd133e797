"""bin/ and site/ of a run's folder: the chosen interpreter first, the tracking package last."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.machines.inside import InsideRun, interpreters, python2
from workbench.remote.environments.shims import write_shims

WHERE = "import workbench, sys; print(workbench.__file__); print(workbench.Run.get_context().id)"


@pytest.fixture
def inside(tmp_path):
    return InsideRun(tmp_path)


@pytest.mark.parametrize("python", interpreters())
def test_python_is_the_chosen_one_and_finds_the_tracking(inside, python):
    environment = inside.environment(python)
    for word in ("python", "python3"):
        out, err = inside.output([word, "-c", "import sys; print(sys.executable)\n" + WHERE], environment)
        executable, module, _ = out.splitlines()
        assert os.path.realpath(executable) == os.path.realpath(python)
        assert module == str(inside.payload / "workbench" / "__init__.py")
        assert err == ""


def test_a_python_of_another_path_and_a_child_find_it_too(inside):
    environment = inside.environment()
    other = inside.folder / "another python"
    other.symlink_to(inside.python)
    script = f"import subprocess, sys; subprocess.check_call([sys.executable, '-c', {WHERE!r}])"
    out, err = inside.output([str(other), "-c", script], environment)
    assert out.splitlines()[0].startswith(str(inside.payload))
    assert err == ""


def test_the_folder_of_the_shims_leaves_sys_path_and_the_payload_is_last(inside):
    out, _ = inside.output(["python", "-c", "import sys; print(sys.path)"], inside.environment())
    path = eval(out)
    assert path[-1] == str(inside.payload)
    assert str(inside.folder / "site") not in path


def test_arguments_and_odd_paths_arrive_exactly(tmp_path):
    odd = tmp_path / 'it\'s a "dir" $HOME `x`'
    odd.mkdir()
    (odd / "python").symlink_to(sys.executable)
    bin_dir, _ = write_shims(str(odd), str(tmp_path / "p.pyz"), str(odd / "python"))
    argv = ["a b", "$x", "", "--", "'", "\n", "*"]
    script = "import sys; print(sys.argv[1:])"
    out = subprocess.check_output([bin_dir + "/python", "-c", script, *argv], text=True)
    assert eval(out) == argv


def test_an_installed_package_of_the_same_name_wins(inside, tmp_path):
    package = tmp_path / "installed" / "workbench"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("name = 'theirs'")
    environment = inside.environment(PYTHONPATH=str(package.parent))
    out, _ = inside.output(["python", "-c", "import workbench; print(workbench.name)"], environment)
    assert out == "theirs\n"


@pytest.mark.parametrize("python", [*interpreters(), python2()])
def test_the_users_own_sitecustomize_runs(inside, tmp_path, python):
    if python is None:
        pytest.skip("no Python 2.7 on this machine")
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import sys\nsys.users_own = __file__\n")
    environment = inside.environment(PYTHONPATH=str(own))
    script = "import sys, sitecustomize; print(sys.users_own); print(sitecustomize.__file__)"
    out, err = inside.output([python, "-c", script], environment)
    assert [Path(line).with_suffix(".py") for line in out.splitlines()] == [own / "sitecustomize.py"] * 2
    assert err == ""


@pytest.mark.parametrize("python", [*interpreters(), python2()])
@pytest.mark.parametrize("text", ["import missing_module", "1 / 0", "not python ("])
def test_a_broken_one_is_reported_and_the_interpreter_starts(inside, tmp_path, python, text):
    """Exactly as it is without us."""
    if python is None:
        pytest.skip("no Python 2.7 on this machine")
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text(text + "\n")
    without = {**os.environ, "PYTHONPATH": str(own)}
    script = "import sys; sys.stdout.write('started')"
    plain = subprocess.run([python, "-c", script], env=without, capture_output=True, text=True)
    environment = inside.environment(PYTHONPATH=str(own))
    ours = inside.output([python, "-c", script], environment)
    assert (ours[0], ours[1]) == (plain.stdout, plain.stderr)
    assert ours[0] == "started"
    if "missing" in text:
        assert "missing_module" in ours[1] or python == python2()  # 2.7 is silent, with us or without


def test_python2_survives(inside):
    python = python2()
    if python is None:
        pytest.skip("no Python 2.7 on this machine")
    out, err = inside.output([python, "-c", "import sys; print(sys.path[-1])"], inside.environment())
    assert out.strip() != str(inside.payload)
    assert err == ""


def test_in_a_virtual_environment(inside, tmp_path):
    subprocess.check_call([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")])
    python = str(tmp_path / "venv" / "bin" / "python")
    script = "import sys; print(sys.prefix)\n" + WHERE
    out, err = inside.output(["python", "-c", script], inside.environment(python))
    assert out.splitlines()[0] == str(tmp_path / "venv")
    assert out.splitlines()[1].startswith(str(inside.payload))
    assert err == ""


@pytest.mark.parametrize("flag", ["-S", "-I", "-E", "-s", "-B", "-O"])
@pytest.mark.parametrize("python", interpreters())
def test_flags_are_harmless(inside, python, flag):
    out, err = inside.output([python, flag, "-c", "print('started')"], inside.environment(python))
    assert (out, err) == ("started\n", "")


def test_a_vanished_folder_and_a_vanished_working_directory_are_harmless(inside, tmp_path):
    environment = inside.environment()
    script = 'mkdir gone; cd gone; rmdir ../gone; exec "$0" -c "print(1)"'
    out, _ = inside.output(["/bin/sh", "-c", script, sys.executable], environment)
    assert out == "1\n"
    for path in (inside.folder / "site").iterdir():
        if path.is_file():
            path.unlink()
    assert inside.output([sys.executable, "-c", "print(1)"], environment) == ("1\n", "")


def test_a_payload_of_any_name(tmp_path):
    payload = tmp_path / "päy'load\udcff.pyz"
    _, site_dir = write_shims(str(tmp_path), str(payload), sys.executable)
    environment = {**os.environ, "PYTHONPATH": site_dir}
    script = "import sys; print(ascii(sys.path[-1]))"
    assert eval(subprocess.check_output([sys.executable, "-c", script], env=environment)) == str(payload)
