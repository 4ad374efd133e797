"""The digits that scikit-learn brings along become data of one's own: rows to learn from, and rows kept apart."""

import sys
from pathlib import Path

import numpy
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

images, labels = load_digits(return_X_y=True)
learn, apart, learn_labels, apart_labels = train_test_split(
    images, labels, test_size=0.3, random_state=0, stratify=labels
)
folder = Path(sys.argv[1])
numpy.savez(folder / "learn.npz", images=learn, labels=learn_labels)
numpy.savez(folder / "apart.npz", images=apart, labels=apart_labels)
print(len(learn), "to learn from,", len(apart), "kept apart")
