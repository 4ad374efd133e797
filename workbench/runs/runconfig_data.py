"""The data of a `.runconfig`, datasets and places in datastores, as inputs and outputs of a job. Pure."""

from __future__ import annotations

import re
import shlex

from workbench.runs.runconfig_tree import Fields, mapping, text
from workbench.runs.yaml_tree import Node, Place

_INPUT_MODES = {"mount": "ro_mount", "download": "download", "direct": "direct", "none": "direct"}
_OUTPUT_MODES = {"mount": "rw_mount", "upload": "upload", "link": "direct"}
_STORE = ("data_store_name", "datastore_name", "datastore")
_BELOW = ("path_on_data_store", "relative_path")
_PLACES = ("path_on_compute", "overwrite", "environment_variable_name", "mode", "mechanism")
_NAMED = re.compile(r"\$(?:AZUREML_DATAREFERENCE_(\w+)|\{AZUREML_DATAREFERENCE_(\w+)\})")
_CONSUMED = re.compile(r"(?:DatasetConsumptionConfig|DatasetOutputConfig|OutputDatasetConfig):(\w+)")


class Uses:
    """Which names of data are read and which written, for the words that name them."""

    def __init__(self) -> None:
        self.read: set[str] = set()
        self.written: dict[str, Node | None] = {}

    def word(self, word: str) -> str:
        """An argument for a shell: names of data become expressions, all else stays exactly what it is."""
        pieces, end = [], 0
        for found in sorted([*_NAMED.finditer(word), *_CONSUMED.finditer(word)], key=lambda m: m.start()):
            name = next(group for group in found.groups() if group)
            before = word[end : found.start()]
            pieces.append(shlex.quote(before) if before else "")
            written = name in self.written or found.group().startswith(("DatasetOutput", "OutputDataset"))
            pieces.append(f'"${{{{{"outputs" if written else "inputs"}.{name}}}}}"')
            end = found.end()
        rest = word[end:]
        return "".join(pieces) + (shlex.quote(rest) if rest or not pieces else "")


def read_references(fields: Fields, uses: Uses) -> dict[str, Node | None]:
    """dataReferences (AZ-58): places in datastores that are read; those with mode upload are written."""
    found: dict[str, Node | None] = {}
    for name, said in fields.below("data_references").names().items():
        said.known((*_STORE, *_BELOW, *_PLACES))
        address = _address(said)
        if address is None:
            said.complain(said.place, "", "names no datastore")
        elif _mode(said) == "upload":
            uses.written[name] = mapping(said.place, {"path": address, "mode": text(said.place, "upload")})
        else:
            found[name] = _input(said, address)
            uses.read.add(name)
    return found


def read_data(fields: Fields, uses: Uses) -> dict[str, Node | None]:
    """data (AZ-57): datasets by name, and places."""
    found: dict[str, Node | None] = {}
    for name, said in fields.below("data").names().items():
        said.known(("data_location", "create_output_directories", *_PLACES))
        location = said.below("data_location")
        location.known(("dataset", "data_path", "uri"))
        dataset, place = location.below("dataset"), location.below("data_path")
        asset, version = dataset.scalar("name"), dataset.scalar("version")
        address: Node | None = _address(place)
        uri = location.scalar("uri") or location.below("uri").scalar("path")
        if asset is not None:
            suffix = f":{version.text}" if version is not None and version.text != "latest" else ""
            address = text(asset.place, f"azureml:{asset.text}{suffix}")
        elif uri is not None:
            address = uri
        if address is None:
            words = "names no dataset and no datastore; a dataset's id means nothing here, its name does"
            said.complain(said.place, "", words)
            continue
        found[name] = _input(said, address)
        uses.read.add(name)
    return found


def read_written(fields: Fields) -> dict[str, Node | None]:
    """outputData: what is written and where it goes, or what dataset it becomes."""
    found: dict[str, Node | None] = {}
    for name, said in fields.below("output_data").names().items():
        said.known(
            ("output_location", "mechanism", "mode", "additional_options", "environment_variable_name"),
            ignored=("path_on_compute", "overwrite"),
        )
        address = _address(said.below("output_location").below("data_path"))
        options = said.below("additional_options").below("registration_options")
        registered = options.scalar("name")
        mode = text(said.place, _OUTPUT_MODES.get(_mode(said), _mode(said)))
        found[name] = mapping(said.place, {"path": address, "name": registered, "mode": mode})
    return found


def _input(said: Fields, address: Node) -> Node | None:
    variable = said.scalar("environment_variable_name")
    if variable is not None and not variable.text.startswith("AZUREML_DATAREFERENCE_"):
        words = "the variable is AZUREML_DATAREFERENCE_NAME, or name another by environment_variables"
        said.complain(variable.place, "environment_variable_name", words)
    mode = _INPUT_MODES.get(_mode(said), _mode(said))
    return mapping(said.place, {"path": address, "mode": text(_mode_place(said), mode)})


def _mode(said: Fields) -> str:
    node = said.scalar("mechanism") or said.scalar("mode")
    return node.text.lower() if node is not None else "mount"


def _mode_place(said: Fields) -> Place:
    node = said.scalar("mechanism") or said.scalar("mode")
    return said.place if node is None else node.place


def _address(said: Fields) -> Node | None:
    """azureml://datastores/NAME/paths/PATH: the map of data locations says where that is here."""
    store = next((node for key in _STORE if (node := said.scalar(key)) is not None), None)
    below = next((node for key in _BELOW if (node := said.scalar(key)) is not None), None)
    if store is None:
        return None
    path = below.text.strip("/") if below is not None else ""
    return text(store.place, f"azureml://datastores/{store.text}/paths/{path}")
