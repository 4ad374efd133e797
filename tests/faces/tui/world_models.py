"""Models of the fixed world: three families, one with a champion, a gate and a history."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from tests.faces.fixed_runs import ago
from workbench.errors import Conflict, NotFound, Refused, UsageError
from workbench.registry.gate_judge import Standing, judge
from workbench.registry.promotion import checked_rules
from workbench.text.asset_reference import parse


def version(number: int, acc: float | None, name: str = "churn", **more: Any) -> dict[str, Any]:
    """A version as `models.versions` gives it."""
    metrics = (
        {} if acc is None else {"acc": acc, "latency_ms": 10.0 + number, "val/loss": 0.5 - 0.03 * number}
    )
    return {
        "name": name,
        "version": number,
        "created": ago(days=12 - number),
        "created_by": "ann@laptop",
        "manifest": "a" * 64,
        "files": 2,
        "size": 3_400_000 + number,
        "framework": "scikit-learn",
        "framework_version": "1.5.2",
        "format": "safetensors",
        "runs_code": [],
        "tags": {},
        "properties": {},
        "run": f"01JD{30 + number:022d}",
        "run_name": f"calm-otter-{30 + number}",
        "experiment": "mnist",
        "path": "outputs/model",
        "datasets": [{"relation": "training data", "name": "customers", "version": 3}],
        "metrics": metrics,
        "aliases": [],
        "deployments": [],
        "one_file": False,
        **more,
    }


def model(name: str, **more: Any) -> dict[str, Any]:
    """A model as `models.get` gives it."""
    return {
        "name": name,
        "created": ago(days=20),
        "tags": {},
        "versions": 0,
        "aliases": {},
        "gate": [],
        "protected": [],
        **more,
    }


class Models:
    """Answers calls of the noun `models` as the server would, over a few dictionaries."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.found = {
            "churn": model(
                "churn",
                gate=["acc >= champion.acc - 0.002", "latency_ms < 20", "safe"],
                protected=["champion"],
            ),
            "digits": model("digits"),
            "快乐-names": model("快乐-names"),
        }
        self.all = [
            *(version(number, 0.9 + number / 100) for number in range(1, 8)),
            version(8, 0.9, format="pickle", runs_code=["model.pkl"], tags={"stage": "beta"}),
            version(1, None, "digits", run=None, run_name=None, path="digits.onnx", format="onnx"),
        ]
        self.moves: list[dict[str, Any]] = []
        self.measured: dict[str, list[dict[str, Any]]] = {}
        self.move("champion", 6, "ann", "the first one", days=5)
        self.move("champion", 7, "bob", "two points better", days=2)
        self.move("candidate", 8, "ann", None, action="set", hours=3)
        world.answers |= {
            f"models.{name}": getattr(self, name)
            for name in ("list", "get", "versions", "version", "details", "files", "history", "standing",
                         "judge", "promote", "alias", "rollback", "set", "tag", "remove", "register_run", "evaluate",
                         "evaluations")
        }  # fmt: skip

    def move(
        self, alias: str, to: int | None, who: str, why: str | None, action: str = "promote", **past: Any
    ) -> dict[str, Any]:
        aliases = self.found["churn"]["aliases"]
        found: dict[str, Any] = {"id": len(self.moves) + 1, "name": "churn", "alias": alias, "action": action,
                                 "time": ago(**past), "who": who, "forced": False, "why": why,
                                 "version": to, "previous": aliases.get(alias)}  # fmt: skip
        if to is None:
            aliases.pop(alias, None)
        else:
            aliases[alias] = to
        self.moves.insert(0, {key: value for key, value in found.items() if value is not None})
        return self.moves[0]

    def _aliased(self, one: dict[str, Any]) -> dict[str, Any]:
        held = self.found[one["name"]]["aliases"]
        return {**one, "aliases": sorted(alias for alias, to in held.items() if to == one["version"])}

    def list(self, text: str | None = None) -> Any:
        return [self.get(name) for name in sorted(self.found)]

    def get(self, name: str) -> Any:
        if name not in self.found:
            raise NotFound(f"no model {name!r}", "wb model ls shows them")
        mine = [one["version"] for one in self.all if one["name"] == name]
        latest = {"latest": max(mine)} if mine else {}
        return {**self.found[name], "versions": len(mine), **latest}

    def versions(
        self, name: str | None = None, latest: bool = False, run: str | None = None, **_: Any
    ) -> Any:
        found = [
            self._aliased(one)
            for one in self.all
            if name in (None, one["name"]) and run in (None, one.get("run"))
        ]
        if latest:
            found = [one for one in found if one["version"] == self.get(one["name"])["latest"]]
        return sorted(found, key=lambda one: -one["version"])

    def version(self, model: str) -> Any:
        named = parse(model)
        for one in self.versions(named.name):
            if one["version"] == named.version:
                return one
        raise NotFound(f"no model {model}", f"wb model show {named.name} lists its versions")

    def details(self, model: str) -> Any:
        return {
            "signature": {"inputs": [{"name": "age", "type": "double"}], "outputs": [{"type": "long"}]},
            "input_example": {"age": [41.0]},
            "requirements": "scikit-learn==1.5.2\n",
            "formats": {"model.pkl": "pickle"}
            if model.endswith(":8")
            else {"model.safetensors": "safetensors"},
        }

    def files(self, model: str) -> Any:
        first = "model.pkl" if model.endswith(":8") else "model.safetensors"
        return [
            {"path": first, "size": 3_400_000, "sha256": "ab" * 32},
            {"path": "deep/notes\x1b[31m.txt", "size": 12, "sha256": "cd" * 32},
        ]

    def history(self, name: str, **_: Any) -> Any:
        return self.moves if name == "churn" else []

    def standing(self, name: str, **_: Any) -> Any:
        newest: dict[str, Any] = {}
        for move in self.history(name):
            newest.setdefault(move["alias"], move)
        return [newest[alias] for alias in sorted(newest) if "version" in newest[alias]]

    def verdict(self, name: str, number: int, alias: str) -> dict[str, Any]:
        held = {one: self._standing(name, to) for one, to in self.found[name]["aliases"].items()}
        rules = checked_rules(self.found[name]["gate"])
        lines = [judge(rule, self._standing(name, number), held) for rule in rules]
        current = self.found[name]["aliases"].get(alias)
        return {
            "name": name, "version": number, "alias": alias, "passed": all(line.passed for line in lines),
            "lines": [{"rule": line.rule, "passed": line.passed, "said": line.said} for line in lines],
            "protected": alias in self.found[name]["protected"], "time": ago(),
            **({} if current is None else {"current": current}),
        }  # fmt: skip

    def _standing(self, name: str, number: int) -> Standing:
        one = next(one for one in self.all if (one["name"], one["version"]) == (name, number))
        return Standing(
            name,
            number,
            one["metrics"],
            tags=one["tags"],
            properties=one["properties"],
            runs_code=one["runs_code"],
        )

    async def judge(self, model: str, alias: str, **_: Any) -> AsyncGenerator[Any, None]:
        named = parse(model)
        yield {"verdict": self.verdict(named.name, int(named.version or 0), alias)}

    def promote(self, model: str, alias: str, by: str, seen: int, **more: Any) -> Any:
        named = parse(model)
        if self.found[named.name]["aliases"].get(alias, 0) != seen:
            raise Conflict(
                f"{alias} of {named.name} was moved meanwhile by bob: look again", "wb model history"
            )
        verdict = self.verdict(named.name, int(named.version or 0), alias)
        if not verdict["passed"] and not more.get("force"):
            raise Refused("the gate keeps it")
        forced = not verdict["passed"]
        move = self.move(alias, named.version, by, more.get("force") if forced else more.get("why"))
        move |= {"forced": forced, "verdict": verdict}
        self.world.happen("ModelAliasMoved", f"models/{model}")
        return move

    def alias(self, name: str, alias: str, by: str, version: int | None = None, **more: Any) -> Any:
        if alias in self.found[name]["protected"]:
            raise Refused(f"{alias} of {name} is protected: it only moves through the gate")
        self.world.happen("ModelAliasMoved", f"models/{name}:{version or 1}")
        return self.move(alias, version, by, more.get("why"), "set" if version else "remove")

    def evaluations(self, model: str) -> Any:
        return self.measured.get(model, [])

    async def evaluate(self, model: str, **asked: Any) -> AsyncGenerator[Any, None]:
        recipe, dataset = f"job:{asked.get('name') or 'eval.yml'}", asked.get("dataset") or "test:3"
        for status in ("Running", "Completed"):
            run = {"id": "01JE" + "0" * 22, "name": "brave-lark-2", "status": status}
            yield {"evaluation": {"model": model, "recipe": recipe, "dataset": dataset, "run": run}}
        found = {"name": "churn", "version": 8, "recipe": recipe, "dataset": dataset, "run": run["id"],
                 "run_name": run["name"], "status": "Completed", "metrics": {"score": 0.91}}  # fmt: skip
        self.measured[model] = [found]
        yield {"evaluations": [found]}

    def rollback(self, name: str, alias: str, by: str, why: str | None = None, **_: Any) -> Any:
        protected = alias in self.found[name]["protected"]
        if protected and not why:
            raise UsageError(f"{alias} of {name} is protected: taking its move back needs a reason")

        undone = {move.get("undoes") for move in self.moves}
        last = next(
            move
            for move in self.moves
            if move["alias"] == alias and move["id"] not in undone and "undoes" not in move
        )
        move = self.move(alias, last.get("previous"), by, why, "rollback")
        move |= {"undoes": last["id"], "unjudged": protected}
        self.world.happen("ModelAliasMoved", f"models/{name}:{move.get('version', 1)}")
        return move

    def set(
        self, name: str, gate: Any = None, protect: Any = None, unprotect: Any = None, recipes: Any = None
    ) -> Any:
        self.sent = recipes
        try:
            rules = checked_rules(gate or [])
        except UsageError as problem:
            raise UsageError(problem.message, problem.hint, **problem.data) from None
        kept = [one for one in self.found[name]["protected"] if one not in (unprotect or [])]
        self.found[name] |= {
            "gate": [rule.text for rule in rules],
            "protected": sorted({*kept, *(protect or [])}),
        }
        self.world.happen("ModelChanged", f"models/{name}")
        return self.get(name)

    def tag(self, model: str, set: Any = None, remove: Any = None) -> Any:
        named = parse(model)
        one = next(one for one in self.all if (one["name"], one["version"]) == named[:2])
        one["tags"] = {**{k: v for k, v in one["tags"].items() if k not in (remove or [])}, **(set or {})}
        self.world.happen("ModelChanged", f"models/{model}")
        return self.version(model)

    def remove(self, model: str) -> Any:
        named = parse(model)
        self.all = [one for one in self.all if (one["name"], one["version"]) != named[:2]]
        self.world.happen("ModelChanged", f"models/{model}")
        return {"removed": [named.version]}

    async def register_run(self, name: str, run: str, path: str, **_: Any) -> AsyncGenerator[Any, None]:
        yield {"file": "model.safetensors", "done": 0, "total": 3_400_000}
        self.found.setdefault(name, model(name))
        number = len([one for one in self.all if one["name"] == name]) + 1
        new = version(number, 0.99, name, run=run, path=path)
        self.all.append(new)
        self.world.happen("ModelRegistered", f"models/{name}:{number}")
        yield {"file": "model.safetensors", "done": 3_400_000, "total": 3_400_000}
        yield {"version": self._aliased(new)}
