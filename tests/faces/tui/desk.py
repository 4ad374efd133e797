"""What submits, reruns and saves in the fixed world: a Workspace that keeps what it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.faces.fixed_runs import ago
from workbench.errors import NotFound
from workbench.workspace.bundles import BroughtRun
from workbench.workspace.imports import FoundRun, Imported
from workbench.workspace.reports import gather

if TYPE_CHECKING:
    from tests.faces.tui.world import World


class Brought(NamedTuple):
    """What was brought, as `upload` gives it."""

    place: str


class Desk:
    """A workspace on a world; used as a context manager."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, noun: str, method: str, **parameters: Any) -> Any:
        """What needs no loop."""
        return getattr(self.world, f"{noun}_{method}")(**parameters)

    def read(self, noun: str, method: str, **parameters: Any) -> Iterator[bytes]:
        """Bytes that are there already, without a loop."""
        blocks = getattr(self.world, f"{noun}_{method}")(**parameters)
        while (block := self._next(blocks)) is not None:
            yield block

    def _next(self, blocks: Any) -> bytes | None:
        try:
            anext(blocks).send(None)
        except StopIteration as done:
            return bytes(done.value)
        except StopAsyncIteration:
            return None
        raise AssertionError("the world's bytes wait for something")

    def configure(self, **asked: Any) -> Any:
        """The words, as they arrived."""
        return asked

    def submit(self, configuration: Any, *, on_notice: Callable[[str], None]) -> dict[str, Any]:
        """Another run at the top."""
        if configuration.get("target") == "nowhere":
            raise NotFound("there is no machine nowhere", "wb compute ls lists them")
        on_notice("data/ is 200 MB; is it code?")
        self.world.submitted.append(configuration)
        return self._new(configuration.get("name", "new-newt-43"), configuration.get("experiment", "user"))

    def rerun(self, run: str, *, target: str | None, sets: tuple[str, ...], on_notice: Any) -> dict[str, Any]:
        """The same again."""
        again = self.world.run(run)
        self.world.submitted.append({"run": run, "target": target, "sets": sets})
        return self._new("same-seal-44", again["experiment"])

    def _new(self, name: str, experiment: str) -> dict[str, Any]:
        from tests.faces.tui.world_rows import row

        new = row(len(self.world.rows) + 60, name, experiment=experiment, status="Queued", created=ago())
        self.world.loop.call_soon_threadsafe(self.world.add, new)
        return new

    def download(self, run: str, path: str, to: Path, on_progress: Any = None) -> Path:
        """A file that holds its own path."""
        to.write_text(path)
        return to

    def fetch(self, target: str, paths: list[str], to: Path, *, on_progress: Any = None) -> Iterator[Any]:
        """A file that holds its own path."""
        for path in paths:
            to.write_text(path)
            yield to

    def upload(self, target: str, sources: list[Path], to: str, *, on_progress: Any = None) -> Iterator[Any]:
        """A file of the machine's tree."""
        for source in sources:
            if not source.exists():
                raise NotFound(f"there is no {source} here")
            self.world.tree[f"{to}{source.name}"] = source.read_bytes()
            yield Brought(f"{to}{source.name}")

    def find_runs(self, path: str) -> Iterator[FoundRun]:
        """Two runs that other tools logged, one of them known."""
        self.world.calls.append(("find_runs", {"path": path}))
        yield FoundRun("/home/ann/data/exp1", "exp1", ["tensorboard"], known=False)
        yield FoundRun("/home/ann/data/exp2", "exp2", ["table", "tensorboard"], known=True)

    def bring_runs(self, path: str, experiment: str | None) -> Iterator[Imported]:
        """Import both."""
        self.world.calls.append(("bring_runs", {"path": path, "experiment": experiment}))
        yield Imported("01A", "exp1", True, 300, 0, [])
        yield Imported("01B", "exp2", False, 12, 2, [])

    def bring_bundle(self, path: Path) -> list[BroughtRun] | None:
        """Two runs, where the name says that it is a bundle."""
        if path.suffix != ".wb":
            return None
        return [BroughtRun("01A", "exp1", "new"), BroughtRun("01B", "exp2", "known")]

    def export_runs(self, runs: list[str], to: Path) -> None:
        """A file that holds their ids."""
        to.write_text(f"PK {' '.join(runs)}")

    def report(self, runs: list[str]) -> dict[str, Any]:
        """What a report says, of the world's runs."""
        return gather(self, runs, code=False)  # type: ignore[arg-type]

    def save_snapshot(self, run: str, to: Path) -> Path:
        """An empty file in place of a zip."""
        to.write_bytes(b"")
        return to
