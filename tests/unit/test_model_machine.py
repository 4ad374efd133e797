"""The registry against a model of it that is a few dictionaries: any order of what people do to models."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.model_making import put_version
from tests.store_making import open_store
from workbench.errors import Conflict, NotFound, Refused, WorkbenchError
from workbench.registry import promotion
from workbench.store.registry import model_aliases, model_versions, models
from workbench.text.asset_reference import AssetReference

NAMES = st.sampled_from(["churn", "digits"])
ALIASES = st.sampled_from(["champion", "candidate"])
VERSIONS = st.integers(1, 5)
DEPLOYMENTS = st.sampled_from(["shop", "lab"])
FLOOR = 0.5


class Registry(RuleBasedStateMachine):
    """What the store has to agree with: `worth` by (name, version), aliases, their moves, deployments."""

    @initialize()
    def begin(self) -> None:
        """A store of its own, models with a gate that compares with the champion; churn's is protected."""
        self.folder = Path(tempfile.mkdtemp(prefix="registry-"))
        self.store = open_store(self.folder)
        self.worth: dict[tuple[str, int], float] = {}
        self.given = {"churn": 0, "digits": 0}
        self.aliases: dict[tuple[str, str], int] = {}
        self.stack: dict[tuple[str, str], list[int | None]] = {}
        self.moves: list[tuple[str, str, int | None]] = []
        self.deployed: set[tuple[str, int, str]] = set()
        for name in self.given:
            self.store.write(models.ensure, name)
            self.store.write(models.change_facts, name, {"gate": ["acc >= champion.acc", f"acc > {FLOOR}"]})
        self.store.write(models.change_facts, "churn", {}, models.Protection(("champion",)))

    def moved(self, name: str, alias: str, version: int | None) -> None:
        if version is None:
            self.aliases.pop((name, alias), None)
        else:
            self.aliases[name, alias] = version
        self.moves.append((name, alias, version))

    def attempt(self, function: object, *words: object, **more: object) -> WorkbenchError | None:
        """Do it; the error that the store answered with."""
        try:
            self.store.write(function, *words, **more)  # type: ignore[arg-type]
        except WorkbenchError as problem:
            return problem
        return None

    @rule(name=NAMES, worth=st.sampled_from([0.4, 0.6, 0.8, 0.9]))
    def register(self, name: str, worth: float) -> None:
        """The number is always the next, also after removals."""
        number = put_version(self.store, name, {"acc": worth})
        self.given[name] += 1
        assert number == self.given[name]
        self.worth[name, number] = worth

    @rule(
        name=NAMES,
        alias=ALIASES,
        version=VERSIONS,
        force=st.booleans(),
        looked=st.sampled_from([None, "now", "old"]),
    )
    def promote(self, name: str, alias: str, version: int, force: bool, looked: str | None) -> None:
        """Through the gate, or forced; a stale look is told."""
        current = self.aliases.get((name, alias))
        seen = None if looked is None else (current or 0) if looked == "now" else (current or 0) + 17
        problem = self.attempt(
            promotion.promote,
            AssetReference(name, version),
            alias,
            "ann",
            seen=seen,
            force="why" if force else None,
        )
        worth = self.worth.get((name, version))
        champion = self.aliases.get((name, "champion"))
        if worth is None:
            assert isinstance(problem, NotFound)
        elif looked == "old" or current == version:
            assert isinstance(problem, Conflict)
        elif not force and (worth <= FLOOR or (champion and worth < self.worth[name, champion])):
            assert isinstance(problem, Refused)
            assert not isinstance(problem, Conflict)
        else:
            assert problem is None
            self.stack.setdefault((name, alias), []).append(current)
            self.moved(name, alias, version)

    @rule(name=NAMES, alias=ALIASES, version=VERSIONS | st.none())
    def set_alias(self, name: str, alias: str, version: int | None) -> None:
        """Past the gate, but for a protected one."""
        current = self.aliases.get((name, alias))
        reference = None if version is None else AssetReference(name, version)
        problem = self.attempt(promotion.set_alias, name, alias, reference, "bob")
        if (name, alias) == ("churn", "champion"):
            assert isinstance(problem, Refused)
        elif version is not None and (name, version) not in self.worth:
            assert isinstance(problem, NotFound)
        elif current == version:
            assert isinstance(problem, Conflict)
        else:
            assert problem is None
            self.stack.setdefault((name, alias), []).append(current)
            self.moved(name, alias, version)

    @rule(name=NAMES, alias=ALIASES)
    def rollback(self, name: str, alias: str) -> None:
        """One step back each time, as long as there is somebody to go back to."""
        stack = self.stack.get((name, alias), [])
        problem = self.attempt(promotion.rollback, name, alias, "eve", why="a fire")
        gone = bool(stack) and stack[-1] is not None and (name, stack[-1]) not in self.worth
        bare = bool(stack) and stack[-1] is None and (name, alias) == ("churn", "champion")
        if not stack or gone or bare:
            assert isinstance(problem, Conflict)
        else:
            assert problem is None
            self.moved(name, alias, stack.pop())

    @rule(name=NAMES, version=VERSIONS)
    def remove(self, name: str, version: int) -> None:
        """Refused while somebody uses it, naming who."""
        problem = self.attempt(model_versions.remove, AssetReference(name, version))
        held = sorted(alias for (of, alias), to in self.aliases.items() if (of, to) == (name, version))
        used = sorted(who for of, to, who in self.deployed if (of, to) == (name, version))
        if (name, version) not in self.worth:
            assert isinstance(problem, NotFound)
        elif held or used:
            assert isinstance(problem, Refused)
            assert (problem.data["aliases"], problem.data["deployments"]) == (held, used)
        else:
            assert problem is None
            del self.worth[name, version]

    @rule(name=NAMES, version=VERSIONS, who=DEPLOYMENTS, on=st.booleans())
    def deploy(self, name: str, version: int, who: str, on: bool) -> None:
        """A mark, set and taken away."""
        problem = self.attempt(model_versions.mark_deployed, AssetReference(name, version), who, on)
        if (name, version) not in self.worth:
            assert isinstance(problem, NotFound)
        else:
            assert problem is None
            (self.deployed.add if on else self.deployed.discard)((name, version, who))

    @invariant()
    def agrees(self) -> None:
        """Versions, aliases, deployments and the whole history are what the model says."""
        if not hasattr(self, "store"):
            return
        for name in self.given:
            found = self.store.read(model_versions.find, model_versions.VersionQuery(name=name))
            assert [one.version for one in found] == sorted(
                (number for of, number in self.worth if of == name), reverse=True
            )
            for one in found:
                assert one.aliases == sorted(
                    alias for (of, alias), to in self.aliases.items() if (of, to) == (name, one.version)
                )
                assert one.deployments == sorted(
                    who for of, to, who in self.deployed if (of, to) == (name, one.version)
                )
            held = {alias: to for (of, alias), to in self.aliases.items() if of == name}
            assert self.store.read(models.get, name).aliases == held
            history = self.store.read(model_aliases.history, name)
            told = [(move.name, move.alias, move.version) for move in reversed(history)]
            assert told == [move for move in self.moves if move[0] == name]

    def teardown(self) -> None:
        """Let go of the store."""
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder, ignore_errors=True)


Registry.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestRegistry = Registry.TestCase
