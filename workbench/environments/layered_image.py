"""A conda file's packages on top of an image: the files of which a machine builds a container of both. Pure.

The cloud's own base images hold conda and nothing else: beside a conda file they say where conda is, and what
the file lists is installed on the machine itself, which needs no container engine. Any other image is meant.
"""

from __future__ import annotations

import shlex

from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind
from workbench.environments.requirement_lines import address_of

BARE = ("mcr.microsoft.com/azureml/", "mcr.microsoft.com/azure-ml/", "viennaglobal.azurecr.io/azureml/")
"""Where the cloud's bases without packages come from."""
PLACE = "/opt/workbench"
INSTALL = "install.sh"
_SCRIPT = """\
set -eu
cd {place}
for conda in micromamba mamba conda; do
    if command -v "$conda" >/dev/null; then
        case $conda in micromamba) words=create ;; *) words="env create" ;; esac
        CONDA_ALWAYS_YES=true "$conda" $words --file conda.yml -p {place}/env
        exit
    fi
done
asked={python}
python=$(command -v python3 || command -v python) || {{
    echo "error: the image has neither conda nor python: the conda file cannot be installed in it" >&2
    exit 1
}}
here=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
case $here. in "$asked".*) ;; *) [ -z "$asked" ] || {{
    echo "error: the conda file wants Python $asked; the image has $here and no conda" >&2
    exit 1
}} ;; esac
left={left}
[ -z "$left" ] || echo "only conda can install $left: missing, since the image has no conda"
{index}if "$python" -m venv --system-site-packages env; then
    pip="env/bin/python -m pip"
else
    rm -rf env
    "$python" -m venv --system-site-packages --without-pip env
    pip="$python -m pip --python env/bin/python"
fi
[ ! -s requirements.txt ] || $pip install --no-cache-dir --disable-pip-version-check -r requirements.txt
"""


def layered(definition: EnvironmentDefinition) -> bool:
    """Whether runs are in a container of an image and the conda file's packages."""
    image = definition.image
    return definition.kind is EnvironmentKind.CONDA and image is not None and not image.startswith(BARE)


def in_container(definition: EnvironmentDefinition) -> bool:
    """Whether its runs are in a container."""
    return definition.kind is EnvironmentKind.IMAGE or layered(definition)


def dockerfile_of(definition: EnvironmentDefinition) -> str:
    """The Dockerfile that lays the packages on the image."""
    return (
        f"FROM {definition.image}\n"
        "USER 0\n"
        f"COPY . {PLACE}/\n"
        f"RUN /bin/sh {PLACE}/{INSTALL}\n"
        f"ENV PATH={PLACE}/env/bin:$PATH\n"
    )


def files_of(definition: EnvironmentDefinition, lock: str | None, left: list[str]) -> dict[str, str]:
    """What lies beside that Dockerfile. lock: of its pip part; left: what only conda has."""
    index = [("PIP_INDEX_URL", [definition.index] if definition.index else []),
             ("PIP_EXTRA_INDEX_URL", definition.indexes)]  # fmt: skip
    exports = [
        f"export {name}={shlex.quote(' '.join(map(address_of, urls)))}\n" for name, urls in index if urls
    ]
    script = _SCRIPT.format(
        place=PLACE,
        python=shlex.quote(definition.python or ""),
        left=shlex.quote(", ".join(left)),
        index="".join(exports),
    )
    return {"conda.yml": definition.conda or "", "requirements.txt": lock or "", INSTALL: script}
