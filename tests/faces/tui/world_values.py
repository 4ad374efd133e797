"""What the runs of the fixed world logged besides curves."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from tests.png_making import gradient

LABELS = ["airplane", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck", "\x1b[31mother"]
MATRIX = [
    [
        0
        if (row * 7 + column * 3) % 4 == 0 and row != column
        else (90 - row if row == column else (row * column) % 9)
        for column in range(10)
    ]
    for row in range(10)
]
MATRIX[9] = [0] * 10
STEPS = [at / 20 for at in range(21)]


def _table(sharp: float) -> list[list[float]]:
    """TP, FP, TN, FN at falling thresholds."""
    return [
        [100 * at ** (1 / sharp), 100 * at**sharp, 100 - 100 * at**sharp, 100 - 100 * at ** (1 / sharp)]
        for at in STEPS
    ]


EVALUATIONS: dict[str, list[dict[str, Any]]] = {
    "confusion": [
        {
            "schema_type": "confusion_matrix",
            "schema_version": "v1",
            "data": {"class_labels": LABELS, "matrix": matrix},
        }
        for matrix in ([[1] * 10] * 10, MATRIX)
    ],
    "accuracy": [
        {
            "schema_type": "accuracy_table",
            "schema_version": "v1",
            "data": {
                "class_labels": ["cat", "dog"],
                "probability_tables": [_table(3.0), _table(1.5)],
                "probability_thresholds": STEPS[::-1],
            },
        }
    ],
    "errors": [
        {
            "schema_type": "residuals",
            "schema_version": "v1",
            "data": {"bin_edges": [-1.0, -0.5, 0.0, 0.5, 1.0], "bin_counts": [3, 40, 55, 2]},
        }
    ],
}
TABLES: dict[str, dict[str, list[Any]]] = {
    "samples/per epoch": {
        "epoch": list(range(30)),
        "picture": [f"img_{at:05}.png" for at in range(30)],
        "p": [at / 30 for at in range(30)],
        "label": ["cat" if at % 3 else "dog" for at in range(30)],
    }
}
TEXTS: dict[str, list[list[Any]]] = {
    "phase": [[0, "warm up"], [100, "train\x1b]0;x\x07"], [900, "cool\ndown"]]
}
LOGGED = [
    *(
        {"name": name, "kind": found[0]["schema_type"], "count": len(found)}
        for name, found in EVALUATIONS.items()
    ),
    {"name": "sample", "kind": "image", "count": 1, "path": "outputs/sample.png"},
    {"name": "photo", "kind": "image", "count": 1, "path": "outputs/photo.jpg"},
    *({"name": name, "kind": "table", "count": 30, "last_step": 29} for name in TABLES),
    *({"name": name, "kind": "text", "count": 3, "last_step": 900} for name in TEXTS),
]
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(10) + b"\xff\xc0\x00\x11\x08\x01\xe0\x02\x80" + bytes(60)


class ValueServices:
    """A part of World."""

    def runs_logged(self, run: str) -> Any:
        return LOGGED

    def runs_evaluations(self, run: str, name: str | None = None, limit: int | None = None) -> Any:
        return EVALUATIONS if name is None else {name: EVALUATIONS[name]}

    def runs_rows(self, run: str, name: str, limit: int) -> Any:
        return {name: TABLES[name]}

    def runs_texts(self, run: str, name: str | None = None, limit: int | None = None) -> Any:
        return TEXTS if name is None else {name: TEXTS[name]}

    async def runs_download(self, run: str, path: str) -> AsyncGenerator[bytes, None]:
        yield gradient(160, 90) if path.endswith(".png") else JPEG
