"""What a machine can be asked: no two rooms give a method the same name."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from pathlib import Path

import workbench.remote.methods
from workbench.remote.machine import Machine


def test_no_method_hides_another(tmp_path: Path) -> None:
    machine = Machine(str(tmp_path / "root"), str(tmp_path / "leases"))
    names: Counter[str] = Counter()
    for found in pkgutil.iter_modules(workbench.remote.methods.__path__):
        if found.name.endswith("_methods"):
            module = importlib.import_module(f"workbench.remote.methods.{found.name}")
            if hasattr(module, "table"):
                names.update(module.table(machine).keys())
    assert len(names) > 20
    assert [name for name, count in names.items() if count > 1] == []
