"""Conda files: their pip part, what else of them an index has, and what only conda can install. Pure.

Names of conda's own channels are not those of a package index: what is translated stands in one table, the
rest is named.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from workbench.environments import requirements
from workbench.environments.requirements import Include, Requirements
from workbench.errors import ConfigurationError
from workbench.text.sanitize import clean_name

SAME = frozenset({
    "absl-py", "accelerate", "aiohttp", "altair", "attrs", "beautifulsoup4", "black", "bokeh", "boto3",
    "catboost", "certifi", "cffi", "click", "cloudpickle", "cython", "dask", "datasets", "einops",
    "evaluate", "fastapi", "fastparquet", "filelock", "flake8", "flask", "fsspec", "gensim", "h5py",
    "httpx", "hydra-core", "hyperopt", "imageio", "imbalanced-learn", "ipykernel", "ipython", "ipywidgets",
    "jax", "jinja2", "joblib", "jsonschema", "jupyter", "jupyterlab", "keras", "lightgbm", "lightning",
    "llvmlite", "lxml", "matplotlib", "mlflow", "mypy", "networkx", "nltk", "notebook", "numba", "numpy",
    "onnx", "openpyxl", "optuna", "orjson", "packaging", "pandas", "patsy", "pillow", "plotly", "polars",
    "protobuf", "psutil", "pyarrow", "pydantic", "pygments", "pyspark", "pytest", "python-dateutil",
    "pytorch-lightning", "pytz", "pyyaml", "regex", "requests", "rich", "ruff", "s3fs", "scikit-image",
    "scikit-learn", "scipy", "seaborn", "sentencepiece", "setuptools", "shap", "six", "spacy", "sqlalchemy",
    "statsmodels", "sympy", "tabulate", "tensorboard", "tensorflow", "threadpoolctl", "timm", "tokenizers",
    "torchaudio", "torchmetrics", "torchvision", "tqdm", "transformers", "typing-extensions", "umap-learn",
    "urllib3", "uvicorn", "wheel", "xarray", "xgboost", "zarr"
})  # fmt: skip
"""Packages that an index has under the name that conda has them by."""
RENAMED = {"pytorch": "torch", "tensorflow-gpu": "tensorflow", "py-xgboost": "xgboost",
           "pytorch-cpu": "torch", "opencv": "opencv-python", "matplotlib-base": "matplotlib",
           "dask-core": "dask", "faiss-cpu": "faiss-cpu", "msgpack-python": "msgpack"}  # fmt: skip
WITHOUT = frozenset({"pip", "python", "pytorch-cuda", "cudatoolkit", "cuda-toolkit", "cudnn", "cpuonly",
                     "pytorch-mutex", "mkl", "openssl", "ca-certificates", "libgcc-ng", "libstdcxx-ng",
                     "_libgcc_mutex", "_openmp_mutex", "blas", "openblas", "nccl"})  # fmt: skip
"""What wheels bring themselves, or the interpreter is: nothing is lost where it is left out."""
_SPEC = re.compile(
    r"(?:(?P<channel>[\w./:-]+)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*)\s*(?P<rest>[=<>!~\s].*)?\Z", re.ASCII
)
_PYTHON = re.compile(r"(?:==?)?\s*([23](?:\.[0-9]{1,2}){0,2})(?:\.\*|\*)?(?:=\S*)?\Z")
"""One version of Python; a range leaves it to the machine."""


class CondaFile(NamedTuple):
    """What a conda file says."""

    name: str | None
    python: str | None
    """The version of Python it wants, such as 3.10; None where it names none."""
    requirements: Requirements
    """The pip part and what could be translated."""
    untranslated: list[str]
    """What only conda can install, as it was written."""
    variables: dict[str, str]


def read(text: str, name: str = "conda.yml", include: Include | None = None) -> CondaFile:
    """What a conda file says; raises ConfigurationError."""
    return read_mapping(loaded(text, name), name, include)


def read_mapping(found: Any, name: str = "conda.yml", include: Include | None = None) -> CondaFile:
    """As `read`, of a conda file that is a mapping already."""
    if not isinstance(found, dict):
        raise ConfigurationError(f"{clean_name(name, 200)} is no conda file", "a mapping with dependencies")
    dependencies = found.get("dependencies") or []
    if not isinstance(dependencies, list):
        raise ConfigurationError(f"{clean_name(name, 200)}: dependencies must be a list", "")
    pip: list[str] = []
    conda: list[str] = []
    for item in dependencies:
        if isinstance(item, str):
            conda.append(item.strip())
        elif isinstance(item, dict) and list(item) == ["pip"] and isinstance(item["pip"], list | None):
            pip += [str(line) for line in item["pip"] or []]
        else:
            words = f"{clean_name(name, 200)}: {clean_name(str(item), 80)!r} is no dependency"
            raise ConfigurationError(words, "a text, or {pip: [..]}")
    python, translated, untranslated = _translated(conda)
    return CondaFile(
        str(found["name"]) if found.get("name") else None,
        python,
        requirements.read("\n".join([*translated, *pip]), f"{name} (pip)", include),
        untranslated,
        _variables(found.get("variables"), name),
    )


def loaded(text: str, name: str) -> Any:
    """A YAML file as plain values, without aliases; raises ConfigurationError."""
    if len(text) > requirements.MOST_BYTES:
        raise ConfigurationError(f"{clean_name(name, 200)} is too large for a conda file", "")
    import yaml  # only who reads such a file pays for it

    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise ConfigurationError(f"{clean_name(name, 200)}: aliases are not read", "write it out")
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        reason = clean_name(str(getattr(problem, "problem", None) or "it is no YAML"), 200)
        raise ConfigurationError(f"{clean_name(name, 200)}{line}: {reason}", "") from problem


def _variables(found: Any, name: str) -> dict[str, str]:
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(
        isinstance(value, str | int | float) for value in found.values()
    ):
        raise ConfigurationError(f"{clean_name(name, 200)}: variables must be a mapping to texts", "")
    return {str(key): str(value) for key, value in found.items()}


def _translated(items: list[str]) -> tuple[str | None, list[str], list[str]]:
    python: str | None = None
    lines: list[str] = []
    rest: list[str] = []
    for item in items:
        match = _SPEC.match(item)
        if match is None:
            rest.append(item)
            continue
        name = match["name"].lower()
        if name == "python":
            wanted = _PYTHON.match((match["rest"] or "").strip())
            python = wanted[1] if wanted else python
        if name in WITHOUT:
            continue
        ours = RENAMED.get(name) or (name.replace("_", "-") if name.replace("_", "-") in SAME else None)
        versions = _versions(match["rest"] or "")
        if ours is None or versions is None:
            rest.append(item)
        else:
            lines.append(ours + versions)
    return python, lines, rest


def _versions(text: str) -> str | None:
    """Conda's versions as an index's, without a build string; None for what has no such form."""
    text = text.strip()
    exact = re.fullmatch(r"(=?=)\s*([0-9][A-Za-z0-9.!_+]*?)(\.?\*)?(?:=[A-Za-z0-9_.*]+)?", text)
    if exact is not None:
        sign, version, star = exact.groups()
        return f"=={version}" if sign == "==" and not star else f"=={version}.*"
    bare = re.fullmatch(r"([0-9][A-Za-z0-9.!_+]*?)(\.?\*)?(?:\s+[A-Za-z0-9_.*]+)?", text)
    if bare is not None:
        return f"=={bare[1]}.*" if bare[2] else f"=={bare[1]}"
    if not text or text == "*":
        return ""
    if re.fullmatch(r"(?:(?:>=|<=|>|<|!=|~=)\s*[0-9][A-Za-z0-9.!_+]*(?:\s*,\s*|\Z))+", text):
        return re.sub(r"\s+", "", text)
    return None
